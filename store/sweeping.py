"""Rows that serve nobody any more, deleted a few at a time: other writers wait meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Table, delete, select, tuple_

from store.db import reading, transaction

BATCH = 200


def sweep(table: Table, condition: ColumnElement[bool]) -> Iterator[int]:
    """Delete the rows of ``table`` that fit, each batch in a transaction; how many it looked at.

    They are searched without a lock; one that no longer fits when its turn comes stays.
    """
    keys = tuple(table.primary_key.columns)
    some = select(*keys).where(condition).limit(BATCH)
    while True:
        with reading() as tx:
            found = [tuple(row) for row in tx.execute(some)]
        if not found:
            return
        with transaction() as tx:
            tx.execute(delete(table).where(condition, tuple_(*keys).in_(found)))
        yield len(found)
