"""Log files of the processes."""

import json
from pathlib import Path

import pytest

from config.journal import LARGEST, Journal


def test_a_full_file_is_put_aside(tmp_path: Path) -> None:
    old = tmp_path / "web.log"
    old.write_text("x" * (LARGEST + 1))
    journal = Journal(tmp_path)
    journal.line("web", '{"event": "first"}')
    journal.line("web", '{"event": "second"}')
    journal.close()
    assert old.read_text() == '{"event": "first"}\n{"event": "second"}\n'
    assert (tmp_path / "web.log.1").stat().st_size == LARGEST + 1


def test_a_traceback_is_masked_and_json_is_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.line("web", "ValueError: +976 9911 2233")
    journal.line("web", '{"event": "drained", "row": 1234567}')
    journal.close()
    lines = (tmp_path / "web.log").read_text().splitlines()
    assert lines == ["ValueError: <number>", '{"event": "drained", "row": 1234567}']


def test_a_note_is_a_log_entry_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(tmp_path)
    journal.note("desk", "ended with exit code 1")
    journal.close()
    entry = json.loads((tmp_path / "desk.log").read_text())
    assert (entry["process"], entry["level"]) == ("desk", "warning")
    assert f"ended with exit code 1; see {tmp_path}/desk.log" in capsys.readouterr().out


def test_a_disk_that_refuses_stops_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    (tmp_path / "web.log").mkdir()  # cannot be opened as a file
    journal.line("web", "words")
    journal.close()
