"""Messenger's webhook events as `Inbound` and `DeliveryReport`: a table of the kinds we use. Pure.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from channels.base import Unparseable
from channels.fields import Json, degrees, moment, obj, objects, text, whole
from store.messages import Attachment, DeliveryReport, Inbound, Kind, Location, OutboundState

CHANNEL = "messenger"
# An answer to a comment or post goes in private, once: not to a person's id but to this handle.
COMMENT, POST = "comment:", "post:"
LONGEST_ID = 100

Said = Sequence[Inbound | DeliveryReport]

_COMMAND = re.compile(r"/(start|help|status|language)")
_FILES = {"image": "image", "audio": "audio", "video": "video", "file": "document"}
# The thumb of the send button, in its three sizes.
_THUMBS = {"369239263222822", "369239343222814", "369239383222810"}
_LATEST_MS = 253_402_300_799_000  # the last second of the year 9999


def read(event: Json) -> Said:
    """What one call says: entries of one or several pages, each of several events.

    An event that cannot be read costs none of its neighbours. Raises `Unparseable` where there
    is nothing else.
    """
    found: list[Inbound | DeliveryReport] = []
    broken: Unparseable | None = None
    for reader, page, part in _parts(event):
        try:
            found += reader(page, part)
        except Unparseable as problem:
            broken = problem
    if broken and not found:
        raise broken
    return found


def short(identity: str) -> str:
    """A message id as we keep it: Meta promises no length."""
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
    return identity if len(identity) <= LONGEST_ID else digest


Reader = Callable[[str, Json], Said]


def _parts(event: Json) -> Iterator[tuple[Reader, str, Json]]:
    """Every event; those of ``standby`` belong to another app of the page and are left to it."""
    for entry in objects(event, "entry"):
        page = text(entry, "id")
        for item in objects(entry, "messaging"):
            for kind, reader in _READERS.items():
                if isinstance(item.get(kind), dict):
                    yield reader, page, item
                    break
        for change in objects(entry, "changes"):
            # The dashboard's Test button sends samples of every field, from page 0.
            if text(change, "field") == "feed" and page not in ("", "0"):
                yield _feed, page, obj(change, "value")


def _inbound(page: str, item: Json, identity: str, kind: Kind, **rest: Any) -> Inbound:
    sender = text(obj(item, "sender"), "id")
    if not (sender and identity):
        raise Unparseable("event without sender or id", code="unparseable.sender")
    return Inbound(CHANNEL, page, identity, sender, kind, sent_at=_when(item), **rest)


def _message(page: str, item: Json) -> Said:
    message = obj(item, "message")
    if message.get("is_echo") is True:
        return []
    identity, words = short(text(message, "mid")), text(message, "text")
    if payload := text(obj(message, "quick_reply"), "payload"):
        return [_chosen(page, item, identity, payload, words)]
    parts = objects(message, "attachments")
    files, place, sticker = _files(parts), _location(parts), _sticker(parts)
    words = "\n".join([words, *_links(parts, words)]).strip("\n") if parts else words
    kind = Kind.MEDIA if files else Kind.LOCATION if place else Kind.TEXT if words else Kind.OTHER
    words = words or ("👍" if sticker in _THUMBS else "")
    return [_inbound(page, item, identity, kind, text=words, attachments=files, location=place)]


def _edited(page: str, item: Json) -> Said:
    """An edit is a message of its own."""
    edit = obj(item, "message_edit")
    mid = text(edit, "mid")
    identity = mid and short(f"{mid}:e{text(edit, 'num_edit')}")
    return [_inbound(page, item, identity, Kind.TEXT, text=text(edit, "text"))]


def _postback(page: str, item: Json) -> Said:
    """A button of a message, of the menu, or get-started."""
    back = obj(item, "postback")
    payload, title = text(back, "payload"), text(back, "title")
    # Older events have no mid.
    identity = short(text(back, "mid")) or _at(item, f"postback:{_digest(payload)}")
    return [_chosen(page, item, identity, payload or title, title)]


def _chosen(page: str, item: Json, identity: str, payload: str, title: str) -> Inbound:
    if _COMMAND.fullmatch(payload):
        return _inbound(page, item, identity, Kind.COMMAND, text=payload)
    return _inbound(page, item, identity, Kind.CHOICE, text=title, choice=payload)


def _optin(page: str, item: Json) -> Said:
    optin = obj(item, "optin")
    if text(optin, "user_ref"):  # from a check box: nobody who could be answered yet
        return []
    ref = text(optin, "ref") or text(optin, "payload") or text(optin, "type")
    return [_inbound(page, item, _at(item, "optin"), Kind.OTHER, choice=f"optin:{ref}")]


def _referral(page: str, item: Json) -> Said:
    """Somebody opened the chat by a link of ours."""
    ref = text(obj(item, "referral"), "ref")
    return [_inbound(page, item, _at(item, "referral"), Kind.OTHER, choice=f"referral:{ref}")]


def _delivery(page: str, item: Json) -> Said:
    """``mids`` may be missing; the watermark alone names no message."""
    delivery = obj(item, "delivery")
    mids = delivery.get("mids")
    person, at = text(obj(item, "sender"), "id"), _milliseconds(delivery, "watermark")
    return [
        DeliveryReport(CHANNEL, page, short(mid), OutboundState.DELIVERED, person, at=at)
        for mid in (mids if isinstance(mids, list) else [])
        if isinstance(mid, str) and mid
    ]


_READERS: dict[str, Reader] = {
    "message": _message,
    "message_edit": _edited,
    "postback": _postback,
    "optin": _optin,
    "referral": _referral,
    "delivery": _delivery,
}


def _feed(page: str, value: Json) -> Said:
    """A comment on the page, or a post of a visitor; new or edited.

    https://developers.facebook.com/docs/graph-api/webhooks/reference/page/#feed
    """
    author, handle = obj(value, "from"), _handle(value)
    ours = text(author, "id") == page
    words, files = text(value, "message"), _pictures(value)
    if ours or not handle or not (words or files):
        return []
    edited = text(value, "verb") in ("edit", "edited")
    return [
        Inbound(
            CHANNEL,
            page,
            short(f"{handle}:e{_digest(words)}" if edited else handle),
            handle,
            Kind.MEDIA if files else Kind.TEXT,
            words,
            attachments=files,
            sent_at=moment(value, "created_time"),
            profile_name=text(author, "name"),
        )
    ]


def _handle(value: Json) -> str:
    """Where the answer goes; empty for likes, shares, removals and posts nobody signed."""
    if text(value, "verb") not in ("add", "edit", "edited"):
        return ""
    if text(value, "item") == "comment":
        found = text(value, "comment_id")
        return found and COMMENT + found
    if text(value, "item") in ("status", "post", "photo", "video") and obj(value, "from"):
        found = text(value, "post_id")
        return found and POST + found
    return ""


def _pictures(value: Json) -> tuple[Attachment, ...]:
    kinds = {"photo": "image", "video": "video"}
    # ``link`` is where the picture of a visitor's post is; of other items it is a page.
    return tuple(
        Attachment(kind, url=text(value, name) or text(value, "link"))
        for name, kind in kinds.items()
        if text(value, name) or (text(value, "item") == name and text(value, "link"))
    )


def _files(parts: Sequence[Json]) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(_FILES[text(part, "type")], url=text(obj(part, "payload"), "url"))
        for part in parts
        if text(part, "type") in _FILES
        and text(obj(part, "payload"), "url")
        and not _sticker([part])
    )


def _sticker(parts: Sequence[Json]) -> str:
    """The id of a sticker; a type of its own since 2026-08-30, an image before."""
    return next(filter(None, (text(obj(part, "payload"), "sticker_id") for part in parts)), "")


def _location(parts: Sequence[Json]) -> Location | None:
    for part in parts:
        place = obj(obj(part, "payload"), "coordinates")
        lat, lon = degrees(place, "lat"), degrees(place, "long")
        if lat is not None and lon is not None:
            return Location(lat, lon)
    return None


def _links(parts: Sequence[Json], words: str) -> Iterator[str]:
    """Title and address of what was shared (fallback, post, reel), unless the text has them."""
    for part in parts:
        if text(part, "type") in (*_FILES, "sticker", "location"):
            continue
        payload = obj(part, "payload")
        for name in ("title", "url"):
            found = text(payload, name) or text(part, name)
            if found and found not in words:
                yield found


def _at(item: Json, what: str) -> str:
    """An id for an event that has none; empty without a time."""
    at = text(item, "timestamp")
    return at and f"{text(obj(item, 'sender'), 'id')}:{at}:{what}"[:LONGEST_ID]


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _when(item: Json) -> datetime | None:
    return _milliseconds(item, "timestamp")


def _milliseconds(source: Json, name: str) -> datetime | None:
    found = whole(source, name)
    if not found or found > _LATEST_MS:
        return None
    return datetime.fromtimestamp(found / 1000, UTC)
