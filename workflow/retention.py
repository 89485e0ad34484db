"""Forgetting on a schedule: what the profile keeps only for a while, and what serves nobody.

Numbers, the trail and the access log stay. The clock does it beside its ticks, in small batches:
what is due is looked for without a lock, then each batch is a transaction of its own, so that
nobody's message waits. Harmless when repeated or done by several processes at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, update

from config.care import Retention
from config.profile import profile
from store import attempts, erasure, files, slots
from store.db import reading, transaction
from store.messages import InboundState, Kind
from store.schema import (
    address,
    attempt,
    conversation,
    grievance,
    hook_call,
    inbox,
    looking,
    officer_session,
    person,
    raw_event,
    slot,
)
from store.sweeping import sweep
from workflow import erasing
from workflow.commands import SYSTEM
from workflow.states import Outcome, Status

BATCH = 50
MONTH = timedelta(days=30.4375)
KEPT = timedelta(days=90)  # what only tells how the house was run
A_WHILE = 5.0  # seconds at a time
REST = 0.005  # seconds between two batches: others get SQLite's gate in between
_done: dict[str, str] = {}

# A step forgets one batch after the other, and gives way after each.
Step = Callable[[datetime, Retention], Iterator[object]]


def daily(now: datetime) -> None:
    """Once a day, in the small hours of the project, forget what is due to be forgotten."""
    local = now.astimezone(profile().timezone)
    day = local.date().isoformat()
    if local.hour < 3 or _done.get("day") == day:
        return
    if run(now, A_WHILE):
        with transaction() as tx:
            slots.remember(tx, "retention", now)
        _done["day"] = day


def run(now: datetime, seconds: float = 3600.0) -> bool:
    """Forget what is due; False where ``seconds`` did not suffice for all of it."""
    end = time.monotonic() + seconds
    erased, finished = _until(end, (_people, _addresses, _dead, _raw), now)
    if erased:
        erasing.settle()
    if not finished or not _until(end, (_reports, _attempts, _spent), now)[1]:
        return False
    _files(now)
    return True


def _until(end: float, steps: tuple[Step, ...], now: datetime) -> tuple[bool, bool]:
    """Whether there was anything to do, and whether it was all done by ``end``."""
    busy = False
    for step in steps:
        for _ in step(now, profile().retention):
            busy = True
            if time.monotonic() > end:
                return busy, False
            time.sleep(REST)
    return busy, True


def _ids(query: Select[Any], key: ColumnElement[int]) -> Iterator[list[int]]:
    """The ids of what ``query`` finds, in batches by key; each look is one of its own."""
    last = 0
    while True:
        with reading() as tx:
            some = query.where(key > last).order_by(key).limit(BATCH)
            found = list(tx.execute(some).scalars())
        if not found:
            return
        yield found
        last = found[-1]


def _people(now: datetime, rules: Retention) -> Iterator[int]:
    """Persons whose every grievance has been closed for long enough, or was withdrawn."""
    due = _over(now, rules)
    if due is None:
        return
    running = exists().where(
        grievance.c.complainant_id == person.c.id, or_(grievance.c.status != Status.CLOSED, ~due)
    )
    had = exists().where(grievance.c.complainant_id == person.c.id)
    query = select(person.c.id).where(person.c.erased_at.is_(None), had, ~running)
    for ids in _ids(query, person.c.id):
        with reading() as tx:
            ends = [end for number in ids for end in erasure.addresses_of(tx, number)]
            heard = erasure.heard(tx, ends)
        for number in ids:
            with transaction() as tx:
                still = tx.execute(query.where(person.c.id == number)).first()
                if still is not None:
                    erasing.person(tx, number, SYSTEM, "retention", now, heard)
            yield number


def _over(now: datetime, rules: Retention) -> ColumnElement[bool] | None:
    conditions = []
    if rules.closed_months:
        conditions.append(grievance.c.closed_at < now - rules.closed_months * MONTH)
    if rules.withdrawn_days:
        withdrawn = grievance.c.outcome == Outcome.WITHDRAWN
        long_ago = grievance.c.closed_at < now - timedelta(days=rules.withdrawn_days)
        conditions.append(and_(withdrawn, long_ago))
    return or_(*conditions) if conditions else None


def _addresses(now: datetime, rules: Retention) -> Iterator[int]:
    """Addresses that greeted and never registered anything."""
    if rules.loose_days is None:
        return
    before = now - timedelta(days=rules.loose_days)
    recent = exists().where(
        conversation.c.address_id == address.c.id, conversation.c.updated_at >= before
    )
    used = exists().where(grievance.c.address_id == address.c.id)
    seen = func.coalesce(address.c.last_in_at, address.c.created_at)
    query = select(address.c.id).where(
        address.c.person_id.is_(None), seen < before, address.c.stopped_at.is_(None),
        ~recent, ~used,
    )  # fmt: skip
    for ids in _ids(query, address.c.id):
        with reading() as tx:
            heard = erasure.heard(tx, ids)
        with transaction() as tx:
            still = list(tx.execute(query.where(address.c.id.in_(ids))).scalars())
            if still:
                erasing.addresses(tx, still, now, heard)
        yield len(ids)


def _dead(now: datetime, rules: Retention) -> Iterator[int]:
    """Messages that were understood but could never be handled: nobody will any more."""
    if rules.dead_days is None:
        return
    dead = and_(inbox.c.state == InboundState.DEAD, inbox.c.grievance_id.is_(None))
    old = inbox.c.received_at < now - timedelta(days=rules.dead_days)
    query = select(inbox.c.id).where(dead, old)
    for ids in _ids(query, inbox.c.id):
        with transaction() as tx:
            erasing.messages(tx, list(tx.execute(query.where(inbox.c.id.in_(ids))).scalars()), now)
        yield len(ids)


def _raw(now: datetime, rules: Retention) -> Iterator[int]:
    """What providers sent, as they sent it: the parsed message stays with its grievance."""
    dead = raw_event.c.state == InboundState.DEAD
    conditions = []
    if rules.raw_days:
        handled = raw_event.c.received_at < now - timedelta(days=rules.raw_days)
        conditions.append(and_(~dead, handled))
    if rules.dead_days:
        old = raw_event.c.received_at < now - timedelta(days=rules.dead_days)
        conditions.append(and_(dead, old))
    if not conditions:
        return
    kept = raw_event.c.content_type != erasure.ERASED
    blank = {"body": b"", "content_type": erasure.ERASED}
    for ids in _ids(select(raw_event.c.id).where(or_(*conditions), kept), raw_event.c.id):
        with transaction() as tx:
            tx.leave_no_trace()
            tx.execute(update(raw_event).where(raw_event.c.id.in_(ids)).values(**blank))
        yield len(ids)


def _reports(now: datetime, rules: Retention) -> Iterator[int]:
    """What providers told of our letters, once the letters know it: the most rows of all."""
    if rules.raw_days is None:
        return
    old = inbox.c.received_at < now - timedelta(days=rules.raw_days)
    told = and_(inbox.c.kind == Kind.DELIVERY, inbox.c.state == InboundState.DONE)
    for ids in _ids(select(inbox.c.id).where(told, old), inbox.c.id):
        with transaction() as tx:
            tx.execute(delete(inbox).where(inbox.c.id.in_(ids)))
        yield len(ids)


def _attempts(now: datetime, rules: Retention) -> Iterator[int]:
    """Counted tries: each belongs to an hour that is over."""
    window = int((now - timedelta(hours=rules.attempt_hours)).timestamp())
    return sweep(attempt, attempt.c.window < window // attempts.WINDOW_SECONDS)


def _spent(now: datetime, rules: Retention) -> Iterator[int]:
    """Ended sessions, who had a page open, days that were done, calls given up long ago."""
    old = now - KEPT
    yield from sweep(officer_session, officer_session.c.seen_at < old)
    yield from sweep(looking, looking.c.at < now - timedelta(days=1))
    # Days alone: other slots mark what is done once for good.
    yield from sweep(slot, slot.c.slot.between("2000-01-01", f"{old:%Y-%m-%d}"))
    yield from sweep(hook_call, and_(hook_call.c.state == "dead", hook_call.c.created_at < old))


def _files(now: datetime) -> None:
    """Files whose rows are gone: a process died between commit and deleting."""
    stray = list(files.stray(now.timestamp() - timedelta(days=2).total_seconds()))
    for start in range(0, len(stray), 500):
        with reading() as tx:
            unused = erasure.unused(tx, stray[start : start + 500])
        files.remove(unused)
