"""What follows a call that is over: who left without a word is called, who heard no number as well.

Decided where the end of the call is marked as handled, in that very transaction: whichever process
dies, the end is handled again or its consequences are there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from config.profile import profile
from store import channels, grievances, outbox, tasks
from store.db import Transaction
from store.inbox import Waiting
from store.messages import CALLBACK, Capabilities, InboundState
from store.outbox import Letter
from store.people import AddressRow
from store.schema import inbox
from workflow import letters, uptake

SOON = timedelta(seconds=10)  # before a missed call is answered: the phone is put down by then


def is_end(item: Waiting) -> bool:
    """Whether a message tells that a call is over."""
    said = item.message.answers
    return said.get("do") == "ended" and "call" in said


def follow(tx: Transaction, item: Waiting, address: AddressRow) -> None:
    """Do what the end of a call asks for; what the same end asked for before is not done twice."""
    if address.value.startswith("withheld:"):
        return
    left, at = _left_behind(tx, item), item.received_at
    if not left:
        _missed(tx, address, item, at)
    for case_id in {row.grievance_id for row in left if row.grievance_id}:
        case = grievances.get(tx, case_id)
        if case and case.acknowledged_at is None and "texts" not in item.message.answers:
            tasks.add(tx, f"voice:{case.id}", "call", at, address.id, case.id)


def _left_behind(tx: Transaction, item: Waiting) -> list[Any]:
    """The steps of a call in which somebody did something."""
    message = item.message
    query = select(inbox.c.external_id, inbox.c.grievance_id, inbox.c.details)
    rows = tx.execute(
        query.where(
            inbox.c.channel == message.channel,
            inbox.c.account == message.account,
            inbox.c.external_id.startswith(f"{message.answers['call']}:", autoescape=True),
            inbox.c.state != InboundState.DEAD,
        )
    ).all()
    idle = {"ring", "ended", "silence"}
    return [row for row in rows if ((row.details or {}).get("answers") or {}).get("do") not in idle]


def _missed(tx: Transaction, address: AddressRow, item: Waiting, now: datetime) -> None:
    """Once an hour at most: a missed call costs the caller nothing, and us a little."""
    way, key = profile().voice.missed, f"{CALLBACK}:{address.id}:{now:%Y%m%d%H}"
    if way == "nothing" or address.stopped or address.blocked:
        return
    texts = way == "text" and "texts" in item.message.answers
    if texts and (end := uptake.texting_address(tx, address.value, now)):
        _enqueue_text(tx, key, end, address.language, now)
        return
    letter = Letter(
        key, address.id, address.channel, address.account, CALLBACK,
        address.language or letters.BOTH, "", 1, not_before=now + SOON,
    )  # fmt: skip
    outbox.enqueue(tx, [letter], now)


def _enqueue_text(
    tx: Transaction, key: str, address: AddressRow, language: str | None, now: datetime
) -> None:
    carried = channels.capabilities(tx).get(address.channel, Capabilities())
    values = letters.project_values(profile())
    written = letters.write("missed_call", language or "mn", carried, values)
    letter = Letter(
        key, address.id, address.channel, address.account, CALLBACK, written.language,
        written.text, written.parts,
    )  # fmt: skip
    outbox.enqueue(tx, [letter], now)
