"""Where the dialogue with each address stands: a JSON value per address, locked while it moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from store.db import Transaction
from store.schema import conversation as table


def load(
    tx: Transaction, address_ids: Iterable[int]
) -> dict[int, tuple[dict[str, Any], datetime | None]]:
    """(state, wake at) of these addresses, locked in id order; a new address has none yet."""
    query = (
        select(table.c.address_id, table.c.state, table.c.wake_at)
        .where(table.c.address_id.in_(sorted(address_ids)))
        .order_by(table.c.address_id)
    )
    if not tx.on_sqlite:
        query = query.with_for_update()
    return {row.address_id: (row.state, row.wake_at) for row in tx.execute(query)}


def due(tx: Transaction, partition: int, now: datetime, limit: int) -> list[int]:
    """Addresses of ``partition`` whose dialogue wants to go on by itself."""
    query = (
        select(table.c.address_id)
        .where(table.c.wake_at <= now, table.c.partition == partition)
        .order_by(table.c.wake_at)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def asleep(tx: Transaction, address_id: int) -> None:
    """Do not go on by itself any more."""
    tx.execute(update(table).where(table.c.address_id == address_id).values(wake_at=None))


def save(
    tx: Transaction,
    states: Mapping[int, tuple[int, dict[str, Any], datetime | None]],
    now: datetime,
) -> None:
    """Write (partition, state, wake at) by address id."""
    if not states:
        return
    statement = tx.upsert(table)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.address_id],
        set_={
            "state": statement.excluded.state,
            "wake_at": statement.excluded.wake_at,
            "updated_at": statement.excluded.updated_at,
        },
    )
    rows = [
        {
            "address_id": address_id,
            "partition": partition,
            "state": state,
            "wake_at": wake_at,
            "updated_at": now,
        }
        for address_id, (partition, state, wake_at) in sorted(states.items())
    ]
    tx.execute(statement, rows)
