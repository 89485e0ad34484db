"""Files that come with a form: judged by content, kept at once, told of where they are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import filetype

from store import files
from store.attachments import REFUSED, STORED
from store.inbox import clean
from store.messages import Attachment

LARGEST = 20 * 1024 * 1024
MOST_FILES = 5
TOO_LARGE, WRONG_TYPE, TOO_MANY = "too large", "not a kind of file we take", "too many"
# Judged by content, never by the name or type a sender claims.
ALLOWED = {
    "image/jpeg", "image/png", "image/gif", "image/webp", "image/heic",
    "audio/ogg", "audio/mpeg", "audio/amr", "audio/mp4", "audio/m4a", "audio/x-m4a",
    "audio/aac", "audio/x-wav", "audio/wav",
    "video/mp4", "video/3gpp", "video/quicktime", "video/webm",
    "application/pdf", "application/msword", "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
ACCEPTED = ",".join(sorted(ALLOWED | {"text/plain", ".m4a", ".amr", ".heic"}))
_FAMILIES = {"image": "image", "audio": "audio", "video": "video"}


def content_type(content: bytes) -> str | None:
    """What ``content`` really is, if we take such files; plain text is taken as UTF-8."""
    guessed = filetype.guess_mime(content[:8192])
    if guessed is None and content and b"\0" not in content:
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            return None
        return "text/plain"
    return guessed if guessed in ALLOWED else None


def keep(filename: str, claimed: str, content: bytes) -> Attachment:
    """Keep a file, or tell why not: without ``handle`` it was refused.

    ``content`` may end one byte after `LARGEST`: more need not be read to refuse it.
    """
    kind, name = content_type(content), plain_name(filename)
    if kind is None or len(content) > LARGEST:
        claimed = (claimed or "application/octet-stream")[:100]
        return Attachment("document", claimed, len(content), name)
    family = _FAMILIES.get(kind.partition("/")[0], "document")
    return Attachment(family, kind, len(content), name, handle=files.put(content))


def plain_name(filename: str) -> str:
    """The last part of the name: some browsers send the whole path."""
    return clean(re.split(r"[/\\]", filename)[-1])[:100]


def settled(item: Attachment) -> Mapping[str, Any]:
    """The columns of a file that was kept, or refused, before its form was."""
    if item.handle:
        return {"state": STORED, "sha256": item.handle, "not_before": None}
    large = (item.size or 0) > LARGEST
    reason = TOO_LARGE if large else (item.content_type and WRONG_TYPE) or TOO_MANY
    return {"state": REFUSED, "error": reason, "not_before": None}
