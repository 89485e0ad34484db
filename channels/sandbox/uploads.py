"""Files a simulated phone sends: given as base64, or a sample that ships with the sandbox."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "static" / "samples"
_SAMPLES = {
    "photo": ("photo.jpg", "image/jpeg"),
    "voice": ("voice.ogg", "audio/ogg"),
    "sticker": ("sticker.webp", "image/webp"),
    "document": ("document.pdf", "application/pdf"),
}


class BadAction(ValueError):
    """A phone was told to do what no phone can do; the message says what is wrong."""


def upload(kind: str, given: dict[str, Any]) -> tuple[bytes, str, str]:
    """Content, type and name of a file of ``kind``; the sample where no ``base64`` is given."""
    name, content_type = _SAMPLES.get(kind, (f"{kind}.bin", "application/octet-stream"))
    content_type = str(given.get("content_type", content_type))
    name = str(given.get("name", name)).replace("/", "_")
    if "base64" in given:
        return decoded(given["base64"]), content_type, name
    if kind not in _SAMPLES:
        raise BadAction(f"{kind} needs base64: there is no sample of it")
    return (_FOLDER / _SAMPLES[kind][0]).read_bytes(), content_type, name


def decoded(text: Any) -> bytes:
    """The bytes of a base64 text; raises `BadAction`."""
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise BadAction("base64 is malformed") from None
