"""What the Open311 pages ask of the rows: a partner's own grievances, and when they moved."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from store.db import Transaction
from store.partners import Partner
from store.schema import case_event, grievance, inbox, outbox, own_profile

OPEN, CLOSED = "open", "closed"
MOST_ROWS = 1000

_COLUMNS = (
    grievance.c.id, grievance.c.reference, grievance.c.status, grievance.c.outcome,
    grievance.c.stage, grievance.c.category, grievance.c.place, grievance.c.resolution,
    grievance.c.sensitive, grievance.c.facts, grievance.c.received_at, grievance.c.due_at,
    grievance.c.closed_at,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which grievances: by number, and then nothing else counts; or by time, category, state."""

    references: Collection[str] = ()
    start: datetime | None = None
    end: datetime | None = None
    categories: Collection[str] = ()
    states: Collection[str] = ()


def requests(tx: Transaction, partner: Partner, wanted: Wanted) -> Sequence[Any]:
    """What this very partner filed, the newest first, `MOST_ROWS` at most.

    Of a sealed matter neither state nor category may be found out: it counts as open, and as of
    no category.
    """
    query = select(*_COLUMNS).where(
        grievance.c.submitter_id == partner.person_id, *_conditions(wanted)
    )
    query = query.order_by(grievance.c.received_at.desc(), grievance.c.id.desc())
    return tx.execute(query.limit(MOST_ROWS)).all()


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    if wanted.references:
        return [grievance.c.reference.in_(list(wanted.references))]
    found: list[ColumnElement[bool]] = []
    if wanted.start:
        found.append(grievance.c.received_at >= wanted.start)
    if wanted.end:
        found.append(grievance.c.received_at <= wanted.end)
    ordinary, ended = grievance.c.sensitive == "", grievance.c.status == "closed"
    if wanted.categories:
        found.append(and_(ordinary, grievance.c.category.in_(list(wanted.categories))))
    if set(wanted.states) == {OPEN}:
        found.append(or_(~ordinary, ~ended))
    if set(wanted.states) == {CLOSED}:
        found.append(and_(ordinary, ended))
    return found


def moved(tx: Transaction, ids: Collection[int], kinds: Collection[str]) -> Mapping[int, datetime]:
    """When something of ``kinds`` last happened to each grievance."""
    last = func.max(case_event.c.at).label("last")
    query = select(case_event.c.grievance_id, last).where(
        case_event.c.grievance_id.in_(list(ids)), case_event.c.kind.in_(list(kinds))
    )
    rows = tx.execute(query.group_by(case_event.c.grievance_id))
    return {row.grievance_id: row.last for row in rows}


def texts(tx: Transaction, ids: Collection[int], account: str) -> Mapping[int, str]:
    """The words with which each was filed through ``account``, and not what was added later."""
    query = select(inbox.c.grievance_id, inbox.c.text).where(
        inbox.c.grievance_id.in_(list(ids)), inbox.c.account == account
    )
    return {row.grievance_id: row.text for row in tx.execute(query.order_by(inbox.c.id.desc()))}


def answers(tx: Transaction, ids: Collection[int], channel: str) -> Mapping[int, str]:
    """The last answer that waits on the pages of ``channel`` for each grievance."""
    query = select(outbox.c.grievance_id, outbox.c.text).where(
        outbox.c.grievance_id.in_(list(ids)),
        outbox.c.channel == channel,
        outbox.c.template == "reply",
    )
    return {row.grievance_id: row.text for row in tx.execute(query.order_by(outbox.c.id))}


def services_changed(tx: Transaction) -> datetime | None:
    """When the office last changed what the services are made of; None if it never did."""
    found: datetime | None = tx.scalar(select(func.max(own_profile.c.at)))
    return found
