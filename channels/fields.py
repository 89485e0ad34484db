"""Reading what providers sent without trusting its shape: a wrong type reads as absent. Pure."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from channels.base import Unparseable

Json = Mapping[str, Any]

_LATEST = 253_402_300_799  # the last second of the year 9999
_NOTHING: Json = {}


def parsed(body: bytes) -> object:
    """The JSON in ``body``. Raises `Unparseable`."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unparseable("malformed JSON", code="unparseable.json") from None


def obj(source: Json, name: str) -> Json:
    """The object ``name`` of ``source``, empty if there is none."""
    found = source.get(name)
    return found if isinstance(found, dict) else _NOTHING


def objects(source: Json, name: str) -> list[Json]:
    """The objects in the list ``name`` of ``source``."""
    found = source.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def text(source: Json, name: str) -> str:
    """The text ``name`` of ``source``; a number becomes one."""
    found = source.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found if isinstance(found, str) else ""


def whole(source: Json, name: str) -> int | None:
    """The whole number ``name`` of ``source``, also where it comes as a text."""
    found = text(source, name)
    return int(found) if len(found) < 20 and found.isascii() and found.isdigit() else None


def degrees(source: Json, name: str) -> float | None:
    """The finite number ``name`` of ``source``."""
    found = source.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found) if -360 <= found <= 360 else None


def moment(source: Json, name: str) -> datetime | None:
    """The Unix time ``name`` of ``source``, aware; None where there is none."""
    seconds = whole(source, name)
    if not seconds or seconds > _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def file_kind(content_type: str) -> str:
    """``image``, ``audio``, ``video``, else ``document``."""
    major = content_type.partition("/")[0].strip().lower()
    return major if major in ("image", "audio", "video") else "document"


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in constant time, whatever a caller put into a header."""
    return hmac.compare_digest(*(value.encode("utf-8", "surrogatepass") for value in (one, other)))
