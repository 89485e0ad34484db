"""What a person does in a Telegram chat, as the Update the bot gets for it.

https://core.telegram.org/bots/api#update
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels.sandbox.telegram_methods import described
from channels.sandbox.telegram_state import Json, Telegram
from channels.sandbox.uploads import BadAction, upload

KEPT = ("photo", "voice", "video", "document", "sticker")


@dataclass(frozen=True)
class Action:
    """One thing done: the update without its id, and what the phone shows of it."""

    update: Json
    message_id: int
    shown: Json


def build(telegram: Telegram, body: Json) -> Action:
    """Turn the body of `POST /phone/telegram` into an action; raises `BadAction`."""
    try:
        chat_id = int(body["chat_id"])
    except (KeyError, TypeError, ValueError):
        raise BadAction("chat_id must be a whole number") from None
    telegram.names[chat_id] = str(body.get("first_name") or telegram.names.get(chat_id, "Sandbox"))
    person = {**telegram.chat(chat_id), "is_bot": False}
    del person["type"]
    if body.get("language_code"):
        person["language_code"] = body["language_code"]
    for kind, act in _ACTIONS.items():
        if body.get(kind) is not None:
            return act(telegram, person, body[kind])
    raise BadAction(f"one of {', '.join(_ACTIONS)} is missing")


def _message(telegram: Telegram, person: Json, kind: str, content: Json, **shown: Any) -> Action:
    message = {
        "message_id": telegram.number(),
        "from": person,
        "chat": telegram.chat(person["id"]),
        "date": int(time.time()),
        **content,
    }
    with telegram.lock:
        telegram.messages[person["id"], message["message_id"]] = message
    return Action({"message": message}, message["message_id"], {"kind": kind, **shown})


def _text(telegram: Telegram, person: Json, text: Any) -> Action:
    content = _worded(str(text))
    return _message(telegram, person, "text", content, text=content["text"])


def _worded(text: str) -> Json:
    """A text with its commands marked, as the bot expects them."""
    content: Json = {"text": text}
    if command := re.match(r"/\w+(@\w+)?", text):
        content["entities"] = [{"type": "bot_command", "offset": 0, "length": command.end()}]
    return content


def _location(telegram: Telegram, person: Json, place: Any) -> Action:
    place = place if isinstance(place, dict) else {}
    latitude = float(place.get("latitude", place.get("lat", 47.9188)))
    longitude = float(place.get("longitude", place.get("lon", 106.9176)))
    content = {"location": {"latitude": latitude, "longitude": longitude}}
    return _message(telegram, person, "location", content, text=f"{latitude}, {longitude}")


def _contact(telegram: Telegram, person: Json, given: Any) -> Action:
    given = given if isinstance(given, dict) else {}
    phone = str(given.get("phone_number", given.get("phone", "+97688110001")))
    name = str(given.get("first_name", given.get("name", person["first_name"])))
    contact = {"phone_number": phone, "first_name": name, "user_id": person["id"]}
    return _message(telegram, person, "contact", {"contact": contact}, text=f"{name} {phone}")


def _sender(kind: str) -> Callable[[Telegram, Json, Any], Action]:
    def send(telegram: Telegram, person: Json, given: Any) -> Action:
        given = given if isinstance(given, dict) else {}
        content, content_type, name = upload(kind, given)
        file = telegram.keep(content, content_type, f"{kind}s/{name}")
        caption = str(given.get("caption", ""))
        message = {kind: described(kind, file), **({"caption": caption} if caption else {})}
        media = [{"url": f"/phone/file/{file.id}", "content_type": content_type}]
        return _message(telegram, person, kind, message, text=caption, media=media)

    return send


def _edit(telegram: Telegram, person: Json, given: Any) -> Action:
    message_id = int(given["message_id"])
    key = (person["id"], message_id)
    with telegram.lock:
        old = telegram.messages.get(key)
        if old is None or "text" not in old or old["from"]["id"] != person["id"]:
            raise BadAction("there is no text message of this person with that message_id")
        bare = {name: value for name, value in old.items() if name != "entities"}
        message = {**bare, **_worded(str(given["text"])), "edit_date": int(time.time())}
        telegram.messages[key] = message
    shown = {"kind": "edit", "text": message["text"]}
    return Action({"edited_message": message}, message_id, shown)


def _press(telegram: Telegram, person: Json, given: Any) -> Action:
    """A pressed button; of a message Telegram has forgotten only the id is told."""
    message_id, data = int(given["message_id"]), str(given["data"])
    gone = {"message_id": message_id, "chat": telegram.chat(person["id"]), "date": 0}
    message = telegram.messages.get((person["id"], message_id), gone)
    query = {
        "id": str(telegram.number()),
        "from": person,
        "message": message,
        "chat_instance": str(person["id"]),
        "data": data,
    }
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    labels = [b["text"] for row in rows for b in row if b.get("callback_data") == data]
    shown = {"kind": "button", "text": labels[0] if labels else data}
    return Action({"callback_query": query}, message_id, shown)


def _block(telegram: Telegram, person: Json, blocked: Any) -> Action:
    """The person stops the bot, or (false) starts it again: later messages meet a 403."""
    mode = "blocked" if blocked else "ok"
    switch = {"provider": "telegram", "mode": mode, "address": str(person["id"])}
    telegram.world.behaviour.set(switch)
    bot = telegram.bot
    states: list[Json] = [
        {"status": "member", "user": bot},
        {"status": "kicked", "user": bot, "until_date": 0},
    ]
    old, new = states if blocked else reversed(states)
    change = {
        "chat": telegram.chat(person["id"]),
        "from": person,
        "date": int(time.time()),
        "old_chat_member": old,
        "new_chat_member": new,
    }
    text = "blocked the bot" if blocked else "started the bot again"
    return Action({"my_chat_member": change}, 0, {"kind": "block", "text": text})


_ACTIONS: dict[str, Callable[[Telegram, Json, Any], Action]] = {
    "text": _text,
    "callback": _press,
    "edit": _edit,
    "location": _location,
    "contact": _contact,
    "block": _block,
    **{kind: _sender(kind) for kind in KEPT},
}
