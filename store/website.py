"""What the public pages ask of the rows: what became of a form, and what was written to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from store.attachments import REFUSED
from store.db import Transaction
from store.messages import InboundState, OutboundState
from store.schema import attachment, grievance, inbox, outbox


def find(tx: Transaction, channel: str, account: str, external_id: str) -> Any:
    """The inbox row of a message: id, state, grievance_id; None while it waits in the spool."""
    query = select(inbox.c.id, inbox.c.state, inbox.c.grievance_id).where(
        inbox.c.channel == channel,
        inbox.c.account == account,
        inbox.c.external_id == external_id,
    )
    return tx.execute(query).first()


def reference_of(tx: Transaction, channel: str, account: str, token: str) -> str | None:
    """The number of what the form with this token became; None while it is not registered."""
    query = (
        select(grievance.c.reference)
        .join(inbox, inbox.c.grievance_id == grievance.c.id)
        .where(
            inbox.c.channel == channel,
            inbox.c.account == account,
            inbox.c.external_id.startswith(f"{token}:", autoescape=True),
        )
    )
    found: str | None = tx.scalar(query)
    return found


def is_new(row: Any) -> bool:
    """Whether nobody has handled the message of this row yet."""
    return bool(row.state == InboundState.NEW)


def settle_files(tx: Transaction, inbox_id: int, states: Sequence[Mapping[str, Any]]) -> None:
    """Write what became of the files of a message, in their order."""
    query = select(attachment.c.id).where(attachment.c.inbox_id == inbox_id)
    ids = list(tx.execute(query.order_by(attachment.c.id)).scalars())
    for attachment_id, values in zip(ids, states, strict=True):
        tx.execute(update(attachment).where(attachment.c.id == attachment_id).values(**values))


def files_of(tx: Transaction, inbox_id: int) -> list[Any]:
    """The files of one message: name, state and the reason of a refusal."""
    query = select(attachment.c.name, attachment.c.state, attachment.c.error).where(
        attachment.c.inbox_id == inbox_id
    )
    return list(tx.execute(query.order_by(attachment.c.id)).all())


def refused_of(tx: Transaction, grievance_id: int) -> list[Any]:
    """The files of a grievance that were not taken: name and reason."""
    query = select(attachment.c.name, attachment.c.error).where(
        attachment.c.grievance_id == grievance_id, attachment.c.state == REFUSED
    )
    return list(tx.execute(query.order_by(attachment.c.id)).all())


def letters(tx: Transaction, grievance_id: int, channel: str, template: str) -> list[Any]:
    """Letters of this kind that wait on the pages to be read, oldest first: text and time."""
    query = select(outbox.c.text, outbox.c.created_at).where(
        outbox.c.grievance_id == grievance_id,
        outbox.c.channel == channel,
        outbox.c.template == template,
    )
    return list(tx.execute(query.order_by(outbox.c.id)).all())


def were_read(tx: Transaction, grievance_id: int, channel: str, now: datetime) -> None:
    """The person has the letters of their grievance before them."""
    tx.execute(
        update(outbox)
        .where(
            outbox.c.grievance_id == grievance_id,
            outbox.c.channel == channel,
            outbox.c.state == OutboundState.SENT,
        )
        .values(state=OutboundState.DELIVERED, delivered_at=now)
    )
