"""Telegram's updates as `Inbound`: a table of the kinds we use. Pure.

https://core.telegram.org/bots/api#update
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from channels.base import Unparseable
from channels.fields import Json, degrees, file_kind, moment, obj, objects, text, whole
from store.messages import Attachment, Contact, Inbound, Kind, Location

CHANNEL = "telegram"

# The commands of the menu; any other word after a slash is text like any other.
_COMMAND = re.compile(r"/(start|help|status|language)(?:@\w+)?(?=\s|$)", re.IGNORECASE)
# Kinds of file and the type of those for which Telegram names none.
_FILES = {
    "voice": "audio/ogg",
    "audio": "audio/mpeg",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "animation": "video/mp4",  # comes with a copy of itself as "document"
    "document": "",
}
_WORDED = ("rich_message", "checklist")
_WORDLESS = ("sticker", "dice", "poll", "story", "game", "paid_media")
# Where words are in rich messages, check lists and polls, and what is nested in what.
_INLINE = ("label", "title", "question", "summary", "text", "alternative_text", "expression")
_NESTED = ("blocks", "items", "cells", "tasks", "caption", "credit")
_MEMBER = {"kicked": "blocked", "member": "unblocked"}


def read(update: Json, account: str) -> Sequence[Inbound]:
    """What ``update`` says to the bot ``account``: a message, or nothing. Raises `Unparseable`."""
    for kind, reader in _READERS.items():
        if isinstance(update.get(kind), dict):
            found = reader(account, update[kind])
            return [found] if found else []
    return []


def _private_chat(source: Json) -> str:
    """The id of a private chat, empty for groups and channels, which we politely ignore."""
    chat = obj(source, "chat")
    number = text(chat, "id")
    if not number:
        raise Unparseable("update without chat")
    return number if chat.get("type") == "private" else ""


def _message(account: str, message: Json, edited: str = "") -> Inbound | None:
    chat, number = _private_chat(message), text(message, "message_id")
    if not number:
        raise Unparseable("message without id")
    content = _content(message)
    if not chat or content is None:
        return None
    kind, words = content
    sender = obj(message, "from")
    return Inbound(
        CHANNEL,
        account,
        f"{chat}:{number}{edited}",
        chat,
        kind,
        words,
        attachments=_attachments(message),
        location=_location(message),
        contact=_contact(message),
        sent_at=moment(message, "edit_date") or moment(message, "date"),
        profile_name=_name(sender),
        language_hint=text(sender, "language_code"),
    )


def _edited(account: str, message: Json) -> Inbound | None:
    """An edit is a message of its own; a live location "edits" itself every few seconds."""
    if "location" in message:
        return None
    return _message(account, message, f":e{text(message, 'edit_date')}")


def _pressed(account: str, query: Json) -> Inbound | None:
    """A pressed button; what we cannot tie to a private chat is ignored."""
    sender, number = obj(query, "from"), text(query, "id")
    address = text(sender, "id")
    if not (address and number):
        raise Unparseable("button press without sender or id")
    if not text(query, "data") or obj(obj(query, "message"), "chat").get("type") != "private":
        return None
    return Inbound(
        CHANNEL,
        account,
        f"cb:{number}",
        address,
        Kind.CHOICE,
        choice=text(query, "data"),
        language_hint=text(sender, "language_code"),
    )


def _membership(account: str, change: Json) -> Inbound | None:
    """The person stopped the bot, or started it again."""
    chat, status = _private_chat(change), text(obj(change, "new_chat_member"), "status")
    if not chat or status not in _MEMBER:
        return None
    identity = f"{chat}:{_MEMBER[status]}:{text(change, 'date')}"
    at = moment(change, "date")
    return Inbound(CHANNEL, account, identity, chat, Kind.OTHER, choice=_MEMBER[status], sent_at=at)


_READERS: dict[str, Callable[[str, Json], Inbound | None]] = {
    "message": _message,
    "edited_message": _edited,
    "callback_query": _pressed,
    "my_chat_member": _membership,
}


def _content(message: Json) -> tuple[Kind, str] | None:
    """Kind and words of a message; None for what Telegram itself puts into the chat."""
    if words := text(message, "text"):
        command = _COMMAND.match(words)
        if command is None:
            return Kind.TEXT, words
        return Kind.COMMAND, f"/{command[1].lower()}{words[command.end() :]}".strip()
    if _attachments(message):
        return Kind.MEDIA, text(message, "caption")
    if _location(message):
        venue = obj(message, "venue")
        return Kind.LOCATION, f"{text(venue, 'title')}\n{text(venue, 'address')}".strip()
    if _contact(message):
        return Kind.CONTACT, ""
    for name in _WORDED:
        if words := _words(obj(message, name)):
            return Kind.TEXT, words
    for name in _WORDLESS:
        if name in message:
            found = obj(message, name)
            return Kind.OTHER, text(found, "emoji") or text(found, "question")
    return None


def _words(found: object, glue: str = "\n") -> str:
    """The words in a rich message's tree, a block a line.

    https://core.telegram.org/bots/api#richmessage
    """
    if isinstance(found, list):
        return glue.join(filter(None, (_words(item, glue) for item in found)))
    if isinstance(found, dict):
        inline = [_words(found[name], "") for name in _INLINE if name in found]
        nested = [_words(found[name]) for name in _NESTED if name in found]
        return glue.join(filter(None, inline + nested))
    return found if isinstance(found, str) else ""


def _attachments(message: Json) -> tuple[Attachment, ...]:
    for kind, usual_type in _FILES.items():
        file = obj(message, kind)
        if text(file, "file_id"):
            content_type = text(file, "mime_type") or usual_type
            return (_attachment(file, content_type),)
    if sizes := objects(message, "photo"):
        return (_attachment(sizes[-1], "image/jpeg"),)  # the largest comes last
    return ()


def _attachment(file: Json, content_type: str) -> Attachment:
    return Attachment(
        file_kind(content_type),
        content_type,
        whole(file, "file_size"),
        text(file, "file_name"),
        handle=text(file, "file_id"),
    )


def _location(message: Json) -> Location | None:
    place = obj(message, "location")
    lat, lon = degrees(place, "latitude"), degrees(place, "longitude")
    return None if lat is None or lon is None else Location(lat, lon)


def _contact(message: Json) -> Contact | None:
    card = obj(message, "contact")
    phone = text(card, "phone_number")
    if not phone:
        return None
    return Contact(phone, _name(card))


def _name(person: Json) -> str:
    return f"{text(person, 'first_name')} {text(person, 'last_name')}".strip()
