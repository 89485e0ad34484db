"""Column types of our own: values only this instance can read, and moments in UTC."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

from store.crypto import seal, unseal


class Encrypted(TypeDecorator[Any]):
    """A column of text, bytes or JSON that only this instance can read."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, context: str, kind: str = "text") -> None:
        super().__init__()
        self.context, self.kind = context, kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        if self.kind == "json":
            value = json.dumps(value, ensure_ascii=False)
        plain = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        return seal(plain, self.context)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        plain = unseal(bytes(value), self.context)
        if self.kind == "bytes":
            return plain
        text = plain.decode("utf-8", "surrogatepass")
        return json.loads(text) if self.kind == "json" else text


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept in UTC; SQLite has no zones of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its zone")
        return value.astimezone(UTC)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None] | None:
        """Called for every moment ever read: one step for SQLite's text, none elsewhere."""
        return _from_text if dialect.name == "sqlite" else None


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")
