"""Every dialogue goes as its transcript says. HARIU_TEST_WRITE=1 writes the answers anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config import i18n
from store.text import measure
from tests.bot.transcript import play, read

FOLDER = Path(__file__).parent / "dialogues"
FILES = sorted(FOLDER.glob("*.txt"))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Dialogues do not depend on the store: SQLite alone."""
    from tests import instance

    for name, value in instance.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    instance.forget()
    from store import migrate

    migrate.upgrade()
    return "sqlite"


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_it_goes_as_written(store: str, path: Path) -> None:
    played = play(path)
    if os.environ.get("TESTS_WRITE_DIALOGUES"):
        path.write_text("\n".join(played) + "\n", "utf-8")
    assert played == read(path)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_sms_fits_two_parts(path: Path) -> None:
    lines = read(path)
    if not lines[0].startswith("# sms"):
        return
    answers, current = [], []
    for line in [*lines, "> "]:
        if line.startswith("< "):
            current.append(line[2:])
        elif current:
            answers.append("\n".join(current))
            current = []
    for answer in answers:
        assert measure(answer.replace("{reference}", "26004127")).units <= 2 * 160


def test_all_three_languages_have_dialogues() -> None:
    for language in i18n.LANGUAGES:
        assert any(path.stem.endswith(f"_{language}") for path in FILES)
