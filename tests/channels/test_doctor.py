"""The doctor finds what is wrong, says what to do, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from channels import jobs, registry
from channels.cli import commands
from channels.doctor import Grade, examine
from channels.release import release
from channels.sandbox.server import SandboxServer
from config import clock
from config.settings import settings
from store import inbox
from store.db import transaction
from store.inbox import Receipt


@pytest.fixture
def house(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """An instance with Telegram pointed at its double."""
    monkeypatch.setenv("HARIU_TELEGRAM_TOKEN", "700:" + "t" * 35)
    settings.cache_clear()
    with SandboxServer(settings()) as server:
        monkeypatch.setenv("HARIU_TELEGRAM_API", f"{server.url}/telegram/bot")
        settings.cache_clear()
        server.world.settings = settings()
        registry.active.cache_clear()
        release()
        yield server
    registry.active.cache_clear()
    jobs.lanes.cache_clear()


def wrong() -> dict[str, str]:
    return {found.about: found.words for found in examine() if found.grade is Grade.WRONG}


def test_a_sound_house_is_told_so(house: SandboxServer) -> None:
    assert wrong() == {}
    found = CliRunner().invoke(commands, ["doctor"])
    assert found.exit_code == 0, found.output
    assert "nothing waits" in found.output
    assert "Redis" not in found.output
    assert "ok     telegram" in found.output


def test_a_provider_that_refuses_us_is_named(house: SandboxServer) -> None:
    house.behave("telegram", "500")
    assert "does not answer" in wrong()["telegram"]


def test_dead_letters_and_an_old_database_are_named(house: SandboxServer) -> None:
    before = clock.now() - timedelta(hours=1)
    inbox.accept(Receipt("telegram", "700", b"{", before, error="unparseable: broken"))
    assert "could not be handled" in wrong()["queue"]
    with transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert "hariu release" in wrong()["database"]
    assert CliRunner().invoke(commands, ["doctor"]).exit_code == 1
