"""Transactions, migrations and leases, on both stores."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from config import clock
from store import leases, migrate
from store.db import reading, transaction
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
