"""Rows of files that came with messages: waiting, stored, refused or lost, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from store.db import Transaction
from store.messages import Attachment
from store.schema import attachment as table
from store.schema import inbox

WAITING, STORED, REFUSED, LOST = "waiting", "stored", "refused", "lost"
CLAIM_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch now."""

    id: int
    channel: str
    tries: int
    source: Attachment


def claim(tx: Transaction, limit: int, now: datetime) -> list[Wanted]:
    """Take up to ``limit`` due files; nobody else takes them for `CLAIM_SECONDS`."""
    query = (
        select(table.c.id, table.c.channel, table.c.tries, table.c.source)
        .where(table.c.state == WAITING, table.c.not_before <= now)
        .order_by(table.c.not_before)
        .limit(limit)
    )
    if not tx.on_sqlite:
        query = query.with_for_update(skip_locked=True)
    rows = tx.execute(query).all()
    if rows:
        tx.execute(
            update(table)
            .where(table.c.id.in_([row.id for row in rows]))
            .values(not_before=now + timedelta(seconds=CLAIM_SECONDS), tries=table.c.tries + 1)
        )
    return [Wanted(row.id, row.channel, row.tries + 1, Attachment(**row.source)) for row in rows]


def mark(tx: Transaction, attachment_id: int, state: str, **values: Any) -> None:
    """Write what became of a file."""
    tx.execute(update(table).where(table.c.id == attachment_id).values(state=state, **values))


def later(tx: Transaction, attachment_id: int, at: datetime, error: str) -> None:
    """Try again at ``at``."""
    tx.execute(
        update(table).where(table.c.id == attachment_id).values(not_before=at, error=error[:200])
    )


def of_grievance(tx: Transaction, grievance_id: int) -> list[Any]:
    """The files of one grievance, oldest first."""
    query = select(table).where(table.c.grievance_id == grievance_id).order_by(table.c.id)
    return list(tx.execute(query).all())


def origin(tx: Transaction, attachment_id: int) -> Any:
    """Message, sender, grievance and kinds of a file; None where there is no such row."""
    query = (
        select(
            table.c.inbox_id, table.c.content_type, table.c.grievance_id, inbox.c.address_id,
            inbox.c.kind,
        )
        .join(inbox, inbox.c.id == table.c.inbox_id)
        .where(table.c.id == attachment_id)
    )  # fmt: skip
    return tx.execute(query).first()
