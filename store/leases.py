"""One holder at a time, by rows: short lives, database time, a fencing token.

Correctness rests on row locks; a lease only keeps two drainers from doing the same work.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass

from sqlalchemy import text

from store.db import Transaction

LIFE_SECONDS = 8.0
HOLDER = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Lease:
    """Held under ``token``; a later holder has a greater one.

    ``crashed``: the holder before did not give it back but let it run out.
    """

    name: str
    holder: str
    token: int
    crashed: bool = False


_LOOK = text("SELECT holder, until FROM lease WHERE name = :name")
_TAKE = text(
    "INSERT INTO lease (name, holder, token, until) VALUES (:name, :holder, 1, :until)"
    " ON CONFLICT (name) DO UPDATE SET holder = :holder, until = :until,"
    " token = lease.token + CASE WHEN lease.holder = :holder THEN 0 ELSE 1 END"
    " WHERE lease.holder = :holder OR lease.until < :now RETURNING token"
)


def _now(tx: Transaction) -> float:
    """Database time, so that hosts with wrong clocks agree; SQLite has one host only."""
    if tx.on_sqlite:
        return time.time()
    return float(tx.scalar(text("SELECT extract(epoch FROM clock_timestamp())")))


def take(tx: Transaction, name: str, holder: str = HOLDER) -> Lease | None:
    """Take or renew the lease ``name``; None while somebody else holds it."""
    now = _now(tx)
    before = tx.execute(_LOOK, {"name": name}).first()
    row = tx.execute(
        _TAKE, {"name": name, "holder": holder, "until": now + LIFE_SECONDS, "now": now}
    ).first()
    if row is None:
        return None
    crashed = before is not None and before.holder != holder and before.until > 0
    return Lease(name, holder, int(row[0]), crashed)


def release(tx: Transaction, lease: Lease) -> None:
    """Give the lease back early; nothing happens when it was lost meanwhile."""
    tx.execute(
        text("UPDATE lease SET until = 0 WHERE name = :name AND token = :token"),
        {"name": lease.name, "token": lease.token},
    )


def fenced(tx: Transaction, lease: Lease) -> bool:
    """Whether the lease is still ours; locks its row, so nobody takes it before the commit."""
    suffix = "" if tx.on_sqlite else " FOR UPDATE"
    token = tx.scalar(
        text(f"SELECT token FROM lease WHERE name = :name{suffix}").bindparams(name=lease.name)  # noqa: S608
    )
    return bool(token == lease.token)
