"""Other systems are told over real connections: signed, in order, at least once, never too much."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from channels import hooks, hooks_http
from channels.doctor import CHECKS, Grade
from config import clock
from config.profile import profile
from store import hooks as rows
from store import hooks_calls
from store.case import Case
from store.db import engine, reading, transaction
from store.schema import case_event, grievance, hook, hook_call, notice, setting_change
from tests.admin import town
from tests.channels.receiver import OK, Receiver, raw, status
from tests.house import until
from workflow import rounds
from workflow.commands import Register
from workflow.handlers import Casework
from workflow.hooks import Event

FIELDS = {
    "reference", "status", "stage", "outcome", "kind", "category", "place", "channel", "language",
    "received_at", "registered_at", "due_at", "closed_at",
}  # fmt: skip


@pytest.fixture
def other(store: str) -> Iterator[Receiver]:
    """Somebody else's system."""
    town.channels_known()
    with Receiver() as receiver:
        yield receiver


def listen(receiver: Receiver, *events: Event, label: str = "Жишээ систем") -> tuple[int, str]:
    """A hook that leads there; its id and secret."""
    with transaction() as tx:
        return rows.add(tx, label, receiver.url, events or Event, clock.now(), active=True)


def arrive(number: int = 0, **more: object) -> Case:
    person = town.Person("sms", f"+9767000{number:04}", "Худгийн насос ажиллахгүй байна")
    return town.arrive(person, clock.now(), **more)


def waiting() -> list[Any]:
    with reading() as tx:
        return list(tx.execute(select(hook_call).order_by(hook_call.c.id)).all())


def state(hook_id: int) -> Any:
    with reading() as tx:
        return tx.execute(select(hook).where(hook.c.id == hook_id)).one()


def hurry(hook_id: int) -> None:
    """As if the pauses were over."""
    with transaction() as tx:
        tx.execute(hook_call.update().values(not_before=clock.now()))
        tx.execute(hook.update().values(rest_until=None))
    hooks.tell(hook_id)


def test_every_step_is_told_signed_and_holds_codes_alone(other: Receiver) -> None:
    saraa = town.join()
    number, secret = listen(other)
    case = arrive(place="bayan-ulgii/tsengel/1-bag", bag="1-р баг")
    now = clock.now()
    town.act(case, "acknowledge", now, saraa)
    town.act(case, "classify", now, saraa, category="access")
    town.act(case, "assign", now, saraa, assignee_id=saraa, name="Сараа")
    town.act(case, "note", now, saraa, text="Нууц тэмдэглэл")
    town.act(case, "reply", now, saraa, text="Маргааш ирнэ")
    town.act(case, "extend", now, saraa, days=5, reason="Сэлбэг хүлээж байна")
    town.act(case, "close", now, saraa, outcome="resolved", summary="Насос зассан")
    town.act(case, "reopen", now, saraa)
    assert hooks.tell(number) == 7
    assert other.events() == [
        "registered", "acknowledged", "classified", "status_changed", "deadline_changed", "closed",
        "reopened",
    ]  # fmt: skip
    assert all(each.signed_by(secret) for each in other.received)
    assert not any(each.signed_by(rows.new_secret()) for each in other.received)
    assert all(each.headers["content-type"] == "application/json" for each in other.received)
    assert len({each.id for each in other.received}) == 7
    for each in other.received:
        moments = [value for name, value in each.json["data"].items() if name.endswith("_at")]
        assert all(moment is None or moment.endswith("+00:00") for moment in moments)
        assert each.json.keys() == {"type", "timestamp", "data"}
        assert each.json["data"].keys() == FIELDS
        assert each.json["data"]["place"] == "bayan-ulgii/tsengel"
        assert not re.search("[а-яөү]|Сараа|7000|bag", each.body.decode())
    closed = other.received[5].json
    assert (closed["data"]["status"], closed["data"]["outcome"]) == ("closed", "resolved")
    assert closed["data"]["closed_at"] == closed["timestamp"]
    with reading() as tx:
        query = select(case_event.c.at).where(case_event.c.kind == "closed")
        assert tx.scalar(query).isoformat() == closed["timestamp"]
    assert waiting() == []
    assert (state(number).sent, state(number).failed) == (7, 0)


def test_each_hook_hears_what_it_wants_and_one_that_is_off_nothing(other: Receiver) -> None:
    number, _ = listen(other, Event.CLOSED)
    with transaction() as tx:
        rows.add(tx, "off", other.url, Event, clock.now(), active=False)
    saraa = town.join()
    case = arrive()
    town.act(case, "close", clock.now(), saraa, outcome="resolved", summary="Зассан")
    assert [row.event for row in waiting()] == ["grievance.closed"]
    hooks.tell(number)
    assert other.told == [(case.reference, "grievance.closed")]


def test_what_is_rolled_back_is_not_told(other: Receiver) -> None:
    listen(other)
    with suppress(RuntimeError), transaction() as tx:
        work = Casework(tx, clock.now())
        work.register(Register("visit", "Ус алга", clock.now()))
        work.flush()
        raise RuntimeError
    assert waiting() == []


def test_a_passed_deadline_is_told_once(other: Receiver) -> None:
    number, _ = listen(other, Event.OVERDUE)
    case = arrive()
    late = clock.now() + timedelta(days=400)
    assert case.due_at
    for moment in (late, late + timedelta(hours=1)):
        rounds.attend(moment)
    hurry(number)
    assert other.told == [(case.reference, "grievance.overdue")]


def test_the_demonstration_is_not_told(other: Receiver) -> None:
    listen(other)
    arrive(facts={"demo": True})
    assert waiting() == []


# -- sealed ---------------------------------------------------------------------------------------


def test_a_sensitive_matter_is_never_told(other: Receiver) -> None:
    saraa = town.join("saraa", "Жишээ", "officer", "focal_point")
    number, _ = listen(other)
    case = arrive(sensitive="violence")
    town.act(case, "assign", clock.now(), saraa, assignee_id=saraa, name="Сараа")
    assert waiting() == []
    assert hooks.tell(number) == 0
    assert other.received == []


def test_nothing_is_told_of_a_sensitive_category_though_nobody_sealed_it(other: Receiver) -> None:
    saraa = town.join()
    number, _ = listen(other)
    case = arrive()
    sensitive = next(each.code for each in profile().categories if each.sensitive)
    town.act(case, "classify", clock.now(), saraa, category=sensitive)
    town.act(case, "assign", clock.now(), saraa, assignee_id=saraa, name="Сараа")
    hooks.tell(number)
    assert other.events() == ["registered"]


def test_what_waited_goes_with_the_sealing_and_nothing_follows(other: Receiver) -> None:
    saraa = town.join()
    number, _ = listen(other)
    sealed, open_ = arrive(1), arrive(2)
    other.answer = status(500)
    hooks.tell(number)
    assert len(waiting()) == 2
    town.sealed(sealed, clock.now(), saraa)
    town.act(sealed, "assign", clock.now(), saraa, assignee_id=saraa, name="Сараа")
    other.received.clear()
    other.answer = OK
    hurry(number)
    assert other.told == [(open_.reference, "grievance.registered")]


def test_what_is_sealed_between_claim_and_call_does_not_go_out(other: Receiver) -> None:
    saraa = town.join()
    number, _ = listen(other)
    case = arrive()
    (claimed,) = hooks._claim(number)
    town.sealed(case, clock.now(), saraa)
    assert hooks._call(claimed) is None
    hooks._settle(number, [], clock.now())
    assert (other.received, waiting()) == ([], [])


# -- failing --------------------------------------------------------------------------------------


def test_a_failed_call_is_made_again_under_its_id_before_the_next_of_its_grievance(
    other: Receiver,
) -> None:
    saraa = town.join()
    number, secret = listen(other)
    first, second = arrive(1), arrive(2)
    town.act(first, "acknowledge", clock.now(), saraa)
    other.answer = lambda handler, got: (
        status(500) if got.json["data"]["reference"] == first.reference else OK
    )(handler, got)
    hooks.tell(number)
    assert sorted(other.told) == sorted(
        [(case.reference, "grievance.registered") for case in (first, second)]
    )
    failed = next(r.id for r in other.received if r.json["data"]["reference"] == first.reference)
    other.received.clear()
    hurry(number)
    assert other.told == [(first.reference, "grievance.registered")]
    other.answer = OK
    hurry(number)
    assert other.events() == ["registered", "registered", "acknowledged"]
    assert [each.id == failed for each in other.received] == [True, True, False]
    assert all(each.signed_by(secret) for each in other.received)
    assert other.received[0].body == other.received[1].body


def test_pauses_grow_over_three_days_and_end_in_a_dead_letter(other: Receiver) -> None:
    number, _ = listen(other)
    arrive()
    other.answer = status(503)
    pauses = []
    for _ in range(len(hooks.PAUSES)):
        hurry(number)
        (row,) = waiting()
        assert (row.state, row.error) == ("queued", "503")
        pauses.append((row.not_before - clock.now()).total_seconds())
    assert pauses == sorted(pauses)
    assert 65 * 3600 < sum(pauses) < 85 * 3600
    hurry(number)
    (row,) = waiting()
    assert (row.state, row.attempts) == ("dead", 10)
    with reading() as tx:
        assert [each.id for each in rows.dead(tx)] == [row.id]
    other.answer = OK
    with transaction() as tx:
        assert rows.retry(tx, row.id, clock.now())
        assert not rows.retry(tx, row.id, clock.now())
    hurry(number)
    assert waiting() == []
    assert len({each.id for each in other.received}) == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_wish_to_be_left_alone_is_honoured(other: Receiver, form: str) -> None:
    number, _ = listen(other)
    arrive(1)
    soon = clock.now() + timedelta(seconds=1200)
    told = "1200" if form == "seconds" else soon.strftime("%a, %d %b %Y %H:%M:%S GMT")
    other.answer = status(429, Retry_After=told)
    hooks.tell(number)
    arrive(2)
    assert hooks.tell(number) == 0
    with reading() as tx:
        assert hooks_calls.due(tx, clock.now()) == []
        assert hooks_calls.due(tx, clock.now() + timedelta(seconds=1210)) == [number]
    assert (waiting()[0].not_before - clock.now()).total_seconds() > 1150


def test_gone_turns_the_hook_off_and_the_administrator_hears_of_it(other: Receiver) -> None:
    boss = town.join("boss", "Жишээ", "administrator")
    number, _ = listen(other)
    arrive()
    other.answer = status(410)
    hooks.tell(number)
    arrive(2)
    assert not state(number).active
    assert hooks.tell(number) == 0
    assert len(other.received) == 1
    with reading() as tx:
        (told,) = tx.execute(select(notice)).all()
        (change,) = tx.execute(select(setting_change)).all()
    assert (told.officer_id, told.kind, told.facts["label"]) == (boss, "hook_off", "Жишээ систем")
    assert change.after == "off (410 Gone)"
    other.answer = OK
    with transaction() as tx:
        rows.change(tx, number, clock.now(), active=True)
    hooks.tell(number)
    assert other.events() == ["registered", "registered"]


def test_a_hook_that_is_down_is_asked_now_and_then_and_told_at_once_when_back(
    other: Receiver,
) -> None:
    number, _ = listen(other)
    for each in range(20):
        arrive(each)
    other.answer = status(502)
    hooks.tell(number)
    assert len(other.received) == 8
    assert hooks.tell(number) == 0
    with transaction() as tx:
        tx.execute(hook.update().values(rest_until=None))
    assert hooks.tell(number) == 1
    other.received.clear()
    other.answer = OK
    with transaction() as tx:
        tx.execute(hook.update().values(rest_until=None))
    assert hooks.tell(number) == 20
    assert len({reference for reference, _ in other.told}) == 20


def test_a_dead_deliverers_claim_lapses(other: Receiver) -> None:
    number, _ = listen(other)
    arrive()
    (claimed,) = hooks._claim(number)
    assert hooks.tell(number) == 0
    with transaction() as tx:
        tx.execute(hook_call.update().values(claimed_until=clock.now() - timedelta(seconds=1)))
    with reading() as tx:
        assert hooks_calls.due(tx, clock.now()) == [number]
    assert hooks.tell(number) == 1
    assert [each.id for each in other.received] == [claimed.key]


def test_a_hook_that_hangs_delays_no_other_one(
    other: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks_http, "SECONDS", 1.5)
    other.answer = raw(b"", pause=5)
    with Receiver() as second:
        listen(other)
        number, _ = listen(second, label="Хоёр дахь")
        case = arrive()
        hooks.look()
        second.wait(1, 1.2)
        assert second.told == [(case.reference, "grievance.registered")]
        until(lambda: not hooks._busy, 10, "all told")
    assert [row.error for row in waiting()] == ["unanswered"]
    assert state(number).sent == 1


def test_the_old_secret_signs_as_well_for_a_day(other: Receiver) -> None:
    number, old = listen(other)
    with transaction() as tx:
        new = rows.rotate(tx, number, clock.now())
    arrive(1)
    hooks.tell(number)
    with transaction() as tx:
        tx.execute(hook.update().values(old_until=clock.now()))
    arrive(2)
    hooks.tell(number)
    assert [each.signed_by(new) for each in other.received] == [True, True]
    assert [each.signed_by(old) for each in other.received] == [True, False]


def test_without_a_hook_a_batch_asks_one_question_more_and_writes_nothing(store: str) -> None:
    asked: list[str] = []
    with transaction() as tx:
        listener = (engine(), "before_cursor_execute", lambda *args: asked.append(args[2]))
        event.listen(*listener)
        work = Casework(tx, clock.now())
        work.expect(50)
        for _ in range(50):
            work.register(Register("visit", "Ус алга", clock.now()))
        work.flush()
        event.remove(*listener)
    assert len([statement for statement in asked if "hook" in statement]) == 1
    with reading() as tx:
        assert len(tx.execute(select(grievance.c.id)).all()) == 50


def test_the_doctor_names_hooks_that_fail_or_are_off_by_name_alone(other: Receiver) -> None:
    with transaction() as tx:
        rows.add(tx, "Унтраалттай", other.url, Event, clock.now(), active=False)
    number, _ = listen(other)
    for each in range(8):
        arrive(each)
    other.answer = status(500)
    hooks.tell(number)
    with transaction() as tx:
        one = select(hook_call.c.id).limit(1).scalar_subquery()
        tx.execute(hook_call.update().where(hook_call.c.id == one).values(state=rows.DEAD))
    found = list(CHECKS["webhooks"]())
    assert [each.grade for each in found] == [Grade.LOOK, Grade.WRONG, Grade.WRONG]
    assert "Унтраалттай is off" in found[0].words
    assert "Жишээ систем does not get through (500)" in found[1].words
    assert "1 events were given up" in found[2].words
    assert not any("127.0.0.1" in each.words for each in found)
