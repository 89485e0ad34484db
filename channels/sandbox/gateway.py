"""The double of SMS gateways, `/gateway/<name>`: a Kannel, or whatever the profile describes.

It asks for exactly the fields and secrets of the profile's table, so that our slips show.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from channels.sandbox.calls import params_of
from channels.sandbox.double import Wording, guard
from channels.sandbox.history import Entry
from channels.sandbox.uploads import BadAction
from channels.sandbox.webhook import Answer, post
from channels.sandbox.world import World
from config.gateway import OF_THE_MESSAGE, PLACE, Gateway
from config.profile import profile
from store.text import split_sms

Json = dict[str, Any]

# https://www.kannel.org/download/1.4.5/userguide-1.4.5/userguide.html#delivery-reports
TAKEN_BY_OPERATOR, DELIVERED, NOT_DELIVERED = 8, 1, 2
REPORTED_AFTER = 0.2


def blueprint(world: World) -> Blueprint:
    """`/gateway/<name>`, GET or POST as the profile says."""
    routes = Blueprint("gateway", __name__, url_prefix="/gateway")
    wording = Wording(_throttled, lambda: _plain("Temporal failure, try again later.", 503))
    guard(routes, "gateway", wording, world.calls, world.behaviour, lambda: request.path)

    @routes.route("/<name>", methods=["GET", "POST"])
    def call(name: str) -> Response:
        gateway = profile().gateways.get(name)
        if gateway is None or request.method not in (gateway.method, "HEAD"):
            return _plain("Not found", 404)
        if request.method == "HEAD":
            return _plain("", 403)
        return _take(world, name, gateway)

    return routes


def _take(world: World, name: str, gateway: Gateway) -> Response:
    """Take one message as this gateway would, or say what is wrong in its way."""
    given = params_of(request)
    headers = {key.lower(): value for key, value in request.headers.items()}
    wrong = _wrong(world, name, gateway.params, given) or _wrong(
        world, name, {key.lower(): value for key, value in gateway.headers.items()}, headers
    )
    if wrong:
        return _plain(f"Authorization failed for sendsms ({wrong})", 403)
    if unknown := given.keys() - gateway.params.keys():
        return _plain(f"unknown parameter {', '.join(sorted(unknown))}", 400)
    to, text = (str(given.get(_named(gateway, role), "")) for role in ("to", "text"))
    if not to.strip("+").isdigit() or not text:
        return _answer(gateway, "Invalid number", 400)
    code = world.behaviour.error("gateway", _international(to))
    if code and gateway.kind == "http":
        return _answer(gateway, "Invalid number", 200)
    if gateway.kind == "kannel" and given.get("coding") != "2":
        text = text.encode("latin-1", "replace").decode("latin-1")  # as Kannel does
    entry = world.history.add(
        "sms", _international(to), "out", text=text, status="sent", parts=len(split_sms(text))
    )
    if gateway.kind == "kannel":
        _report(world, str(given.get("dlr-url", "")), code or DELIVERED, entry)
        return _plain("0: Accepted for delivery", 202)
    world.history.change(entry, status="delivered")
    return _answer(gateway, "", 200)


def _wrong(world: World, name: str, templates: dict[str, str], given: Json) -> str:
    """The first field whose secret is not the configured one; empty if all are right."""
    kept = world.settings.gateways.get(name, {})
    for field, template in templates.items():
        if set(PLACE.findall(template)) & OF_THE_MESSAGE:
            continue
        own = PLACE.sub(lambda match: kept[match[1]].get_secret_value(), template)
        if not hmac.compare_digest(str(given.get(field, "")).encode(), own.encode()):
            return field
    return ""


def _named(gateway: Gateway, role: str) -> str:
    return next(name for name, template in gateway.params.items() if f"{{{role}}}" in template)


def _international(number: str) -> str:
    """The number as our simulated phones are called."""
    digits = number.strip().removeprefix("+")
    return f"+976{digits}" if len(digits) == 8 else f"+{digits}"


def _answer(gateway: Gateway, problem: str, status: int) -> Response:
    """An aggregator (with a key in a header) answers JSON, an operator a word."""
    if gateway.kind == "kannel" or not gateway.headers:
        return _plain(problem or "Sent", status)
    told = {"Message ID": secrets.randbelow(10**9), "Result": "SUCCESS"}
    body = [{"Result": "INVALID_NUMBER"} if problem else told]
    return Response(json.dumps(body), status, mimetype="application/json")


def _report(world: World, url: str, last: int, entry: Entry) -> None:
    """Kannel's two reports: the operator has it; the phone has it, or not."""

    def tell(state: int) -> None:
        address = url.replace("%d", str(state)).replace("%%", "%")
        post(world.http, world.http.build_request("GET", address))
        if state != TAKEN_BY_OPERATOR:
            status = "delivered" if state == DELIVERED else "undelivered"
            world.history.change(entry, status=status)

    if url:
        for number, state in enumerate((TAKEN_BY_OPERATOR, last), 1):
            world.later.run(number * REPORTED_AFTER, lambda state=state: tell(state))  # type: ignore[misc]


def person(world: World, body: Json) -> Json:
    """An SMS to Hariu through a gateway, as `POST /phone/gateway` says; raises `BadAction`."""
    name, sender = str(body.get("name") or ""), str(body.get("from") or "")
    gateway = profile().gateways.get(name)
    kept = world.settings.gateways.get(name)
    if gateway is None or not kept or not sender:
        raise BadAction("name (of a configured gateway), from and text are needed")
    said = {
        "from": sender,
        "to": kept["sender"].get_secret_value() if "sender" in kept else name,
        "text": str(body.get("text") or ""),
        "time": str(body.get("time") or int(time.time())),
        "id": str(body.get("id") or secrets.token_hex(16)),
        "charset": "UTF-8",
    }
    fields = {field: said[role] for role, field in gateway.inbound.items()}
    token = urlencode({"token": kept["token"].get_secret_value()})
    url = f"{world.settings.public_url}/in/gateway/{name}?{token}&{urlencode(fields)}"
    entry = world.history.add("sms", sender, "in", text=said["text"], status="sending")
    return _answered(world, entry, post(world.http, world.http.build_request("GET", url)))


def _answered(world: World, entry: Entry, answer: Answer) -> Json:
    reason = None if answer.ok else f"Hariu's endpoint answered {answer.status or answer.body}"
    status = "delivered" if answer.ok else "failed"
    world.history.change(entry, status=status, error=reason)
    if answer.ok and answer.body:
        # What a gateway is answered it texts to the citizen.
        world.history.add("sms", entry.address, "out", text=answer.body)
    return {"status": answer.status, "answer": answer.body}


def _throttled(seconds: int) -> Response:
    response = _plain("Too many requests", 429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _plain(text: str, status: int) -> Response:
    return Response(text, status, mimetype="text/plain")
