"""The Twilio double: Programmable Messaging's REST API of 2010-04-01.

Twilio ignores parameters it does not know; the double refuses them, so that our slips show.
https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from channels.sandbox import voice
from channels.sandbox.double import Wording, guard
from channels.sandbox.twilio_state import (
    API,
    Json,
    Media,
    Refusal,
    Sms,
    Twilio,
    media_uri,
    new_sid,
    new_sms,
    resource,
)
from channels.sandbox.voice_state import Exchange
from channels.sandbox.world import World
from store.text import ucs2_units

__all__ = ["Twilio", "blueprint"]

CREATE = ("To", "From", "MessagingServiceSid", "Body", "MediaUrl", "StatusCallback")
LIST = ("To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken")
LONGEST = 1600
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
# What Twilio says where `POST /behave` asks for an error of one number.
_SENTENCES = {
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' "
    "number",
    21610: "Attempt to send to unsubscribed recipient",
    21612: "The 'To' phone number is not currently reachable using the 'From' phone number via SMS",
    21614: "'To' number is not a valid mobile number",
}


def blueprint(world: World, twilio: Twilio, exchange: Exchange) -> Blueprint:
    """`/twilio/2010-04-01/Accounts/<sid>/Messages…`, calls and recordings."""
    routes = Blueprint("twilio", __name__, url_prefix="/twilio")
    broken = Refusal(500, 20500, "Internal Server Error")
    wording = Wording(_throttled, lambda: _refused(broken))
    guard(routes, "twilio", wording, world.calls, world.behaviour, lambda: request.path)
    routes.register_error_handler(Refusal, _refused)
    _add_messages(routes, twilio)
    _add_media(routes, twilio)
    voice.add(routes, exchange, lambda account: _authorise(twilio, account))

    @routes.route("/<path:rest>", methods=["GET", "POST", "DELETE"])
    def unknown(rest: str) -> Response:
        raise Refusal(404, 20404, f"The requested resource /{rest} was not found")

    return routes


def _add_messages(routes: Blueprint, twilio: Twilio) -> None:
    folder = f"/{API}/Accounts/<account>/Messages"

    @routes.post(f"{folder}.json")
    def create(account: str) -> tuple[Response, int]:
        _authorise(twilio, account)
        sms = _create(twilio)
        answer = jsonify(resource(account, sms))
        twilio.accept(sms)
        return answer, 201

    @routes.get(f"{folder}.json")
    def listing(account: str) -> Response:
        _authorise(twilio, account)
        return jsonify(_page(twilio))

    @routes.get(f"{folder}/<sid>.json")
    def fetch(account: str, sid: str) -> Response:
        _authorise(twilio, account)
        return jsonify(resource(account, _find(twilio, sid)))


def _add_media(routes: Blueprint, twilio: Twilio) -> None:
    folder = f"/{API}/Accounts/<account>/Messages/<sid>/Media"

    @routes.get(f"{folder}.json")
    def media_list(account: str, sid: str) -> Response:
        _authorise(twilio, account)
        sms = _find(twilio, sid)
        return jsonify({"media_list": [_media(account, sms, media) for media in sms.media]})

    @routes.get(f"{folder}/<media_sid>")
    def content(account: str, sid: str, media_sid: str) -> AnyResponse:
        _authorise(twilio, account)
        _find_media(twilio, sid, media_sid)
        # Twilio sends the reader on to its file store, which asks for no password.
        return redirect(f"{request.host_url}twilio/cdn/{sid}/{media_sid}", 307)

    @routes.get("/cdn/<sid>/<media_sid>")
    def stored(sid: str, media_sid: str) -> Response:
        media = _find_media(twilio, sid, media_sid)
        return Response(media.content, mimetype=media.content_type)


def _authorise(twilio: Twilio, account: str) -> None:
    given = request.authorization
    if given is None or given.type != "basic":
        raise Refusal(401, 20003, "Authenticate")
    same = hmac.compare_digest(f"{given.password}".encode(), twilio.token.encode())
    if not (twilio.account and same and given.username == account == twilio.account):
        raise Refusal(401, 20003, "Authenticate")


def _create(twilio: Twilio) -> Sms:
    form = request.form
    unknown = form.keys() - set(CREATE)
    if unknown:
        raise Refusal(400, 20001, f"Unknown parameters: {', '.join(sorted(unknown))}")
    to, body, urls = form.get("To", ""), form.get("Body", ""), form.getlist("MediaUrl")
    _check_to(twilio, to)
    sender, service = _sender(twilio, form.get("From", ""), form.get("MessagingServiceSid", ""))
    if not body and not urls:
        raise Refusal(400, 21602, "Message body is required.")
    if ucs2_units(body) > LONGEST:
        text = f"The concatenated message body exceeds the {LONGEST} character limit."
        raise Refusal(400, 21617, text)
    if len(urls) > 10:
        raise Refusal(400, 21623, "Number of media files exceeds allowed limit")
    media = [Media(new_sid("ME"), "application/octet-stream", b"") for _ in urls]
    return new_sms(
        direction="outbound-api",
        sender=sender,
        to=to,
        body=body,
        status="queued",
        service=service,
        status_url=form.get("StatusCallback", ""),
        media=media,
    )


def _check_to(twilio: Twilio, to: str) -> None:
    if not to:
        raise Refusal(400, 21604, "A 'To' phone number is required.")
    if not _NUMBER.fullmatch(to):
        raise Refusal(400, 21211, f"Invalid 'To' Phone Number: {to}")
    code = twilio.world.behaviour.error("twilio", to)
    if code:
        raise Refusal(400, code, _SENTENCES.get(code, f"Error {code}"))


def _sender(twilio: Twilio, number: str, service: str) -> tuple[str, str | None]:
    """The number and the service a message is sent from; with a service the number is open."""
    if not number and not service:
        raise Refusal(400, 21603, "A 'From' phone number is required.")
    if service and service != twilio.service:
        raise Refusal(404, 21701, "The Messaging Service does not exist")
    if number and number != twilio.number:
        text = f"The 'From' phone number provided ({number}) is not a valid, SMS-capable number"
        raise Refusal(400, 21606, text)
    return number, service or None


def _find(twilio: Twilio, sid: str) -> Sms:
    sms = twilio.messages.get(sid)
    if sms is None:
        path = request.path.removeprefix("/twilio")
        raise Refusal(404, 20404, f"The requested resource {path} was not found")
    return sms


def _find_media(twilio: Twilio, sid: str, media_sid: str) -> Media:
    for media in _find(twilio, sid).media:
        if media.sid == media_sid:
            return media
    raise Refusal(404, 20404, f"The requested resource {media_sid} was not found")


def _media(account: str, sms: Sms, media: Media) -> Json:
    return {
        "sid": media.sid,
        "account_sid": account,
        "parent_sid": sms.sid,
        "content_type": media.content_type,
        "uri": f"{media_uri(account, sms, media)}.json",
    }


def _page(twilio: Twilio) -> Json:
    """One page of the list; ``PageToken`` names the last message of the page before."""
    args = request.args
    unknown = args.keys() - set(LIST)
    if unknown:
        raise Refusal(400, 20001, f"Unknown parameters: {', '.join(sorted(unknown))}")
    size = min(max(args.get("PageSize", 50, type=int), 1), 1000)
    number = args.get("Page", 0, type=int)
    found = list(filter(_matcher(), twilio.all()))
    token = args.get("PageToken", "").removeprefix("PA")
    start = next((i + 1 for i, sms in enumerate(found) if sms.sid == token), 0)
    page = found[start : start + size]
    more = start + size < len(found)
    return {
        "messages": [resource(twilio.account, sms) for sms in page],
        "page": number,
        "page_size": size,
        "start": number * size,
        "end": number * size + max(0, len(page) - 1),
        "uri": _uri(number, size, token),
        "first_page_uri": _uri(0, size, ""),
        "previous_page_uri": None,
        "next_page_uri": _uri(number + 1, size, page[-1].sid) if more else None,
    }


def _uri(number: int, size: int, token: str) -> str:
    query = {name: value for name, value in request.args.items() if not name.startswith("Page")}
    query |= {"PageSize": str(size), "Page": str(number)}
    if token:
        query["PageToken"] = f"PA{token}"
    return f"{request.path.removeprefix('/twilio')}?{urlencode(query)}"


def _matcher() -> Callable[[Sms], bool]:
    """Whether a message is one that the query asks for."""
    args = request.args
    day, first, last = _moment("DateSent"), _moment("DateSent>"), _moment("DateSent<")

    def wanted(sms: Sms) -> bool:
        return (
            args.get("To", sms.to) == sms.to
            and args.get("From", sms.sender) == sms.sender
            and (day is None or day <= sms.created < day + timedelta(days=1))
            and (first is None or first <= sms.created)
            and (last is None or sms.created <= last)
        )

    return wanted


def _moment(name: str) -> datetime | None:
    if name not in request.args:
        return None
    try:
        moment = datetime.fromisoformat(request.args[name])
    except ValueError:
        raise Refusal(400, 20001, f"{name} is not a valid date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refused(refusal: Refusal) -> Response:
    response = jsonify(
        {
            "code": refusal.code,
            "message": refusal.message,
            "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}",
            "status": refusal.status,
        }
    )
    response.status_code = refusal.status
    return response


def _throttled(seconds: int) -> Response:
    response = _refused(Refusal(429, 20429, "Too Many Requests"))
    response.headers["Retry-After"] = str(seconds)
    return response
