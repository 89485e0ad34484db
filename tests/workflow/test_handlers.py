"""Casework: a case carried from registration to closure, every act in the trail, letters once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from config import clock
from store import channels, people
from store.db import reading, transaction
from store.messages import Capabilities
from store.people import Endpoint, address_index
from store.schema import case_event, grievance, outbox
from workflow.commands import CITIZEN, Act, Actor, Refused, Register
from workflow.handlers import Casework
from workflow.reference import check_digit, is_reference, new_reference
from workflow.states import Outcome, Role

OFFICER = Actor(Role.OFFICER)
SMS = Capabilities(form="sms", longest=1600, units=134)


@pytest.fixture
def case_id(store: str) -> int:
    """A Mongolian grievance that came by SMS."""
    with transaction() as tx:
        channels.sync(tx, {"sms": ("+97675000000", SMS)})
        end = Endpoint("sms", "+97675000000", "+97688110001", address_index("sms", "+97688110001"))
        (address,) = people.resolve(tx, [end], clock.now()).values()
        work = Casework(tx, clock.now())
        case = work.register(
            Register("sms", "Ус алга", clock.now(), address_id=address.id, language="mn")
        )
        work.flush()
    return case.id


def act(case_id: int, command: str, actor: Actor = OFFICER, **values: object) -> None:
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act(command, case_id, actor, values))
        work.flush()


def letters() -> list[tuple[str, str, int]]:
    with reading() as tx:
        rows = tx.execute(
            select(outbox.c.template, outbox.c.text, outbox.c.parts).order_by(outbox.c.id)
        )
        return [(row.template, row.text, row.parts) for row in rows]


def test_a_case_is_carried_to_closure_and_the_person_is_told_each_time(case_id: int) -> None:
    act(case_id, "acknowledge", Actor(Role.SYSTEM))
    act(case_id, "investigate")
    act(case_id, "propose_redress", summary="Шинэ худаг гаргана")
    act(case_id, "close", outcome="resolved", summary="Худаг гаргасан")
    with reading() as tx:
        row = tx.execute(select(grievance)).one()
        kinds = [r.kind for r in tx.execute(select(case_event.c.kind).order_by(case_event.c.seq))]
    assert (row.status, row.outcome, row.resolution) == ("closed", "resolved", "Худаг гаргасан")
    assert row.closed_at is not None
    assert kinds == ["registered", "acknowledged", "investigated", "redress_proposed", "closed"]
    assert [name for name, _, _ in letters()] == [
        "ack", "investigation", "redress_proposed", "closed",
    ]  # fmt: skip
    assert all(row.reference in words for _, words, _ in letters())
    assert all(parts <= 2 for _, _, parts in letters())


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_its_own_letter_within_two_sms(case_id: int, outcome: Outcome) -> None:
    long = "Энэ бол маш урт тайлбар бөгөөд зурваст багтахгүй учраас товчлогдох ёстой. " * 3
    act(case_id, "close", outcome=str(outcome), summary=long)
    _, words, parts = letters()[-1]
    assert parts <= 2, words
    assert "{" not in words


@pytest.mark.parametrize(
    ("command", "values", "actor", "code"),
    [
        ("close", {"summary": "x"}, OFFICER, "refused.outcome"),
        ("close", {"outcome": "resolved", "summary": " "}, OFFICER, "refused.summary"),
        ("close", {"outcome": "fine", "summary": "x"}, OFFICER, "refused.outcome"),
        ("assign", {}, OFFICER, "refused.assignee"),
        ("extend", {"days": 5}, OFFICER, "refused.reason"),
        ("extend", {"days": 400, "reason": "x"}, OFFICER, "refused.days"),
        ("resume", {}, OFFICER, "refused.paused"),
        ("close", {"outcome": "resolved", "summary": "x"}, CITIZEN, "refused.role"),
        ("reopen", {}, OFFICER, "refused.status"),
    ],
)
def test_what_the_table_forbids_is_refused_with_a_reason(
    case_id: int, command: str, values: dict[str, object], actor: Actor, code: str
) -> None:
    with pytest.raises(Refused) as refusal:
        act(case_id, command, actor, **values)
    assert refusal.value.code == code
    with reading() as tx:
        assert len(tx.execute(select(case_event.c.id)).all()) == 1


def test_a_stale_version_is_refused(case_id: int) -> None:
    with pytest.raises(Refused, match="somebody else"), transaction() as tx:
        Casework(tx, clock.now()).act(Act("screen", case_id, OFFICER, version=99))


def test_appeal_opens_the_next_stage_with_its_own_clock(case_id: int) -> None:
    act(case_id, "close", outcome="no_evidence", summary="Нотлогдсонгүй")
    act(case_id, "appeal", CITIZEN)
    with reading() as tx:
        row = tx.execute(select(grievance)).one()
    assert (row.stage, row.status, row.outcome, row.closed_at) == (3, "registered", None, None)
    assert (row.due_at - clock.now()).days in {9, 10}
    assert letters()[-1][0] == "appealed"


def test_pause_stops_and_resume_moves_the_date(case_id: int) -> None:
    with reading() as tx:
        before = tx.execute(select(grievance.c.due_at)).scalar_one()
    act(case_id, "pause", reason="баримт хүлээж байна")
    with pytest.raises(Refused):
        act(case_id, "pause", reason="дахин")
    with time_machine.travel(clock.now() + timedelta(days=3)):
        act(case_id, "resume")
    with reading() as tx:
        row = tx.execute(select(grievance)).one()
    assert row.paused_at is None
    assert row.due_at == before + timedelta(days=3)


def test_references_are_sayable_checked_and_do_not_follow_one_another() -> None:
    drawn = [new_reference(2026) for _ in range(500)]
    assert all(len(item) == 8 and item.startswith("26") and is_reference(item) for item in drawn)
    assert len(set(drawn)) > 490
    assert len(new_reference(2026, crowded=True)) == 9
    for item in drawn[:50]:
        for place in range(8):
            wrong = str((int(item[place]) + 1) % 10)
            assert not is_reference(item[:place] + wrong + item[place + 1 :])
        for place in range(7):
            swapped = item[:place] + item[place + 1] + item[place] + item[place + 2 :]
            assert swapped == item or not is_reference(swapped)
    assert check_digit("572") == "4"  # the worked example of the Damm algorithm


def test_the_due_date_is_the_whole_last_day_in_local_time(store: str) -> None:
    late = datetime(2026, 12, 30, 17, 0, tzinfo=UTC)  # already 31 December in Ulaanbaatar
    with transaction() as tx:
        work = Casework(tx, late)
        case = work.register(Register("visit", "Ус алга", late))
    assert case.due_at is not None
    assert case.due_at.isoformat() == "2027-01-30T23:59:59+08:00"
    assert re.match(r"27|26", case.reference)
