"""Fixtures every room shares: instances on both stores, and the whole house as processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import instance
from tests.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One real PostgreSQL for the whole run of this worker; no test pulls its plug."""
    with Postgres(synced=False) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """This process in a fresh instance, once on each store; gives the store's name."""
    url = request.getfixturevalue("postgres").database() if request.param == "postgresql" else ""
    before = dict(os.environ)
    instance.enter(instance.environment(tmp_path, url))
    yield request.param
    instance.forget()
    os.environ.clear()
    os.environ.update(before)
