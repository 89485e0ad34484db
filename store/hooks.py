"""Other systems that are told of grievances: who they are, and what they are still to be told.

A row of ``hook_call`` is written in the transaction of what it tells, and goes once it was told;
`store.hooks_calls` says whose turn it is.
"""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, select, update

from store.db import Transaction
from store.queue import DELIVER, Bell, ring_soon
from store.schema import hook, hook_call

# The states of a call; what an administrator tries out waits for nothing else.
QUEUED, TESTING, SENDING, DEAD = "queued", "testing", "sending", "dead"
TEST = "hook.test"
BOTH_SIGN = timedelta(hours=24)
GONE = "gone"  # the other system said that it wants no more: it is off
PREFIX = "whsec_"


# -- what is to be told ---------------------------------------------------------------------------


def wanted(tx: Transaction) -> dict[int, frozenset[str]]:
    """The hooks that are on, and the events each of them wants."""
    query = select(hook.c.id, hook.c.events).where(hook.c.active)
    return {row.id: frozenset(row.events) for row in tx.execute(query)}


def queue(tx: Transaction, calls: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Write what is to be told (hook_id, grievance_id, event, body), and ring after the commit."""
    if not calls:
        return
    tx.execute(hook_call.insert(), [_row(call, QUEUED, now) for call in calls])
    _ring(tx)


def _row(call: Mapping[str, Any], state: str, now: datetime) -> dict[str, Any]:
    key = f"msg_{uuid.uuid4().hex}"
    return {**call, "key": key, "state": state, "not_before": now, "created_at": now}


def _ring(tx: Transaction) -> None:
    tx.after(DELIVER, lambda: ring_soon(Bell(DELIVER)))


def free(tx: Transaction, query: Select[Any]) -> set[int]:
    """The ids that ``query`` finds and nobody else holds, locked: a matter being sealed does."""
    if not tx.on_sqlite:
        query = query.with_for_update(skip_locked=True)
    return set(tx.execute(query).scalars())


def hurry(tx: Transaction, now: datetime, *which: ColumnElement[bool]) -> None:
    """What waits for another try has waited long enough."""
    waiting = (hook_call.c.state == QUEUED, hook_call.c.not_before > now)
    ids = free(tx, select(hook_call.c.id).where(*waiting, *which))
    if ids:
        tx.execute(update(hook_call).where(hook_call.c.id.in_(ids)).values(not_before=now))


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
    hurry(tx, now, hook_call.c.hook_id == hook_id)
    _ring(tx)


def rotate(tx: Transaction, hook_id: int, now: datetime) -> str:
    """A new secret; the one until now signs as well for another `BOTH_SIGN`."""
    secret, one = new_secret(), hook.c.id == hook_id
    old = tx.scalar(select(hook.c.secret).where(one))
    values = {"secret": secret, "old_secret": old, "old_until": now + BOTH_SIGN}
    tx.execute(update(hook).where(one).values(**values))
    return secret


def test(tx: Transaction, hook_id: int, body: str, now: datetime) -> None:
    """Have a test event sent; it takes the place of one that is on its way."""
    tx.execute(update(hook).where(hook.c.id == hook_id).values(tested_at=None))
    tx.execute(delete(hook_call).where(_TESTS, hook_call.c.hook_id == hook_id))
    call = {"hook_id": hook_id, "grievance_id": None, "event": TEST, "body": body}
    tx.execute(hook_call.insert(), [_row(call, TESTING, now)])
    _ring(tx)


_TESTS = hook_call.c.grievance_id.is_(None)


def tests(tx: Transaction) -> set[int]:
    """The hooks whose test event is on its way."""
    return set(tx.execute(select(hook_call.c.hook_id).where(_TESTS)).scalars())


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
        _ring(tx)
    return done
