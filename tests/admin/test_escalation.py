"""A deadline that has passed stays before the duty officer's eyes until it is settled."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from config import clock
from store.case import Case
from store.db import reading
from store.schema import task
from tests.admin import town
from tests.admin.conftest import Desk, another, fresh
from workflow import rounds

DAY = timedelta(days=1)


def _tasks(case: Case) -> list[bool]:
    """Of each escalation of a grievance, whether it is still open."""
    mine = (task.c.grievance_id == case.id, task.c.kind == "overdue")
    with reading() as tx:
        return [row.done_at is None for row in tx.execute(select(task).where(*mine))]


@pytest.fixture
def late(desk: Desk) -> Case:
    """A grievance whose deadline passed ten days ago, seen by the clock twice."""
    town.channels_known()
    case = town.arrive(town.PEOPLE[0], clock.now() - 40 * DAY)
    for _ in range(2):
        rounds.attend(clock.now())
    return case


def test_it_is_shown_to_all_and_asked_of_the_duty_officer(
    desk: Desk, app: Flask, late: Case
) -> None:
    assert _tasks(late) == [True]
    boss = another(app, "boss", "coordinator")
    page = boss.page(f"/cases/{late.reference}")
    assert "Хариу өгөөгүй байна" in page
    assert "Мэдэгдсэн: Жишээ Boss." in page
    assert "Жижүүр ажилтанд мэдэгдсэн" in desk.page("/")
    asked = "Жижүүр ажилтны хувьд арга хэмжээ авна уу"
    assert asked in boss.page("/")
    assert asked not in desk.page("/"), "asked of the duty officer alone"
    assert "Жижүүр ажилтан арга хэмжээ авна" in desk.page("/health")


def test_nobody_ticks_it_off(desk: Desk, late: Case) -> None:
    with reading() as tx:
        (number,) = tx.execute(select(task.c.id).where(task.c.grievance_id == late.id)).scalars()
    for path in ("/health", f"/cases/{late.reference}"):
        assert not re.search(rf"(tasks|calls)/{number}\b", desk.page(path))
    assert desk.post(f"/health/calls/{number}/done").status_code == 404
    desk.post(f"/cases/{late.reference}/tasks/{number}")
    assert _tasks(late) == [True]


@pytest.mark.parametrize(
    ("command", "form"),
    [
        ("close", {"outcome": "resolved", "summary": "Засав"}),
        ("extend", {"days": "20", "reason": "зам"}),
        ("pause", {"reason": "зам"}),
        ("escalate", {"reason": "хороо"}),
    ],
)
def test_it_is_done_by_itself(desk: Desk, late: Case, command: str, form: dict[str, str]) -> None:
    assert desk.do(late, command, **form).status_code == 303
    assert _tasks(late) == [False]
    assert "Хариу өгөөгүй байна" not in desk.page(f"/cases/{late.reference}")
    rounds.attend(clock.now())
    assert _tasks(late) == [False]


def test_a_deadline_that_passes_again_is_escalated_again(desk: Desk, late: Case) -> None:
    desk.do(late, "extend", days="5", reason="зам")
    assert fresh(late).due_at < clock.now()  # type: ignore[operator]
    rounds.attend(clock.now())
    assert _tasks(late) == [False, True]
    desk.do(late, "pause", reason="зам")
    desk.do(late, "resume")
    rounds.attend(clock.now() + timedelta(seconds=1))
    rounds.attend(clock.now() + timedelta(seconds=2))
    assert _tasks(late) == [False, False, True]


def test_other_acts_leave_it_open(desk: Desk, late: Case, saraa: int) -> None:
    desk.do(late, "assign", assignee=str(saraa))
    desk.do(late, "note", text="Ярив")
    assert _tasks(late) == [True]


def test_a_sealed_matter_is_asked_of_focal_points(desk: Desk, app: Flask, late: Case) -> None:
    boss, focal = another(app, "boss", "coordinator"), another(app, "focal", "focal_point")
    desk.do(late, "seal", sensitive="violence")
    rounds.attend(clock.now() + 30 * DAY)
    assert _tasks(late) == [False, True]
    assert "Жижүүр ажилтан арга хэмжээ авна" not in boss.page("/health")
    assert "Мэдэгдсэн: Жишээ Focal." in focal.page(f"/cases/{late.reference}")
