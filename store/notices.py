"""What the clock tells officers, as rows: a list at the desk, and mail where they have some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from store.db import Transaction
from store.schema import grievance, officer
from store.schema import notice as table


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one officer; ``key`` makes a second one of the same cause impossible."""

    key: str
    officer_id: int
    kind: str
    facts: Mapping[str, Any]
    grievance_id: int | None = None


def add(tx: Transaction, notices: Iterable[Notice], now: datetime) -> list[Notice]:
    """Write notices; those that were not there yet, in any order."""
    rows = {(item.key, item.officer_id): item for item in notices}
    if not rows:
        return []
    statement = tx.ignore_insert(table).returning(table.c.key, table.c.officer_id)
    written = tx.execute(statement, [_row(item, now) for item in rows.values()])
    return [rows[row.key, row.officer_id] for row in written]


def _row(item: Notice, now: datetime) -> dict[str, Any]:
    return {
        "key": item.key,
        "officer_id": item.officer_id,
        "kind": item.kind,
        "grievance_id": item.grievance_id,
        "facts": dict(item.facts),
        "created_at": now,
    }


def of_officer(tx: Transaction, officer_id: int, *, sensitive: bool, limit: int = 100) -> list[Any]:
    """What an officer has not read, the latest first.

    With the grievance's reference; those about sensitive matters only where ``sensitive``.
    """
    query = (
        select(table, grievance.c.reference, grievance.c.sensitive, grievance.c.place)
        .outerjoin(grievance, grievance.c.id == table.c.grievance_id)
        .where(table.c.officer_id == officer_id, table.c.seen_at.is_(None))
    )
    if not sensitive:
        query = query.where(func.coalesce(grievance.c.sensitive, "") == "")
    return list(tx.execute(query.order_by(table.c.id.desc()).limit(limit)).all())


def seen(tx: Transaction, officer_id: int, upto: int, now: datetime) -> None:
    """The officer has read everything up to the notice with id ``upto``."""
    unseen = (table.c.officer_id == officer_id, table.c.id <= upto, table.c.seen_at.is_(None))
    tx.execute(update(table).where(*unseen).values(seen_at=now))


def mails(tx: Transaction, officer_ids: Iterable[int]) -> dict[int, str]:
    """The e-mail addresses of those officers who gave one."""
    query = select(officer.c.id, officer.c.email).where(
        officer.c.id.in_(list(officer_ids)), officer.c.email.is_not(None)
    )
    return {row.id: row.email for row in tx.execute(query) if row.email}
