"""Indicators: against another calculation of the same grievances, and unmoved by what comes later."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from statistics import median

from sqlalchemy import select

from store.case import Case
from store.db import reading
from store.schema import grievance
from tests.workflow import village
from workflow.indicators import Figures, compute, concerned
from workflow.period import Period
from workflow.states import Role

FIRST_HALF = Period(date(2026, 1, 1), date(2026, 6, 30))
BEGIN = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=8)
END = datetime(2026, 7, 1, tzinfo=UTC) - timedelta(hours=8)


def figures(period: Period = FIRST_HALF) -> Figures:
    with reading() as tx:
        read: list[int] = []
        found = compute(tx, period, read.append)
        assert sum(read) == concerned(tx, period)
    return found


class Diary:
    """What was done to every grievance, written down beside the desk: the other calculation."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rows: list[dict[str, object]] = []

    def live(self, count: int) -> None:
        for number in range(count):
            self._one(number)

    def _one(self, number: int) -> None:
        dice = self.random
        at = BEGIN - timedelta(days=40) + timedelta(days=dice.random() * 230, seconds=number)
        channel = dice.choice(["sms", "telegram", "web"])
        kind = dice.choice(["complaint", "request", "suggestion"])
        case = village.arrive(at, f"Гомдол {number}", channel, kind=kind)
        row: dict[str, object] = {"at": at, "channel": channel, "kind": kind, "case": case}
        if dice.random() < 0.8:
            row["category"] = dice.choice(["training", "access", "environment"])
            village.act(case, "classify", at + village.hours(1), category=row["category"])
        if dice.random() < 0.7:
            row["ack"] = at + village.hours(dice.choice([1, 5, 30]))
            village.act(case, "acknowledge", row["ack"], Role.SYSTEM)  # type: ignore[arg-type]
        if dice.random() < 0.7:
            self._close(case, row, at + timedelta(days=dice.choice([2, 9, 29.5, 45])))
        self.rows.append(row)

    def _close(self, case: Case, row: dict[str, object], at: datetime) -> None:
        outcome = self.random.choice(["resolved", "partly", "referred"])
        closed = village.close(case, at, outcome)
        row |= {"closed": at, "outcome": outcome, "due": closed.due_at}
        if self.random.random() < 0.2:
            row["again"] = at + timedelta(days=3)
            village.act(case, "reopen", row["again"], Role.CITIZEN)  # type: ignore[arg-type]

    def expected(self) -> dict[str, object]:
        """The same figures from the diary alone."""
        mine = [row for row in self.rows if BEGIN <= row["at"] < END]  # type: ignore[operator]
        closed = [r for r in self.rows if self._stays(r) and BEGIN <= r["closed"] < END]  # type: ignore[operator]
        waits = [(r["ack"] - r["at"]) for r in mine if "ack" in r and r["ack"] < END]  # type: ignore[operator]
        spans = [(r["closed"] - r["at"]).total_seconds() / 86400 for r in closed]  # type: ignore[operator]
        again = [r for r in self.rows if "again" in r and BEGIN <= r["again"] < END]  # type: ignore[operator]
        known = [r for r in mine if r["at"] + village.hours(1) < END]  # type: ignore[operator]
        return {
            "received": len(mine),
            "closed": len(closed),
            "open": sum(r["at"] < END and not self._shut(r) for r in self.rows),  # type: ignore[operator]
            "reopened": len(again),
            "kind": Counter(r["kind"] for r in mine),
            "channel": Counter(r["channel"] for r in mine),
            "category": Counter(r.get("category", "unknown") for r in known)
            + Counter({"unknown": len(mine) - len(known)}),
            "outcome": Counter(r["outcome"] for r in closed),
            "in_time": sum(r["closed"] <= r["due"] for r in closed),  # type: ignore[operator]
            "prompt": sum(wait <= timedelta(days=1) for wait in waits),
            "days": round(median(spans), 2),
            "hours": round(median(w.total_seconds() / 3600 for w in waits), 2),
        }

    @staticmethod
    def _shut(row: dict[str, object]) -> bool:
        """Whether it was closed when the half-year ended."""
        if "closed" not in row or row["closed"] >= END:  # type: ignore[operator]
            return False
        return not ("again" in row and row["again"] < END)  # type: ignore[operator]

    def _stays(self, row: dict[str, object]) -> bool:
        return "closed" in row and self._shut(row)


def shape(found: Figures) -> dict[str, object]:
    return {
        **{name: found.totals[name] for name in ("received", "closed", "open", "reopened")},
        **{name: found.tables[name] for name in ("kind", "channel", "category", "outcome")},
        "in_time": found.tables["timeliness"]["in_time"],
        "prompt": found.tables["acknowledged"]["prompt"],
        "days": found.medians["days_to_close"][0],
        "hours": found.medians["hours_to_acknowledge"][0],
    }


def test_figures_agree_with_an_independent_calculation(store: str) -> None:
    village.channels_known()
    diary = Diary(7)
    diary.live(90)
    expected = diary.expected()
    assert expected["received"] > 40  # type: ignore[operator]
    assert shape(figures()) == expected


def test_nothing_done_later_changes_a_period(store: str) -> None:
    village.channels_known()
    diary = Diary(11)
    diary.live(25)
    before = figures()
    later = END + timedelta(days=120)
    for row in diary.rows:
        case: Case = row["case"]  # type: ignore[assignment]
        village.act(
            case, "classify", later, category="other", place="khovd/jargalant", kind="thanks"
        )
        village.act(case, "classify", later, facts={"rating": 1, "group": "herder"})
        with reading() as tx:
            status = tx.scalar(select(grievance.c.status).where(grievance.c.id == case.id))
        if status == "closed":
            village.act(case, "reopen", later, Role.CITIZEN)
        else:
            village.act(case, "extend", later, reason="хэтэрсэн", days=5)
            village.close(case, later, "no_evidence")
    village.arrive(later, "шинэ")
    after = figures()
    assert after == before
    assert figures(Period(date(2026, 7, 1), date(2026, 12, 31))).totals["received"] >= 1


def test_sealing_later_leaves_the_counts(store: str) -> None:
    village.channels_known()
    at = BEGIN + timedelta(days=30)
    cases = [village.arrive(at + timedelta(hours=n), f"Гомдол {n}") for n in range(6)]
    before = figures().totals
    village.act(cases[0], "seal", END + timedelta(days=1), sensitive="violence")
    assert figures().totals == before
    assert before["sealed"] == 0


def test_a_sealed_matter_is_in_one_figure_alone(store: str) -> None:
    village.channels_known()
    at = BEGIN + timedelta(days=30)
    village.arrive(at, "нууц", sensitive="violence")
    found = figures()
    assert found.totals == {
        "received": 0, "closed": 0, "open": 0, "rated": 0, "reopened": 0, "appealed": 0,
        "sealed": 1,
    }  # fmt: skip
    assert not any(found.tables.values())


def test_a_running_period_calls_late_only_what_is_late_by_now(store: str) -> None:
    village.channels_known()
    arrived = BEGIN + timedelta(days=30)
    village.arrive(arrived)
    for days, expected in ((5, {"fine": 1}), (60, {"late": 1})):
        with reading() as tx:
            found = compute(tx, FIRST_HALF, now=arrived + timedelta(days=days))
        assert found.tables["backlog"] == expected


def test_appeals_stages_groups_places_and_ratings(store: str) -> None:
    village.channels_known()
    at = BEGIN + timedelta(days=30)
    case = village.arrive(at, place="bayan-ulgii/ulaankhus", language="kk")
    village.act(case, "classify", at, facts={"group": "herder", "gender": "female"})
    village.close(case, at + timedelta(days=3))
    village.act(case, "appeal", at + timedelta(days=5), Role.CITIZEN)
    village.committee(case, at + timedelta(days=7))
    village.close(case, at + timedelta(days=8))
    village.act(case, "classify", at + timedelta(days=9), facts={"rating": 3})
    found = figures()
    assert found.tables["stage"] == {"3": 1}
    assert found.tables["place"] == {"bayan-ulgii": 1}
    assert found.tables["group"] == {"herder": 1}
    assert found.tables["gender"] == {"female": 1}
    assert found.tables["satisfaction"] == {"3": 1}
    assert found.tables["language"] == {"kk": 1}
    assert found.tables["month"] == {"2026-01": 1}
    assert (found.totals["appealed"], found.totals["rated"], found.totals["closed"]) == (1, 1, 1)
    assert Figures.from_json(found.to_json()) == found
