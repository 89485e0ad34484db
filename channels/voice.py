"""The hotline through Twilio: signed steps of a call in, calls out by REST, recordings fetched.

Every step of a call is a request of its own; its place in the call is in the address asked for
(``turn``), so that a repeated request is the same message. What is said, `channels.voice_flow`
decides. https://www.twilio.com/docs/voice/twiml#request-parameters
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from channels import twilio_webhook
from channels.base import (
    Fetched,
    Problem,
    Rejected,
    Request,
    SendError,
    Throttled,
    Unanswered,
    Unparseable,
    WindowClosed,
)
from channels.fields import Json, objects, text
from channels.twilio_rest import Codes, TwilioRest, moment
from channels.twilio_webhook import Params
from config import clock, prompts
from config.profile import profile
from config.settings import Settings
from store.messages import (
    CALLBACK,
    Attachment,
    Capabilities,
    DeliveryReport,
    Inbound,
    Kind,
    Outbound,
    OutboundState,
    SendResult,
)

CODE = "voice"
RING_SECONDS = 40
FOUND_WITHIN = timedelta(minutes=10)
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
# What stands for a caller who shows no number. https://www.twilio.com/docs/voice/api/call-resource
_WITHHELD = {
    "", "+7378742833", "+2562533", "+8656696", "+266696687", "+86282452253", "anonymous",
    "restricted", "blocked", "unknown", "unavailable", "private",
}  # fmt: skip
# Letters that clips can say: where the matter stands now. The others need eyes, or an officer.
SPOKEN = {
    "appealed", "assigned", "closed", "escalated", "extended", "investigation", "late",
    "redress_proposed", "reopened", "withdrawn",
}  # fmt: skip
CODES = Codes(  # dead: no phone number, or not allowed to be called
    dead={"21211", "21214", "21217", "13224"},
    fast={"20429"},
    ours={"20003", "20005", "21212", "21210", "21205", "21609"},
)


class TwilioVoice:
    """Calls to and from ``account``, a number of ours."""

    code = CODE
    capabilities = Capabilities(form="chat", media=True, inline=True, per_second=1.0, abroad=True)

    def __init__(self, chosen: Settings) -> None:
        self.account = number_of(chosen)
        self._token = chosen.twilio_auth_token.get_secret_value()
        self._rest = TwilioRest(CODE, chosen, CODES)
        self._on_loopback = chosen.on_loopback
        self._here = f"{chosen.public_url}/in/voice"

    def verify(self, request: Request) -> None:
        """https://www.twilio.com/docs/usage/webhooks/webhooks-security"""
        twilio_webhook.verify(request, self._token, any_loopback=self._on_loopback)

    def parse(self, request: Request) -> Sequence[Inbound | DeliveryReport]:
        """The step that a request tells of; nothing for a recording that is not whole yet."""
        (event,) = twilio_webhook.events(request)[:1] or [{}]
        call = event.get("CallSid", "")
        if not call:
            raise Unparseable("no call id", code="unparseable.id")
        step = step_of(request.path)
        if step == "status":
            return [self._ended(event, call)]
        if step in {"recorded", "recording"}:
            return self._recorded(event, call, request.query)
        return [self._pressed(step, event, call, request.query)]

    def _ended(self, event: Params, call: str) -> Inbound | DeliveryReport:
        if not _outgoing(event):
            return self._inbound(event, call, f"{call}:ended", {"do": "ended"})
        status = event.get("CallStatus", "")
        state = OutboundState.DELIVERED if status == "completed" else OutboundState.FAILED
        error = "" if status == "completed" else f"call.{status}"
        return DeliveryReport(CODE, self.account, call, state, event.get("To", ""), error)

    def _recorded(self, event: Params, call: str, query: Mapping[str, str]) -> list[Inbound]:
        """By the call's own request or, after a hang-up, by the call-back: the same message."""
        sid, status = event.get("RecordingSid", ""), event.get("RecordingStatus", "completed")
        if not sid or status != "completed" or event.get("RecordingDuration") == "0":
            return []
        answers = {"do": query.get("do") or "record", "language": query.get("lang", "")}
        sound = Attachment("audio", "audio/x-wav", name="", url=self.recording(sid))
        return [self._inbound(event, call, f"{call}:{sid}", answers, sound)]

    def _pressed(self, step: str, event: Params, call: str, query: Mapping[str, str]) -> Inbound:
        answers = done(step, event.get("Digits", ""))
        if answers["do"] == "person" and caller_of(event, call).startswith("withheld:"):
            answers = {"do": "key"}  # nobody could call them back
        turn = query.get("turn", "0")
        return self._inbound(event, call, f"{call}:{step or 'ring'}:{turn}", answers)

    def _inbound(
        self,
        event: Params,
        call: str,
        identity: str,
        answers: Mapping[str, str],
        *attachments: Attachment,
    ) -> Inbound:
        caller = caller_of(event, call)
        texts = {"texts": "yes"} if profile().voice.takes_texts(caller) else {}
        kind = Kind.MEDIA if attachments else Kind.COMMAND
        return Inbound(
            CODE, self.account, identity, caller, kind, attachments=attachments,
            answers={"call": call, **answers, **texts},
        )  # fmt: skip

    def recording(self, sid: str) -> str:
        """Where Twilio keeps a recording; a WAV file without an ending of the name."""
        return f"{self._rest.folder}/Recordings/{sid}"

    def send(self, outbound: Outbound) -> SendResult:
        """Call somebody: https://www.twilio.com/docs/voice/api/call-resource#create-a-call"""
        self._check_letter(outbound)
        form = {
            "To": outbound.address,
            "From": self.account,
            "Url": f"{self._here}/out?letter={outbound.id}",
            "StatusCallback": f"{self._here}/status",
            "Timeout": str(RING_SECONDS),
        }
        sid = text(self._rest.call("POST", "Calls.json", form), "sid")
        if not sid:
            raise Unanswered("voice: answer without a call id", code="unreadable")
        return SendResult(sid)

    def _check_letter(self, outbound: Outbound) -> None:
        """Only what clips can say, only to a number, only when people may be called."""
        if not _NUMBER.fullmatch(outbound.address):
            raise Rejected("the caller showed no number", code="voice.withheld")
        if outbound.key.startswith(f"{CALLBACK}:"):
            return  # they called a moment ago
        if outbound.key.split(">")[0].rsplit(":", 1)[-1] not in SPOKEN:
            raise WindowClosed("no clip holds these words", code="voice.words")
        wait = profile().voice.callable_from(clock.now(), profile().timezone) - clock.now()
        if wait.total_seconds() > 1:
            raise Throttled(wait.total_seconds(), "not at this hour", code="voice.hours")

    def find(self, outbound: Outbound) -> SendResult | None:
        """The newest call to this number, of the last ten minutes."""
        query = {"To": outbound.address, "From": self.account, "PageSize": "5"}
        for call in objects(self._rest.call("GET", "Calls.json", query), "calls"):
            created = moment(text(call, "date_created"))
            if created and clock.now() - created <= FOUND_WITHIN:
                return SendResult(text(call, "sid"))
        return None

    def fetch(self, attachment: Attachment) -> Fetched:
        """https://www.twilio.com/docs/voice/api/recording: behind our password, and it may lag."""
        if not attachment.url.startswith(f"{self._rest.folder}/"):
            raise Rejected("the recording is not at Twilio", code="foreign")
        return self._rest.file(attachment)

    def recent(self, since: datetime) -> Iterator[tuple[bytes, Sequence[Inbound]]]:
        """Recordings since ``since`` that Twilio has, oldest first, to find those we missed.

        Those of calls that may still be going on come by themselves.
        """
        query = {"DateCreated>": f"{since.astimezone(UTC):%Y-%m-%d}", "PageSize": "1000"}
        listed = objects(self._rest.call("GET", "Recordings.json", query), "recordings")
        for recording in reversed(listed):
            created = moment(text(recording, "date_created"))
            if created and since <= created <= clock.now() - FOUND_WITHIN:
                yield from self._missed(recording)

    def _missed(self, recording: Json) -> Iterator[tuple[bytes, Sequence[Inbound]]]:
        sid, call = text(recording, "sid"), text(recording, "call_sid")
        made = self._rest.call("GET", f"Calls/{call}.json", {})
        event = {
            "CallSid": call,
            "RecordingSid": sid,
            "RecordingDuration": text(recording, "duration"),
            "From": text(made, "from"),
            "To": text(made, "to"),
            "Direction": text(made, "direction"),
        }
        if said := self._recorded(event, call, {}):
            yield json.dumps(event).encode(), said

    def check(self) -> Iterable[Problem]:
        """Whether Twilio lets us in and sends calls here, and whether people spoke the clips."""
        machine = [
            f"{language}/{name}"
            for language in profile().languages
            for name in prompts.names()
            if prompts.source(name, language) != "recorded"
        ]
        if machine:
            advice = f"{len(machine)} clips are placeholders a machine made: have them recorded"
            yield Problem("voice.placeholders", f"{advice} (hariu prompts list)")
        try:
            query = {"PhoneNumber": self.account}
            found = self._rest.call("GET", "IncomingPhoneNumbers.json", query)
        except SendError as error:
            yield Problem("voice.down", f"Twilio does not answer as it should ({error.code})")
            return
        for number in objects(found, "incoming_phone_numbers"):
            if text(number, "voice_url") != self._here:
                advice = f"set the number's voice URL to {self._here}, its status to /status"
                yield Problem("voice.url", f"{advice}: hariu channel set-up voice")

    def set_up(self, public_url: str) -> Iterable[str]:
        """https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource"""
        here = f"{public_url}/in/voice"
        query = {"PhoneNumber": self.account}
        found = self._rest.call("GET", "IncomingPhoneNumbers.json", query)
        for number in objects(found, "incoming_phone_numbers"):
            form = {"VoiceUrl": here, "StatusCallback": f"{here}/status"}
            self._rest.call("POST", f"IncomingPhoneNumbers/{text(number, 'sid')}.json", form)
            yield f"calls to {self.account} come to {here}"


def number_of(chosen: Settings) -> str:
    """The number that calls; "" where texts go through a messaging service and none is named."""
    return profile().voice.number or (
        chosen.twilio_from if chosen.twilio_from.startswith("+") else ""
    )


def step_of(path: str) -> str:
    """``recorded`` of ``/in/voice/recorded``, "" of ``/in/voice``."""
    return path.partition("/in/voice")[2].strip("/")


def done(step: str, digits: str) -> dict[str, str]:
    """What a key means at a step, as `bot.calls` knows it."""
    if step == "language":
        language = {"1": "mn", "2": "kk", "3": "en"}.get(digits, "")
        return {"do": "language", "language": language} if language else {"do": "key"}
    if step == "number":
        return {"do": "number", "number": digits}
    if step == "code":
        return {"do": "code", "code": digits}
    if step == "agreed":
        answer = {"1": "text", "2": "call", "3": "unnamed"}.get(digits, "")
        return {"do": "agree", "answer": answer}
    if (step == "chosen" and digits == "0" and not connects()) or (step, digits) == (
        "callback",
        "2",
    ):
        return {"do": "person"}
    return {"do": "ring" if step in {"", "out"} else "key" if digits else "silence"}


def connects() -> bool:
    """Whether somebody sits in the office who can take a call now."""
    return bool(profile().voice.dial) and clock.in_hours(clock.now(), profile())


def caller_of(event: Params, call: str) -> str:
    """The person's number; without one the call itself is their address."""
    given = event.get("To" if _outgoing(event) else "From", "").strip()
    return f"withheld:{call}" if given.casefold() in _WITHHELD else given


def _outgoing(event: Params) -> bool:
    return event.get("Direction", "").startswith("outbound")
