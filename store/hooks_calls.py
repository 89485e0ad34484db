"""Whose turn it is to be told what: claimed by one caller at a time, settled when it is back.

No transaction is open while another system is called: `claim` commits, then `settle` commits.
A hook that is down may have a hundred thousand rows waiting, so each question is one that an index
answers with a few rows; the write gate of SQLite is held for the claim alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, delete, or_, select, update

from store.db import Transaction
from store.hooks import DEAD, GONE, QUEUED, SENDING, TEST, TESTING, free, hurry
from store.schema import hook, hook_call

CLAIM = timedelta(seconds=20)  # twice as long as a call may take
TROUBLE = 5  # failures in a row after which a hook is left alone for a while
REST = timedelta(minutes=1)
_PAGE = 100
_MOST_LATER = 1000  # put off in one transaction


@dataclass(frozen=True, slots=True)
class Claimed:
    """One call this process may make now; the first of ``secrets`` is the present one."""

    id: int
    hook_id: int
    grievance_id: int | None
    key: str
    event: str
    body: str
    attempts: int
    claim: str
    url: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a call: "" or why not; when to try again (None: never, a dead letter)."""

    item: Claimed
    error: str = ""
    again: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """The calls whose turn it is, and those that wait for an earlier one: until when."""

    ids: list[int] = field(default_factory=list)
    later: dict[int, datetime] = field(default_factory=dict)


# -- whose turn -----------------------------------------------------------------------------------


def due(tx: Transaction, now: datetime) -> list[int]:
    """The hooks that may have something to be told now; a test event even while they are off."""
    listens = and_(hook.c.active, or_(hook.c.rest_until.is_(None), hook.c.rest_until <= now))
    ready = _some(QUEUED, hook_call.c.not_before <= now)
    lapsed = _some(SENDING, hook_call.c.claimed_until < now)
    waits = or_(_some(TESTING), and_(listens, or_(ready, lapsed)))
    return sorted(tx.execute(select(hook.c.id).where(waits)).scalars())


def _some(state: str, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    mine = (hook_call.c.hook_id == hook.c.id, hook_call.c.state == state, *more)
    return select(hook_call.c.id).where(*mine).exists()


def turn(tx: Transaction, hook_id: int, limit: int, now: datetime) -> Turn:
    """Up to ``limit`` calls of a hook whose turn it is, one a grievance: it learns in order."""
    one = tx.execute(select(hook).where(hook.c.id == hook_id)).one()
    if tests := _ids(tx, hook_id, TESTING):
        return Turn(tests)
    if not one.active or (one.rest_until and one.rest_until > now):
        return Turn()
    found = Turn(_ids(tx, hook_id, SENDING, hook_call.c.claimed_until < now))
    limit, seen = 1 if one.failures >= TROUBLE else limit, 0
    while len(found.ids) < limit and len(found.later) < _MOST_LATER:
        page = _page(tx, hook_id, seen, now)
        if not page:
            break
        _sort_out(tx, hook_id, page, found, now)
        seen += len(page)
    return Turn(found.ids[:limit], found.later)


def _ids(tx: Transaction, hook_id: int, state: str, *more: ColumnElement[bool]) -> list[int]:
    mine = (hook_call.c.hook_id == hook_id, hook_call.c.state == state, *more)
    return list(tx.execute(select(hook_call.c.id).where(*mine).limit(_PAGE)).scalars())


def _page(tx: Transaction, hook_id: int, after: int, now: datetime) -> Sequence[Row[Any]]:
    ready = (hook_call.c.state == QUEUED, hook_call.c.not_before <= now)
    query = select(hook_call.c.id, hook_call.c.grievance_id).where(
        hook_call.c.hook_id == hook_id, *ready
    )
    order = (hook_call.c.not_before, hook_call.c.id)
    return tx.execute(query.order_by(*order).limit(_PAGE).offset(after)).all()


def _sort_out(
    tx: Transaction, hook_id: int, page: Sequence[Row[Any]], found: Turn, now: datetime
) -> None:
    """Of a page, what is the first of its grievance, and what must wait for the first."""
    columns = (hook_call.c.id, hook_call.c.grievance_id, hook_call.c.not_before)
    mine = hook_call.c.grievance_id.in_({row.grievance_id for row in page})
    open_ = hook_call.c.state.in_((QUEUED, SENDING))
    query = select(*columns).where(hook_call.c.hook_id == hook_id, mine, open_)
    first: dict[int, Row[Any]] = {}
    for row in tx.execute(query.order_by(hook_call.c.id)):
        first.setdefault(row.grievance_id, row)
    for row in page:
        ahead = first.get(row.grievance_id, row)
        if ahead.id == row.id:
            found.ids.append(row.id)
        elif ahead.not_before > now:
            found.later[row.id] = ahead.not_before


def claim(tx: Transaction, hook_id: int, found: Turn, now: datetime) -> list[Claimed]:
    """Take the calls of ``found`` that nobody else took; ours for `CLAIM`."""
    state, wanted = hook_call.c.state, hook_call.c.id.in_([*found.ids, *found.later])
    ready = and_(state.in_((QUEUED, TESTING)), hook_call.c.not_before <= now)
    lapsed = and_(state == SENDING, hook_call.c.claimed_until < now)
    ours = free(tx, select(hook_call.c.id).where(wanted, or_(ready, lapsed)))
    if later := [{"b_id": n, "b_at": at} for n, at in found.later.items() if n in ours]:
        tx.execute(_PUT_OFF, later)
    one = tx.execute(select(hook).where(hook.c.id == hook_id)).one()
    values = {"state": SENDING, "claim": uuid.uuid4().hex, "claimed_until": now + CLAIM}
    rows = tx.execute(
        update(hook_call)
        .where(hook_call.c.id.in_(ours & set(found.ids)))
        .values(attempts=hook_call.c.attempts + 1, **values)
        .returning(hook_call)
    )
    return sorted((_claimed(row, one, now) for row in rows), key=lambda item: item.id)


_PUT_OFF = (
    update(hook_call)
    .where(hook_call.c.id == bindparam("b_id"))
    .values(not_before=bindparam("b_at"))
)


def _claimed(row: Row[Any], one: Row[Any], now: datetime) -> Claimed:
    old = one.old_secret if one.old_until and one.old_until > now else None
    return Claimed(
        row.id, row.hook_id, row.grievance_id, row.key, row.event, row.body, row.attempts,
        row.claim, one.url, tuple(filter(None, (one.secret, old))),
    )  # fmt: skip


def held(tx: Transaction, item: Claimed) -> bool:
    """Whether a call is still ours to make: the matter may have been sealed meanwhile."""
    query = select(hook_call.c.id).where(*_mine(item))
    return tx.execute(query).first() is not None


def _mine(item: Claimed) -> tuple[ColumnElement[bool], ...]:
    return hook_call.c.id == item.id, hook_call.c.claim == item.claim


# -- what became of it ----------------------------------------------------------------------------


def settle(
    tx: Transaction, hook_id: int, told: Sequence[Told], rest: datetime | None, now: datetime
) -> None:
    """Write what became of calls of one hook; ``rest`` is how long it asked to be left alone."""
    if not told:
        return
    query = select(hook).where(hook.c.id == hook_id)
    one = tx.execute(query if tx.on_sqlite else query.with_for_update()).one()
    _write(tx, told)
    tests = [each for each in told if each.item.event == TEST]
    steps = [each for each in told if each.item.event != TEST]
    values = _after(one, steps, rest, now) if steps else {}
    if tests:
        values |= {"tested_at": now, "test_answer": tests[-1].error}
    tx.execute(update(hook).where(hook.c.id == hook_id).values(**values))
    mine = hook_call.c.hook_id == hook_id
    if values.get("failures") == 0 and one.failures >= TROUBLE:  # it is back
        hurry(tx, now, mine)
    elif done := {each.item.grievance_id for each in steps if not each.again}:
        hurry(tx, now, mine, hook_call.c.grievance_id.in_(done))  # what waited for these


def _write(tx: Transaction, told: Sequence[Told]) -> None:
    """What is being sealed at this moment goes with the sealing."""
    tokens = {each.item.claim for each in told}
    wanted = (hook_call.c.id.in_([each.item.id for each in told]), hook_call.c.claim.in_(tokens))
    ours = free(tx, select(hook_call.c.id).where(*wanted))
    failed = {
        each.item.id: each
        for each in told
        if each.item.id in ours and each.error and each.item.event != TEST
    }
    tx.execute(delete(hook_call).where(hook_call.c.id.in_(ours - failed.keys())))
    freed = {"claim": None, "claimed_until": None}
    for number, each in failed.items():
        values = {"state": QUEUED, "not_before": each.again} if each.again else {"state": DEAD}
        one = update(hook_call).where(hook_call.c.id == number)
        tx.execute(one.values(error=each.error, **values, **freed))


def _after(
    one: Row[Any], steps: Sequence[Told], rest: datetime | None, now: datetime
) -> dict[str, Any]:
    """The columns of a hook after these calls."""
    errors = [each.error for each in steps if each.error]
    good = len(steps) - len(errors)
    failures = 0 if good else one.failures + len(errors)
    values: dict[str, Any] = {
        "sent": one.sent + good, "failed": one.failed + len(errors),
        "failures": failures, "rest_until": rest or (now + REST if failures >= TROUBLE else None),
    }  # fmt: skip
    if good:
        values["last_ok_at"] = now
    if errors:
        values |= {"last_error": errors[-1], "last_error_at": now}
    return values | ({"active": False} if GONE in errors else {})
