"""The hotline and its rows: each step is kept first and handled inside the request.

What a call left behind decides what follows it: a number by text, a call back, a task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from hmac import compare_digest

from sqlalchemy import select, update

from bot.batch import Batch
from bot.filings import acknowledge
from bot.turns import Conversation
from channels.voice import CODE
from config import clock
from config.profile import profile
from store import (
    attempts,
    channels,
    conversations,
    grievances,
    inbox,
    outbox,
    people,
    website,
)
from store.case import Case
from store.db import Transaction, reading, transaction
from store.messages import Inbound, OutboundState
from store.people import AddressRow, address_index
from store.schema import address as address_table
from store.schema import inbox as inbox_table
from store.schema import outbox as outbox_table
from workflow import uptake

__all__ = ["acknowledge"]  # bot's own: the number was told

_ANSWERS = ("redress_proposed", "closed")


@dataclass(frozen=True, slots=True)
class News:
    """What an outgoing call is about: a grievance, or a call that nobody took."""

    language: str | None
    case: Case | None = None


def handle(message: Inbound) -> None:
    """Do what a kept step asks for, unless a worker already did or it waits in the spool."""
    with transaction() as tx:
        row = website.find(tx, CODE, message.account, message.external_id)
        waiting = inbox.load(tx, [row.id]) if row and website.is_new(row) else []
        if waiting:
            Batch(tx, waiting).run()
        if message.answers["do"] in {"record", "agree"} and "texts" in message.answers:
            _open_way(tx, message)


def _open_way(tx: Transaction, message: Inbound) -> None:
    """Answers go by text to phones that take them, unless their owner asked to be called.

    A window that is shut sends each letter on to the person's next address.
    """
    address = address_of(tx, message.address)
    row = website.find(tx, CODE, message.account, message.external_id)
    case = grievances.get(tx, row.grievance_id) if row and row.grievance_id else None
    if address is not None and case is not None:
        shut = None if case.facts.get("answer_by") == "call" else clock.now()
        people.save(tx, {address.id: {"window_until": shut}})


def address_of(tx: Transaction, value: str) -> AddressRow | None:
    """A caller who called before."""
    query = select(address_table.c.id).where(
        address_table.c.channel == CODE,
        address_table.c.value_index == address_index(CODE, value),
    )
    found = tx.scalar(query)
    return people.by_ids(tx, [found])[found] if found is not None else None


def language_of(value: str, account: str, call: str) -> str | None:
    """The language a caller chose before this call; a repeated first step asks as it did."""
    with reading() as tx:
        if website.find(tx, CODE, account, f"{call}:language:1"):
            return None
        row = address_of(tx, value)
    return row.language if row and row.language_chosen else None


def _caller(tx: Transaction, account: str, call: str) -> str | None:
    """Who made a call."""
    ids = [f"{call}:{step}:0" for step in ("ring", "out")]
    query = select(inbox_table.c.address).where(
        inbox_table.c.channel == CODE,
        inbox_table.c.account == account,
        inbox_table.c.external_id.in_(ids),
    )
    found: str | None = tx.scalar(query.limit(1))
    return found


def case_of(account: str, external_id: str) -> Case | None:
    """The grievance that a recording became; None while it waits."""
    with reading() as tx:
        row = website.find(tx, CODE, account, external_id)
        return grievances.get(tx, row.grievance_id) if row and row.grievance_id else None


def opened(value: str, code: str) -> Case | str:
    """The grievance of the number typed before and this code, else the clip that says why not."""
    now = clock.now()
    with reading() as tx:
        row = address_of(tx, value)
        if row is None:
            return "not_found"
        state, _ = conversations.load(tx, [row.id]).get(row.id, (None, None))
        number = Conversation.from_state(state).number
        if attempts.locked(tx, [row.id], now) or attempts.reference_locked(tx, [number], now):
            return "locked"
        case = grievances.by_references(tx, {number}).get(number)
    right = compare_digest((case.code if case else "").encode(), code.encode())
    return case if case and right else "not_found"


def news(letter_id: int) -> News | None:
    """What an outgoing call has to tell."""
    with reading() as tx:
        row = outbox.get(tx, letter_id)
        if row is None or row.channel != CODE:
            return None
        case = grievances.get(tx, row.grievance_id) if row.grievance_id else None
    return News(row.language if row.language in {"mn", "kk", "en"} else None, case)


def way_of_answer(case: Case) -> str | None:
    """How the words of the latest answer reached the person: "text", "chat", "mail" or "call".

    None while they are on their way, and where nobody could be written to.
    """
    with reading() as tx:
        row = tx.execute(
            select(outbox_table.c.channel, outbox_table.c.state)
            .where(
                outbox_table.c.grievance_id == case.id,
                outbox_table.c.template.in_(_ANSWERS),
            )
            .order_by(outbox_table.c.id.desc())
            .limit(1)
        ).first()
        if row is None:
            return None
        if row.channel == CODE:  # an officer's own words are nobody's clip: they become a task
            return "call"
        texts = row.channel in channels.of_form(tx, "sms")
    if row.state not in {OutboundState.SENT, OutboundState.DELIVERED}:
        return None
    return "text" if texts else "mail" if row.channel == "mail" else "chat"


# -- after the call -------------------------------------------------------------------------------


def call_again(provider_id: str) -> bool:
    """A call of ours that nobody took goes back in the queue; False when it was the last try."""
    voice, now = profile().voice, clock.now()
    later = voice.callable_from(now + timedelta(hours=voice.pause_hours), profile().timezone)
    with transaction() as tx:
        row = tx.execute(
            update(outbox_table)
            .where(
                outbox_table.c.channel == CODE,
                outbox_table.c.provider_id == provider_id,
                outbox_table.c.state == OutboundState.SENT,
                outbox_table.c.attempts < voice.tries,
            )
            .values(state=OutboundState.QUEUED, provider_id=None, sent_at=None, not_before=later)
            .returning(outbox_table.c.id)
        ).first()
    return row is not None


def addressed(message: Inbound) -> Inbound:
    """The message with what only rows know: who called, and where texts to their phone go.

    The call-back about a recording names no caller; the beginning of the call did.
    """
    with transaction() as tx:
        if message.address.startswith("withheld:"):
            known = _caller(tx, message.account, message.answers["call"]) or message.address
            texts = {"texts": "yes"} if profile().voice.takes_texts(known) else {}
            message = replace(message, address=known, answers={**message.answers, **texts})
        if message.answers["do"] == "record" and "texts" in message.answers:
            end = uptake.texting_address(tx, message.address, clock.now())
            reach = {"reach": str(end.id)} if end else {}
            message = replace(message, answers={**message.answers, **reach})
    return message
