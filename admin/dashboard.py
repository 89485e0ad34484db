"""The dashboard: what arrives, what waits and how long, what is on time, where and about what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template
from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select

from admin import guard, views, words
from bot import gazetteer
from config.profile import profile
from store.db import Transaction, reading
from store.schema import grievance
from workflow import charts
from workflow.states import OPEN

blueprint = Blueprint("dashboard", __name__)
WEEKS = 12
_NAME = 28  # letters beside a bar; the table has the whole name
_AGES = (7, 30, 60)  # days
# Column and row of each tile: where things lie, roughly, every one as large as the others.
TILES = {
    "uvs": (1, 0), "khuvsgul": (3, 0), "selenge": (5, 0), "bayan-ulgii": (0, 1),
    "zavkhan": (2, 1), "bulgan": (3, 1), "orkhon": (4, 1), "darkhan-uul": (5, 1),
    "khentii": (6, 1), "dornod": (7, 1), "khovd": (1, 2), "arkhangai": (3, 2), "tuv": (4, 2),
    "ulaanbaatar": (5, 2), "govisumber": (6, 2), "sukhbaatar": (7, 2), "govi-altai": (2, 3),
    "bayankhongor": (3, 3), "uvurkhangai": (4, 3), "dundgovi": (5, 3), "dornogovi": (6, 3),
    "umnugovi": (5, 4),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture and the table it is drawn from."""

    name: str
    picture: Markup
    rows: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Tile:
    """One aimag on the map; ``level`` 0 to 4 is how dark it is."""

    code: str
    name: str
    count: int
    level: int
    x: int
    y: int


@blueprint.get("/dashboard")
def board() -> str:
    """How things stand, of what the officer may see."""
    scope = views.Scope(guard.officer(), guard.now())
    with reading() as tx:
        where, about = _received(tx, scope)
        drawn = [_arrivals(tx, scope), _ageing(tx, scope), _about(about)]
        on_time, late = _punctual(tx, scope)
        open_now = tx.scalar(select(func.count()).where(views.BY_NAME["open"].where(scope)))
    return render_template(
        "dashboard.html", charts=drawn, tiles=_tiles(where), on_time=on_time, late=late,
        open_now=open_now, weeks=WEEKS, received=where.total(),
    )  # fmt: skip


def _recent(scope: views.Scope) -> list[ColumnElement[bool]]:
    """What was received in the last weeks."""
    since = scope.now - timedelta(weeks=WEEKS)
    # Registration is indexed and never before arrival.
    new = (grievance.c.registered_at >= since, grievance.c.received_at >= since)
    return [views.visible(scope), *new]


def _received(tx: Transaction, scope: views.Scope) -> tuple[Counter[str], Counter[str]]:
    """How many lately, by aimag and by category; the database adds up, we get a row a kind."""
    kinds = (grievance.c.place, grievance.c.category)
    where: Counter[str] = Counter()
    about: Counter[str] = Counter()
    query = select(*kinds, func.count().label("number")).where(*_recent(scope)).group_by(*kinds)
    for row in tx.execute(query):
        where[(row.place or "").split("/")[0]] += row.number
        about[row.category or ""] += row.number
    return where, about


def _chart(name: str, rows: Sequence[tuple[str, int]], upright: bool = False) -> Chart:
    title = words.t(f"dash.{name}")
    short = [(name if len(name) <= _NAME else f"{name[:_NAME]}…", number) for name, number in rows]
    drawn = charts.columns(rows, title) if upright else charts.bars(short, title, "–")
    return Chart(name, Markup(drawn), rows)  # noqa: S704 - drawn by workflow.charts, which escapes


def _arrivals(tx: Transaction, scope: views.Scope) -> Chart:
    """By week, the oldest first, told by its first day."""
    ends = [scope.now - timedelta(weeks=week) for week in reversed(range(WEEKS))]
    at = grievance.c.received_at
    each = (func.count().filter(at > end - timedelta(weeks=1), at <= end) for end in ends)
    found = tx.execute(select(*each).where(*_recent(scope))).one()
    first = scope.now.astimezone(profile().timezone).date()
    days = [first - timedelta(days=7 * week + 6) for week in reversed(range(WEEKS))]
    named = [(f"{day:%m.%d}", number) for day, number in zip(days, found, strict=True)]
    return _chart("arrivals", named, upright=True)


def _ageing(tx: Transaction, scope: views.Scope) -> Chart:
    """Open ones by how long ago they were received."""
    received, edges = grievance.c.received_at, [scope.now - timedelta(days=n) for n in _AGES]
    conditions = [
        received >= edges[0],
        received.between(edges[1], edges[0]),
        received.between(edges[2], edges[1]),
        received < edges[2],
    ]
    open_ = (views.visible(scope), grievance.c.status.in_(sorted(OPEN)))
    found = tx.execute(select(*(func.count().filter(each) for each in conditions)).where(*open_))
    names = [words.t(f"dash.age.{n}") for n in range(len(conditions))]
    return _chart("ageing", list(zip(names, found.one(), strict=True)))


def _about(counted: Counter[str]) -> Chart:
    named = [
        (words.label("category", code) if code else words.t("dash.unsorted"), number)
        for code, number in counted.most_common()
    ]
    return _chart("category", named)


def _punctual(tx: Transaction, scope: views.Scope) -> tuple[int, int]:
    """How many were closed in time, and how many too late, in the last weeks."""
    in_time = grievance.c.closed_at <= grievance.c.due_at
    closed = (
        views.visible(scope),
        grievance.c.closed_at >= scope.now - timedelta(weeks=WEEKS),
        grievance.c.due_at.is_not(None),
    )
    sums = (func.count().filter(in_time), func.count().filter(~in_time))
    found: Any = tx.execute(select(*sums).where(*closed)).one()
    return found[0], found[1]


def _tiles(counted: Counter[str]) -> list[Tile]:
    most = max((counted[code] for code in TILES), default=0) or 1
    return [
        Tile(code, gazetteer.names(code, guard.language()), counted[code],
             -(-4 * counted[code] // most), 78 * x, 54 * y)
        for code, (x, y) in TILES.items()
    ]  # fmt: skip
