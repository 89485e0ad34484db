"""A figure is one JSON line; rates are medians of rounds that take turns with their baseline."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FLOOR = "disk.fdatasync"
FLOOR_SECONDS = 0.25
PAGE = 4096


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; ``name`` is dotted, the store last where there are two."""

    name: str
    value: float
    unit: str

    def line(self) -> str:
        """The figure as `make bench` prints it."""
        digits = 4 if abs(self.value) < 10 else 1
        shown = {"name": self.name, "value": round(self.value, digits), "unit": self.unit}
        return json.dumps(shown, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much to measure: `FULL` for figures, `SMALL` to see that the benches work."""

    rounds: int
    requests: int
    messages: int
    rows: int
    seconds: float
    stores: tuple[str, ...] = ("sqlite", "postgresql")


FULL = Scale(rounds=5, requests=1600, messages=1600, rows=1000, seconds=20)
SMALL = Scale(rounds=1, requests=64, messages=40, rows=20, seconds=1, stores=("sqlite",))


def say(words: str) -> None:
    """Progress, on stderr."""
    print(words, file=sys.stderr, flush=True)


def interleaved(rounds: int, measures: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Run the measures in turn, ``rounds`` times: noise of the machine hits all of them alike."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        for name, measure in measures.items():
            found[name].append(measure())
        last = ", ".join(f"{name} {values[-1]:.0f}" for name, values in found.items())
        say(f"  round {number + 1} of {rounds}: {last} a second")
    return found


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the rounds' own ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def compared(
    name: str, store: str, unit: str, found: Mapping[str, list[float]], baseline: str
) -> Iterator[Figure]:
    """A line for each measured rate, and one for its ratio to the ``baseline``; the disk's floor."""
    for measured, values in found.items():
        if measured == FLOOR:
            yield Figure(f"{FLOOR}.{store}", statistics.median(values), "fdatasync/s")
            continue
        yield Figure(f"{name}.{measured}.{store}", statistics.median(values), unit)
        if measured != baseline:
            whose = name if measured == "rate" else f"{name}.{measured}"
            of = ratio(values, found[baseline])
            yield Figure(f"{whose}.ratio.{store}", of, f"of {name}.{baseline}")


def fdatasync_rate(folder: Path) -> float:
    """How often a second the disk of ``folder`` makes one more page durable."""
    path = folder / "floor"
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        count, began = 0, time.perf_counter()
        while (taken := time.perf_counter() - began) < FLOOR_SECONDS:
            os.pwrite(number, bytes(PAGE), count * PAGE)
            os.fdatasync(number)
            count += 1
    finally:
        os.close(number)
        path.unlink()
    return count / taken
