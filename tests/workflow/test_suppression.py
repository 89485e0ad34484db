"""Suppression under attack: whatever the reports show, nobody can subtract their way to a count."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from itertools import combinations

import pytest

from workflow.indicators import Figures
from workflow.period import Period, before, preset
from workflow.suppression import LEAST, Release, small, suppress

PRIME = 2**61 - 1
YEAR = date(2025, 1, 1)


def day(number: int) -> date:
    return YEAR + timedelta(days=number)


class Town:
    """Cases on days, each of one category: what the attacker wants to know."""

    def __init__(self, seed: int, count: int) -> None:
        dice = random.Random(seed)
        weights = [dice.choice([1, 3, 10, 30]) for _ in range(5)]
        self.cases = [
            (day(dice.randrange(365)), dice.choices("abcde", weights)[0]) for _ in range(count)
        ]

    def count(self, start: date, end: date) -> Counter[str]:
        return Counter(cell for at, cell in self.cases if start <= at < end)

    def figures(self, period: Period) -> Figures:
        cells = self.count(period.start, period.end)
        found = Figures()
        found.totals["received"] = cells.total()
        found.tables["category"] = dict(cells)
        return found


def disclose(town: Town, periods: list[Period]) -> list[Release]:
    releases: list[Release] = []
    for period in periods:
        releases.append(suppress(town.figures(period), period, releases))
    return releases


class Attacker:
    """Knows every report; solves its equations for each cell between any two borders.

    Unknown is the count of each cell in each stretch between borders; an equation is a shown cell
    over its stretches, or a shown total over stretches and cells. Elimination modulo a prime.
    """

    def __init__(self, releases: list[Release], table: str = "category", total: str = "received"):
        self.borders = sorted({d for item in releases for d in (item.start, item.end)})
        self.cells = sorted({c for item in releases for c in (item.tables[table] or {})})
        self.basis: dict[int, dict[int, int]] = {}
        for item in releases:
            if item.totals[total] is not None:
                self.learn([self.unknown(item.start, item.end, cell) for cell in self.cells])
            for cell in self.cells:
                if item.line(table, cell) is not None:
                    self.learn([self.unknown(item.start, item.end, cell)])

    def unknown(self, start: date, end: date, cell: str) -> list[int]:
        row = self.cells.index(cell) * len(self.borders)
        return [row + n for n, at in enumerate(self.borders[:-1]) if start <= at < end]

    def reduce(self, row: dict[int, int]) -> dict[int, int]:
        for pivot in sorted(self.basis):
            if factor := row.get(pivot, 0):
                for key, value in self.basis[pivot].items():
                    row[key] = (row.get(key, 0) - factor * value) % PRIME
        return {key: value for key, value in row.items() if value}

    def learn(self, parts: list[list[int]]) -> None:
        row = self.reduce({key: 1 for part in parts for key in part})
        if row:
            pivot = min(row)
            scale = pow(row[pivot], -1, PRIME)
            self.basis[pivot] = {key: value * scale % PRIME for key, value in row.items()}

    def knows(self, start: date, end: date, cell: str) -> bool:
        return not self.reduce(dict.fromkeys(self.unknown(start, end, cell), 1))


def leaks(town: Town, releases: list[Release]) -> list[tuple[date, date, str, int]]:
    """Every small count the attacker can compute, for any stretch of time."""
    attacker = Attacker(releases)
    return [
        (start, end, cell, value)
        for start, end in combinations(attacker.borders, 2)
        for cell in attacker.cells
        if small(value := town.count(start, end)[cell]) and attacker.knows(start, end, cell)
    ]


CALENDAR = [
    before("quarter", date(2025, 4, 1)), preset("quarter", date(2025, 4, 1)),
    preset("half_year", YEAR), preset("quarter", date(2025, 7, 1)),
    preset("quarter", date(2025, 10, 1)), preset("half_year", date(2025, 12, 1)),
    preset("year", YEAR),
]  # fmt: skip


def test_the_attacker_wins_where_only_small_counts_are_hidden() -> None:
    """Hiding small counts alone is not enough: this attack would find them."""
    town = Town(3, 150)
    naive = []
    for period in CALENDAR:
        cells = town.count(period.start, period.end)
        shown: dict[str, int | None] = {c: None if small(n) else n for c, n in cells.items()}
        naive.append(
            Release(period.start, period.end, {"received": cells.total()}, {"category": shown})
        )
    assert leaks(town, naive)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("count", [25, 90, 400])
def test_no_small_count_follows_from_a_year_of_reports(seed: int, count: int) -> None:
    town = Town(seed, count)
    assert leaks(town, disclose(town, CALENDAR)) == []


@pytest.mark.parametrize("seed", range(20))
def test_no_small_count_follows_from_overlapping_periods(seed: int) -> None:
    town, dice = Town(seed, 150), random.Random(seed)
    periods = []
    for _ in range(9):
        first, last = sorted(dice.sample(range(0, 365, 15), 2))
        periods.append(Period(day(first), day(last)))
    assert leaks(town, disclose(town, list(dict.fromkeys(periods)))) == []


def test_two_reports_a_day_apart_do_not_tell_that_day() -> None:
    town = Town(1, 300)
    releases = disclose(town, [Period(YEAR, day(180)), Period(YEAR, day(181))])
    shown = [item.totals["received"] for item in releases]
    differs = town.count(day(181), day(182)).total()
    assert shown[0] is not None
    assert shown[1] is None or not small(differs)


@pytest.mark.parametrize("seed", range(15))
def test_a_hidden_cell_could_have_five_values(seed: int) -> None:
    """Within one table: parts of one or more that add up to what total and shown cells leave."""
    town = Town(seed, 60)
    (release,) = disclose(town, [preset("year", YEAR)])
    cells = release.tables["category"]
    assert cells is not None
    hidden = release.hidden("category")
    total = release.totals["received"]
    assert total is not None
    left = total - sum(value or 0 for value in cells.values())
    truth = town.count(release.start, release.end)
    assert all(release.line("category", c) is None for c, n in truth.items() if small(n))
    if hidden:
        assert len(hidden) > 1
        assert left - (len(hidden) - 1) >= LEAST


def test_large_tables_stay_as_they_are() -> None:
    figures = Figures()
    figures.totals |= {"received": 60, "closed": 3, "open": 40, "reopened": 2}
    figures.tables = {"kind": {"complaint": 40, "request": 20}, "outcome": {"resolved": 3}}
    figures.medians = {"days_to_close": (3.5, 3), "hours_to_acknowledge": (0.1, 60)}
    found = suppress(figures, preset("year", YEAR), [])
    assert found.tables["kind"] == {"complaint": 40, "request": 20}
    assert found.totals["received"] == 60
    assert (found.totals["closed"], found.tables["outcome"]) == (None, None)
    assert (found.totals["reopened"], found.totals["open"]) == (None, None)
    assert found.medians == {"days_to_close": None, "hours_to_acknowledge": 0.1}


def test_months_are_shown_together_or_not_at_all() -> None:
    figures = Figures()
    figures.totals["received"] = 30
    figures.tables["month"] = {"2025-01": 20, "2025-02": 10}
    period = preset("quarter", YEAR)
    assert suppress(figures, period, []).tables["month"] == {"2025-01": 20, "2025-02": 10}
    figures.tables["month"] = {"2025-01": 27, "2025-02": 3}
    assert suppress(figures, period, []).tables["month"] is None
