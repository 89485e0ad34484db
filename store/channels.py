"""What each channel can do and how it fares, as rows: the layers below never import a channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from store.db import Transaction
from store.messages import Capabilities
from store.schema import channel_state as table

# Upper ends of what a provider's answer takes, in seconds; our own time-out is 60 at most.
LATENCIES = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, float("inf"))

SILENT_DAYS = 3  # after so many without a message somebody should send one to try


def sync(tx: Transaction, active: Mapping[str, tuple[str, Capabilities]]) -> None:
    """Write the channels this instance has: code -> (account, capabilities); others go inactive."""
    tx.execute(update(table).values(active=False))
    statement = tx.upsert(table)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.code],
        set_={
            "account": statement.excluded.account,
            "capabilities": statement.excluded.capabilities,
            "active": True,
        },
    )
    for code, (account, capabilities) in active.items():
        row = {"code": code, "account": account, "capabilities": asdict(capabilities)}
        tx.execute(statement, [row | {"active": True, "counts": {}}])


def capabilities(tx: Transaction) -> dict[str, Capabilities]:
    """What each known channel can carry."""
    rows = tx.execute(select(table.c.code, table.c.capabilities))
    return {row.code: Capabilities(**row.capabilities) for row in rows}


def health(tx: Transaction) -> list[Any]:
    """Every channel's row, active ones first."""
    return list(tx.execute(select(table).order_by(table.c.active.desc(), table.c.code)).all())


def sent(seconds: Sequence[float]) -> dict[str, float]:
    """What `note_out` adds for messages that a provider took, after so many seconds each."""
    buckets = Counter(f"le:{next(le for le in LATENCIES if each <= le)}" for each in seconds)
    return {"sent": len(seconds), "seconds": sum(seconds), **buckets} if seconds else {}


def note_out(
    tx: Transaction, code: str, at: datetime, more: Mapping[str, float], error: str = ""
) -> None:
    """Add to a channel's counts since its beginning; remember when it last worked, and how not.

    ``error`` is the provider's code. Locks the row, for another may add as well.
    """
    mine = table.c.code == code
    before = tx.scalar(select(table.c.counts).where(mine).with_for_update())
    if before is None:
        return
    counts = Counter(before)
    counts.update(more)
    values: dict[str, Any] = {"counts": dict(counts)}
    values |= {"last_out_at": at} if "sent" in more else {}
    values |= {"last_error": error[:200], "last_error_at": at} if error else {}
    tx.execute(update(table).where(mine).values(values))


def note_in(tx: Transaction, codes: Mapping[str, datetime]) -> None:
    """Remember when each channel last brought a message."""
    for code, at in codes.items():
        tx.execute(update(table).where(table.c.code == code).values(last_in_at=at))


def accounts(tx: Transaction) -> dict[str, str]:
    """Our own end of each active channel, by code."""
    query = select(table.c.code, table.c.account).where(table.c.active)
    return {row.code: row.account for row in tx.execute(query)}


def of_form(tx: Transaction, form: str) -> set[str]:
    """The active channels whose texts have this form."""
    known = capabilities(tx)
    return {code for code in accounts(tx) if known[code].form == form}
