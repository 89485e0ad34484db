"""Fixtures every room shares: instances on both stores, and the whole house as processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from xdist.scheduler import LoadScopeScheduling

from store import passwords
from tests import instance
from tests.postgres import Postgres

# What starts whole houses: one worker has them all, for two at once would wait for one another.
HOUSES = (
    "tests/faults/", "tests/test_path.py", "tests/test_observed.py",
    "tests/channels/test_hooks_house.py", "tests/channels/test_two_houses.py",
)  # fmt: skip
# Each file starts a server and a browser of its own.
SERVERS = ("tests/browser/",)


class _Shares(LoadScopeScheduling):
    """Deals tests out to the workers one by one, those that share something dear together.

    `--dist loadgroup` means to, but pytest-xdist 3.8 finds no group under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(HOUSES):
            return "houses"
        return nodeid.partition("::")[0] if nodeid.startswith(SERVERS) else nodeid


@pytest.hookimpl(optionalhook=True)  # for runs without the plugin
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Shares:
    """The largest share comes first."""
    return _Shares(config, log)


@pytest.fixture(scope="session", autouse=True)
def _in_a_hurry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Cheap password hashes, and templates compiled once a run instead of once an app.

    Hundreds of tests sign somebody in; what a hash costs really is tested in `test_officers`.
    """
    compiled = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": compiled})
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One real PostgreSQL for the whole run of this worker; no test pulls its plug."""
    with Postgres(synced=False) as server:
        yield server


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no row, to copy: migrating takes ten times as long."""
    home = tmp_path_factory.mktemp("tables")
    with _living(home, ""):
        pass
    return home / "hariu.db"


@pytest.fixture(scope="session")
def emptied(postgres: Postgres) -> Callable[[], str]:
    """Gives the URL of a database that this worker's tests have one after the other, emptied."""
    kept: list[str] = []

    def url() -> str:
        if not kept or not postgres.emptied(kept[0]):
            kept[:] = [postgres.database()]
        return kept[0]

    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """This process in a fresh instance, once on each store; gives the store's name."""
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("emptied")()
    else:
        shutil.copy(request.getfixturevalue("tables"), tmp_path)
    with _living(tmp_path, url):
        yield request.param


@contextmanager
def _living(home: Path, url: str) -> Iterator[None]:
    before = dict(os.environ)
    instance.enter(instance.environment(home, url))
    yield
    instance.forget()
    os.environ.clear()
    os.environ.update(before)
