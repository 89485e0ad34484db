"""Committee meetings as rows. Only `workflow.handlers` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from store.db import Transaction
from store.schema import meeting as table


def convene(tx: Transaction, grievance_id: int, stage: int, values: Mapping[str, Any]) -> None:
    """Keep a meeting that is called: ``held_at``, ``agenda`` and ``participants`` of ``values``."""
    names = ("held_at", "agenda", "participants")
    row = {name: values[name] for name in names}
    tx.execute(table.insert(), [row | {"grievance_id": grievance_id, "stage": stage}])


def decide(tx: Transaction, grievance_id: int, decision: str, at: datetime) -> None:
    """Record what the latest meeting about this grievance decided."""
    latest = select(func.max(table.c.id)).where(table.c.grievance_id == grievance_id)
    where = table.c.id == latest.scalar_subquery()
    tx.execute(update(table).where(where).values(decision=decision, decided_at=at))


def of_grievance(tx: Transaction, grievance_id: int) -> list[Any]:
    """The meetings about one grievance, oldest first."""
    query = select(table).where(table.c.grievance_id == grievance_id).order_by(table.c.id)
    return list(tx.execute(query).all())
