"""Personal data at rest: encrypted columns and blind indexes.

A value is stored as ``key id, nonce, AES-GCM ciphertext`` with the column's name as associated
data, so that a value moved to another column does not open. The blind index is an HMAC under a
key derived from the oldest data key: equality search works, reading does not, and rotation keeps
old indexes valid.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from config.errors import HariuError
from config.settings import settings


class CryptoError(HariuError):
    """A data key is missing or wrong, or a stored value does not open with it."""

    code = "crypto"


@dataclass(frozen=True)
class Keyring:
    """Data keys by id; the first one encrypts, all decrypt, ``index_key`` makes blind indexes."""

    newest: str
    ciphers: dict[str, AESGCM]
    index_key: bytes


def parse_keys(text: str) -> Keyring:
    """Read ``id:base64,id:base64`` (newest first, 32 bytes each)."""
    try:
        pairs = [item.strip().split(":", 1) for item in text.split(",") if item.strip()]
        keys = {name: base64.b64decode(value, validate=True) for name, value in pairs}
    except (ValueError, binascii.Error):
        raise CryptoError("HARIU_DATA_KEY must read id:base64,id:base64") from None
    if not keys or any(len(key) != 32 for key in keys.values()):
        raise CryptoError("HARIU_DATA_KEY must hold at least one key of 32 bytes")
    oldest = list(keys.values())[-1]
    index_key = hmac.digest(oldest, b"hariu blind index", "sha256")
    return Keyring(next(iter(keys)), {name: AESGCM(key) for name, key in keys.items()}, index_key)


@cache
def keyring() -> Keyring:
    """The keys of this process."""
    return parse_keys(settings().data_key.get_secret_value())


def seal(plain: bytes, context: str) -> bytes:
    """Encrypt ``plain`` for the column named ``context`` (``table.column``)."""
    ring, nonce = keyring(), os.urandom(12)
    name = ring.newest.encode()
    return (
        bytes([len(name)])
        + name
        + nonce
        + ring.ciphers[ring.newest].encrypt(nonce, plain, context.encode())
    )


def unseal(stored: bytes, context: str) -> bytes:
    """Decrypt what `seal` made; `CryptoError` where key or column do not fit."""
    end = 1 + stored[0]
    name = stored[1:end].decode("ascii", "replace")
    cipher = keyring().ciphers.get(name)
    if cipher is None:
        raise CryptoError(f"data key {name} is not in HARIU_DATA_KEY")
    try:
        return cipher.decrypt(stored[end : end + 12], stored[end + 12 :], context.encode())
    except InvalidTag:
        raise CryptoError(f"a value of {context} does not open with data key {name}") from None


def blind(purpose: str, value: str) -> bytes:
    """The blind index (16 bytes) of ``value``; the same value differs between purposes."""
    return hmac.digest(keyring().index_key, f"{purpose}\0{value}".encode(), "sha256")[:16]
