"""What keeps pages as fast among many rows as among few: the right index, the right comparison."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.engine import Connection

from admin import state, views
from config import clock
from store import automatic, inbox
from store.columns import holds
from store.db import Transaction, engine, reading, transaction
from store.inbox import Receipt
from store.messages import Inbound
from store.officers import by_login
from store.schema import grievance
from tests.admin import town

Look = Callable[[Transaction, views.Scope], object]
LOOKS: dict[str, Look] = {
    "ix_inbox_dead": lambda tx, scope: state._dead(tx),
    "ix_inbox_automatic": lambda tx, scope: automatic.newest(tx, 50),
    "ix_task_open": lambda tx, scope: views.counts(tx, scope),
    "ix_grievance_closed_at": lambda tx, scope: tx.execute(
        select(func.count()).where(grievance.c.closed_at >= scope.now)
    ),
}


def plans(look: Look) -> str:
    """How SQLite means to find what ``look`` asks for."""
    asked: list[tuple[str, object]] = []

    def note(
        connection: Connection, cursor: object, query: str, values: object, *_: object
    ) -> None:
        asked.append((query, values))

    with reading() as tx:
        officer = by_login(tx, "saraa")
        assert officer
        event.listen(engine(), "before_cursor_execute", note)
        look(tx, views.Scope(officer, clock.now()))
        event.remove(engine(), "before_cursor_execute", note)
        told = [
            str(row)
            for query, values in asked
            for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)  # type: ignore[arg-type]
        ]
    return "\n".join(told)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("index", LOOKS)
def test_sqlite_sees_that_its_partial_index_fits(store: str, index: str) -> None:
    town.join()
    told = plans(LOOKS[index])
    assert index in told
    assert "SCAN inbox USING INDEX" in told or "SCAN inbox" not in told


def test_words_are_compared_letter_by_letter(store: str) -> None:
    town.channels_known()
    case = town.arrive(town.PEOPLE[0], clock.now())
    for words, found in (("насос", 1), ("Насос", 0), ("н%с", 0), ("н_сос", 0), ("", 1)):
        with reading() as tx:
            query = select(func.count()).where(
                grievance.c.id == case.id, holds(grievance.c.folded, words)
            )
            assert tx.scalar(query) == found, words


def test_dead_letters_and_automatic_mails_are_still_listed(store: str) -> None:
    now = clock.now()
    message = Inbound("sms", "+97675000000", "x", "+97670000001", text="x")
    inbox.accept(Receipt("sms", "+97675000000", b"x", now, (message,)))
    with transaction() as tx:
        (number,) = tx.execute(text("SELECT id FROM inbox")).scalars()
        inbox.set_aside(tx, number, "could not be handled: KeyError", now)
        assert [row.id for row in state._dead(tx)] == [number]  # type: ignore[attr-defined]
        tx.execute(text("UPDATE inbox SET state = 'done', kind = 'other', choice = 'automatic'"))
        assert state._dead(tx) == []
        assert [row.id for row in automatic.newest(tx, 5)] == [number]
