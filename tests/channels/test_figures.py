"""Enough kept events of every channel, of every outcome."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.channels.cases import payloads
from tests.channels.figures import FILES, ROOT, lines, outcomes


@pytest.mark.parametrize(
    ("code", "least"),
    [("telegram", 25), ("messenger", 25), ("sms", 25), ("gateway", 25), ("email", 60)],
)
def test_kept_events(code: str, least: int) -> None:
    counts = outcomes(code)
    assert counts.total() == len(payloads(code)) >= least  # each has its meaning beside it
    assert len(counts) >= 3


def test_no_file_of_a_channel_is_long() -> None:
    sizes = {name: size for names in FILES.values() for name, size in lines(names).items()}
    assert {name: size for name, size in sizes.items() if size > 400} == {}


def test_the_table_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.channels.figures"], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert f"telegram: {outcomes('telegram').total()} kept events" in done.stdout
