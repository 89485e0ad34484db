"""Forgetting on a schedule: what the profile keeps only for a while. Part of the clock's tick.

Numbers, the trail and the access log stay. Everything here works in batches, each a transaction of
its own, and is harmless when repeated or done by several processes at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update

from config.care import Retention
from config.profile import profile
from store import attempts, erasure, files, slots
from store.db import reading, transaction
from store.messages import InboundState
from store.schema import address, attempt, conversation, grievance, person, raw_event
from workflow import erasing
from workflow.commands import SYSTEM
from workflow.states import Outcome, Status

BATCH = 50
MONTH = timedelta(days=30.4375)
A_WHILE = 2.0  # seconds one tick may spend on it: bells wait meanwhile; the next tick goes on
_done: dict[str, str] = {}


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
    rules = profile().retention
    end = time.monotonic() + seconds
    steps: tuple[Callable[[datetime, Retention], int], ...] = (_people, _addresses, _raw, _attempts)
    erased = False
    for step in steps:
        while step(now, rules):
            erased = True
            if time.monotonic() > end:
                return False
    if erased:
        erasing.settle()
    _files(now)
    return True


def _people(now: datetime, rules: Retention) -> int:
    """Persons whose every grievance has been closed for long enough, or was withdrawn."""
    due = _over(now, rules)
    if due is None:
        return 0
    running = exists().where(
        grievance.c.complainant_id == person.c.id, or_(grievance.c.status != Status.CLOSED, ~due)
    )
    had = exists().where(grievance.c.complainant_id == person.c.id)
    query = select(person.c.id).where(person.c.erased_at.is_(None), had, ~running).limit(BATCH)
    with reading() as tx:
        ids = list(tx.execute(query.order_by(person.c.id)).scalars())
    for person_id in ids:
        with transaction() as tx:
            still = tx.execute(query.where(person.c.id == person_id)).first()
            if still is not None:
                erasing.person(tx, person_id, SYSTEM, "retention", now)
    return len(ids)


def _over(now: datetime, rules: Retention) -> ColumnElement[bool] | None:
    conditions = []
    if rules.closed_months:
        conditions.append(grievance.c.closed_at < now - rules.closed_months * MONTH)
    if rules.withdrawn_days:
        withdrawn = grievance.c.outcome == Outcome.WITHDRAWN
        long_ago = grievance.c.closed_at < now - timedelta(days=rules.withdrawn_days)
        conditions.append(and_(withdrawn, long_ago))
    return or_(*conditions) if conditions else None


def _addresses(now: datetime, rules: Retention) -> int:
    """Addresses that greeted and never registered anything."""
    if rules.loose_days is None:
        return 0
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
    with transaction() as tx:
        ids = list(tx.execute(query.order_by(address.c.id).limit(BATCH)).scalars())
        if ids:
            erasing.addresses(tx, ids, now)
    return len(ids)


def _raw(now: datetime, rules: Retention) -> int:
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
        return 0
    kept = raw_event.c.content_type != erasure.ERASED
    query = select(raw_event.c.id).where(or_(*conditions), kept).limit(BATCH * 10)
    with transaction() as tx:
        erasure.secure(tx)
        ids = list(tx.execute(query).scalars())
        blank = {"body": b"", "content_type": erasure.ERASED}
        tx.execute(update(raw_event).where(raw_event.c.id.in_(ids)).values(**blank))
    return len(ids)


def _attempts(now: datetime, rules: Retention) -> int:
    """Counted tries: each belongs to an hour that is over."""
    window = int((now - timedelta(hours=rules.attempt_hours)).timestamp())
    window //= attempts.WINDOW_SECONDS
    with transaction() as tx:
        tx.execute(delete(attempt).where(attempt.c.window < window))
    return 0


def _files(now: datetime) -> None:
    """Files whose rows are gone: a process died between commit and deleting."""
    stray = list(files.stray(now.timestamp() - timedelta(days=2).total_seconds()))
    for start in range(0, len(stray), 500):
        with reading() as tx:
            unused = erasure.unused(tx, stray[start : start + 500])
        files.remove(unused)
