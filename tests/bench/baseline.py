"""What a drain is held against: SQLAlchemy Core, a parent and three children per transaction."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from store.db import make_engine
from tests.bench.webhooks import TEXTS

_metadata = MetaData()
_parent = Table(
    "bench_parent",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("reference", String(20), nullable=False, unique=True),
    Column("text", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
_child = Table(
    "bench_child",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("parent_id", ForeignKey("bench_parent.id"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
)
_KINDS = ("event", "letter", "message")


class Baseline:
    """The same database through an engine of the project's own durability, one thread."""

    def __init__(self, url: str) -> None:
        self._engine: Engine = make_engine(url)
        self._number = 0
        _metadata.create_all(self._engine)

    def rate(self, count: int) -> float:
        """Transactions a second."""
        began = time.perf_counter()
        for _ in range(count):
            self._insert()
        return count / (time.perf_counter() - began)

    def _insert(self) -> None:
        self._number += 1
        text = TEXTS[self._number % len(TEXTS)]
        row = {"reference": str(self._number), "text": text, "at": datetime.now(UTC)}
        with self._engine.begin() as connection:
            key = connection.execute(_parent.insert(), row).inserted_primary_key
            assert key is not None
            children = [{"parent_id": key.id, "kind": kind, "text": text} for kind in _KINDS]
            connection.execute(_child.insert(), children)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()
