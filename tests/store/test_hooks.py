"""Rows of webhooks on both stores: claimed once, one a grievance, in order."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from config import clock
from store import hooks, hooks_calls
from store.db import reading, transaction
from store.hooks_calls import Claimed, Told
from store.queue import DELIVER, Bell
from store.schema import hook, hook_call
from workflow.commands import Register
from workflow.handlers import Casework
from workflow.jobs import waiting

URL = "https://city.example.mn/in"
EVENTS = ("a", "b", "c")


@pytest.fixture
def grievances(store: str) -> list[int]:
    """Ten grievances, registered before there was a hook."""
    with transaction() as tx:
        work = Casework(tx, clock.now())
        cases = [work.register(Register("visit", "Ус алга", clock.now())) for _ in range(10)]
        work.flush()
    return [case.id for case in cases]


@pytest.fixture
def one(grievances: list[int]) -> int:
    """A hook that is to be told three things of each."""
    now = clock.now()
    with transaction() as tx:
        number, _ = hooks.add(tx, "Жишээ", URL, ("a",), now, active=True)
        rows = [
            {"hook_id": number, "grievance_id": each, "event": event, "body": "{}"}
            for event in EVENTS
            for each in grievances
        ]
        hooks.queue(tx, rows, now)
    return number


def claim(number: int, limit: int = 8) -> list[Claimed]:
    with transaction() as tx:
        turn = hooks_calls.turn(tx, number, limit, clock.now())
        return hooks_calls.claim(tx, number, turn, clock.now())


def done(number: int, *items: Claimed, error: str = "", again: float | None = None) -> None:
    now = clock.now()
    at = now + timedelta(seconds=again) if again is not None else None
    with transaction() as tx:
        hooks_calls.settle(tx, number, [Told(item, error, at) for item in items], None, now)


def test_callers_at_the_same_time_share_and_keep_the_order(one: int) -> None:
    taken: list[Claimed] = []

    def work(_: int) -> None:
        while items := claim(one, 2):
            taken.extend(items)
            done(one, *items)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert Counter(item.key for item in taken).most_common(1)[0][1] == 1
    while items := claim(one):  # what stood behind another caller's claim
        taken.extend(items)
        done(one, *items)
    assert len(taken) == 30
    with reading() as tx:
        assert tx.execute(select(hook_call.c.id)).all() == []
        assert tx.scalar(select(hook.c.sent)) == 30


def test_one_of_a_grievance_at_a_time(one: int, grievances: list[int]) -> None:
    first = claim(one, 30)
    assert [item.event for item in first] == ["a"] * 10
    assert claim(one, 30) == []
    done(one, *first[:4])
    done(one, first[4], error="500", again=60)
    done(one, first[5], error="500")
    assert [item.event for item in claim(one, 30)] == ["b"] * 5
    with reading() as tx:
        assert len(hooks.dead(tx)) == 1
        assert hooks.waiting(tx) == {one: 25}


def test_a_claim_that_lapsed_is_no_longer_ours(one: int) -> None:
    (mine,) = claim(one, 1)
    with transaction() as tx:
        assert hooks_calls.held(tx, mine)
        later = clock.now() + timedelta(minutes=1)
        (theirs,) = hooks_calls.claim(tx, one, hooks_calls.turn(tx, one, 1, later), later)
        assert (theirs.key, theirs.attempts) == (mine.key, 2)
        assert not hooks_calls.held(tx, mine)
    done(one, mine)
    with reading() as tx:
        assert hooks_calls.held(tx, theirs)


def test_of_a_hook_that_is_off_or_rests_nothing_is_due(one: int) -> None:
    now = clock.now()
    with transaction() as tx:
        hooks.change(tx, one, now, active=False)
        assert hooks_calls.due(tx, now) == []
        assert hooks.wanted(tx) == {}
        assert hooks_calls.turn(tx, one, 1, now).ids == []
        hooks.change(tx, one, now, active=True)
        assert hooks_calls.due(tx, now) == [one]
        assert hooks.wanted(tx) == {one: frozenset({"a"})}
        tx.execute(hook.update().values(rest_until=now + timedelta(minutes=1)))
        assert hooks_calls.due(tx, now) == []


def test_the_bell_rings_for_what_waits(one: int) -> None:
    with transaction() as tx:
        assert Bell(DELIVER) in waiting(tx, clock.now())
        hooks.change(tx, one, clock.now(), active=False)
        assert Bell(DELIVER) not in waiting(tx, clock.now())


def test_what_waits_for_an_earlier_one_asks_for_nobody_until_that_is_told(one: int) -> None:
    first = claim(one, 30)
    done(one, *first, error="500", again=60)
    with transaction() as tx:
        tx.execute(hook.update().values(rest_until=None, failures=0))
    assert claim(one, 30) == []
    with transaction() as tx:
        assert hooks_calls.due(tx, clock.now()) == []
        soon = clock.now() + timedelta(seconds=61)
        assert hooks_calls.due(tx, soon) == [one]
        again = hooks_calls.claim(tx, one, hooks_calls.turn(tx, one, 30, soon), soon)
    assert [item.key for item in again] == [item.key for item in first]
    done(one, *again[:3])
    done(one, again[3], error="500")
    assert [item.event for item in claim(one, 30)] == ["b"] * 4


def test_what_another_caller_settled_meanwhile_is_left_alone(one: int) -> None:
    now = clock.now()
    with reading() as tx:
        seen = hooks_calls.turn(tx, one, 3, now)
    told, failed, dead = claim(one, 3)
    done(one, told)
    done(one, failed, error="500", again=60)
    done(one, dead, error="500")
    with transaction() as tx:
        assert hooks_calls.claim(tx, one, seen, clock.now()) == []
