"""The clock's rounds: each thing once, at the right time, on both stores."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, text, update

from store import tasks
from store.db import DatabaseAway, reading, transaction
from store.queue import DELIVER, Bell
from store.schema import address, grievance, notice, outbox, slot
from tests.workflow import office
from workflow import digest, jobs, rounds
from workflow.states import Role

START = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)  # noon in Ulaanbaatar
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _office(store: str) -> None:
    office.open_office(START)


def names(case: object) -> list[str]:
    return [name for name, _ in office.letters(case)]  # type: ignore[arg-type]


def test_a_deadline_is_announced_put_off_once_and_escalated() -> None:
    duty = office.join(START, "duty", "coordinator")
    mine = office.join(START, "mine", "assignee")
    case = office.register(START)
    office.act(case, "assign", START, assignee_id=mine, name="Жишээ")
    assert office.row(case).due_at == datetime(2026, 10, 1, 15, 59, 59, tzinfo=UTC)

    assert office.tick(START + 26 * DAY) == 0
    office.tick(START + 27 * DAY + 12 * timedelta(hours=1))  # three days before
    assert sorted(office.notices()) == sorted([("due", duty), ("due", mine)])

    eve = datetime(2026, 9, 30, 13, 0, tzinfo=UTC)  # half past eight in the evening has passed
    office.tick(eve)
    late = office.row(case)
    assert late.due_at == datetime(2026, 10, 11, 15, 59, 59, tzinfo=UTC)
    (told,) = [text for name, text in office.letters(case) if name == "late"]
    assert "2026.10.11" in told
    assert office.events(case)[-1] == "delayed"
    assert ("delayed", duty) in office.notices()

    office.tick(datetime(2026, 10, 8, 16, 0, tzinfo=UTC))
    office.tick(datetime(2026, 10, 11, 16, 0, tzinfo=UTC))
    office.tick(datetime(2026, 10, 20, 4, 0, tzinfo=UTC))
    assert names(case).count("late") == 1  # once in a stage
    told_duty = [kind for kind, who in office.notices() if who == duty]
    assert told_duty == ["due", "delayed", "due", "overdue"]


def test_one_that_cannot_be_looked_at_keeps_nobody_else_waiting() -> None:
    office.join(START, "duty", "coordinator")
    cases = [office.register(START, number) for number in range(9)]
    broken, sound = cases[4], office.row(cases[4]).clock
    with transaction() as tx:  # a row as no release of ours writes it
        one = update(grievance).where(grievance.c.id == broken.id)
        tx.execute(one.values(clock={"terms": {"zone": "Nowhere"}}))
    late = START + 33 * DAY
    assert office.tick(late) == 9
    told = {key.split(":")[1] for key in _keys()}
    assert told == {str(case.id) for case in cases if case is not broken}
    waits = []
    for _ in range(7):
        at = office.row(broken).attend_at
        assert at
        waits.append((at - late) / timedelta(hours=1))
        assert office.tick(at - timedelta(minutes=1)) == 0, "it is left alone until then"
        late = at
        office.tick(at)
    assert waits == [1, 1, 2, 4, 8, 16, 24]
    with reading() as tx:
        (job,) = (row for row in tasks.undone(tx) if row.kind != tasks.OVERDUE)
    assert (job.kind, job.grievance_id) == ("clock", broken.id)
    with transaction() as tx:
        tx.execute(one.values(clock=sound))
    office.tick(late + 2 * DAY)
    assert str(broken.id) in {key.split(":")[1] for key in _keys()}


def _keys() -> set[str]:
    with reading() as tx:
        return set(tx.execute(select(notice.c.key)).scalars())


def test_a_part_of_the_tick_that_fails_starves_no_other() -> None:
    """The digest cannot be written; bells ring, the trail is signed."""
    office.join(START, "duty", "coordinator")
    office.register(START)
    for memory in (digest._done, jobs._signed):
        memory.clear()
    with transaction() as tx:
        tx.execute(text("ALTER TABLE notice RENAME TO elsewhere"))
    at = START + timedelta(hours=2)
    # So does SQLite call a table that is not there.
    with time_machine.travel(at, tick=False), suppress(DatabaseAway):
        assert Bell(DELIVER) in jobs.tick()
    with reading() as tx:
        done = set(tx.execute(select(slot.c.job)).scalars())
    assert "trail root" in done
    assert digest._JOB not in done
    with transaction() as tx:
        tx.execute(text("ALTER TABLE elsewhere RENAME TO notice"))
    with time_machine.travel(START + timedelta(hours=2, seconds=1), tick=False):
        jobs.tick()
    assert [kind for kind, _ in office.notices()] == ["digest"]


def test_nothing_happens_twice_however_many_clocks_run() -> None:
    office.join(START, "duty", "coordinator")
    cases = [office.register(START, number) for number in range(12)]
    moments = [START + 31 * DAY - timedelta(hours=hours) for hours in (90, 20, 19, 1)]
    for now in moments:
        clocks = [threading.Thread(target=office.tick, args=(now,)) for _ in range(4)]
        for one in clocks:
            one.start()
        for one in clocks:
            one.join()
    for case in cases:
        assert names(case) == ["ack", "late"]
        assert office.events(case) == ["registered", "delayed"]
    assert len(office.notices()) == 12 * 2  # due and delayed


def test_a_paused_matter_is_left_alone() -> None:
    office.join(START, "duty", "coordinator")
    case = office.register(START)
    office.act(case, "pause", START + DAY, reason="зам хаалттай")
    office.tick(START + 200 * DAY)
    assert office.notices() == []
    assert names(case) == ["ack", "paused"]


def test_letters_of_the_clock_wait_for_the_morning() -> None:
    case = office.register(START)
    office.act(case, "close", START, outcome="resolved", summary="Засав")
    midnight = datetime(2026, 9, 4, 16, 30, tzinfo=UTC)
    office.tick(midnight)
    with reading() as tx:
        row = tx.execute(select(outbox).where(outbox.c.template == "rate")).one()
    assert row.not_before == datetime(2026, 9, 5, 0, 0, tzinfo=UTC)  # eight in the morning
    assert row.priority == 9


def test_our_question_is_repeated_once_and_then_the_matter_goes_on() -> None:
    duty = office.join(START, "duty", "coordinator")
    case = office.register(START)
    office.act(case, "reply", START, text="Аль худаг вэ?")
    office.act(case, "pause", START, reason="хариу хүлээж байна")
    office.tick(START + 6 * DAY)
    assert names(case) == ["ack", "reply", "paused"]
    office.tick(START + 7 * DAY)
    office.tick(START + 8 * DAY)
    reminder = office.letters(case)[-1]
    assert reminder[0] == "reminder_citizen"
    assert "2026.09.15" in reminder[1]
    office.tick(START + 14 * DAY)
    office.tick(START + 15 * DAY)
    row = office.row(case)
    assert (row.waiting_on, row.paused_at) == ("us", None)
    assert row.due_at == datetime(2026, 10, 15, 15, 59, 59, tzinfo=UTC)  # the 14 paused days more
    assert office.events(case)[-2:] == ["reminded", "resumed"]
    assert office.notices() == [("unanswered", duty)]


def test_an_answer_ends_the_waiting_and_the_pause() -> None:
    case = office.register(START)
    office.act(case, "reply", START, text="Аль худаг вэ?")
    office.act(case, "pause", START, reason="хариу хүлээж байна")
    office.act(case, "append", START + 2 * DAY, Role.CITIZEN, text="Хойд худаг")
    assert office.events(case)[-2:] == ["appended", "resumed"]
    office.tick(START + 20 * DAY)
    assert "reminder_citizen" not in names(case)


def test_after_closing_satisfaction_once_and_really_solved_twice() -> None:
    case = office.register(START, channel="telegram")
    office.act(case, "close", START, outcome="resolved", summary="Засав")
    for days in range(1, 60):
        office.tick(START + days * DAY)
    assert names(case) == ["ack", "closed", "rate", "solved", "solved"]
    with reading() as tx:
        rows = tx.execute(select(outbox).where(outbox.c.template.in_(("rate", "solved"))))
        choices = [[value for value, _ in row.choices] for row in rows.all()]
    assert choices[0] == [f"rate:{case.id}:{n}" for n in (1, 2, 3)]
    assert choices[1] == [f"solved:{case.id}:yes", f"solved:{case.id}:no"]
    assert office.row(case).attend_at is None


@pytest.mark.parametrize("outcome", ["withdrawn", "unreachable"])
def test_who_withdrew_or_was_not_reached_is_asked_nothing(outcome: str) -> None:
    case = office.register(START)
    office.act(case, "close", START, outcome=outcome, summary="-")
    office.tick(START + 60 * DAY)
    assert names(case) == ["ack", "closed"]


def test_a_clock_that_stood_still_asks_once() -> None:
    case = office.register(START)
    office.act(case, "close", START, outcome="resolved", summary="Засав")
    office.tick(START + 90 * DAY)
    assert names(case) == ["ack", "closed", "rate", "solved"]
    assert office.row(case).attend_at is None


@pytest.mark.parametrize("change", [{"stopped_at": START}, {"blocked_at": START}])
def test_who_stopped_us_is_not_asked(change: dict[str, datetime]) -> None:
    case = office.register(START)
    office.act(case, "close", START, outcome="resolved", summary="Засав")
    with transaction() as tx:
        tx.execute(update(address).values(**change))
    office.tick(START + 90 * DAY)
    assert "rate" not in names(case)
    assert "rating_asked" not in office.events(case)


def test_a_shut_window_is_not_knocked_at() -> None:
    case = office.register(START, channel="messenger")
    with transaction() as tx:
        tx.execute(update(address).values(window_until=START + DAY))
    office.act(case, "close", START, outcome="resolved", summary="Засав")
    office.tick(START + 3 * DAY)
    assert names(case) == ["ack", "closed"]


def test_a_sealed_matter_is_for_focal_points_and_says_nothing_unasked() -> None:
    office.join(START, "duty", "coordinator")
    focal = office.join(START, "focal", "focal_point")
    case = office.register(START, sensitive="violence")
    # Tuesday noon and three working days: the end of Friday.
    assert office.row(case).due_at == datetime(2026, 9, 4, 15, 59, 59, tzinfo=UTC)
    office.tick(START + 10 * DAY)
    assert {who for _, who in office.notices()} == {focal}
    assert names(case) == ["ack"]


def test_mail_goes_to_officers_with_an_address_and_names_no_sealed_matter() -> None:
    office.join(START, "duty", "coordinator", "focal_point", email="duty@example.invalid")
    case, sealed = office.register(START), office.register(START, 2, sensitive="violence")
    office.tick(START + 29 * DAY)
    with reading() as tx:
        rows = tx.execute(select(outbox).where(outbox.c.channel == "email")).all()
    assert {row.template for row in rows} == {"notice.due", "notice.overdue"}
    assert any(case.reference in row.text for row in rows)
    assert not any(sealed.reference in row.text for row in rows)
    assert all(row.grievance_id is None for row in rows)


def test_the_digest_counts_once_a_day_and_carries_the_signed_root() -> None:
    mine = office.join(START, "mine")
    focal = office.join(START, "focal", "focal_point")
    office.join(START, "admin", "administrator")
    office.register(START)
    given = office.register(START, 2)
    office.act(given, "assign", START, assignee_id=mine, name="Жишээ")
    office.register(START, 3, sensitive="violence")
    early, morning = START + timedelta(hours=20), START + timedelta(hours=21)
    jobs.sign_daily(early)
    digest._done.clear()
    assert not digest.daily(early - timedelta(hours=3))  # 5 in the morning
    assert digest.daily(morning)
    digest._done.clear()  # another process
    assert not digest.daily(morning + timedelta(hours=1))
    with reading() as tx:
        rows = {row.officer_id: row.facts for row in tx.execute(select(notice)).all()}
    assert set(rows) == {mine, focal}
    assert (rows[mine]["new"], rows[mine]["mine"], rows[mine]["us"]) == (1, 1, 2)
    assert "sealed" not in rows[mine]
    assert rows[focal]["sealed"] == 1
    assert len(rows[mine]["root"]) == 64


def test_the_clock_asks_one_indexed_question_when_nothing_is_due(store: str) -> None:
    from sqlalchemy import text

    office.register(START)
    plan = "EXPLAIN QUERY PLAN " if store == "sqlite" else "EXPLAIN "
    query = "SELECT id FROM grievance WHERE attend_at <= '2026-01-01' ORDER BY attend_at, id"
    with reading() as tx:
        if store != "sqlite":
            tx.execute(text("SET LOCAL enable_seqscan = off"))
        lines = "\n".join(str(row) for row in tx.execute(text(plan + query)))
    assert "ix_grievance_attend_at" in lines


def test_a_committee_that_does_not_meet_is_reminded_of() -> None:
    duty = office.join(START, "duty", "coordinator")
    quick, slow = office.register(START), office.register(START, 2)
    for case in (quick, slow):
        office.act(case, "escalate", START, reason="хороо")
    values: dict[str, Any] = {"held_at": START + 8 * DAY, "agenda": "Ус", "participants": "Хороо"}
    office.act(quick, "convene", START + DAY, **values)
    office.tick(START + 5 * DAY)
    office.tick(START + 6 * DAY)
    with reading() as tx:
        (told,) = tx.execute(select(notice)).all()
    assert (told.kind, told.officer_id, told.grievance_id) == ("meet", duty, slow.id)
    assert datetime.fromisoformat(told.facts["date"]) == START + 10 * DAY


def test_grievances_from_before_the_rounds_are_taken_over() -> None:
    duty = office.join(START, "duty", "coordinator")
    case, done = office.register(START), office.register(START, 2)
    office.act(done, "close", START, outcome="withdrawn", summary="-")
    old = update(grievance).values(attend_at=None, clock={})
    with transaction() as tx:
        tx.execute(old)
    rounds._adopted.clear()
    rounds.adopt(START + 28 * DAY)
    office.tick(START + 28 * DAY)
    assert office.notices() == [("due", duty)]
    office.act(case, "extend", START + 28 * DAY, days=5, reason="зам")
    assert office.row(case).due_at == datetime(2026, 10, 6, 15, 59, 59, tzinfo=UTC)
    with transaction() as tx:
        tx.execute(old)
    rounds._adopted.clear()
    rounds.adopt(START + 29 * DAY)  # once in an instance
    assert office.row(case).attend_at is None
