"""``/in/voice`` and below: each step is kept, handled, and answered with what is heard next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Blueprint, abort, request
from flask import Response as FlaskResponse
from itsdangerous import BadSignature as Forged

from channels import registry, voice_rows
from channels.base import BadSignature, Request, SendError
from channels.site_form import signer
from channels.voice import CODE, TwilioVoice, caller_of, step_of
from channels.voice_flow import Call, answer
from channels.voice_twiml import Sheet
from channels.web_request import to_request, understood
from config import log, prompts
from config.errors import HariuError
from config.prompts import PromptError
from config.settings import settings
from store import inbox
from store.messages import Attachment, DeliveryReport, Inbound

calls = Blueprint("calls", __name__)
HEARD_SECONDS = 600
_SILENT = {"status", "recording"}  # what Twilio tells us and plays to nobody


def _channel() -> TwilioVoice:
    found = registry.active().get(CODE)
    return found if isinstance(found, TwilioVoice) else abort(404)


@calls.post("/in/voice")
@calls.post("/in/voice/<step>")
def step(step: str = "") -> FlaskResponse:
    """One step of a call."""
    channel, incoming = _channel(), to_request(request.path)
    try:
        channel.verify(incoming)
    except BadSignature:
        log.get().warning("signature refused", channel=CODE)
        abort(403)
    _keep(channel, incoming)
    if step in _SILENT:
        return FlaskResponse("", 200)
    return FlaskResponse(_answer(channel, incoming), content_type="text/xml; charset=utf-8")


def _keep(channel: TwilioVoice, incoming: Request) -> None:
    """Durably first; then done at once, or by a worker where that fails."""
    receipt = understood(channel, incoming)
    messages = tuple(_apart(_addressed, item, item) for item in receipt.messages)
    if any(_apart(_called_again, item, False) for item in messages):
        messages = ()
    inbox.accept(replace(receipt, messages=messages))
    for message in messages:
        if isinstance(message, Inbound):
            _apart(voice_rows.handle, message, None)


def _apart(do: Callable[[Any], Any], message: Inbound | DeliveryReport, otherwise: Any) -> Any:
    """Do what the call can go on without; a database that is away, or a fault of ours, is noted."""
    try:
        return do(message)
    except Exception as error:  # noqa: BLE001 - the web route is one of the four edges
        name = error.code if isinstance(error, HariuError) else type(error).__name__
        log.get().error("step left to a worker", step=do.__name__, error=name)
        return otherwise


def _addressed(message: Inbound | DeliveryReport) -> Inbound | DeliveryReport:
    """With what rows know of it."""
    if isinstance(message, DeliveryReport):
        return message
    unknown = message.attachments or message.address.startswith("withheld:")
    return voice_rows.addressed(message) if unknown else message


def _called_again(message: Inbound | DeliveryReport) -> bool:
    """Whether a call of ours that nobody took is tried once more."""
    if not isinstance(message, DeliveryReport) or not message.error:
        return False
    return voice_rows.call_again(message.provider_id)


def _answer(channel: TwilioVoice, incoming: Request) -> str:
    """What is heard next. Without the database, or us, the caller can still speak: that is kept."""
    call = _call(channel, incoming)
    try:
        return answer(call).xml()
    except Exception as error:  # noqa: BLE001 - the web route is one of the four edges
        log.get().error("answered without rows", channel=CODE, error=type(error).__name__)
        return _without_rows(call).xml()


def _without_rows(call: Call) -> Sheet:
    if call.step == "recorded":
        return call.sheet.say("kept", "goodbye").end()
    return call.sheet.say("notice", "record").record(180)


def _call(channel: TwilioVoice, incoming: Request) -> Call:
    form, query = incoming.form, incoming.query
    sid = form.get("CallSid", "")
    language = query.get("lang", "mn")
    return Call(
        here=f"{settings().public_url}/in/voice",
        account=channel.account,
        sid=sid,
        caller=caller_of(form, sid),
        step=step_of(incoming.path),
        turn=_whole(query.get("turn", "")),
        language=language if language in {"mn", "kk", "en"} else "mn",
        fails=_whole(query.get("fails", "")),
        keys=form.get("Digits", ""),
        do="add" if query.get("do") == "add" else "record",
        of=query.get("of", ""),
        recording=form.get("RecordingSid", ""),
        dialed=form.get("DialCallStatus", ""),
        letter=_whole(query.get("letter", "")),
        heard=_heard_url,
    )


def _whole(given: str) -> int:
    return int(given) if given.isdecimal() and len(given) < 10 else 0


# -- sound ----------------------------------------------------------------------------------------


def _heard_url(recording: str) -> str:
    """Where the caller's own words are played from, for ten minutes."""
    return f"{settings().public_url}/in/voice/heard/{signer('heard').dumps(recording)}"


@calls.get("/in/voice/heard/<token>")
def heard(token: str) -> FlaskResponse:
    """A recording, fetched with our password; silence while it is not there yet."""
    try:
        recording = str(signer("heard").loads(token, max_age=HEARD_SECONDS))
    except Forged:
        abort(404)
    channel = _channel()
    try:
        content = channel.fetch(Attachment("audio", url=channel.recording(recording))).content
    except SendError:
        content = prompts.content(prompts.PAUSE, "mn")
    return FlaskResponse(content, content_type="audio/x-wav")


@calls.get("/in/voice/clips/<name>.wav")
@calls.get("/in/voice/clips/<language>/<name>.wav")
def clip(name: str, language: str = "mn") -> FlaskResponse:
    """A clip; Twilio keeps it for an hour."""
    try:
        content = prompts.content(name, language)
    except PromptError:
        abort(404)
    answered = FlaskResponse(content, content_type="audio/x-wav")
    answered.headers["Cache-Control"] = "public, max-age=3600"
    return answered
