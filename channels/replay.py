"""``hariu replay``: handle a dead letter again, after its cause was mended."""

from __future__ import annotations

from sqlalchemy import select

from channels import registry
from channels.base import Request, Unparseable
from config.errors import HariuError
from config.settings import settings
from store import inbox
from store.db import Transaction, transaction
from store.inbox import Receipt
from store.messages import InboundState
from store.schema import inbox as inbox_table
from store.schema import raw_event


class NothingToReplay(HariuError):
    """No dead letter has this id, or its channel is not configured, or it is still broken."""

    code = "replay"


def replay(inbox_id: int) -> str:
    """Put the dead letter back in the queue; in words, what was done."""
    with transaction() as tx:
        if inbox.replay(tx, inbox_id):
            return f"message {inbox_id} is back in the queue"
        receipt = _read_again(tx, inbox_id)
    inbox.accept(receipt)
    with transaction() as tx:
        inbox.set_aside(tx, inbox_id, "read again and taken in", receipt.received_at)
    return f"event {inbox_id} was read again: {len(receipt.messages)} messages taken in"


def _read_again(tx: Transaction, inbox_id: int) -> Receipt:
    """The raw event of a dead letter, as its channel reads it today."""
    row = tx.execute(
        select(raw_event)
        .join(inbox_table, inbox_table.c.raw_id == raw_event.c.id)
        .where(inbox_table.c.id == inbox_id, inbox_table.c.state == InboundState.DEAD)
    ).first()
    channel = registry.active().get(row.channel) if row else None
    if row is None or channel is None:
        raise NothingToReplay(f"there is no dead letter {inbox_id} that can be read again")
    path = row.path or _usual_path(row.channel)
    request = Request(
        "POST", f"{settings().public_url}{path}", {"content-type": row.content_type}, row.body,
        path=path,
    )  # fmt: skip
    try:
        messages = tuple(channel.parse(request))
    except Unparseable as error:
        raise NothingToReplay(f"event {inbox_id} still cannot be read: {error}") from error
    return Receipt(
        row.channel, row.account, row.body, row.received_at, messages, row.content_type, path=path
    )


def _usual_path(code: str) -> str:
    """Where events of a channel come, for one kept without its path."""
    return f"/in/{code.replace('gateway-', 'gateway/', 1)}"
