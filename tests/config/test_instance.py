"""HOME, its keys, and the channels that talk to the sandbox."""

import re
from base64 import b64decode
from pathlib import Path

import pytest

from config import clock
from config.instance import KeysLost, prepare, sandbox_wiring
from config.settings import Settings, settings
from store import officers
from store.db import transaction


def values(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def chosen(home: Path, **settings: object) -> Settings:
    """Settings as given, whatever the environment of this test run holds."""
    return Settings.model_validate({"home": home, **settings})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "instance"


def test_home_and_keys_are_private_and_of_the_right_form(home: Path) -> None:
    prepare(home)
    assert home.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in home.iterdir()} == {
        "keys.env": 0o600,
        "sandbox.env": 0o600,
    }
    keys = values(home / "keys.env")
    assert keys.keys() == {"HARIU_SECRET_KEY", "HARIU_DATA_KEY", "HARIU_METRICS_TOKEN"}
    name, _, key = keys["HARIU_DATA_KEY"].partition(":")
    assert (name, len(b64decode(key, validate=True))) == ("k1", 32)
    assert len(keys["HARIU_SECRET_KEY"]) >= 32


def test_a_home_that_was_open_is_closed(home: Path) -> None:
    home.mkdir(parents=True)
    home.chmod(0o755)
    prepare(home)
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_second_start_changes_nothing(home: Path) -> None:
    prepare(home)
    before = {file: file.read_bytes() for file in home.iterdir()}
    prepare(home)
    assert {file: file.read_bytes() for file in home.iterdir()} == before


def test_two_instances_share_no_secret(tmp_path: Path) -> None:
    for name in ("a", "b"):
        prepare(tmp_path / name)
    for file in ("keys.env", "sandbox.env"):
        one, other = (set(values(tmp_path / name / file).values()) for name in ("a", "b"))
        assert not one & other


def test_only_what_is_missing_is_added(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "keys.env").write_text("# ours\nHARIU_DATA_KEY=k7:old\nHARIU_PORT=9\n")
    prepare(home, given={"HARIU_SECRET_KEY"})
    lines = (home / "keys.env").read_text().splitlines()
    assert lines[:3] == ["# ours", "HARIU_DATA_KEY=k7:old", "HARIU_PORT=9"]
    assert [line.split("=")[0] for line in lines[3:]] == ["HARIU_METRICS_TOKEN"]


def test_channels_without_settings_are_pointed_at_their_doubles(home: Path) -> None:
    prepare(home)
    wiring = sandbox_wiring(chosen(home, sandbox_port=9002))
    assert re.fullmatch(r"\d{10}:[A-Za-z0-9]{35}", wiring["HARIU_TELEGRAM_TOKEN"])
    assert wiring["HARIU_TELEGRAM_API"] == "http://127.0.0.1:9002/telegram/bot"
    assert re.fullmatch(r"AC[0-9a-f]{32}", wiring["HARIU_TWILIO_ACCOUNT_SID"])
    assert re.fullmatch(r"[0-9a-f]{32}", wiring["HARIU_TWILIO_AUTH_TOKEN"])
    assert re.fullmatch(r"\+97675\d{6}", wiring["HARIU_TWILIO_FROM"])
    assert wiring["HARIU_TWILIO_API"] == "http://127.0.0.1:9002/twilio"
    assert re.fullmatch(r"EAA[0-9a-f]{120}", wiring["HARIU_MESSENGER_PAGE_TOKEN"])
    assert wiring["HARIU_MESSENGER_API"] == "http://127.0.0.1:9002/graph"
    assert re.fullmatch(r"imap://hariu:\w{32}@127.0.0.1:\d{5}/INBOX", wiring["HARIU_IMAP_URL"])
    assert re.fullmatch(r"smtp://hariu:\w{32}@127.0.0.1:\d{5}", wiring["HARIU_SMTP_URL"])
    again = sandbox_wiring(chosen(home, sandbox_port=9002))
    assert again == wiring


def test_the_wiring_makes_every_channel_of_the_sandbox_configured(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(home)
    for name, value in sandbox_wiring(chosen(home)).items():
        monkeypatch.setenv(name, value)
    wired = Settings(home=home)
    assert wired.configured("telegram")
    assert wired.configured("sms")
    assert wired.configured("messenger")
    assert wired.configured("mail")


def test_a_channel_with_settings_is_left_alone(home: Path) -> None:
    prepare(home)
    real = chosen(home, telegram_token="1:real")
    assert {name for name in sandbox_wiring(real) if "TELEGRAM" in name} == set()
    assert "HARIU_TWILIO_API" in sandbox_wiring(real)


@pytest.mark.parametrize("reason", [{"sandbox": "off"}, {"public_url": "https://hariu.example"}])
def test_without_a_sandbox_nothing_is_wired(home: Path, reason: dict[str, str]) -> None:
    prepare(home)
    assert sandbox_wiring(chosen(home, **reason)) == {}


def test_no_new_keys_beside_a_database_in_use(store: str, home: Path) -> None:
    url = settings().database_url
    prepare(home, database_url=url)  # tables alone: nothing is written under any key yet
    with transaction() as tx:
        officers.ensure_first(tx, clock.now())
    keys = home / "keys.env"
    prepare(home, database_url=url)
    complete = keys.read_text()
    for lost in ("HARIU_DATA_KEY", "HARIU_SECRET_KEY"):
        keys.write_text("".join(line for line in complete.splitlines(True) if lost not in line))
        with pytest.raises(KeysLost, match=f"{lost} cannot be found: put .*keys.env back"):
            prepare(home, database_url=url)
        assert lost not in keys.read_text()
        prepare(home, {lost}, url)  # it may come from the environment instead
    keys.unlink()
    with pytest.raises(KeysLost, match="HARIU_DATA_KEY and HARIU_SECRET_KEY"):
        prepare(home, database_url=url)
    assert not keys.exists()


def test_a_database_that_does_not_answer_may_need_the_old_keys(home: Path) -> None:
    away = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    with pytest.raises(KeysLost, match="start the database first"):
        prepare(home, database_url=away)
    prepare(home, database_url=f"sqlite:///{home / 'hariu.db'}")
    assert not (home / "hariu.db").exists()
    prepare(home, database_url=away)  # with all keys there is nothing to ask
