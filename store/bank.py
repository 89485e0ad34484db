"""Who of the World Bank was told of a grievance, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from store.db import Transaction
from store.schema import bank_notice as table


def add(
    tx: Transaction, grievance_id: int, severity: str, recipient: str, told_at: datetime,
    officer_id: int | None, now: datetime,
) -> None:  # fmt: skip
    """Record that ``recipient`` was told at ``told_at``."""
    row = {
        "grievance_id": grievance_id, "severity": severity, "recipient": recipient,
        "told_at": told_at, "officer_id": officer_id, "at": now,
    }  # fmt: skip
    tx.execute(table.insert(), [row])


def of_grievance(tx: Transaction, grievance_id: int) -> Sequence[Any]:
    """Who was told of one grievance, oldest first."""
    query = select(table).where(table.c.grievance_id == grievance_id)
    return tx.execute(query.order_by(table.c.told_at, table.c.id)).all()
