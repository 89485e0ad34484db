"""Each bench runs, on a small scale, and prints its lines."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.house import ROOT

EXPECTED = {
    "accept.rate.sqlite", "accept.ratio.sqlite", "accept.storing_nothing.sqlite",
    "drain.rate.sqlite", "drain.ratio.sqlite", "drain.deliver.sqlite", "drain.delivered.sqlite",
    "drain.delivered.ratio.sqlite", "drain.baseline.sqlite", "disk.fdatasync.sqlite",
    "latency.accept_to_double.p50", "latency.accept_to_double.p99",
    "drip.good", "drip.slowest",
}  # fmt: skip


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *arguments], cwd=ROOT, capture_output=True,
        text=True, timeout=110,
    )  # fmt: skip


@pytest.mark.slow
def test_every_bench_prints_its_lines() -> None:
    done = _bench("--small", "accept", "drain", "house")
    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert {figure["name"] for figure in figures} >= EXPECTED
    assert all(figure.keys() == {"name", "value", "unit"} for figure in figures)
    assert all(figure["value"] > 0 for figure in figures)


def test_an_unknown_name_is_refused() -> None:
    done = _bench("nothing")
    assert done.returncode == 2
    assert "no such bench: nothing" in done.stderr
