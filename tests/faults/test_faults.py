"""Five hundred messages on each store while everything around them fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.__main__ import table
from tests.faults.run import run, short

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_nothing_is_lost_and_nothing_happens_twice(store: str, tmp_path: Path) -> None:
    report = run(short(store), tmp_path)
    print(table([report]))
    assert report.violations == []
    assert report.numbers["accepted"] == 500
    for kind in ("kill worker", "kill deliver", "kill web", "flush redis", "stop redis"):
        assert report.faults[kind] >= 2, f"{kind} hardly happened"
    if store == "postgresql":
        assert report.faults["stop postgresql"] + report.faults["freeze postgresql"] >= 2
