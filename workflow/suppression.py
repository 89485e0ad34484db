"""Small counts suppressed, so that nothing disclosed gives them away. Pure.

A count of 1 to 4 is hidden. A total and its parts, or two reports whose periods overlap, could
give it back by subtraction; therefore, for every new period, with all that was disclosed before:

1. *Primary*: counts of 1 to 4 are hidden, zero is shown.
2. *Time*: a count is hidden as well where it, with what was disclosed of the same thing for other
   periods, would tell a count of 1 to 4 for the time between (chains of periods that meet end to
   end, and a period less up to three that lie inside it).
3. *Complementary*: in a table that has hidden cells, the smallest others are hidden until at
   least two are, and their sum leaves each of them more than four values it could have.
4. *Audit*: the linear equations of everything disclosed are solved; while they determine one
   hidden cell, one more of the new table is hidden, at last the table as a whole.

A table hidden as a whole shows not even which of its cells are zero. Medians of fewer than five
are hidden too. Nobody is asked to trust this: a test solves for the hidden cells by other means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import combinations
from typing import Any

from workflow.indicators import MEDIANS, TABLES, Figures
from workflow.period import Period

LEAST = 5
# What is counted at the end of a period, not over it: no difference of two is a count of people.
_STOCKS = frozenset({"backlog"})
_INSIDE = 3
# Reopened and appealed grievances are open again: one hidden, the stock could give it back.
_RETURNS = frozenset({"reopened", "appealed"})

Cells = dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Release:
    """What is disclosed of a period; None is hidden. A table that is None is hidden as a whole.

    Cells that are not listed are zero, medians that are not listed are of nothing.
    """

    start: date
    end: date
    totals: Cells
    tables: dict[str, Cells | None]
    medians: dict[str, float | None] = field(default_factory=dict)

    def line(self, table: str, cell: str) -> int | None:
        """One cell; None when hidden."""
        cells = self.tables.get(table)
        return None if cells is None else cells.get(cell, 0)

    def hidden(self, table: str) -> list[str]:
        """The hidden cells of a table that is shown."""
        return [cell for cell, value in (self.tables.get(table) or {}).items() if value is None]

    def to_json(self) -> dict[str, Any]:
        return {"totals": self.totals, "tables": self.tables, "medians": self.medians}


@dataclass(frozen=True, slots=True)
class _Edge:
    """A count known for the days from ``start`` until before ``end``."""

    start: date
    end: date
    value: int


def small(value: int) -> bool:
    """Whether a count (or a difference of counts) must not be known."""
    return 0 < abs(value) < LEAST


def suppress(figures: Figures, period: Period, earlier: Sequence[Release]) -> Release:
    """What of ``figures`` may be disclosed beside all that ``earlier`` disclosed."""
    others = [item for item in earlier if (item.start, item.end) != (period.start, period.end)]
    found = Release(period.start, period.end, {}, {})
    for name, value in figures.totals.items():
        edges = _total_edges(others, name)
        tells = name != "open" and _tells(edges, _Edge(found.start, found.end, value))
        found.totals[name] = None if small(value) or tells else value
    if any(found.totals[name] is None for name in _RETURNS):
        found.totals["open"] = None
    for name, total in TABLES.items():
        cells = figures.tables.get(name, {})
        found.tables[name] = _table(name, total, cells, found, others)
    for name in MEDIANS:
        if name in figures.medians:
            middle, count = figures.medians[name]
            found.medians[name] = middle if count >= LEAST else None
    return found


def _total_edges(others: Iterable[Release], name: str) -> list[_Edge]:
    return [
        _Edge(item.start, item.end, value)
        for item in others
        if (value := item.totals.get(name)) is not None
    ]


def _line_edges(others: Iterable[Release], table: str, cell: str) -> list[_Edge]:
    return [
        _Edge(item.start, item.end, value)
        for item in others
        if (value := item.line(table, cell)) is not None
    ]


# -- time -------------------------------------------------------------------------------------


def _tells(edges: Sequence[_Edge], new: _Edge) -> bool:
    """Whether ``new`` beside ``edges`` tells a small count for some stretch of time."""
    known = {*edges, new}
    potential = _potentials(known, new.start)
    if any(small(b - a) for a, b in combinations(potential.values(), 2)):
        return True
    return any(small(rest) for rest in _remainders(known, new))


def _potentials(edges: Collection[_Edge], root: date) -> dict[date, int]:
    """The running count at every border that chains of known periods join to ``root``."""
    found, waiting = {root: 0}, [root]
    while waiting:
        border = waiting.pop()
        for edge in edges:
            for one, other, step in (
                (edge.start, edge.end, edge.value), (edge.end, edge.start, -edge.value)
            ):  # fmt: skip
                if one == border and other not in found:
                    found[other] = found[border] + step
                    waiting.append(other)
    return found


def _remainders(known: Collection[_Edge], new: _Edge) -> Iterator[int]:
    """What is left of a period when up to three known ones inside it are taken away."""
    for outer in known:
        inside = [
            edge
            for edge in known
            if edge != outer and outer.start <= edge.start and edge.end <= outer.end
        ]
        for count in range(1, _INSIDE + 1):
            for some in combinations(inside, count):
                if (outer == new or new in some) and _apart(some):
                    yield outer.value - sum(edge.value for edge in some)


def _apart(edges: Sequence[_Edge]) -> bool:
    return all(a.end <= b.start or b.end <= a.start for a, b in combinations(edges, 2))


# -- one table --------------------------------------------------------------------------------


def _table(
    name: str, total: str, cells: Mapping[str, int], release: Release, others: Sequence[Release]
) -> Cells | None:
    """The table as it may be shown; None: not at all."""
    if release.totals[total] is None:
        return None
    if name == "month":  # each month is a period of the total itself
        return dict(cells) if _months_safe(cells, release, others, total) else None
    timed = [] if name in _STOCKS else others
    universe = {cell for item in timed for cell in (item.tables.get(name) or {})} | cells.keys()
    shown: Cells = {}
    fixed: set[str] = set()
    for cell in sorted(universe):
        value = cells.get(cell, 0)
        edges = _line_edges(timed, name, cell)
        if release.end in _potentials(edges, release.start):
            fixed.add(cell)  # it follows from what was disclosed: hiding it would hide nothing
        new = _Edge(release.start, release.end, value)
        leak = small(value) or (cell not in fixed and _tells(edges, new))
        shown[cell] = None if leak else value
    while not _enough(shown, cells):
        if not _hide_one(shown, fixed):
            return None
    return _audited(name, total, shown, release, timed, fixed)


def _months_safe(
    cells: Mapping[str, int], release: Release, others: Sequence[Release], total: str
) -> bool:
    """Months add up to the periods they lie in: all of them, or none."""
    months = [_month(code, release) for code in cells]
    edges = {
        *_total_edges(others, total),
        _Edge(release.start, release.end, sum(cells.values())),
        *(edge for item in others for edge in _month_edges(item)),
    }
    fresh = {_Edge(a, b, n) for (a, b), n in zip(months, cells.values(), strict=True)}
    return not any(small(n) for n in cells.values()) and not any(
        _tells(list(edges | fresh), new) for new in fresh
    )


def _month_edges(item: Release) -> Iterator[_Edge]:
    for code, value in (item.tables.get("month") or {}).items():
        if value is not None:
            yield _Edge(*_month(code, item), value)


def _month(code: str, release: Release) -> tuple[date, date]:
    """The part of a month that lies in the period."""
    first = date.fromisoformat(f"{code}-01")
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return max(first, release.start), min(following, release.end)


def _enough(shown: Cells, cells: Mapping[str, int]) -> bool:
    """Whether each hidden cell, being one or more, could have more than four values."""
    hidden = [cell for cell, value in shown.items() if value is None]
    if not hidden:
        return True
    return len(hidden) > 1 and sum(cells.get(c, 0) for c in hidden) >= len(hidden) + LEAST - 1


def _hide_one(shown: Cells, fixed: Collection[str]) -> bool:
    """Hide the smallest cell that is shown, not zero and not known anyway; False: none is left."""
    rest = [(value, cell) for cell, value in shown.items() if value and cell not in fixed]
    if rest:
        shown[min(rest)[1]] = None
    return bool(rest)


# -- audit ------------------------------------------------------------------------------------

Row = dict[tuple[str, date], Fraction]


def _audited(
    name: str, total: str, shown: Cells, release: Release, timed: Sequence[Release],
    fixed: Collection[str],
) -> Cells | None:  # fmt: skip
    """Hide on while the equations of all releases determine a hidden cell."""
    while True:
        trial = Release(release.start, release.end, release.totals, {name: shown})
        if not _determined([*timed, trial], name, total):
            return shown
        if not _hide_one(shown, fixed):
            return None


def _determined(releases: Sequence[Release], name: str, total: str) -> bool:
    """Whether some hidden cell of the table follows from everything that is known."""
    joined = {
        cell: _Joined(releases, name, cell) for item in releases for cell in item.hidden(name)
    }
    basis: list[tuple[Any, Row]] = []
    for item in releases:
        if item.totals.get(total) is not None and (hidden := item.hidden(name)):
            row: Row = {}
            for cell in hidden:
                _add(row, cell, joined[cell], item)
            _extend(basis, row)
    targets = ((item, cell) for item in releases for cell in item.hidden(name))
    return any(_follows(basis, item, cell, joined[cell]) for item, cell in targets)


class _Joined:
    """Borders between which the count of one cell is known are one border."""

    def __init__(self, releases: Sequence[Release], table: str, cell: str) -> None:
        self._edges = _line_edges(releases, table, cell)
        self._root: dict[date, date] = {}

    def root(self, border: date) -> date:
        if border not in self._root:
            group = _potentials(self._edges, border)
            self._root |= dict.fromkeys(group, min(group))
        return self._root[border]


def _add(row: Row, cell: str, joined: _Joined, item: Release) -> None:
    """Add the cell's count over the release's time: the running count at its end less at start."""
    for border, sign in ((item.end, 1), (item.start, -1)):
        key = (cell, joined.root(border))
        row[key] = row.get(key, Fraction()) + sign
        if not row[key]:
            del row[key]


def _extend(basis: list[tuple[Any, Row]], row: Row) -> None:
    rest = _reduced(basis, row)
    if rest:
        pivot = next(iter(rest))
        basis.append((pivot, {key: value / rest[pivot] for key, value in rest.items()}))


def _reduced(basis: Sequence[tuple[Any, Row]], row: Row) -> Row:
    """``row`` less what follows from ``basis``, whose rows hold no earlier pivot."""
    left = dict(row)
    for pivot, base in basis:
        factor = left.get(pivot)
        if factor:
            for key, value in base.items():
                left[key] = left.get(key, Fraction()) - factor * value
                if not left[key]:
                    del left[key]
    return left


def _follows(basis: Sequence[tuple[Any, Row]], item: Release, cell: str, joined: _Joined) -> bool:
    target: Row = {}
    _add(target, cell, joined, item)
    return not _reduced(basis, target)
