"""Links that need no account: one page for one person, until used, expired or taken back.

Whoever holds the token holds the page, so of the token only its hash is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from store.db import Transaction
from store.schema import grievance, partner_file
from store.schema import partner_link as table

HAND_OFF, APPROVAL = "hand_off", "approval"


@dataclass(frozen=True, slots=True)
class Link:
    """What a link opens, for whom, until when."""

    kind: str
    grievance_id: int
    name: str
    expires_at: datetime
    gist: str = ""
    due_at: datetime | None = None
    officer_id: int | None = None


def add(tx: Transaction, link: Link, now: datetime) -> str:
    """Make a link; its token, to be told to one person and shown never again."""
    token = secrets.token_urlsafe(32)
    row = {
        "kind": link.kind, "grievance_id": link.grievance_id, "token_hash": _hash(token),
        "name": link.name, "gist": link.gist, "due_at": link.due_at,
        "officer_id": link.officer_id, "created_at": now, "expires_at": link.expires_at,
    }  # fmt: skip
    tx.execute(table.insert(), [row])
    return token


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


_QUERY = select(table, grievance.c.place, grievance.c.status).join(
    grievance, grievance.c.id == table.c.grievance_id
)


def find(tx: Transaction, kind: str, token: str, now: datetime) -> Any:
    """The row of a live link, answered or not; None for any other token."""
    wanted = _hash(token)
    query = _QUERY.where(
        table.c.token_hash == wanted,
        table.c.kind == kind,
        table.c.revoked_at.is_(None),
        table.c.expires_at > now,
    )
    row = tx.execute(query).first()
    # The index found it by prefix and order; what opens a page is a comparison in constant time.
    return row if row is not None and hmac.compare_digest(bytes(row.token_hash), wanted) else None


def opened(tx: Transaction, link_id: int, now: datetime) -> None:
    """Remember when the page was first read."""
    first = update(table).where(table.c.id == link_id, table.c.opened_at.is_(None))
    tx.execute(first.values(opened_at=now))


def answer(tx: Transaction, link_id: int, words: str, now: datetime) -> bool:
    """Keep the answer to a link; False where there is one already, or the link was taken back."""
    unused = (table.c.id == link_id, table.c.answered_at.is_(None), table.c.revoked_at.is_(None))
    statement = update(table).where(*unused).values(answered_at=now, answer=words)
    return tx.execute(statement.returning(table.c.id)).first() is not None


def revoke(
    tx: Transaction, grievance_id: int, now: datetime, *, link_id: int = 0, kind: str = ""
) -> None:
    """Take unanswered links of a grievance back: one of them, those of a kind, or all."""
    live = (
        table.c.grievance_id == grievance_id,
        table.c.answered_at.is_(None),
        table.c.revoked_at.is_(None),
    )
    statement = update(table).where(*live)
    if link_id:
        statement = statement.where(table.c.id == link_id)
    if kind:
        statement = statement.where(table.c.kind == kind)
    tx.execute(statement.values(revoked_at=now))


def of_grievance(tx: Transaction, grievance_id: int, kind: str) -> Sequence[Any]:
    """The links of one grievance, oldest first."""
    query = select(table).where(table.c.grievance_id == grievance_id, table.c.kind == kind)
    return tx.execute(query.order_by(table.c.id)).all()


def add_file(tx: Transaction, link_id: int, content_type: str, size: int, sha256: str) -> None:
    """Keep a file that came back."""
    row = {"link_id": link_id, "content_type": content_type, "size": size, "sha256": sha256}
    tx.execute(partner_file.insert(), [row])


def files_of(tx: Transaction, grievance_id: int) -> Sequence[Any]:
    """The files that came back with the links of one grievance, oldest first."""
    query = select(partner_file).join(table, table.c.id == partner_file.c.link_id)
    query = query.where(table.c.grievance_id == grievance_id)
    return tx.execute(query.order_by(partner_file.c.id)).all()
