"""The Graph API double: the Send API, private replies and the Messenger profile of one page.

Meta ignores much that it does not know; the double refuses it, so that our slips show.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/send-api
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from channels.sandbox.calls import params_of
from channels.sandbox.double import Wording, guard
from channels.sandbox.graph_state import PAGE, Graph, Json, Refusal, bad
from channels.sandbox.world import World
from store.text import ucs2_units

__all__ = ["Graph", "blueprint"]

LONGEST = 2000
MOST_REPLIES = 13
LONGEST_TITLE = 20
LONGEST_PAYLOAD = 1000
LONGEST_GREETING = 160
LONGEST_MENU_TITLE = 30
PROFILE = ("get_started", "greeting", "persistent_menu")
_OF_EVERY_CALL = {"access_token", "appsecret_proof"}
# https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes
_ERRORS = {
    4: (None, "Application request limit reached"),
    10: (2018278, "This message is sent outside of allowed window."),
    190: (None, "Error validating access token: Session has expired"),
    200: (None, "Requires pages_messaging permission to manage the object"),
    551: (1545041, "This person isn't available right now."),
    613: (None, "Calls to this api have exceeded the rate limit."),
}


def blueprint(world: World, graph: Graph) -> Blueprint:
    """`/graph/me…`, with or without a version before ``me``, and the file store."""
    routes = Blueprint("graph", __name__, url_prefix="/graph")
    broken = Refusal(500, 2, "An unexpected error has occurred. Please retry your request later.")
    wording = Wording(_throttled, lambda: _refused(broken))
    guard(routes, "graph", wording, world.calls, world.behaviour, _masked_path)
    routes.register_error_handler(Refusal, _refused)

    @routes.get("/cdn/<path:path>")
    def file(path: str) -> Response:
        found = graph.files.get(path)
        if found is None:
            return Response("URL signature mismatch", 403, mimetype="text/plain")
        return Response(found.content, mimetype=found.content_type)

    @routes.route("/<path:rest>", methods=["GET", "POST"])
    def call(rest: str) -> Response:
        params = params_of(request)
        _authorise(world, params)
        path = re.sub(r"^v\d+\.\d+/", "", rest)
        act = _CALLS.get((request.method, path))
        if act is None:
            raise Refusal(400, 2500, f"Unknown path components: /{path}")
        plain = {name: value for name, value in params.items() if name not in _OF_EVERY_CALL}
        return jsonify(act(graph, plain))

    return routes


def _authorise(world: World, params: Json) -> None:
    """The page token, in a header or a parameter, and the proof where one is given."""
    own = world.settings.messenger_page_token.get_secret_value()
    header = re.sub(r"^(Bearer|OAuth) ", "", request.headers.get("Authorization", ""))
    given = header or str(params.get("access_token", ""))
    if not own or not hmac.compare_digest(given.encode(), own.encode()):
        raise Refusal(400, 190, "Invalid OAuth access token.")
    key = world.settings.messenger_app_secret.get_secret_value().encode()
    proof = hmac.new(key, own.encode(), "sha256").hexdigest()
    if params.get("appsecret_proof", proof) != proof:
        raise bad("Invalid appsecret_proof provided in the API argument")


def _send(graph: Graph, params: Json) -> Json:
    """https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/send-api"""
    _known(params, "recipient", "messaging_type", "message", "tag")
    if params.get("messaging_type") != "RESPONSE":  # Hariu sends nothing else
        raise bad("param messaging_type must be RESPONSE")
    message = params.get("message")
    if not isinstance(message, dict):
        raise bad("The parameter message is required")
    _known(message, "text", "quick_replies")
    text = message.get("text")
    if not isinstance(text, str) or not text.strip():
        raise bad("You must have either text or attachment")
    if ucs2_units(text) > LONGEST:
        raise bad(f"Length of param message[text] must be less than or equal to {LONGEST}")
    replies = _quick_replies(message.get("quick_replies"))
    psid = _recipient(graph, params.get("recipient"))
    return {"recipient_id": psid, "message_id": graph.say(psid, text, replies)}


def _recipient(graph: Graph, recipient: object) -> str:
    """The person: by id within the window, or once by what they wrote on the page."""
    if not isinstance(recipient, dict) or len(recipient) != 1:
        raise bad("param recipient must have exactly one of id, comment_id, post_id")
    ((kind, value),) = recipient.items()
    if kind not in ("id", "comment_id", "post_id") or not re.fullmatch(r"[\d_]+", str(value)):
        raise bad("No matching user found", 2018001)
    if code := graph.world.behaviour.error("graph", str(value)):
        raise error(code)
    if kind == "id":
        if not graph.window_open(str(value)):
            raise error(10)
        return str(value)
    if not graph.reply_once(str(value)):
        raise Refusal(400, 10900, "(#10900) Activity already replied to")
    return graph.authors.get(str(value), str(value))


def error(code: int) -> Refusal:
    """The refusal ``code`` as Meta words it."""
    subcode, message = _ERRORS.get(code, (None, "An error of Meta"))
    return Refusal(500 if code in (1, 2) else 400, code, f"(#{code}) {message}", subcode)


def _quick_replies(found: object) -> list[list[dict[str, str]]]:
    """https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/quick-replies"""
    if found is None:
        return []
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_REPLIES:
        raise bad(f"param message[quick_replies] must have 1 to {MOST_REPLIES} elements")
    for reply in found:
        if not isinstance(reply, dict) or reply.get("content_type") != "text":
            raise bad("param content_type must be text")
        _known(reply, "content_type", "title", "payload")
        _length("title", reply.get("title"), LONGEST_TITLE)
        _length("payload", reply.get("payload"), LONGEST_PAYLOAD)
    return [[{"text": reply["title"], "data": reply["payload"]} for reply in found]]


def _length(name: str, value: object, longest: int) -> None:
    if not isinstance(value, str) or not 1 <= ucs2_units(value) <= longest:
        raise bad(f"Length of param {name} must be from 1 to {longest}")


def _known(given: Json, *names: str) -> None:
    if unknown := given.keys() - {*names}:
        raise bad(f"unknown parameter {', '.join(sorted(unknown))} (Hariu's double refuses it)")


def _set_profile(graph: Graph, params: Json) -> Json:
    """https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/messenger-profile-api"""
    _known(params, *PROFILE)
    wanted = {**graph.profile, **params}
    if "persistent_menu" in wanted and "get_started" not in wanted:
        raise bad("You must set a Get Started button if you also wish to use persistent menu")
    for name in ("greeting", "persistent_menu"):
        if name in params and "default" not in [item.get("locale") for item in params[name]]:
            raise bad(f"{name} needs a default locale")
    for greeting in params.get("greeting", []):
        _length("greeting", greeting.get("text"), LONGEST_GREETING)
    for menu in params.get("persistent_menu", []):
        for button in menu.get("call_to_actions", []):
            _known(button, "type", "title", "payload")
            _length("title", button.get("title"), LONGEST_MENU_TITLE)
    graph.profile = wanted
    return {"result": "success"}


def _get_profile(graph: Graph, params: Json) -> Json:
    _known(params, "fields")
    names = str(params.get("fields", "")).split(",")
    found = {name: value for name, value in graph.profile.items() if name in names}
    return {"data": [found] if found else []}


def _me(graph: Graph, params: Json) -> Json:
    _known(params, "fields")
    return {"id": PAGE, "name": "Hariu"}


_CALLS: dict[tuple[str, str], Callable[[Graph, Json], Json]] = {
    ("POST", "me/messages"): _send,
    ("POST", "me/messenger_profile"): _set_profile,
    ("GET", "me/messenger_profile"): _get_profile,
    ("GET", "me"): _me,
}


def _refused(refusal: Refusal) -> Response:
    body: Json = {"message": str(refusal), "type": "OAuthException", "code": refusal.code}
    if refusal.subcode:
        body["error_subcode"] = refusal.subcode
    response = jsonify({"error": {**body, "fbtrace_id": "ASandboxOfHariu"}})
    response.status_code = refusal.status
    return response


def _throttled(seconds: int) -> Response:
    response = _refused(Refusal(429, 4, "(#4) Application request limit reached"))
    response.headers["Retry-After"] = str(seconds)
    return response


def _masked_path() -> str:
    """The path without the secret part of a file's address."""
    return re.sub(r"/cdn/.*", "/cdn/", request.path)
