"""A backup, restored on the other kind of database, is the same; what does not fit is refused."""

from __future__ import annotations

import zipfile
from array import array
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from config import prompts
from config.wav import RATE, wav
from store import backup, files, migrate
from store.cli import commands
from store.db import reading, transaction
from store.schema import metadata
from tests import instance
from tests.admin.town import PEOPLE, arrive, join, town
from tests.postgres import Postgres
from workflow.audit import audit


def contents() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, decrypted."""
    with reading() as tx:
        return {
            table.name: sorted(
                (tuple(map(repr, row)) for row in tx.execute(select(table))), key=repr
            )
            for table in metadata.sorted_tables
            if table.name != "lease"
        }


def elsewhere(home: Path, url: str = "", **more: str) -> None:
    home.mkdir()
    instance.enter(instance.environment(home, url) | more)


def run(*words: str) -> str:
    found = CliRunner().invoke(commands, list(words), catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def spoken() -> bytes:
    """A clip of half a second."""
    return wav(array("h", [n % 400 for n in range(RATE // 2)]))


@pytest.fixture
def made(store: str, tmp_path: Path) -> Path:
    """A backup of a small town with an attachment."""
    town(join())
    files.put(b"a photograph of a dry well")
    prompts.keep("menu", "kk", spoken())
    made = tmp_path / "hariu.zip"
    run("backup", str(made))
    return made


def test_restored_on_the_other_database_it_is_the_same(
    store: str, made: Path, tmp_path: Path, postgres: Postgres
) -> None:
    before, clip = contents(), prompts.content("menu", "kk")
    other = "" if store == "postgresql" else postgres.database()
    elsewhere(tmp_path / "other", other)
    assert f"{len(before['grievance'])} grievances" in run("restore", str(made))
    assert contents() == before
    assert [files.get(path.parent.name + path.name) for path in backup.stored_files()] == [
        b"a photograph of a dry well"
    ]
    assert prompts.source("menu", "kk") == "recorded"
    assert prompts.content("menu", "kk") == clip
    with reading() as tx:
        assert audit(tx).findings == ()
    # Numbers go on where they were, and nothing is restored over people's words.
    late = arrive(PEOPLE[0], max(row.received_at for row in rows("grievance")))
    assert late.id > max(int(str(row[0])) for row in before["grievance"])
    with pytest.raises(backup.BackupError, match="in use"):
        backup.restore(made)


def rows(name: str) -> list[Any]:
    with reading() as tx:
        return list(tx.execute(select(metadata.tables[name])))


def test_nobody_reads_it_and_only_its_owner_may_open_it(made: Path) -> None:
    assert made.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(made) as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())
    for person in PEOPLE:
        address = person.address.encode()  # these invented messages have it in their ids
        assert whole.count(address) == whole.count(address + b":") > 0


def test_other_keys_are_refused(made: Path, tmp_path: Path) -> None:
    elsewhere(tmp_path / "third", HARIU_SECRET_KEY="another")
    with pytest.raises(backup.BackupError, match=r"keys\.env"):
        backup.restore(made)
    assert rows("grievance") == []


def test_a_cut_off_backup_is_refused_and_leaves_nothing(made: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(made.read_bytes()[:-200])
    elsewhere(tmp_path / "fourth")
    with pytest.raises(backup.BackupError, match="no whole backup"):
        backup.restore(cut)
    with transaction() as tx:
        assert tx.execute(select(metadata.tables["grievance"])).all() == []
    assert migrate.current() in (None, migrate.newest())


@pytest.mark.parametrize(
    "name", ["prompts/../../x/y", "prompts/a/b", "files/aa/../../c", "files/x"]
)
def test_a_file_that_would_lie_elsewhere_is_refused(made: Path, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr(name, b"x")
    elsewhere(tmp_path / "fifth")
    with pytest.raises(backup.BackupError, match="wrong name"):
        backup.restore(made)
    assert not list(tmp_path.rglob("y"))


def test_an_existing_file_is_never_overwritten(made: Path) -> None:
    found = CliRunner().invoke(commands, ["backup", str(made)])
    assert found.exit_code == 2
    assert "there already" in found.output
