"""Keys of partners' programs: made once, shown once, kept as a hash; and what they filed with them.

A key reads ``name.secret``. The name finds the row and may be shown; the secret has 256 bits, so
that a fast hash of it is enough.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import ascii_lowercase
from typing import Any

from sqlalchemy import delete, select, update

from store.db import Transaction
from store.partners import Partner
from store.passwords import OfficerError
from store.schema import api_filing as filing_table
from store.schema import api_key as table
from store.schema import officer, partner

# Whoever repeats a request, does it within this time.
REMEMBERED = timedelta(days=30)
MOST_KEYS = 10
_TOUCH = timedelta(minutes=5)
_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a key: the row of the key, and the partner in whose name it files and reads."""

    key_id: int
    partner: Partner


def make(tx: Transaction, officer_id: int, label: str, now: datetime) -> str:
    """Add a key to a partner's account; the key, which nobody can read again.

    `OfficerError` ``officer.label`` for an empty or too long label, ``officer.keys`` where the
    account has too many already.
    """
    label = " ".join(label.split())
    if not 0 < len(label) <= 100:
        raise OfficerError("a label is 1 to 100 characters", code="officer.label")
    if len(_alive(tx, officer_id)) >= MOST_KEYS:
        raise OfficerError("revoke a key first", code="officer.keys")
    name, secret = secrets.token_hex(5), secrets.token_urlsafe(32)
    row = {
        "officer_id": officer_id, "name": name, "hash": _hash(secret), "label": label,
        "created_at": now,
    }  # fmt: skip
    tx.execute(table.insert(), [row])
    return f"{name}.{secret}"


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _alive(tx: Transaction, officer_id: int) -> list[Any]:
    query = select(table.c.id).where(table.c.officer_id == officer_id, table.c.revoked_at.is_(None))
    return list(tx.execute(query).all())


def listed(tx: Transaction) -> Mapping[int, list[Any]]:
    """The keys of every account by officer id, newest first: number, name, label, moments."""
    columns = (
        table.c.id, table.c.officer_id, table.c.name, table.c.label, table.c.created_at,
        table.c.last_used_at, table.c.revoked_at,
    )  # fmt: skip
    found: dict[int, list[Any]] = {}
    for row in tx.execute(select(*columns).order_by(table.c.id.desc())):
        found.setdefault(row.officer_id, []).append(row)
    return found


def revoke(tx: Transaction, officer_id: int, key_id: int, now: datetime) -> bool:
    """End a key of this account; whether there was one to end."""
    mine = (table.c.id == key_id, table.c.officer_id == officer_id, table.c.revoked_at.is_(None))
    ended = tx.execute(update(table).where(*mine).values(revoked_at=now).returning(table.c.id))
    return ended.first() is not None


def holder(tx: Transaction, key: str, now: datetime) -> Holder | None:
    """Who holds ``key``; None where it is unknown or revoked, or its account shut."""
    name, _, secret = key.partition(".")
    query = (
        select(
            table.c.id, table.c.hash, table.c.last_used_at, partner.c.officer_id,
            partner.c.person_id, partner.c.organisation,
        )
        .join(partner, partner.c.officer_id == table.c.officer_id)
        .join(officer, officer.c.id == table.c.officer_id)
        .where(table.c.name == name[:16], table.c.revoked_at.is_(None), officer.c.active)
    )  # fmt: skip
    row = tx.execute(query).first()
    right = hmac.compare_digest(bytes(row.hash) if row else _NOBODY, _hash(secret))
    if row is None or not right:
        return None
    if row.last_used_at is None or row.last_used_at < now - _TOUCH:
        tx.execute(update(table).where(table.c.id == row.id).values(last_used_at=now))
    return Holder(row.id, Partner(row.officer_id, row.person_id, row.organisation))


# -- what was filed with them ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """The form that a request is: its id, when it first came, and what came then."""

    token: str
    at: datetime
    content: bytes


def claim(
    tx: Transaction, officer_id: int, digest: bytes, content: bytes, now: datetime, span: timedelta
) -> Claim:
    """The form of this request: a new one, or the one of ``span`` ago at most that it repeats."""
    tx.execute(
        delete(filing_table).where(
            filing_table.c.officer_id == officer_id, filing_table.c.at < now - REMEMBERED
        )
    )
    mine = (filing_table.c.officer_id == officer_id, filing_table.c.digest == digest)
    tx.execute(delete(filing_table).where(*mine, filing_table.c.at < now - span))
    row = {
        "officer_id": officer_id, "digest": digest, "content": content, "token": _token(),
        "at": now,
    }  # fmt: skip
    tx.execute(tx.ignore_insert(filing_table), [row])
    found = tx.execute(select(filing_table).where(*mine)).one()
    return Claim(found.token, found.at, bytes(found.content))


def _token() -> str:
    return "".join(secrets.choice(ascii_lowercase) for _ in range(24))


def is_claimed(tx: Transaction, officer_id: int, token: str) -> bool:
    """Whether this account filed a form of that id."""
    mine = (filing_table.c.officer_id == officer_id, filing_table.c.token == token)
    return tx.execute(select(filing_table.c.id).where(*mine)).first() is not None
