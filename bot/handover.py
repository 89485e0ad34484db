"""A conversation that goes on under another address of the same person on the same channel.

Who commented on the page is answered in private, and only that answer tells who it was.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.turns import Conversation, about
from store import conversations, people
from store.db import Transaction
from store.people import AddressRow, Endpoint, address_index


def hand_over(
    tx: Transaction, address_id: int, value: str, grievance_id: int | None, now: datetime
) -> None:
    """What was said at ``address_id`` about ``grievance_id`` goes on with the person at ``value``.

    The provider vouches for both being one person, so the grievance opens there without a code. A
    new address gets no window: it opens when the person writes.
    """
    before = people.by_ids(tx, [address_id])[address_id]
    row = _address(tx, before, value, now)
    if row.id == address_id:
        return
    if before.person_id is not None:
        people.link(tx, {row.id: before.person_id})
    changes: dict[str, Any] = {}
    if row.window_until is None:
        changes["window_until"] = now
    if row.language is None:
        changes |= {"language": before.language, "language_chosen": before.language_chosen}
    if changes:
        people.save(tx, {row.id: changes})
    if grievance_id is not None:
        _go_on(tx, row, grievance_id, now)


def _address(tx: Transaction, before: AddressRow, value: str, now: datetime) -> AddressRow:
    index = address_index(before.channel, value)
    end = Endpoint(before.channel, before.account, value, index)
    (row,) = people.resolve(tx, [end], now).values()
    return row


def _go_on(tx: Transaction, row: AddressRow, grievance_id: int, now: datetime) -> None:
    """Turn the conversation there to the grievance, unless it is about another one already."""
    state, wake_at = conversations.load(tx, [row.id]).get(row.id, (None, None))
    spoken = Conversation.from_state(state)
    if grievance_id not in spoken.proven:
        spoken = replace(spoken, proven=(*spoken.proven, grievance_id))
    if spoken.grievance_id is None:
        spoken = about(spoken, grievance_id)
    conversations.save(tx, {row.id: (row.partition, spoken.to_state(), wake_at)}, now)
