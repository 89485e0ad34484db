"""What a letter is about and what it answers, for channels whose letters have headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

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
    query = (
        select(
            outbox.c.id, outbox.c.channel, outbox.c.address_id, outbox.c.grievance_id,
            outbox.c.language, grievance.c.reference,
        )
        .outerjoin(grievance, grievance.c.id == outbox.c.grievance_id)
        .where(outbox.c.id.in_(outbox_ids))
    )  # fmt: skip
    return {
        row.id: Letterhead(row.reference, row.language, _answered(tx, row), _earlier(tx, row))
        for row in tx.execute(query).all()
    }


def _answered(tx: Transaction, row: Any) -> str:
    """The last message of this matter, or of this address where the letter is about none."""
    query = select(inbox.c.external_id).where(
        inbox.c.address_id == row.address_id, inbox.c.channel == row.channel
    )
    if row.grievance_id is not None:
        query = query.where(inbox.c.grievance_id == row.grievance_id)
    return tx.scalar(query.order_by(inbox.c.id.desc()).limit(1)) or ""


def _earlier(tx: Transaction, row: Any) -> tuple[str, ...]:
    """Our own letters of this matter to this address, oldest first."""
    if row.grievance_id is None:
        return ()
    query = (
        select(outbox.c.provider_id)
        .where(
            outbox.c.address_id == row.address_id,
            outbox.c.grievance_id == row.grievance_id,
            outbox.c.id < row.id,
            outbox.c.provider_id.is_not(None),
        )
        .order_by(outbox.c.id.desc())
        .limit(MOST_EARLIER)
    )
    return tuple(reversed(list(tx.execute(query).scalars())))
