"""Periodic work that must happen once per slot, however many clocks run."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from store.db import Transaction
from store.schema import slot as table

BEAT = "clock"  # the job whose last time says that a clock process runs


def take(tx: Transaction, job: str, slot: str, now: datetime) -> bool:
    """Whether this transaction may do ``job`` for ``slot``: the first asker alone."""
    statement = tx.ignore_insert(table).returning(table.c.job)
    return bool(tx.execute(statement, [{"job": job, "slot": slot, "done_at": now}]).first())


def remember(tx: Transaction, job: str, now: datetime) -> None:
    """Note when ``job`` was last done."""
    statement = tx.upsert(table)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.job, table.c.slot], set_={"done_at": statement.excluded.done_at}
    )
    tx.execute(statement, [{"job": job, "slot": "last", "done_at": now}])


def last(tx: Transaction, job: str) -> datetime | None:
    """When ``job`` was last done."""
    query = select(table.c.done_at).where(table.c.job == job, table.c.slot == "last")
    found: datetime | None = tx.scalar(query)
    return found
