"""Other systems that are told of grievances: who they are, and what they are still to be told.

A row of ``hook_call`` is written in the transaction of what it tells, and goes once it was told.
No transaction is open while another system is called: `claim` commits, then `settle` commits.
"""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select, update

from store.db import Transaction
from store.queue import DELIVER, Bell, ring_soon
from store.schema import hook, hook_call

QUEUED, SENDING, DEAD = "queued", "sending", "dead"
TEST = "hook.test"
CLAIM = timedelta(seconds=20)  # twice as long as a call may take
TROUBLE = 5  # failures in a row after which a hook is left alone for a while
REST = timedelta(minutes=1)
BOTH_SIGN = timedelta(hours=24)
GONE = "gone"  # the other system said that it wants no more: it is off
PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Claimed:
    """One call this process may make now; the first of ``secrets`` is the present one."""

    id: int
    hook_id: int
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


# -- what is to be told ---------------------------------------------------------------------------


def wanted(tx: Transaction) -> dict[int, frozenset[str]]:
    """The hooks that are on, and the events each of them wants."""
    query = select(hook.c.id, hook.c.events).where(hook.c.active)
    return {row.id: frozenset(row.events) for row in tx.execute(query)}


def queue(tx: Transaction, calls: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Write what is to be told (hook_id, grievance_id, event, body), and ring after the commit."""
    if not calls:
        return
    waiting = {"state": QUEUED, "not_before": now, "created_at": now}
    rows = [{**call, **waiting, "key": f"msg_{uuid.uuid4().hex}"} for call in calls]
    tx.execute(hook_call.insert(), rows)
    tx.after(DELIVER, lambda: ring_soon(Bell(DELIVER)))


def _is_due(now: datetime) -> ColumnElement[bool]:
    """What waits, and what a caller that died had claimed; of hooks that are on and not resting."""
    ready = and_(hook_call.c.state == QUEUED, hook_call.c.not_before <= now)
    lapsed = and_(hook_call.c.state == SENDING, hook_call.c.claimed_until < now)
    rested = or_(hook.c.rest_until.is_(None), hook.c.rest_until <= now)
    return and_(or_(ready, lapsed), or_(hook_call.c.event == TEST, and_(hook.c.active, rested)))


def due(tx: Transaction, now: datetime) -> list[int]:
    """The hooks that have something to be told now."""
    query = select(hook_call.c.hook_id).join(hook, hook.c.id == hook_call.c.hook_id)
    return sorted(tx.execute(query.where(_is_due(now)).distinct()).scalars())


def claim(tx: Transaction, hook_id: int, limit: int, now: datetime) -> list[Claimed]:
    """Take up to ``limit`` due calls of a hook, one a grievance: it learns of each in order."""
    one = tx.execute(select(hook).where(hook.c.id == hook_id)).one()
    earlier = hook_call.alias("earlier")
    blocked = (
        select(earlier.c.id)
        .where(
            earlier.c.hook_id == hook_id,
            earlier.c.grievance_id == hook_call.c.grievance_id,
            earlier.c.id < hook_call.c.id,
            earlier.c.state.in_((QUEUED, SENDING)),
        )
        .exists()
    )
    query = (
        select(hook_call)
        .join(hook, hook.c.id == hook_call.c.hook_id)
        .where(hook_call.c.hook_id == hook_id, _is_due(now), ~blocked)
        .order_by(hook_call.c.grievance_id.is_not(None), hook_call.c.id)
        .limit(1 if one.failures >= TROUBLE else limit)
    )
    if not tx.on_sqlite:
        query = query.with_for_update(of=hook_call, skip_locked=True)
    rows, token = tx.execute(query).all(), uuid.uuid4().hex
    tx.execute(
        update(hook_call)
        .where(hook_call.c.id.in_([row.id for row in rows]))
        .values(
            state=SENDING, claim=token, claimed_until=now + CLAIM,
            attempts=hook_call.c.attempts + 1,
        )
    )  # fmt: skip
    return [_claimed(row, token, one, now) for row in rows]


def _claimed(row: Row[Any], token: str, one: Row[Any], now: datetime) -> Claimed:
    old = one.old_secret if one.old_until and one.old_until > now else None
    return Claimed(
        row.id, row.hook_id, row.key, row.event, row.body, row.attempts + 1, token, one.url,
        tuple(filter(None, (one.secret, old))),
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
    query = select(hook).where(hook.c.id == hook_id)
    one = tx.execute(query if tx.on_sqlite else query.with_for_update()).one()
    for each in told:
        _write(tx, each)
    tests = [each for each in told if each.item.event == TEST]
    steps = [each for each in told if each.item.event != TEST]
    values = _after(one, steps, rest, now) if steps else {}
    if tests:
        values |= {"tested_at": now, "test_answer": tests[-1].error}
    tx.execute(update(hook).where(hook.c.id == hook_id).values(**values))
    if values.get("failures") == 0 and one.failures >= TROUBLE:
        _hurry(tx, hook_id, now)


def _hurry(tx: Transaction, hook_id: int, now: datetime) -> None:
    """It is back, or elsewhere now: what waits for another try has waited long enough."""
    waiting = (hook_call.c.hook_id == hook_id, hook_call.c.state == QUEUED)
    tx.execute(update(hook_call).where(*waiting).values(not_before=now))


def _write(tx: Transaction, each: Told) -> None:
    if not each.error or each.item.event == TEST:
        tx.execute(delete(hook_call).where(*_mine(each.item)))
        return
    values: dict[str, Any] = {"state": QUEUED if each.again else DEAD, "error": each.error}
    if each.again:
        values["not_before"] = each.again
    freed = {"claim": None, "claimed_until": None}
    tx.execute(update(hook_call).where(*_mine(each.item)).values(**values, **freed))


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


# -- for the desk ---------------------------------------------------------------------------------


_SHOWN = [column for column in hook.c if column.name not in {"secret", "old_secret"}]


def everyone(tx: Transaction) -> list[Row[Any]]:
    """Every hook without its secrets, the oldest first."""
    return list(tx.execute(select(*_SHOWN).order_by(hook.c.id)).all())


def get(tx: Transaction, hook_id: int) -> Row[Any] | None:
    """One hook without its secrets."""
    return tx.execute(select(*_SHOWN).where(hook.c.id == hook_id)).first()


def new_secret() -> str:
    """A secret in the form of the specification: ``whsec_`` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(os.urandom(32)).decode()


def add(
    tx: Transaction, label: str, url: str, events: Iterable[str], now: datetime, *, active: bool
) -> tuple[int, str]:
    """A new hook; its id and its secret, which is shown once."""
    secret = new_secret()
    row = {
        "label": label, "url": url, "events": sorted(events), "active": active,
        "secret": secret, "created_at": now,
    }  # fmt: skip
    return tx.insert_ids(hook, [row])[0], secret


def change(tx: Transaction, hook_id: int, now: datetime, **values: Any) -> None:
    """Change a hook; one that is changed is tried at once."""
    fresh = {"failures": 0, "rest_until": None}
    tx.execute(update(hook).where(hook.c.id == hook_id).values(**values, **fresh))
    _hurry(tx, hook_id, now)
    tx.after(DELIVER, lambda: ring_soon(Bell(DELIVER)))


def rotate(tx: Transaction, hook_id: int, now: datetime) -> str:
    """A new secret; the one until now signs as well for another `BOTH_SIGN`."""
    secret, one = new_secret(), hook.c.id == hook_id
    old = tx.scalar(select(hook.c.secret).where(one))
    values = {"secret": secret, "old_secret": old, "old_until": now + BOTH_SIGN}
    tx.execute(update(hook).where(one).values(**values))
    return secret


def test(tx: Transaction, hook_id: int, body: str, now: datetime) -> None:
    """Have a test event sent; one that waits already is enough."""
    tx.execute(update(hook).where(hook.c.id == hook_id).values(tested_at=None))
    if hook_id not in tests(tx):
        call = {"hook_id": hook_id, "grievance_id": None, "event": TEST, "body": body}
        queue(tx, [call], now)


def tests(tx: Transaction) -> set[int]:
    """The hooks whose test event is on its way."""
    return set(tx.execute(select(hook_call.c.hook_id).where(hook_call.c.event == TEST)).scalars())


def waiting(tx: Transaction) -> dict[int, int]:
    """How much each hook is still to be told."""
    query = select(hook_call.c.hook_id, func.count()).where(hook_call.c.state != DEAD)
    rows: Any = tx.execute(query.group_by(hook_call.c.hook_id)).all()
    return dict(rows)


def dead(tx: Transaction, limit: int = 50) -> list[Row[Any]]:
    """What hooks that are on could not be told though it was tried for days, the newest first."""
    columns = (hook_call.c.id, hook_call.c.event, hook_call.c.error, hook_call.c.created_at)
    query = (
        select(*columns, hook.c.label)
        .join(hook, hook.c.id == hook_call.c.hook_id)
        .where(hook_call.c.state == DEAD, hook.c.active)
    )
    return list(tx.execute(query.order_by(hook_call.c.id.desc()).limit(limit)).all())


def retry(tx: Transaction, call_id: int, now: datetime) -> bool:
    """Tell a dead letter again, from the beginning; False where there is none."""
    statement = (
        update(hook_call)
        .where(hook_call.c.id == call_id, hook_call.c.state == DEAD)
        .values(state=QUEUED, attempts=0, not_before=now)
        .returning(hook_call.c.id)
    )
    done = tx.execute(statement).first() is not None
    if done:
        tx.after(DELIVER, lambda: ring_soon(Bell(DELIVER)))
    return done
