"""What the processes share among themselves."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, String, Table

from store.columns import Moment
from store.schema.base import metadata

lease = Table(
    "lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("until", Float, nullable=False),
)

# Attempts at opening a grievance by number and code, and floods, counted per key and window.
attempt = Table(
    "attempt",
    metadata,
    Column("purpose", String(20), primary_key=True),
    Column("subject", LargeBinary(16), primary_key=True),
    Column("window", BigInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)

# Periodic work that must happen once per slot, however many clocks run.
slot = Table(
    "slot",
    metadata,
    Column("job", String(64), primary_key=True),
    Column("slot", String(64), primary_key=True),
    Column("done_at", Moment, nullable=False),
)
