"""The voice half of the Twilio double, and the handset of the phones page.

`POST /phone/call` does what a person at a telephone does: ``{"do": "dial", "from": "+976…"}``, then
with ``call``: ``press`` (``keys``), ``speak`` (``base64`` of a WAV file, or a sample; ``hang_up``),
``wait``, ``person`` (``status``), ``take``, ``refuse`` (``status``) and ``hang_up``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from channels.sandbox.calls import params_of
from channels.sandbox.twilio_state import API, Refusal
from channels.sandbox.uploads import BadAction, decoded
from channels.sandbox.voice_state import Call, Exchange, described, resource

CREATE = ("To", "From", "Url", "Method", "StatusCallback", "StatusCallbackEvent", "Timeout")
NUMBER_FORM = ("VoiceUrl", "StatusCallback", "VoiceMethod")
SAMPLE = Path(__file__).parent / "static" / "samples" / "speech.wav"
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_STATUSES = {"completed", "busy", "no-answer", "failed", "canceled"}


def add(routes: Blueprint, exchange: Exchange, authorise: Callable[[str], None]) -> None:
    """Calls, recordings and our number, under ``routes``."""
    folder = f"/{API}/Accounts/<account>"

    @routes.post(f"{folder}/Calls.json")
    def create_call(account: str) -> tuple[Response, int]:
        authorise(account)
        call = exchange.call_out(_checked(exchange))
        return jsonify(resource(account, call)), 201

    @routes.get(f"{folder}/Calls.json")
    def list_calls(account: str) -> Response:
        authorise(account)
        wanted, size = request.args.get("To"), request.args.get("PageSize", 50, type=int)
        found = [
            call for call in reversed(exchange.calls.values()) if wanted in (None, call.person)
        ]
        return jsonify({"calls": [resource(account, call) for call in found[:size]]})

    @routes.get(f"{folder}/Calls/<sid>.json")
    def one_call(account: str, sid: str) -> Response:
        authorise(account)
        call = exchange.calls.get(sid)
        if call is None:
            raise Refusal(404, 20404, "The requested call was not found")
        return jsonify(resource(account, call))

    _add_recordings(routes, exchange, authorise, folder)
    _add_numbers(routes, exchange, authorise, folder)


def _add_recordings(
    routes: Blueprint, exchange: Exchange, authorise: Callable[[str], None], folder: str
) -> None:
    @routes.get(f"{folder}/Recordings.json")
    def list_recordings(account: str) -> Response:
        authorise(account)
        found = reversed(exchange.recordings.values())
        return jsonify({"recordings": [described(account, recording) for recording in found]})

    @routes.get(f"{folder}/Recordings/<sid>")
    def recording(account: str, sid: str) -> AnyResponse:
        authorise(account)
        _recorded(exchange, sid)
        return redirect(f"{request.host_url}twilio/cdn/{sid.removesuffix('.wav')}", 307)

    @routes.get("/cdn/<sid>")
    def sound(sid: str) -> Response:
        return Response(_recorded(exchange, sid), mimetype="audio/x-wav")


def _add_numbers(
    routes: Blueprint, exchange: Exchange, authorise: Callable[[str], None], folder: str
) -> None:
    @routes.get(f"{folder}/IncomingPhoneNumbers.json")
    def numbers(account: str) -> Response:
        authorise(account)
        ours = {
            "sid": "PN" + "0" * 32,
            "phone_number": exchange.twilio.number,
            "voice_url": exchange.voice_url,
        }
        return jsonify({"incoming_phone_numbers": [ours]})

    @routes.post(f"{folder}/IncomingPhoneNumbers/<sid>.json")
    def change_number(account: str, sid: str) -> Response:
        authorise(account)
        _only(NUMBER_FORM)
        exchange.voice_url = request.form.get("VoiceUrl", "")
        return jsonify({"sid": sid, "voice_url": exchange.voice_url})


def _only(known: tuple[str, ...]) -> None:
    unknown = request.form.keys() - set(known)
    if unknown:
        raise Refusal(400, 20001, f"Unknown parameters: {', '.join(sorted(unknown))}")


def _checked(exchange: Exchange) -> dict[str, str]:
    _only(CREATE)
    form = request.form.to_dict()
    to = form.get("To", "")
    if not _NUMBER.fullmatch(to):
        raise Refusal(400, 21211, f"Invalid 'To' Phone Number: {to}")
    if form.get("From") != exchange.twilio.number:
        raise Refusal(400, 21210, "'From' phone number not verified")
    if not form.get("Url", "").startswith("http"):
        raise Refusal(400, 21205, "Url is not a valid URL")
    code = exchange.twilio.world.behaviour.error("twilio", to)
    if code:
        raise Refusal(400, code, f"Error {code}")
    return form


def _recorded(exchange: Exchange, sid: str) -> bytes:
    found = exchange.recordings.get(sid.removesuffix(".wav"))
    if found is None:
        raise Refusal(404, 20404, "The requested recording was not found")
    return found.content


# -- the handset ----------------------------------------------------------------------------------


def handset(exchange: Exchange) -> Blueprint:
    """`POST /phone/call`, `GET /phone/calls?phone=`, `GET /phone/call/<sid>/<n>.wav`."""
    routes = Blueprint("handset", __name__, url_prefix="/phone")

    @routes.errorhandler(BadAction)
    def wrong(error: BadAction) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 400

    @routes.post("/call")
    def call() -> Response:
        body = params_of(request)
        since = int(body.get("since") or 0)
        return jsonify(act(exchange, body).shown(since))

    @routes.get("/calls")
    def calls() -> Response:
        phone = request.args.get("phone", "")
        found = [call for call in exchange.calls.values() if call.person == phone]
        return jsonify([call.shown() for call in found])

    @routes.get("/call/<sid>/<int:number>.wav")
    def sound(sid: str, number: int) -> Response:
        call = exchange.calls.get(sid)
        if call is None or number >= len(call.sounds):
            return Response("Not found\n", 404, mimetype="text/plain")
        return Response(call.sounds[number], mimetype="audio/x-wav")

    return routes


def act(exchange: Exchange, body: dict[str, Any]) -> Call:
    """Do what ``body`` asks for; raises `BadAction`."""
    do = str(body.get("do") or "")
    if do == "dial":
        return exchange.dial(str(body.get("from") or ""), str(body.get("call") or ""))
    call = exchange.calls.get(str(body.get("call") or ""))
    if call is None:
        raise BadAction("there is no such call")
    status = str(body.get("status") or "no-answer")
    if status not in _STATUSES:
        raise BadAction(f"no status {status}")
    if do == "press":
        exchange.press(call, str(body.get("keys") or ""))
    elif do == "speak":
        content = decoded(body["base64"]) if body.get("base64") else SAMPLE.read_bytes()
        exchange.speak(call, content, hang_up=bool(body.get("hang_up")))
    elif do in {"wait", "take", "hang_up"}:
        getattr(exchange, do)(call)
    elif do in {"person", "refuse"}:
        getattr(exchange, do)(call, status)
    else:
        raise BadAction(f"nobody can {do or 'do nothing'} with a telephone")
    return call
