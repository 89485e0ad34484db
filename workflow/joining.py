"""Grievances that belong together: joined, merged, taken apart; split where one holds two matters.

Everybody keeps their own grievance, number, clock and answer; a link only lets an office work on
them as one. Each step is in the trail of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, update

from store.case import Case
from store.db import Transaction
from store.messages import OutboundState
from store.schema import case_link, grievance, outbox
from workflow.commands import Act, Actor, Refused, Register
from workflow.handlers import Casework

SAME, MERGED, SPLIT = "same", "merged", "split"
_LEFT = (OutboundState.SENDING, OutboundState.SENT, OutboundState.DELIVERED)


def join(tx: Transaction, now: datetime, actor: Actor, one: int, other: int, kind: str) -> None:
    """Link two grievances as of the ``same`` cause or ``merged``; `Refused` where they are."""
    if one == other or kind not in {SAME, MERGED}:
        raise Refused("nothing to link", code="refused.link")
    if any(other in (row.grievance_id, row.other_id) for row in links(tx, one)):
        raise Refused("linked already", code="refused.linked")
    _both(tx, now, actor, "merge", one, other)
    _add(tx, now, actor, one, other, kind)


def _both(tx: Transaction, now: datetime, actor: Actor, command: str, one: int, other: int) -> None:
    """The step in both trails, each naming the other's number."""
    work = Casework(tx, now)
    work.load([one, other])
    for mine, theirs in ((one, other), (other, one)):
        values = {"reason": work.case(theirs).reference}
        work.act(Act(command, mine, actor, values))
    work.flush()


def _add(tx: Transaction, now: datetime, actor: Actor, one: int, other: int, kind: str) -> None:
    row = {"grievance_id": one, "other_id": other, "kind": kind, "officer_id": actor.officer_id}
    tx.execute(case_link.insert(), [row | {"at": now}])


def part(tx: Transaction, now: datetime, actor: Actor, one: int, link_id: int) -> None:
    """Undo a link; a merger only until a letter about either has left since."""
    row = next((item for item in links(tx, one) if item.id == link_id), None)
    if row is None:
        raise Refused("no such link", code="refused.unknown")
    if row.kind == MERGED and _left_since(tx, row):
        raise Refused("letters have left", code="refused.letters")
    _both(tx, now, actor, "split", row.grievance_id, row.other_id)
    one_row = update(case_link).where(case_link.c.id == link_id)
    tx.execute(one_row.values(undone_at=now))


def _left_since(tx: Transaction, row: Any) -> bool:
    query = select(outbox.c.id).where(
        outbox.c.grievance_id.in_((row.grievance_id, row.other_id)),
        outbox.c.created_at > row.at,
        outbox.c.state.in_(_LEFT),
    )
    return tx.execute(query.limit(1)).first() is not None


def split(tx: Transaction, now: datetime, actor: Actor, subject: Case, words: str) -> Case:
    """Make a second matter of a message a grievance of its own, with its own number and clock."""
    if not words.strip() or subject.sensitive:
        raise Refused("nothing to split off", code="refused.text")
    work = Casework(tx, now)
    new = work.register(
        Register(
            subject.channel, words.strip(), subject.received_at, address_id=subject.address_id,
            person_id=subject.complainant_id, submitter_id=subject.submitter_id,
            language=subject.language, kind=subject.kind, place=subject.place,
            anonymous=subject.anonymous, actor=actor,
            facts={name: True for name in ("demo",) if subject.facts.get(name)},
        )
    )  # fmt: skip
    work.act(Act("split", subject.id, actor, {"reason": new.reference}))
    work.flush()
    _add(tx, now, actor, subject.id, new.id, SPLIT)
    return new


def links(tx: Transaction, grievance_id: int) -> Sequence[Any]:
    """The live links of a grievance with what the other one is, oldest first."""
    mine = or_(case_link.c.grievance_id == grievance_id, case_link.c.other_id == grievance_id)
    theirs = and_(
        or_(grievance.c.id == case_link.c.grievance_id, grievance.c.id == case_link.c.other_id),
        grievance.c.id != grievance_id,
    )
    query = (
        select(case_link, grievance.c.reference, grievance.c.status, grievance.c.language)
        .join(grievance, theirs)
        .where(mine, case_link.c.undone_at.is_(None))
    )
    return tx.execute(query.order_by(case_link.c.id)).all()
