"""Indicators of a period, computed from the trail alone.

A grievance belongs to the period in which it was received, and a closure to the period in which
it was made, if it still stood when the period ended. Whatever happens to a grievance later changes
nothing; what comes in later on paper with an earlier date belongs to the earlier period, until
that was disclosed (`workflow.report_figures` keeps what was). What each figure means is printed
with it: the texts ``figure.<name>.means``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from config.profile import Profile, profile
from store.db import Transaction
from store.schema import case_event, grievance
from workflow.period import Period
from workflow.standing import Event, Standing, replay

BATCH = 1000
UNKNOWN = "unknown"
PROMPT = timedelta(days=1)
DAY = 86400
# Which total each table shares out. ``backlog`` is how things stand, the others what happened.
TABLES: Mapping[str, str] = {
    **dict.fromkeys(
        ("kind", "category", "channel", "language", "place", "gender", "group", "stage",
         "acknowledged", "month", "status"), "received",
    ),
    **dict.fromkeys(("outcome", "timeliness"), "closed"),
    "backlog": "open",
    "satisfaction": "rated",
}  # fmt: skip
TOTALS = ("received", "closed", "open", "rated", "reopened", "appealed", "sealed")
MEDIANS = ("days_to_close", "hours_to_acknowledge")
_EVENTS_READ = (
    "registered", "classified", "screened", "acknowledged", "closed", "withdrawn", "reopened",
    "appealed", "escalated", "court_recorded", "extended", "delayed", "resumed", "sealed",
    "unsealed", "erased",
)  # fmt: skip


@dataclass(slots=True)
class Figures:
    """The figures of a period, exact: for the desk alone until `workflow.suppression` saw them.

    ``tables`` share out totals, by code; ``medians`` are days and hours, with how many there were.
    """

    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TOTALS, 0))
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    medians: dict[str, tuple[float, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Figures:
        medians = {name: (float(value), int(n)) for name, (value, n) in kept["medians"].items()}
        return cls(dict(kept["totals"]), dict(kept["tables"]), medians)


class _Counting:
    """Adds up standings."""

    def __init__(
        self, begins: datetime, ends: datetime, zone: ZoneInfo, now: datetime | None
    ) -> None:
        self.begins, self.ends, self.zone = begins, ends, zone
        # A period that still runs is judged as of now.
        self.seen = min(ends, now) if now else ends
        self.totals: Counter[str] = Counter()
        self.tables: dict[str, Counter[str]] = {name: Counter() for name in TABLES}
        self.days: list[float] = []
        self.hours: list[float] = []

    def _in(self, moment: datetime | None) -> bool:
        return moment is not None and self.begins <= moment < self.ends

    def take(self, case: Standing) -> None:
        """Count one grievance; a sealed one in one figure alone."""
        if case.sealed:
            self.totals["sealed"] += self._in(case.received_at)
            return
        if self._in(case.received_at):
            self._received(case)
        if case.is_open:
            self._open(case)
        elif self._in(case.closed_at):
            self._closed(case)
        for what in ("reopened", "appealed"):
            self.totals[what] += case.happened(what, self.begins, self.ends)
        if case.happened("rated", self.begins, self.ends):
            self.totals["rated"] += 1
            self.tables["satisfaction"][str(case.values["rating"])] += 1

    def _received(self, case: Standing) -> None:
        self.totals["received"] += 1
        for name in ("kind", "category", "language", "gender", "group"):
            self.tables[name][str(case.values.get(name) or UNKNOWN)] += 1
        channel = str(case.values.get("channel") or UNKNOWN)
        self.tables["channel"]["gateway" if channel.startswith("gateway") else channel] += 1
        # Aimags, not soums: a soum is a small place.
        self.tables["place"][str(case.values.get("place") or UNKNOWN).split("/")[0]] += 1
        self.tables["stage"][str(case.stage)] += 1
        self.tables["status"]["open" if case.is_open else "closed"] += 1
        self.tables["month"][f"{case.received_at.astimezone(self.zone):%Y-%m}"] += 1
        self._acknowledged(case)

    def _acknowledged(self, case: Standing) -> None:
        if case.acknowledged_at is None:
            self.tables["acknowledged"]["not_yet"] += 1
            return
        waited = case.acknowledged_at - case.received_at
        self.hours.append(max(waited.total_seconds(), 0) / 3600)
        self.tables["acknowledged"]["prompt" if waited <= PROMPT else "later"] += 1

    def _open(self, case: Standing) -> None:
        self.totals["open"] += 1
        late = case.due_at is not None and case.due_at < self.seen
        self.tables["backlog"]["late" if late else "fine"] += 1

    def _closed(self, case: Standing) -> None:
        self.totals["closed"] += 1
        words = {True: "in_time", False: "late", None: "no_term"}
        self.tables["timeliness"][words[case.in_time]] += 1
        self.tables["outcome"][case.outcome] += 1
        assert case.closed_at
        self.days.append(max((case.closed_at - case.received_at).total_seconds(), 0) / DAY)

    def figures(self) -> Figures:
        tables = {name: dict(sorted(cells.items())) for name, cells in self.tables.items()}
        found = {"days_to_close": self.days, "hours_to_acknowledge": self.hours}
        medians = {
            name: (round(median(values), 2), len(values))
            for name, values in found.items()
            if values
        }
        totals = {name: self.totals[name] for name in TOTALS}
        return Figures(
            totals, {k: {c: n for c, n in v.items() if n} for k, v in tables.items()}, medians
        )


def compute(
    tx: Transaction,
    period: Period,
    told: Callable[[int], None] = lambda count: None,
    project: Profile | None = None,
    now: datetime | None = None,
) -> Figures:
    """The figures of ``period`` as far as it has come; ``told`` hears of every grievance read."""
    chosen = project or profile()
    begins, ends = period.moments(chosen.timezone)
    counting = _Counting(begins, ends, chosen.timezone, now)
    for _, case in standings(tx, period, chosen):
        counting.take(case)
        told(1)
    return counting.figures()


def standings(
    tx: Transaction, period: Period, project: Profile, among: Sequence[int] | None = None
) -> Iterator[tuple[int, Standing]]:
    """Grievances of the period by id as they stood at its end; ``among``: of these alone.

    One by one, so that each trail is forgotten before the next is read: with a batch of them
    alive, half of the time goes to the garbage collector.
    """
    begins, ends = period.moments(project.timezone)
    wanted = _touching(begins, ends)
    if among is not None:
        wanted = and_(wanted, grievance.c.id.in_(among))
    for batch in _batches(tx, wanted):
        rows = {row.id: row for row in batch}
        for number, trail in _trails(tx, list(rows)):
            yield number, replay(rows.pop(number), list(trail), ends, project.start_stage)
        for number, row in rows.items():  # imported without a trail
            yield number, replay(row, [], ends, project.start_stage)


def concerned(tx: Transaction, period: Period, project: Profile | None = None) -> int:
    """How many grievances `compute` will read."""
    moments = period.moments((project or profile()).timezone)
    found: int = tx.scalar(select(func.count()).select_from(grievance).where(_touching(*moments)))
    return found


def _touching(begins: datetime, ends: datetime) -> ColumnElement[bool]:
    """All received by the end, save what was closed for good before the beginning."""
    return and_(
        grievance.c.received_at < ends,
        or_(grievance.c.closed_at.is_(None), grievance.c.closed_at >= begins,
            grievance.c.received_at >= begins),
    )  # fmt: skip


_ROWS: Select[Any] = select(
    grievance.c.id, grievance.c.kind, grievance.c.category, grievance.c.place,
    grievance.c.language, grievance.c.channel, grievance.c.facts, grievance.c.sensitive,
    grievance.c.received_at, grievance.c.due_at,
    grievance.c.closed_at, grievance.c.outcome,
)  # fmt: skip


def _batches(tx: Transaction, wanted: ColumnElement[bool]) -> Iterator[Sequence[Any]]:
    query, last = _ROWS.where(wanted).order_by(grievance.c.id).limit(BATCH), 0
    while page := tx.execute(query.where(grievance.c.id > last)).all():
        yield page
        last = page[-1].id


def _trails(tx: Transaction, ids: Sequence[int]) -> Iterator[tuple[int, Iterator[Event]]]:
    query = (
        select(case_event.c.grievance_id, case_event.c.kind, case_event.c.at, case_event.c.payload)
        .where(case_event.c.grievance_id.in_(ids), case_event.c.kind.in_(_EVENTS_READ))
        .order_by(case_event.c.grievance_id, case_event.c.seq)
    )
    return groupby(tx.execute(query), key=itemgetter(0))
