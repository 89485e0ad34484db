"""The Telegram double: the Bot API's address, credentials, parameter checks and answer forms.

Base addresses for python-telegram-bot: ``…/telegram/bot`` and ``…/telegram/file/bot``.
https://core.telegram.org/bots/api#making-requests
"""

from __future__ import annotations

import hmac
import re

from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import FileStorage

from channels.sandbox.calls import params_of
from channels.sandbox.double import Wording, guard
from channels.sandbox.telegram_methods import METHODS, Ask
from channels.sandbox.telegram_state import Json, Refusal, Telegram, bad
from channels.sandbox.world import World

__all__ = ["Telegram", "blueprint"]


def blueprint(world: World, telegram: Telegram) -> Blueprint:
    """`/telegram/bot<token>/<method>` and `/telegram/file/bot<token>/<path>`."""
    routes = Blueprint("telegram", __name__, url_prefix="/telegram")
    wording = Wording(_throttled, lambda: _refused(Refusal(500, "Internal Server Error")))
    guard(routes, "telegram", wording, world.calls, world.behaviour, _masked_path)
    routes.register_error_handler(Refusal, _refused)

    @routes.route("/bot<token>/<method>", methods=["GET", "POST"])
    def call(token: str, method: str) -> Response:
        _authorise(world, token)
        return jsonify({"ok": True, "result": _call(telegram, method)})

    @routes.get("/file/bot<token>/<path:path>")
    def download(token: str, path: str) -> Response:
        _authorise(world, token)
        for file in list(telegram.files.values()):
            if file.path == path:
                return Response(file.content, mimetype="application/octet-stream")
        raise Refusal(404, "Not Found")

    @routes.route("/<path:rest>", methods=["GET", "POST"])
    def unknown(rest: str) -> Response:
        raise Refusal(404, "Not Found")

    return routes


def _authorise(world: World, token: str) -> None:
    own = world.settings.telegram_token.get_secret_value()
    if not own or not hmac.compare_digest(token.encode(), own.encode()):
        raise Refusal(401, "Unauthorized")


def _call(telegram: Telegram, name: str) -> object:
    """Find the method (its name may be in any case), check the parameters, do it."""
    known = {method.lower(): method for method in METHODS}
    if name.lower() not in known:
        raise Refusal(404, "Not Found")
    function, required, optional = METHODS[known[name.lower()]]
    params, files = params_of(request), request.files.to_dict()
    _check(params, files, required.split(), optional.split())
    plain = {name: value for name, value in params.items() if name not in files}
    return function(telegram, Ask(plain, files))


def _check(
    params: Json, files: dict[str, FileStorage], required: list[str], optional: list[str]
) -> None:
    attached = {
        value.removeprefix("attach://")
        for value in params.values()
        if isinstance(value, str) and value.startswith("attach://")
    }
    unknown = params.keys() - {*required, *optional} - (files.keys() & attached)
    if unknown:
        raise bad(f"unknown parameter {', '.join(sorted(unknown))} (Hariu's double refuses it)")
    missing = [name for name in required if name not in params]
    if missing:
        raise bad(f"parameter {', '.join(missing)} is required")


def _refused(refusal: Refusal) -> Response:
    body: Json = {
        "ok": False,
        "error_code": refusal.status,
        "description": refusal.description,
    }
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    response = jsonify(body)
    response.status_code = refusal.status
    return response


def _throttled(seconds: int) -> Response:
    text = f"Too Many Requests: retry after {seconds}"
    return _refused(Refusal(429, text, {"retry_after": seconds}))


def _masked_path() -> str:
    """The path without the token, which is a secret."""
    return re.sub(r"/bot[^/]+", "", request.path)
