"""The doctor finds what is wrong, says what to do, and changes nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text, update

from channels import doctor, jobs, registry
from channels.cli import commands
from channels.doctor import Grade, examine
from channels.release import release
from channels.sandbox.server import SandboxServer
from config import clock, prompts
from config.care import Approver
from config.instance import KeysLost
from config.profile import profile
from config.settings import settings
from store import crypto, inbox, officers
from store.db import transaction
from store.inbox import Receipt
from store.schema import officer
from tests.admin import town
from tests.channels.hotline import hotline, voice
from workflow import trail


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


def looks(about: str) -> list[str]:
    found = [each for each in examine() if each.grade is Grade.LOOK and each.about == about]
    return [each.words for each in found]


def test_an_office_where_nobody_else_can_approve_is_named(
    house: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction() as tx:
        tx.execute(update(officer).values(active=False))  # the first account, which may all
    town.join("one", "Жишээ Нэг", "coordinator", "focal_point")
    town.join("plain", "Жишээ Хоёр", "officer")
    assert [words.split(" may ")[0] for words in looks("approval")] == ["1", "1"]
    second = town.join("two", "Жишээ Гурав", "administrator")
    (left,) = looks("approval")
    assert "sensitive matters" in left
    town.join("three", "Жишээ Дөрөв", "focal_point")
    assert looks("approval") == []
    with transaction() as tx:
        officers.change(tx, second, active=False)
        tx.execute(update(officer).where(officer.c.login == "three").values(active=False))
    assert len(looks("approval")) == 2
    outside = Approver(name="Жишээ Зөвлөх", channel="sms", address="+97670000099", days=7)
    named = profile().model_copy(update={"approver": outside})
    monkeypatch.setattr(doctor, "profile", lambda: named)
    assert looks("approval") == []


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_clips_that_nobody_spoke_are_named(store: str) -> None:
    with hotline():
        prompts.fill()
        assert [words[:2] for words in looks("clips")] == ["mn", "kk", "en"]
        for name in prompts.names():
            prompts.keep(name, "kk", voice(0.1))
        assert [words[:2] for words in looks("clips")] == ["mn", "en"]


def test_a_house_without_hotline_needs_no_clips(house: SandboxServer) -> None:
    assert looks("clips") == []


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


@pytest.mark.parametrize("name", ["DATA_KEY", "SECRET_KEY"])
def test_other_keys_than_those_of_the_database(
    house: SandboxServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As after a loss of keys.env, when somebody made a new one."""
    saraa = town.join()
    town.channels_known()
    town.act(town.arrive(town.PEOPLE[0], clock.now()), "note", clock.now(), saraa, text="x")
    release()
    new = {"DATA_KEY": "k1:" + b64encode(b"n" * 32).decode(), "SECRET_KEY": "a new one"}
    monkeypatch.setenv(f"HARIU_{name}", new[name])
    forget_keys()
    try:
        with pytest.raises(KeysLost, match=f"another HARIU_{name}: put the keys.env of its own"):
            release()
        assert f"HARIU_{name}" in wrong()["keys"]
        assert CliRunner().invoke(commands, ["doctor"]).exit_code == 1
    finally:
        monkeypatch.undo()
        forget_keys()


def forget_keys() -> None:
    for cached in (settings, crypto.keyring, trail.key):
        cached.cache_clear()


def test_without_any_key_nothing_is_released(
    house: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARIU_DATA_KEY", "")
    forget_keys()
    try:
        with pytest.raises(KeysLost, match=r"HARIU_DATA_KEY cannot be found: put keys\.env back"):
            release()
        assert "HARIU_DATA_KEY is missing: put keys.env back" in wrong()["settings"]
        assert "HARIU_DATA_KEY cannot be found" in wrong()["keys"]
    finally:
        monkeypatch.undo()
        forget_keys()
