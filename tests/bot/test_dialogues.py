"""Every dialogue goes as its transcript says. TESTS_WRITE_DIALOGUES=1 writes the answers anew."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import i18n
from tests import instance
from tests.bot.transcript import play, read, too_long

FOLDER = Path(__file__).parent / "dialogues"
FILES = sorted(FOLDER.glob("*.txt"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, made once and copied: dialogues do not depend on the store."""
    home = tmp_path_factory.mktemp("template")
    before = dict(os.environ)
    instance.enter(instance.environment(home))
    instance.forget()
    os.environ.clear()
    os.environ.update(before)
    return home


@pytest.fixture
def store(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """SQLite alone, fresh."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    for name, value in instance.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    instance.forget()
    yield "sqlite"
    instance.forget()


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_it_goes_as_written_in_two_parts_at_most(store: str, path: Path) -> None:
    played = play(path)
    if os.environ.get("TESTS_WRITE_DIALOGUES"):
        path.write_text("\n".join(played.lines) + "\n", "utf-8")
    assert played.lines == read(path)
    assert not [row.text for row in played.sent if too_long(row)]


def test_every_dialogue_is_there_in_all_three_languages() -> None:
    names = {path.stem.rpartition("_")[0] for path in FILES}
    stems = {path.stem for path in FILES}
    missing = {f"{name}_{each}" for name in names for each in i18n.LANGUAGES} - stems
    assert not missing
