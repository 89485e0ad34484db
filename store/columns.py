"""Column types of our own: values only this instance can read, and moments in UTC."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, DateTime, Dialect, LargeBinary
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
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


class holds(GenericFunction[bool]):  # noqa: N801 - named as it is written in a query
    """Whether a text holds another, letter by letter.

    LIKE compares without regard to case and takes twice the time; our texts are folded already.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[str], words: str) -> None:
        super().__init__(column, words)


@compiles(holds)
def _strpos(element: holds, compiler: SQLCompiler, **more: Any) -> str:
    return f"(strpos{compiler.process(element.clause_expr, **more)} > 0)"


@compiles(holds, "sqlite")
def _instr(element: holds, compiler: SQLCompiler, **more: Any) -> str:
    return f"(instr{compiler.process(element.clause_expr, **more)} > 0)"
