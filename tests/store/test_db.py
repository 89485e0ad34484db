"""Transactions, migrations and leases, on both stores."""

from __future__ import annotations

import threading
import time
from traceback import format_exception

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from config import clock
from config.settings import settings
from store import db, leases, migrate, statistics
from store.db import DatabaseAway, reading, transaction
from store.schema import metadata, person


def test_migrations_make_the_tables_of_the_schema(store: str) -> None:
    with reading() as tx:
        context = MigrationContext.configure(tx.connection)
        differences = [
            item for item in compare_metadata(context, metadata) if "index" not in str(item[0])
        ]
    assert differences == []
    assert migrate.current() == migrate.newest()


def test_a_failed_transaction_leaves_nothing_and_runs_nothing_after(store: str) -> None:
    ran = []
    with pytest.raises(ZeroDivisionError), transaction() as tx:  # noqa: PT012
        tx.execute(person.insert(), [{"created_at": clock.now(), "name": "Сорилт"}])
        tx.after("bell", lambda: ran.append(1))
        raise ZeroDivisionError
    with reading() as tx:
        assert tx.execute(select(person)).all() == []
    assert ran == []


def test_names_are_unreadable_in_the_file_and_readable_by_us(store: str) -> None:
    with transaction() as tx:
        tx.execute(person.insert(), [{"created_at": clock.now(), "name": "Сорилт"}])
    with reading() as tx:
        assert tx.execute(select(person.c.name)).scalar_one() == "Сорилт"
        stored = tx.connection.exec_driver_sql("SELECT name FROM person").scalar_one()
    assert "Сорилт".encode() not in bytes(stored)


def test_writers_take_turns_and_lose_nothing(store: str) -> None:
    def write() -> None:
        for _ in range(20):
            with transaction() as tx:
                tx.execute(person.insert(), [{"created_at": clock.now()}])

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading() as tx:
        assert len(tx.execute(select(person.c.id)).all()) == 160


def test_a_lease_has_one_holder_and_a_later_holder_a_greater_token(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction() as tx:
        first = leases.take(tx, "drain:1", "a")
        assert first is not None
        assert leases.take(tx, "drain:1", "b") is None
        assert leases.take(tx, "drain:1", "a") == first
    monkeypatch.setattr(leases, "LIFE_SECONDS", -1.0)
    with transaction() as tx:
        assert leases.take(tx, "drain:1", "a") is not None
        second = leases.take(tx, "drain:1", "b")
        assert second is not None
        assert second.token > first.token
        assert second.crashed
        assert not leases.fenced(tx, first)
        assert leases.fenced(tx, second)


def test_a_lease_given_back_is_no_crash(store: str) -> None:
    with transaction() as tx:
        first = leases.take(tx, "drain:1", "a")
        assert first is not None
        leases.release(tx, first)
        second = leases.take(tx, "drain:1", "b")
    assert second is not None
    assert not second.crashed


def test_a_table_that_grew_is_counted_for_the_planner_once(store: str) -> None:
    rows = [{"created_at": clock.now(), "name": f"Сорилт {n}"} for n in range(600)]
    with transaction() as tx:
        tx.execute(person.insert(), rows)
    if store == "sqlite":
        assert statistics.refresh() == []
        return
    deadline = time.monotonic() + 5  # changes are told of up to a second after they were made
    while "person" not in statistics.refresh() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "person" not in statistics.refresh()
    with reading() as tx:
        distinct = tx.scalar(
            text("SELECT n_distinct FROM pg_stats WHERE tablename = 'person' AND attname = 'id'")
        )
    assert distinct == -1


def test_a_connection_that_died_while_it_rested_is_replaced_unseen(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store == "sqlite":
        return  # has no connection that could die
    monkeypatch.setattr(db, "RESTED_SECONDS", 0.0)
    killed = _backend()
    other = psycopg.connect(settings().database_url.replace("+psycopg", ""), autocommit=True)
    with other:
        other.execute("SELECT pg_terminate_backend(%s, 2000)", [killed])

    assert _backend() != killed


def test_a_connection_that_died_in_use_is_told_and_the_next_one_lives(store: str) -> None:
    if store == "sqlite":
        return
    killed = _backend()
    other = psycopg.connect(settings().database_url.replace("+psycopg", ""), autocommit=True)
    with other:
        other.execute("SELECT pg_terminate_backend(%s, 2000)", [killed])

    with pytest.raises(DatabaseAway):
        _backend()
    assert _backend() != killed


def _backend() -> int:
    with transaction() as tx:
        return int(tx.scalar(text("SELECT pg_backend_pid()")))


def test_errors_quote_no_parameters(store: str) -> None:
    query = text("SELECT * FROM nowhere WHERE words = :words")
    given = {"words": "ширгэсэн"}  # a traceback shows lines of code, but not this one
    missing = DatabaseAway if store == "sqlite" else ProgrammingError
    with pytest.raises(missing) as caught, reading() as tx:
        tx.execute(query, given)
    told = "".join(format_exception(caught.value))
    assert "nowhere" in told
    assert given["words"] not in told
