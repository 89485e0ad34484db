"""What a person does in a Messenger chat or on the page, as the entry Meta posts for it.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels.sandbox.graph_state import (
    PAGE,
    Graph,
    Json,
    entry_of,
    messaging,
    milliseconds,
    new_mid,
)
from channels.sandbox.uploads import BadAction, upload

# Meta's kind, and the sample of the sandbox that stands for it.
_SAMPLES = {"image": "photo", "audio": "voice", "video": "video", "file": "document"}
THUMB = 369239263222822


@dataclass(frozen=True)
class Action:
    """One thing done: the entry of the event, its id, and what the phone shows of it."""

    entry: Json
    identity: str
    shown: Json


@dataclass(frozen=True)
class Person:
    """Who does it, and where our own file store is."""

    graph: Graph
    psid: str
    name: str
    host: str


def build(graph: Graph, body: Json, host: str) -> Action:
    """Turn the body of `POST /phone/messenger` into an action; raises `BadAction`."""
    psid = str(body.get("psid") or "")
    if not psid.isdigit():
        raise BadAction("psid must be a whole number")
    person = Person(graph, psid, str(body.get("name") or "Sandbox"), host.rstrip("/"))
    for kind, act in _ACTIONS.items():
        if body.get(kind) is not None:
            return act(person, body[kind])
    raise BadAction(f"one of {', '.join(_ACTIONS)} is missing")


def _message(person: Person, content: Json, **shown: Any) -> Action:
    mid = str(content.get("mid") or new_mid())
    event = messaging(person.psid, {"message": {"mid": mid, **content}})
    person.graph.wrote(person.psid)
    return Action(entry_of(event), mid, {"kind": "text", **shown})


def _text(person: Person, text: Any) -> Action:
    return _message(person, {"text": str(text)}, text=str(text))


def _quick_reply(person: Person, given: Any) -> Action:
    title, payload = str(given["title"]), str(given["payload"])
    content = {"text": title, "quick_reply": {"payload": payload}}
    return _message(person, content, text=title, kind="button")


def _postback(person: Person, given: Any) -> Action:
    title, payload = str(given["title"]), str(given["payload"])
    mid = new_mid()
    event = messaging(person.psid, {"postback": {"mid": mid, "title": title, "payload": payload}})
    person.graph.wrote(person.psid)
    return Action(entry_of(event), mid, {"kind": "button", "text": title})


def _get_started(person: Person, given: Any) -> Action:
    profile = person.graph.profile.get("get_started", {})
    payload = profile.get("payload", "/start")
    return _postback(person, {"title": "Get Started", "payload": payload})


def _file(kind: str) -> Callable[[Person, Any], Action]:
    def act(person: Person, given: Any) -> Action:
        given = given if isinstance(given, dict) else {}
        content, content_type, name = upload(_SAMPLES[kind], given)
        path = f"/graph/cdn/{person.graph.keep(content, content_type, name)}"
        part = {"type": kind, "payload": {"url": f"{person.host}{path}"}}
        text = str(given.get("text") or "")
        media = [{"url": path, "content_type": content_type}]
        body: Json = {"attachments": [part], **({"text": text} if text else {})}
        return _message(person, body, text=text, kind="media", media=media)

    return act


def _sticker(person: Person, given: Any) -> Action:
    payload = {"url": f"{person.host}/graph/cdn/sticker", "sticker_id": THUMB}
    content = {"attachments": [{"type": "sticker", "payload": payload}]}
    return _message(person, content, text="👍", kind="sticker")


def _edit(person: Person, given: Any) -> Action:
    edit: Json = {"mid": str(given["mid"]), "text": str(given["text"]), "num_edit": 1}
    event = messaging(person.psid, {"message_edit": edit})
    return Action(entry_of(event), edit["mid"], {"kind": "edit", "text": edit["text"]})


def _referral(person: Person, ref: Any) -> Action:
    told = {"ref": str(ref), "source": "SHORTLINK", "type": "OPEN_THREAD"}
    person.graph.wrote(person.psid)
    event = messaging(person.psid, {"referral": told})
    return Action(entry_of(event), "", {"kind": "button", "text": f"m.me/…?ref={ref}"})


def _comment(person: Person, text: Any) -> Action:
    """Opens no window: the page may answer once in private."""
    number = milliseconds()
    identity = f"{PAGE}_{number}"
    person.graph.authors[identity] = person.psid
    value = {
        "from": {"id": person.psid, "name": person.name},
        "post": {"status_type": "mobile_status_update", "is_published": True, "id": f"{PAGE}_1"},
        "message": str(text),
        "post_id": f"{PAGE}_1",
        "comment_id": identity,
        "created_time": int(time.time()),
        "item": "comment",
        "parent_id": f"{PAGE}_1",
        "verb": "add",
    }
    entry = {"id": PAGE, "time": number, "changes": [{"field": "feed", "value": value}]}
    return Action(entry, identity, {"kind": "comment", "text": str(text)})


_ACTIONS: dict[str, Callable[[Person, Any], Action]] = {
    "quick_reply": _quick_reply,
    "postback": _postback,
    "get_started": _get_started,
    "image": _file("image"),
    "audio": _file("audio"),
    "video": _file("video"),
    "file": _file("file"),
    "sticker": _sticker,
    "edit": _edit,
    "referral": _referral,
    "comment": _comment,
    "text": _text,
}
