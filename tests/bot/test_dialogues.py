"""Every dialogue goes as its transcript says. TESTS_WRITE_DIALOGUES=1 writes the answers anew."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config import i18n
from store.text import ucs2_units
from tests import instance
from tests.bot.transcript import FORMS, play, read, too_long

FOLDER = Path(__file__).parent / "dialogues"
FILES = sorted(FOLDER.glob("*.txt"))
LONGEST: dict[str, str] = {}  # by channel, of the dialogues played so far


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


@contextmanager
def fresh(template: Path, home: Path) -> Iterator[None]:
    """This process in a copy of the empty instance."""
    shutil.copytree(template, home, dirs_exist_ok=True)
    before = dict(os.environ)
    os.environ.update(instance.environment(home))
    instance.forget()
    yield
    instance.forget()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[None]:
    """SQLite alone."""
    with fresh(template, tmp_path):
        yield


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_it_goes_as_written_in_two_parts_at_most(store: None, path: Path) -> None:
    played = play(path)
    if os.environ.get("TESTS_WRITE_DIALOGUES"):
        path.write_text("\n".join(played.lines) + "\n", "utf-8")
    assert played.lines == read(path)
    assert not [row.text for row in played.sent if too_long(row)]
    for row in played.sent:
        LONGEST[row.channel] = max(LONGEST.get(row.channel, ""), row.text, key=ucs2_units)


def test_the_longest_text_of_each_channel_can_be_carried() -> None:
    for channel, words in LONGEST.items():
        print(f"{channel}: {ucs2_units(words)} units\n{words}\n")
        assert ucs2_units(words) <= FORMS[channel].longest


def test_every_dialogue_is_there_in_all_three_languages() -> None:
    names = {path.stem.rpartition("_")[0] for path in FILES}
    stems = {path.stem for path in FILES}
    missing = {f"{name}_{each}" for name in names for each in i18n.LANGUAGES} - stems
    assert not missing
