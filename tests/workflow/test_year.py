"""A simulated year on each profile; its figures, computed twice by different ways, agree.

The first way is the product's: rows of grievances, and `reckon`. The second knows only the raw
events, the profile's file and a calendar, and counts days one by one.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import pytest
from sqlalchemy import select

from config.profile import SHIPPED, load
from store import grievances
from store.db import reading
from store.schema import case_event, grievance, outbox
from tests.workflow import office
from tests.workflow.year import FIRST, Asked, Year
from workflow import winding
from workflow.audit import audit
from workflow.reckoning import reckon

GRIEVANCES = 1000
OFF = frozenset(holidays.country_holidays("MN", years=range(2025, 2030)))
WEST = ("bayan-ulgii", "khovd", "uvs")


class ByHand:
    """The second calculation: one grievance followed event by event."""

    def __init__(self, rules: dict[str, Any], asked: Asked) -> None:
        self.rules, self.asked = rules, asked
        self.kind, self.category, self.sealed = asked.kind, asked.category, bool(asked.sensitive)
        west = (asked.place or "").split("/")[0] in WEST
        self.zone = ZoneInfo("Asia/Hovd" if west else "Asia/Ulaanbaatar")
        self.stage, self.start = 2, asked.received
        self.added: list[tuple[int, str]] = []
        self.lost: list[tuple[datetime, datetime]] = []
        self.paused: datetime | None = None
        self.closed: datetime | None = None
        self.court = False
        self.counts: Counter[str] = Counter()
        self.first_answer: timedelta | None = None
        self.outcome = ""

    def take(self, kind: str, at: datetime, payload: dict[str, Any]) -> None:
        self.counts[kind] += 1
        if kind == "classified":
            self.kind = payload.get("kind", self.kind)
            self.category = payload.get("category", self.category)
        elif kind in {"reopened", "appealed", "escalated"}:
            self.stage += kind != "reopened"
            self.start, self.added, self.lost, self.paused = at, [], [], None
            self.closed, self.outcome = None, ""
        elif kind in {"extended", "delayed"}:
            unit = "hours" if "hours" in payload else "days"
            self.added.append((payload[unit], unit))
        elif kind == "paused":
            self.paused = at
        elif kind in {"resumed", "closed", "withdrawn"} and self.paused:
            self.lost.append((self.paused, at))
            self.paused = None
        if kind == "court_recorded":
            self.court, self.stage, self.paused = True, 4, None
        elif kind in {"closed", "withdrawn"}:
            self.closed, self.outcome = at, payload["outcome"]
            if self.first_answer is None:
                self.first_answer = at - self.asked.received

    def span(self) -> dict[str, Any] | None:
        by_stage = {stage["number"]: stage.get("span") for stage in self.rules["stages"]}
        found: dict[str, Any] | None = None
        if self.stage <= 2:
            named = {item["code"]: item.get("span") for item in self.rules["categories"]}
            found = self.rules["kind_spans"].get(self.kind) or named.get(self.category or "")
            if self.sealed:
                found = self.rules["sensitive_span"]
        return found or by_stage[self.stage]

    def due(self) -> datetime | None:
        span = None if self.court else self.span()
        if span is None:
            return None
        day = self.start.astimezone(self.zone).date()
        unit, amount = span.get("unit", "days"), span["amount"]
        if unit == "hours":
            moment = self.start + timedelta(hours=amount)
            for began, ended in self.lost:
                moment += ended - began
        else:
            for began, ended in self.lost:
                one, last = (x.astimezone(self.zone).date() for x in (began, ended))
                while one < last:
                    one += timedelta(days=1)
                    amount += 1 if unit == "days" else self.works(one)
            while amount:
                day += timedelta(days=1)
                amount -= 1 if unit == "days" else self.works(day)
            moment = self.evening(day)
        for more, kind in self.added:
            if kind == "hours":
                moment += timedelta(hours=more)
            else:
                moment = self.evening(moment.astimezone(self.zone).date() + timedelta(days=more))
        return moment

    def works(self, day: date) -> int:
        return int(day.weekday() < 5 and day not in OFF)

    def evening(self, day: date) -> datetime:
        return datetime.combine(day, time(23, 59, 59), self.zone)


def figures_of_rows(project: Any, now: datetime) -> dict[str, Any]:
    """The first calculation."""
    with reading() as tx:
        rows = tx.execute(select(grievance)).all()
        kinds = Counter(tx.execute(select(case_event.c.kind)).scalars())
        trails = {
            row.id: reckon(grievances.events(tx, row.id), winding.days_off(project)) for row in rows
        }
        letters = Counter(tx.execute(select(outbox.c.template)).scalars())
    assert all(trail.complete for trail in trails.values())
    assert [row.id for row in rows if trails[row.id].due_at != row.due_at] == []
    answers = [
        (trails[row.id].stages[0].ended - row.received_at).total_seconds() / 86400
        for row in rows
        if trails[row.id].stages[0].ended
    ]
    return {
        "status": Counter(row.status == "closed" for row in rows),
        "outcome": Counter(row.outcome for row in rows if row.outcome),
        "stage": Counter(row.stage for row in rows),
        "on time": sum(bool(row.closed_at and row.due_at and row.closed_at <= row.due_at) for row in rows),
        "overdue": sum(
            bool(not row.closed_at and not row.paused_at and row.due_at and row.due_at < now)
            for row in rows
        ),
        "median days": round(median(answers), 6),
        "reopened": kinds["reopened"],
        "appealed": kinds["appealed"],
        "late notices": letters["late"],
        "ratings asked": letters["rate"],
        "really solved asked": letters["solved"],
        "reminders": letters["reminder_citizen"],
    }  # fmt: skip


def figures_by_hand(profile: str, year: Year, now: datetime) -> dict[str, Any]:
    """The second calculation."""
    rules = tomllib.loads((SHIPPED / f"{profile}.toml").read_text("utf-8"))
    hands = {case_id: ByHand(rules, asked) for case_id, asked in year.asked.items()}
    with reading() as tx:
        query = select(case_event).order_by(case_event.c.grievance_id, case_event.c.seq)
        for event in tx.execute(query):
            hands[event.grievance_id].take(event.kind, event.at, event.payload)
        dues = {
            row.id: row.due_at for row in tx.execute(select(grievance.c.id, grievance.c.due_at))
        }
    every = list(hands.values())
    assert [case_id for case_id, hand in hands.items() if hand.due() != dues[case_id]] == []
    total: Counter[str] = Counter()
    for hand in every:
        total += hand.counts
    due = {id(hand): hand.due() for hand in every}
    answers = [hand.first_answer.total_seconds() / 86400 for hand in every if hand.first_answer]
    return {
        "status": Counter(hand.closed is not None for hand in every),
        "outcome": Counter(hand.outcome for hand in every if hand.outcome),
        "stage": Counter(hand.stage for hand in every),
        "on time": sum(
            bool(hand.closed and (end := due[id(hand)]) and hand.closed <= end) for hand in every
        ),
        "overdue": sum(
            bool(not hand.closed and not hand.paused and (end := due[id(hand)]) and end < now)
            for hand in every
        ),
        "median days": round(median(answers), 6),
        "reopened": total["reopened"],
        "appealed": total["appealed"],
        "late notices": total["delayed"],
        "ratings asked": total["rating_asked"],
        "really solved asked": total["solved_asked"],
        "reminders": total["reminded"],
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("profile", ["smart-government-2", "darkhan"])
def test_a_year_adds_up(store: str, profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    project = load(profile)
    office.open_office(FIRST)
    for login, role in (("first", "officer"), ("second", "coordinator"), ("focal", "focal_point")):
        office.join(FIRST, login, role)
    year = Year(project, GRIEVANCES, seed=len(profile))
    year.run()
    now = FIRST + timedelta(days=365)
    first, second = figures_of_rows(project, now), figures_by_hand(profile, year, now)
    with capsys.disabled():
        print(f"\n{profile}: {len(year.asked)} grievances; refused {dict(year.refused)}")
        for name, value in first.items():
            print(f"  {name:20} {dict(value) if isinstance(value, Counter) else value}")
    assert first == second
    assert len(year.asked) == GRIEVANCES
    assert min(first["late notices"], first["reopened"], first["appealed"], first["on time"]) > 10
    with reading() as tx:
        assert audit(tx).findings == ()
        assert nobody_was_told_too_late(tx) == []


def nobody_was_told_too_late(tx: Any) -> list[int]:
    """Grievances whose person heard of a new date only after the old one had passed."""
    query = select(case_event).where(case_event.c.kind.in_(_DATED))
    late, promised = [], {}
    for event in tx.execute(query.order_by(case_event.c.grievance_id, case_event.c.seq)):
        before = promised.get(event.grievance_id)
        if event.kind == "delayed" and before and event.at > before:
            late.append(event.grievance_id)
        if due := (event.payload or {}).get("due_at"):
            promised[event.grievance_id] = datetime.fromisoformat(due).astimezone(UTC)
    return late


_DATED = ("registered", "reopened", "appealed", "escalated", "extended", "delayed", "resumed",
          "classified")  # fmt: skip
