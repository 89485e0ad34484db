"""What a person of the office must do by hand: call somebody, look at a message that failed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from store.db import Transaction
from store.schema import task as table

OVERDUE = "overdue"  # nobody ticks it off: it is done when no deadline is past any more


def add(
    tx: Transaction,
    key: str,
    kind: str,
    now: datetime,
    address_id: int | None = None,
    grievance_id: int | None = None,
    outbox_id: int | None = None,
    detail: str = "",
) -> None:
    """Put a task on the list; a second one with the same ``key`` changes nothing."""
    row = {
        "key": key,
        "kind": kind,
        "address_id": address_id,
        "grievance_id": grievance_id,
        "outbox_id": outbox_id,
        "detail": detail[:200],
        "created_at": now,
    }
    tx.execute(tx.ignore_insert(table), [row])


def escalate(tx: Transaction, grievance_ids: Iterable[int], now: datetime) -> None:
    """The deadlines of these grievances have passed: a task about each, for the duty officer."""
    about = [
        {
            "key": f"{OVERDUE}:{number}:{now.timestamp():.6f}", "kind": OVERDUE,
            "grievance_id": number, "created_at": now,
        }
        for number in grievance_ids
    ]  # fmt: skip
    if about:
        tx.execute(tx.ignore_insert(table), about)


def undone(tx: Transaction, limit: int = 200) -> list[Any]:
    """Open tasks, oldest first."""
    query = select(table).where(table.c.done_at.is_(None)).order_by(table.c.id).limit(limit)
    return list(tx.execute(query).all())


def oldest(tx: Transaction, grievance_id: int, kind: str) -> datetime | None:
    """Since when such a task about a grievance is open; None where there is none."""
    mine = (table.c.grievance_id == grievance_id, table.c.kind == kind, table.c.done_at.is_(None))
    found: datetime | None = tx.scalar(select(table.c.created_at).where(*mine).limit(1))
    return found


def done(tx: Transaction, task_id: int, officer_id: int, now: datetime) -> None:
    """Tick a task off."""
    tx.execute(
        update(table).where(table.c.id == task_id).values(done_at=now, officer_id=officer_id)
    )


def settle(tx: Transaction, grievance_ids: Collection[int], kind: str, now: datetime) -> None:
    """What such tasks about these grievances asked for has come about by itself."""
    mine = (table.c.grievance_id.in_(sorted(grievance_ids)), table.c.kind == kind)
    tx.execute(update(table).where(*mine, table.c.done_at.is_(None)).values(done_at=now))


def by_hand(tx: Transaction, task_id: int) -> bool:
    """Whether there is such a task, and one that people tick off."""
    mine = (table.c.id == task_id, table.c.kind != OVERDUE)
    return tx.execute(select(table.c.id).where(*mine)).first() is not None
