"""What a call hears next, as TwiML. Pure.

https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self
from urllib.parse import urlencode

from twilio.twiml.voice_response import Gather, VoiceResponse

from config.prompts import PAUSE, spoken_digits

KEY_SECONDS = 6  # to think before a key
SILENCE_SECONDS = 5  # that end a recording


class Sheet:
    """One answer: verbs in their order. ``turn`` counts the steps of the call.

    A clip is named ``menu``, or ``kk/menu`` in another language than the call's.
    """

    def __init__(self, here: str, language: str, turn: int) -> None:
        self.here, self.language, self.turn = here, language, turn
        self.response = VoiceResponse()

    def url(self, step: str, **query: object) -> str:
        """Where a step is asked for; it says where in the call it stands, and nothing of anybody.

        A repeated request of the provider is so the same message.
        """
        shown = {name: value for name, value in query.items() if value}
        return f"{self.here}/{step}?" + urlencode(
            {"lang": self.language, "turn": self.turn + 1, **shown}
        )

    def say(self, *names: str) -> Self:
        """Play clips."""
        for clip in names:
            self.response.play(self._clip(clip))
        return self

    def play(self, url: str) -> Self:
        """Play a recording."""
        self.response.play(url)
        return self

    def digits(self, number: str) -> Self:
        """Read a number digit by digit."""
        return self.say(*spoken_digits(number))

    def ring(self, seconds: int) -> Self:
        """Let it ring: a pause at the beginning comes before the call is taken."""
        if seconds:
            self.response.pause(length=seconds)
        return self

    def ask(
        self, step: str, names: Iterable[str] = (), *, longest: int = 1, **query: object
    ) -> Self:
        """Play and wait for keys; silence goes to the same step, without any."""
        action = self.url(step, **query)
        gather = Gather(
            input="dtmf", action=action, method="POST", timeout=KEY_SECONDS, num_digits=longest,
            finish_on_key="#",
        )  # fmt: skip
        for clip in names:
            gather.play(self._clip(clip))
        self.response.append(gather)
        return self.go(step, **query)

    def record(self, longest: int, *, do: str = "record", fails: int = 0, of: str = "") -> Self:
        """Record until a key, silence or a hang-up; the call-back comes whatever happens."""
        self.response.record(
            action=self.url("recorded", do=do, of=of),
            method="POST",
            max_length=longest,
            timeout=SILENCE_SECONDS,
            finish_on_key="#*",
            play_beep=True,
            trim="do-not-trim",
            recording_status_callback=self.url("recording", do=do, of=of),
            recording_status_callback_event="completed",
            recording_status_callback_method="POST",
        )
        # An empty recording is not told of: the call goes on here.
        return self.go("silent", do=do, of=of, fails=fails)

    def dial(self, numbers: Iterable[str], seconds: int) -> Self:
        """Connect to whoever of the office answers first."""
        action = self.url("dialed")
        dialing = self.response.dial(action=action, method="POST", timeout=seconds)
        for number in numbers:
            dialing.number(number)
        return self

    def go(self, step: str, **query: object) -> Self:
        """Go on with another step."""
        self.response.redirect(self.url(step, **query), method="POST")
        return self

    def end(self) -> Self:
        """Hang up."""
        self.response.hangup()
        return self

    def xml(self) -> str:
        """The document."""
        return str(self.response)

    def _clip(self, clip: str) -> str:
        language, _, name = clip.rpartition("/")
        if name == PAUSE:
            return f"{self.here}/clips/{PAUSE}.wav"
        return f"{self.here}/clips/{language or self.language}/{name}.wav"
