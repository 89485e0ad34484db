"""Engines and transactions: the only way to the database.

``transaction()`` is one unit of work with full durability. On SQLite a file lock is taken before
``BEGIN IMMEDIATE``: SQLite's own busy handler polls and starves writers (p99 of seconds with four
processes; with the lock, milliseconds), and one gated writer keeps clear of the WAL reset fault
of SQLite 3.7.0 to 3.51.2 (https://sqlite.org/wal.html#walresetbug).
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError

from config.errors import HariuError
from config.settings import settings

RESTED_SECONDS = 1.0  # a connection that rested this long is asked whether it lives

Params = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


class DatabaseAway(HariuError):
    """The database did not answer; the same step may succeed later."""

    code = "database.away"
    retryable = True


class _Gate:
    """One writer at a time: among threads by a lock, among processes by ``flock``."""

    def __init__(self, path: Path) -> None:
        self._thread = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> None:
        self._thread.acquire()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._thread.release()
            raise

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._thread.release()


class Transaction:
    """One unit of work; what is given to `after` runs once it is committed, never otherwise."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._after: dict[Any, Callable[[], None]] = {}

    @property
    def on_sqlite(self) -> bool:
        return self.connection.dialect.name == "sqlite"

    def execute(self, statement: Executable, params: Params = None) -> CursorResult[Any]:
        return self.connection.execute(statement, params)

    def scalar(self, statement: Executable) -> Any:
        return self.connection.scalar(statement)

    def leave_no_trace(self) -> None:
        """What is overwritten from here on is zeroed in SQLite's file, not only unlinked."""
        if self.on_sqlite:
            self.connection.exec_driver_sql("PRAGMA secure_delete=ON").close()

    def after(self, key: Any, action: Callable[[], None]) -> None:
        """Run ``action`` after the commit, once per ``key``."""
        self._after[key] = action

    def ignore_insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """``INSERT … ON CONFLICT DO NOTHING`` in the dialect of this database."""
        return self.upsert(table).on_conflict_do_nothing()

    def upsert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An ``INSERT`` that knows ``on_conflict_do_update`` in the dialect of this database."""
        return sqlite.insert(table) if self.on_sqlite else postgresql.insert(table)

    def insert_ids(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Insert ``rows`` in one statement; their ids, in the same order."""
        if not rows:
            return []
        statement = table.insert().returning(table.c.id, sort_by_parameter_order=True)
        return list(self.execute(statement, rows).scalars())

    def _committed(self) -> None:
        for action in self._after.values():
            action()


def _sqlite_connect(connection: Any, _: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see `_sqlite_begin`
    for pragma in (
        "busy_timeout=10000",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "journal_size_limit=67108864",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("hariu_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


_decode = json.JSONDecoder().raw_decode


def _from_json(text: str) -> Any:
    """JSON as we wrote it: `json.loads` spends half its time on white space around it."""
    return _decode(text)[0]


def make_engine(url: str) -> Engine:
    """An engine with this project's durability and time-outs for ``url``."""
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(
            url, connect_args={"check_same_thread": False}, json_deserializer=_from_json,
            hide_parameters=True,
        )  # fmt: skip
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    engine = create_engine(
        url,
        pool_timeout=5,
        hide_parameters=True,  # an error quotes its statement, never what was to be written
        connect_args={
            "connect_timeout": 1,
            # A host that vanishes must not hold locks for ever, nor a commit wait for it.
            # Rows we look for are in memory or on an SSD; compiling a plan takes longer than it.
            "options": "-c synchronous_commit=on -c lock_timeout=10s -c timezone=UTC"
            " -c idle_in_transaction_session_timeout=30s -c random_page_cost=1.1 -c jit=off",
            "tcp_user_timeout": 5000,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
        },
    )
    _ping_the_rested(engine)
    return engine


def _ping_the_rested(engine: Engine) -> None:
    """Ask a connection whether it lives, unless it was used a moment ago: that costs a round trip.

    `pool_pre_ping` asks before every transaction. One that died in this moment fails its statement
    as a `DatabaseAway`, and the pool forgets all connections of its age.
    """

    def used(connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    def wanted(connection: Any, record: Any, _: object) -> None:
        if time.monotonic() - record.info.get("used", 0.0) < RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine, "connect", used)
    event.listen(engine, "checkin", used)
    event.listen(engine, "checkout", wanted)


@cache
def engine() -> Engine:
    """The engine of this process."""
    return make_engine(settings().database_url)


@cache
def _gate() -> _Gate:
    database = make_url(settings().database_url).database or str(settings().home / "hariu.db")
    return _Gate(Path(f"{database}.lock"))


def dispose() -> None:
    """Forget engine and gate: after a fork, or when a test changes the settings."""
    if engine.cache_info().currsize:
        engine().dispose(close=False)
    engine.cache_clear()
    _gate.cache_clear()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error, OperationalError):
            raise DatabaseAway(f"the database is away ({type(error.orig).__name__})") from error
        raise


@contextmanager
def transaction() -> Iterator[Transaction]:
    """One durable unit of work: all of it, or nothing. `DatabaseAway` when it cannot be had."""
    with _translated():
        if engine().dialect.name == "sqlite":
            with _gate(), _begin(write=True) as work:
                yield work
        else:
            with _begin(write=True) as work:
                yield work
    work._committed()


@contextmanager
def write_lock() -> Iterator[None]:
    """SQLite's gate on its own, for what brings its own transactions; nothing on PostgreSQL."""
    if engine().dialect.name == "sqlite":
        with _gate():
            yield
    else:
        yield


def empty_log() -> None:
    """Take SQLite's write-ahead log into its file and cut it off: old pages end there.

    Readers that go on for long keep it; then the next time will do.
    """
    with write_lock(), engine().connect() as connection:
        if connection.dialect.name == "sqlite":
            raw = connection.execution_options(isolation_level="AUTOCOMMIT")
            raw.exec_driver_sql("PRAGMA busy_timeout=200").close()
            raw.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()
            raw.exec_driver_sql("PRAGMA busy_timeout=10000").close()


@contextmanager
def _begin(*, write: bool) -> Iterator[Transaction]:
    with engine().connect().execution_options(hariu_write=write) as connection, connection.begin():
        yield Transaction(connection)


@contextmanager
def reading() -> Iterator[Transaction]:
    """One consistent look at the database; takes no lock."""
    with _translated(), _begin(write=False) as work:
        yield work
