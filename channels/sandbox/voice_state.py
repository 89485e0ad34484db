"""Calls as Twilio plays them: TwiML is fetched, signed, and run verb by verb.

https://www.twilio.com/docs/voice/twiml and https://www.twilio.com/docs/voice/api/call-resource.
What a caller hears is noted with its length, so that a call can be timed without waiting for it.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from threading import Lock
from urllib.parse import urljoin
from xml.etree import ElementTree

import httpx

from channels.sandbox.bounded import Bounded
from channels.sandbox.twilio_state import API, Json, Twilio, new_sid
from channels.sandbox.uploads import BadAction
from channels.sandbox.webhook import twilio_request
from config import i18n, prompts
from config.clock import now

MOST_STEPS = 60  # a document that leads in circles ends the call
_SPOKEN = {"Play", "Pause"}


@dataclass
class Recording:
    """What somebody said into a call."""

    sid: str
    content: bytes
    call: str = ""
    created: datetime = field(default_factory=now)

    @property
    def seconds(self) -> int:
        """Whole seconds, as Twilio tells them."""
        return round(length_of(self.content))


def length_of(content: bytes) -> float:
    """Seconds of a WAV file."""
    with wave.open(io.BytesIO(content), "rb") as file:
        return file.getnframes() / file.getframerate()


@dataclass
class Call:
    """One call. ``waiting`` is what it waits for: keys, a voice, a person, nothing, an answer.

    ``heard`` are the clips played so far, ``seconds`` the time the call has taken, rings included.
    """

    sid: str
    direction: str
    person: str
    ours: str
    status: str = "ringing"
    url: str = ""
    status_url: str = ""
    waiting: str = ""
    verbs: list[ElementTree.Element] = field(default_factory=list)
    heard: list[Json] = field(default_factory=list)
    sounds: list[bytes] = field(default_factory=list)
    seconds: float = 0.0
    presses: int = 0
    steps: int = 0
    answers: list[Json] = field(default_factory=list)
    created: datetime = field(default_factory=now)

    def shown(self, since: int = 0) -> Json:
        """The call as a handset shows it, with what was heard from ``since`` on."""
        return {
            "call": self.sid,
            "direction": self.direction,
            "status": self.status,
            "waiting": self.waiting,
            "heard": self.heard[since:],
            "count": len(self.heard),
            "seconds": round(self.seconds, 1),
            "presses": self.presses,
            "answers": self.answers[-20:],
        }


@dataclass
class Exchange:
    """All calls of one sandbox, and the hands that make them."""

    twilio: Twilio
    calls: Bounded[str, Call] = field(default_factory=Bounded)
    recordings: Bounded[str, Recording] = field(default_factory=Bounded)
    voice_url: str = ""
    lock: Lock = field(default_factory=Lock)

    @property
    def here(self) -> str:
        """Where calls to our number lead."""
        return f"{self.twilio.world.settings.public_url}/in/voice"

    def dial(self, person: str, sid: str = "") -> Call:
        """Somebody calls our number; ``person`` is empty for a number that is not shown."""
        call = Call(sid or new_sid("CA"), "inbound", person, self.twilio.number)
        call.status_url = f"{self.here}/status"
        self.calls[call.sid] = call
        self._fetch(call, self.here)
        return call

    def call_out(self, form: Mapping[str, str]) -> Call:
        """We call somebody: it rings until they answer, or do not."""
        call = Call(new_sid("CA"), "outbound-api", form["To"], form["From"], "queued")
        call.url, call.status_url = form["Url"], form.get("StatusCallback", "")
        call.waiting = "answer"
        self.calls[call.sid] = call
        return call

    # -- what a person does -----------------------------------------------------------------

    def take(self, call: Call) -> None:
        """Answer a call of ours."""
        self._expect(call, "answer")
        call.status, call.waiting = "in-progress", ""
        self._fetch(call, call.url)

    def refuse(self, call: Call, status: str) -> None:
        """Let it ring (``no-answer``), or refuse it (``busy``)."""
        self._expect(call, "answer")
        self._end(call, status)

    def press(self, call: Call, keys: str) -> None:
        """Press keys; ``#`` ends a row of them."""
        self._expect(call, "keys")
        gather = call.verbs.pop(0)
        call.presses += len(keys)
        call.seconds += 0.5 * len(keys)
        given = keys.split(gather.get("finishOnKey", "#"))[0] if len(keys) > 1 else keys
        given = given[: int(gather.get("numDigits", "99"))].removesuffix("#")
        call.waiting = ""
        if given:
            self._fetch(call, gather.get("action", ""), {"Digits": given})
        else:
            self._run(call)

    def wait(self, call: Call) -> None:
        """Do nothing until the call goes on by itself."""
        if call.waiting not in {"keys", "voice"}:
            raise BadAction("the call waits for nothing")
        verb = call.verbs.pop(0)
        call.seconds += float(verb.get("timeout", "5"))
        call.waiting = ""
        self._run(call)

    def speak(self, call: Call, content: bytes, *, hang_up: bool = False) -> Recording:
        """Say something, then press # or, in the middle of it, hang up."""
        self._expect(call, "voice")
        verb = call.verbs.pop(0)
        recording = Recording(new_sid("RE"), content, call.sid)
        self.recordings[recording.sid] = recording
        call.seconds += length_of(content)
        call.presses += not hang_up
        call.waiting = ""
        told = self._told(recording) | {"Digits": "hangup" if hang_up else "#"}
        if hang_up:
            call.status = "completed"
        self._fetch(call, verb.get("action", ""), told)
        self._report(call, verb, recording)
        if hang_up:
            self._end(call, "completed")
        return recording

    def person(self, call: Call, status: str) -> None:
        """Somebody of the office takes a connected call (``completed``), or nobody does."""
        self._expect(call, "person")
        dial = call.verbs.pop(0)
        call.waiting = ""
        self._fetch(call, dial.get("action", ""), {"DialCallStatus": status})

    def hang_up(self, call: Call) -> None:
        """Put the phone down."""
        if call.status not in {"completed", "no-answer", "busy"}:
            self._end(call, "completed")

    def _expect(self, call: Call, waiting: str) -> None:
        if call.waiting != waiting:
            raise BadAction(f"the call waits for {call.waiting or 'nothing'}, not {waiting}")

    # -- what the exchange does -------------------------------------------------------------

    def _told(self, recording: Recording) -> dict[str, str]:
        folder = f"/{API}/Accounts/{self.twilio.account}/Recordings"
        base = self.twilio.world.settings.twilio_api.rstrip("/")
        return {
            "RecordingUrl": f"{base}{folder}/{recording.sid}",
            "RecordingSid": recording.sid,
            "RecordingDuration": str(recording.seconds),
        }

    def _report(self, call: Call, verb: ElementTree.Element, recording: Recording) -> None:
        """The call-back about a recording names no caller."""
        url = verb.get("recordingStatusCallback")
        if url:
            told = self._told(recording) | {
                "CallSid": call.sid,
                "AccountSid": self.twilio.account,
                "RecordingStatus": "completed",
                "RecordingChannels": "1",
                "RecordingSource": "RecordVerb",
                "ErrorCode": "0",
            }
            self._post(call, urljoin(self.here, url), told)

    def _end(self, call: Call, status: str) -> None:
        call.status, call.waiting, call.verbs = status, "", []
        if call.status_url:
            told = self._params(call) | {"CallDuration": str(int(call.seconds))}
            self._post(call, call.status_url, told)

    def _params(self, call: Call) -> dict[str, str]:
        outgoing = call.direction.startswith("outbound")
        ends = (call.ours, call.person) if outgoing else (call.person, call.ours)
        given = {
            "CallSid": call.sid,
            "AccountSid": self.twilio.account,
            "From": ends[0],
            "To": ends[1],
            "CallStatus": call.status,
            "ApiVersion": API,
            "Direction": call.direction,
        }
        return {name: value for name, value in given.items() if value}

    def _fetch(self, call: Call, url: str, more: Mapping[str, str] | None = None) -> None:
        """Ask for the next document and run it."""
        call.steps += 1
        target = urljoin(f"{self.here}/", url)
        body = self._post(call, target, self._params(call) | dict(more or {}))
        if call.status == "completed":
            return
        try:
            call.verbs = list(ElementTree.fromstring(body)) if body else []  # noqa: S314 - our own answer
        except ElementTree.ParseError:
            call.verbs = []
        if call.steps > MOST_STEPS:
            call.verbs = []
        self._run(call)

    def _post(self, call: Call, url: str, params: dict[str, str]) -> str:
        world = self.twilio.world
        request = twilio_request(world.http, self.twilio.token, url, params)
        try:
            response = world.http.send(request)
        except httpx.HTTPError as error:
            call.answers.append({"url": url, "status": None, "body": type(error).__name__})
            return ""
        call.answers.append({"url": url, "status": response.status_code, "body": response.text})
        return response.text if response.status_code == httpx.codes.OK else ""

    def _run(self, call: Call) -> None:
        """Run verbs until one waits for the caller; after the last one the call is over."""
        while call.verbs:
            verb = call.verbs[0]
            if verb.tag in _SPOKEN:
                self._sound(call, call.verbs.pop(0))
            elif verb.tag == "Redirect":
                self._fetch(call, (verb.text or "").strip())
                return
            elif verb.tag in {"Gather", "Record", "Dial"}:
                for nested in verb:
                    self._sound(call, nested)
                call.status = "in-progress"
                call.waiting = {"Gather": "keys", "Record": "voice", "Dial": "person"}[verb.tag]
                return
            else:  # Hangup, and whatever no caller hears
                break
        self._end(call, "completed")

    def _sound(self, call: Call, verb: ElementTree.Element) -> None:
        if verb.tag == "Pause":
            call.seconds += float(verb.get("length", "1"))
        elif verb.tag == "Play":
            self._play(call, (verb.text or "").strip())

    def _play(self, call: Call, url: str) -> None:
        call.status = "in-progress"
        try:
            response = self.twilio.world.http.get(url)
            seconds = length_of(response.content)
        except (httpx.HTTPError, wave.Error, EOFError) as error:
            call.answers.append({"url": url, "status": None, "body": type(error).__name__})
            return
        call.seconds += seconds
        name = url.partition("/clips/")[2] or "recording"
        heard = {"n": len(call.sounds), "clip": name, "seconds": round(seconds, 2)}
        call.heard.append(heard | _words(name))
        call.sounds.append(response.content)


def _words(clip: str) -> Json:
    """What is said in a clip of ours: a placeholder may be a mere tone."""
    language, _, name = clip.removesuffix(".wav").partition("/")
    if language not in i18n.LANGUAGES or name not in prompts.names():
        return {}
    return {"words": prompts.text(name, language), "language": language}


def described(account: str, recording: Recording) -> Json:
    """``recording`` as Twilio's Recording resource, as far as anybody reads it here."""
    return {
        "sid": recording.sid,
        "account_sid": account,
        "call_sid": recording.call,
        "duration": str(recording.seconds),
        "status": "completed",
        "date_created": format_datetime(recording.created),
        "uri": f"/{API}/Accounts/{account}/Recordings/{recording.sid}.json",
    }


def resource(account: str, call: Call) -> Json:
    """``call`` as Twilio's Call resource."""
    uri = f"/{API}/Accounts/{account}/Calls/{call.sid}"
    ends = (call.ours, call.person)
    sender, to = ends if call.direction.startswith("outbound") else reversed(ends)
    return {
        "sid": call.sid,
        "account_sid": account,
        "api_version": API,
        "direction": call.direction,
        "from": sender,
        "from_formatted": sender,
        "to": to,
        "to_formatted": to,
        "status": call.status,
        "duration": str(int(call.seconds)),
        "date_created": format_datetime(call.created),
        "date_updated": format_datetime(call.created),
        "start_time": format_datetime(call.created),
        "end_time": None,
        "price": None,
        "price_unit": "USD",
        "answered_by": None,
        "caller_name": None,
        "forwarded_from": None,
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": None,
        "queue_time": "0",
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {"recordings": f"{uri}/Recordings.json"},
    }
