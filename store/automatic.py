"""Mails that a machine seems to have written: kept, never answered, and a person may disagree."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, text, update

from store.db import Transaction
from store.messages import InboundState, Kind
from store.queue import DRAIN, Bell, ring_soon
from store.schema import attachment, inbox

AUTOMATIC = "automatic"
_ONES = (
    inbox.c.kind == Kind.OTHER,
    text(f"inbox.choice = '{AUTOMATIC}'"),  # spelt out: SQLite's partial index needs to see it
    inbox.c.state == InboundState.DONE,
)


def newest(tx: Transaction, most: int) -> list[Any]:
    """The newest of them: id, channel, address, text, received_at."""
    query = (
        select(inbox.c.id, inbox.c.channel, inbox.c.address, inbox.c.text, inbox.c.received_at)
        .where(*_ONES)
        .order_by(inbox.c.id.desc())
        .limit(most)
    )
    return list(tx.execute(query).all())


def take_in(tx: Transaction, inbox_id: int) -> bool:
    """Handle one again as if a person wrote it; False where there is none (any more).

    What came stays in `raw_event`; its files are noted anew when it is handled.
    """
    row = tx.execute(
        update(inbox)
        .where(inbox.c.id == inbox_id, *_ONES)
        .values(kind=Kind.TEXT, choice="", state=InboundState.NEW, tries=0)
        .returning(inbox.c.partition)
    ).first()
    if row is None:
        return False
    tx.execute(delete(attachment).where(attachment.c.inbox_id == inbox_id))
    tx.after(inbox_id, lambda: ring_soon(Bell(DRAIN, row.partition)))
    return True
