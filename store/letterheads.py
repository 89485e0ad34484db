"""What a letter is about and what it answers, for channels whose letters have headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Subquery, and_, bindparam, func, or_, select

from store.db import Transaction
from store.schema import grievance, inbox, outbox

MOST_EARLIER = 10


@dataclass(frozen=True, slots=True)
class Letterhead:
    """``answered`` is the provider's id of the last message of the matter, ``earlier`` are ours."""

    reference: str | None
    language: str
    answered: str = ""
    earlier: tuple[str, ...] = ()


def load(tx: Transaction, outbox_ids: Sequence[int]) -> dict[int, Letterhead]:
    """The letterheads of these letters."""
    if not outbox_ids:
        return {}
    query = (
        select(outbox.c.id, outbox.c.language, grievance.c.reference, _ANSWERED.label("answered"))
        .outerjoin(grievance, grievance.c.id == outbox.c.grievance_id)
        .where(outbox.c.id.in_(outbox_ids))
    )
    earlier: dict[int, list[str]] = {}
    for row in tx.execute(_EARLIER, {"ids": list(outbox_ids)}):
        earlier.setdefault(row.id, []).append(row.provider_id)
    return {
        row.id: Letterhead(
            row.reference, row.language, row.answered or "", tuple(earlier.get(row.id, ()))
        )
        for row in tx.execute(query)
    }


# The last message of a letter's matter, or of its address where it is about none.
_ANSWERED = (
    select(inbox.c.external_id)
    .where(
        inbox.c.address_id == outbox.c.address_id,
        inbox.c.channel == outbox.c.channel,
        or_(outbox.c.grievance_id.is_(None), inbox.c.grievance_id == outbox.c.grievance_id),
    )
    .order_by(inbox.c.id.desc())
    .limit(1)
    .correlate(outbox)
    .scalar_subquery()
)


def _ranked() -> Subquery:
    before = outbox.alias("before")
    rank = func.row_number().over(partition_by=outbox.c.id, order_by=before.c.id.desc())
    same = and_(
        before.c.address_id == outbox.c.address_id,
        before.c.grievance_id == outbox.c.grievance_id,
        before.c.id < outbox.c.id,
        before.c.provider_id.is_not(None),
    )
    query = select(outbox.c.id, before.c.provider_id, rank.label("rank")).join(before, same)
    return query.where(outbox.c.id.in_(bindparam("ids", expanding=True))).subquery()


_RANKED = _ranked()
# Our own letters of the same matter to the same address, oldest first.
_EARLIER = (
    select(_RANKED.c.id, _RANKED.c.provider_id)
    .where(_RANKED.c.rank <= MOST_EARLIER)
    .order_by(_RANKED.c.id, _RANKED.c.rank.desc())
)
