"""The trail: a keyed hash chain per grievance over salted commitments. Pure.

An event's payload is bound by ``commitment = HMAC(salt, payload)``; the chain runs over the
commitments, so a payload and its salt can be erased (a person's right) and the chain still
verifies. Links are HMACs under a key of this instance: whoever can only write rows cannot forge.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from config.errors import HariuError
from config.settings import settings

GENESIS = bytes(32)


class TrailError(HariuError):
    """The trail cannot be signed or checked."""

    code = "trail"


@cache
def key() -> bytes:
    """The trail's key, derived from the secret key of this instance."""
    secret = settings().secret_key.get_secret_value().encode()
    if not secret:
        raise TrailError("HARIU_SECRET_KEY is not set: nothing can be signed")
    return hmac.digest(secret, b"hariu trail", "sha256")


@dataclass(frozen=True, slots=True)
class Link:
    """What the chain adds to an event."""

    salt: bytes
    commitment: bytes
    hash: bytes


def canonical(payload: Mapping[str, Any]) -> bytes:
    """The one spelling of a payload that is hashed."""
    return json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def commit(salt: bytes, payload: Mapping[str, Any]) -> bytes:
    """The commitment to ``payload`` under ``salt``."""
    return hmac.digest(salt, canonical(payload), "sha256")


def link_hash(
    previous: bytes, grievance_id: int, seq: int, kind: str, at: datetime, actor: str,
    commitment: bytes,
) -> bytes:  # fmt: skip
    """The hash of event ``seq`` after ``previous``."""
    micros = int(at.timestamp() * 1_000_000)
    head = f"{grievance_id}|{seq}|{kind}|{micros}|{actor}|".encode()
    return hmac.digest(key(), previous + head + commitment, "sha256")


def link(
    previous: bytes, grievance_id: int, seq: int, kind: str, at: datetime, actor: str,
    payload: Mapping[str, Any],
) -> Link:  # fmt: skip
    """Commit to ``payload`` and chain it after ``previous``."""
    salt = os.urandom(16)
    commitment = commit(salt, payload)
    chained = link_hash(previous, grievance_id, seq, kind, at, actor, commitment)
    return Link(salt, commitment, chained)


def head_mac(grievance_id: int, seq: int, head: bytes) -> bytes:
    """Binds a grievance row to the end of its chain: a cut-off end shows."""
    return hmac.digest(key(), b"head|" + f"{grievance_id}|{seq}|".encode() + head, "sha256")


def digest(heads: Iterable[tuple[int, int, bytes]]) -> bytes:
    """One hash over (grievance id, seq, hash) of every chain's end, in id order."""
    total = hashlib.sha256()
    for grievance_id, seq, head in heads:
        total.update(f"{grievance_id}|{seq}|".encode() + head)
    return total.digest()


def sign(at: datetime, last_event_id: int, events: int, root: bytes) -> bytes:
    """The signature of a root over all chains."""
    line = f"root|{int(at.timestamp() * 1_000_000)}|{last_event_id}|{events}|".encode()
    return hmac.digest(key(), line + root, "sha256")
