"""Messages to send: one row each, with an idempotency key; claimed, sent, marked.

No transaction is open while a provider is called: `claim` commits, then `mark` commits again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, update

from store.db import Transaction
from store.messages import RANK, Choice, DeliveryReport, Outbound, OutboundState, SendResult
from store.queue import DELIVER, Bell, ring_soon
from store.schema import address, grievance, outbox

# Acknowledgements go before answers, answers before reminders.
FIRST, NORMAL, LATER = 0, 5, 9
# Our own end of addresses that exist for practice: what goes there counts as delivered at once.
PRACTICE = "practice"
CLAIM_SECONDS = 9.0  # renewed while its sender lives; what a dead one held goes on after this


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to be queued; ``key`` makes a second one of the same cause impossible."""

    key: str
    address_id: int
    channel: str
    account: str
    template: str
    language: str
    text: str
    parts: int
    grievance_id: int | None = None
    choices: tuple[Choice, ...] = ()
    priority: int = NORMAL
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message this process may send now."""

    outbound: Outbound
    address_id: int
    grievance_id: int | None
    template: str
    attempts: int
    unanswered: int
    claim: str
    created_at: datetime
    window_until: datetime | None = None


def enqueue(tx: Transaction, letters: Sequence[Letter], now: datetime) -> None:
    """Queue letters and ring for delivery after the commit; a known key is left as it is."""
    if not letters:
        return
    tx.execute(tx.ignore_insert(outbox), [_queued(letter, now) for letter in letters])
    tx.after(DELIVER, lambda: ring_soon(Bell(DELIVER)))


def _queued(letter: Letter, now: datetime) -> dict[str, Any]:
    practice = now if letter.account == PRACTICE else None
    return {
        "key": letter.key,
        "channel": letter.channel,
        "account": letter.account,
        "address_id": letter.address_id,
        "grievance_id": letter.grievance_id,
        "template": letter.template,
        "language": letter.language,
        "text": letter.text,
        "choices": [[item.value, item.label] for item in letter.choices],
        "question": bool(letter.choices),
        "parts": letter.parts,
        "priority": letter.priority,
        "state": OutboundState.DELIVERED if practice else OutboundState.QUEUED,
        "not_before": letter.not_before or now,
        "created_at": now,
        "sent_at": practice,
        "delivered_at": practice,
    }


def claim(tx: Transaction, channel: str, limit: int, now: datetime) -> list[Claimed]:
    """Take up to ``limit`` due messages of ``channel``; they are ours for `CLAIM_SECONDS`.

    One message an address at a time, the oldest first, so that a person reads them in order.
    """
    earlier = outbox.alias("earlier")
    blocked = (
        select(earlier.c.id)
        .where(
            earlier.c.address_id == outbox.c.address_id,
            earlier.c.id < outbox.c.id,
            earlier.c.state.in_((OutboundState.QUEUED, OutboundState.SENDING)),
        )
        .exists()
    )
    query = (
        select(outbox, address.c.value.label("address_value"), address.c.window_until)
        .join(address, address.c.id == outbox.c.address_id)
        .where(
            outbox.c.channel == channel,
            outbox.c.state == OutboundState.QUEUED,
            outbox.c.not_before <= now,
            ~blocked,
        )
        .order_by(outbox.c.priority, outbox.c.id)
        .limit(limit)
    )
    if not tx.on_sqlite:
        query = query.with_for_update(of=outbox, skip_locked=True)
    rows = tx.execute(query).all()
    token = uuid.uuid4().hex
    if rows:
        tx.execute(
            update(outbox)
            .where(outbox.c.id.in_([row.id for row in rows]))
            .values(
                state=OutboundState.SENDING,
                claim=token,
                claimed_until=now + timedelta(seconds=CLAIM_SECONDS),
                attempts=outbox.c.attempts + 1,
            )
        )
    return [_claimed(row, token) for row in rows]


def _claimed(row: Any, token: str) -> Claimed:
    choices = tuple(Choice(value, label) for value, label in row.choices)
    outbound = Outbound(
        row.id, row.channel, row.account, row.address_value, row.text, row.key, choices
    )
    return Claimed(
        outbound, row.address_id, row.grievance_id, row.template, row.attempts + 1,
        row.unanswered, token, row.created_at, row.window_until,
    )  # fmt: skip


def renew(tx: Transaction, items: Sequence[Claimed], now: datetime) -> set[int]:
    """Hold claims for another `CLAIM_SECONDS`; the ids of those that were still ours."""
    rows = tx.execute(
        update(outbox)
        .where(
            outbox.c.id.in_([item.outbound.id for item in items]),
            outbox.c.claim.in_({item.claim for item in items}),
        )
        .values(claimed_until=now + timedelta(seconds=CLAIM_SECONDS))
        .returning(outbox.c.id)
    )
    return {row.id for row in rows}


def mark(tx: Transaction, item: Claimed, **values: Any) -> bool:
    """Write what became of a claimed message; False when the claim was lost meanwhile."""
    row = tx.execute(
        update(outbox)
        .where(outbox.c.id == item.outbound.id, outbox.c.claim == item.claim)
        .values(claimed_until=None, claim=None, **values)
        .returning(outbox.c.id)
    ).first()
    return row is not None


def mark_sent(
    tx: Transaction, sent: Sequence[tuple[Claimed, SendResult]], now: datetime
) -> list[tuple[Claimed, SendResult]]:
    """Mark claimed messages that providers took; those of them whose claim was still ours."""
    query = select(outbox.c.id, outbox.c.claim).where(
        outbox.c.id.in_([item.outbound.id for item, _ in sent])
    )
    if not tx.on_sqlite:
        query = query.with_for_update()
    held = {(row.id, row.claim) for row in tx.execute(query)} if sent else set()
    ours = [each for each in sent if (each[0].outbound.id, each[0].claim) in held]
    if ours:
        tx.execute(_SENT, [_taken(item, result, now) for item, result in ours])
    return ours


_SENT = (
    update(outbox)
    .where(outbox.c.id == bindparam("b_id"))
    .values(
        {
            name: bindparam(f"b_{name}")
            for name in ("state", "provider_id", "sent_at", "delivered_at")
        }
    )
    .values(error="", claim=None, claimed_until=None)
)


def _taken(item: Claimed, result: SendResult, now: datetime) -> dict[str, Any]:
    return {
        "b_id": item.outbound.id,
        "b_state": OutboundState.DELIVERED if result.delivered else OutboundState.SENT,
        "b_provider_id": result.provider_id or None,
        "b_sent_at": now,
        "b_delivered_at": now if result.delivered else None,
    }


def expire_claims(tx: Transaction, now: datetime) -> int:
    """Messages whose sender died go back in the queue, counted as unanswered."""
    rows = tx.execute(
        update(outbox)
        .where(outbox.c.state == OutboundState.SENDING, outbox.c.claimed_until < now)
        .values(
            state=OutboundState.QUEUED,
            claim=None,
            claimed_until=None,
            unanswered=outbox.c.unanswered + 1,
            not_before=now,
        )
        .returning(outbox.c.id)
    ).all()
    return len(rows)


def is_due(tx: Transaction, channel: str, now: datetime) -> bool:
    """Whether ``channel`` has something to send now."""
    query = select(outbox.c.id).where(
        outbox.c.channel == channel,
        outbox.c.state == OutboundState.QUEUED,
        outbox.c.not_before <= now,
    )
    return tx.execute(query.limit(1)).first() is not None


def due_channels(tx: Transaction, now: datetime) -> list[str]:
    """The channels that have something to send now."""
    query = select(outbox.c.channel).where(
        outbox.c.state == OutboundState.QUEUED, outbox.c.not_before <= now
    )
    return list(tx.execute(query.distinct()).scalars())


def report(tx: Transaction, reports: Iterable[DeliveryReport], now: datetime) -> list[Any]:
    """Apply delivery reports; a late one never downgrades what is known.

    The rows that failed by this very call, so that a report taken twice leads to one consequence.
    """
    failed: list[Any] = []
    reports = list(reports)
    _await_unwritten(tx, reports)
    for item in reports:
        lower = [state for state, rank in RANK.items() if rank < RANK[OutboundState(item.state)]]
        values: dict[str, Any] = {"state": item.state, "error": item.error[:200]}
        if item.state == OutboundState.DELIVERED:
            values |= {"delivered_at": item.at or now, "error": ""}
        changed = tx.execute(
            update(outbox)
            .where(
                outbox.c.channel == item.channel,
                outbox.c.provider_id == item.provider_id,
                outbox.c.state.in_(lower),
            )
            .values(**values)
            .returning(outbox.c.id, outbox.c.address_id, outbox.c.grievance_id, outbox.c.error)
        ).all()
        failed += changed if item.state == OutboundState.FAILED else ()
    return failed


def _await_unwritten(tx: Transaction, reports: Sequence[DeliveryReport]) -> None:
    """Wait for those who are writing down under which ids their letters were taken.

    Such a one has looked for early reports before this one was stored, and we do not see the id
    before it commits: neither would apply the report. On SQLite one writes at a time.
    """
    for channel in {item.channel for item in reports} if not tx.on_sqlite else ():
        ids = {item.provider_id for item in reports if item.channel == channel}
        mine = outbox.c.channel == channel
        query = select(outbox.c.provider_id).where(mine, outbox.c.provider_id.in_(ids))
        if ids - set(tx.execute(query).scalars()):
            flying = select(outbox.c.id).where(mine, outbox.c.state == OutboundState.SENDING)
            tx.execute(flying.order_by(outbox.c.id).with_for_update(read=True)).all()


def last_options(tx: Transaction, address_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The values of the options of the last question sent to each address."""
    newest = (
        select(func.max(outbox.c.id))
        .where(outbox.c.address_id.in_(address_ids), outbox.c.question)
        .group_by(outbox.c.address_id)
    )
    query = select(outbox.c.address_id, outbox.c.choices).where(outbox.c.id.in_(newest))
    return {row.address_id: tuple(v for v, _ in row.choices) for row in tx.execute(query)}


def written_about(tx: Transaction, address_ids: Sequence[int]) -> dict[int, set[int]]:
    """The ordinary grievances whose own letters reached these addresses, by address.

    That we wrote there about it, number and code included, is the proof that they may answer; a
    phone that somebody merely typed is none, and a sealed matter is never opened by it.
    """
    query = (
        select(outbox.c.address_id, outbox.c.grievance_id)
        .join(grievance, grievance.c.id == outbox.c.grievance_id)
        .where(
            outbox.c.address_id.in_(address_ids),
            outbox.c.key.like("case:%"),
            outbox.c.state.in_((OutboundState.SENT, OutboundState.DELIVERED)),
            grievance.c.sensitive == "",
        )
        .distinct()
    )
    found: dict[int, set[int]] = {}
    for row in tx.execute(query):
        found.setdefault(row.address_id, set()).add(row.grievance_id)
    return found


def owner(tx: Transaction, channel: str, provider_id: str) -> int | None:
    """The row that carries this provider id, if any."""
    query = select(outbox.c.id).where(
        outbox.c.channel == channel, outbox.c.provider_id == provider_id
    )
    found: int | None = tx.scalar(query.limit(1))
    return found


def get(tx: Transaction, outbox_id: int) -> Any:
    """One row, or None."""
    return tx.execute(select(outbox).where(outbox.c.id == outbox_id)).first()


def addresses_tried(tx: Transaction, key: str) -> set[int]:
    """The addresses that the letter with this key, or one sent on from it, went to."""
    query = select(outbox.c.address_id).where(
        (outbox.c.key == key) | outbox.c.key.startswith(f"{key}>", autoescape=True)
    )
    return set(tx.execute(query).scalars())


def threads(
    tx: Transaction, channel: str, provider_ids: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """(address id, grievance id) of letters about a grievance, by provider id."""
    query = select(outbox.c.provider_id, outbox.c.address_id, outbox.c.grievance_id).where(
        outbox.c.channel == channel,
        outbox.c.provider_id.in_(provider_ids),
        outbox.c.grievance_id.is_not(None),
    )
    return {row.provider_id: (row.address_id, row.grievance_id) for row in tx.execute(query)}


def is_notice(tx: Transaction, channel: str, provider_id: str, index: bytes) -> bool:
    """Whether that letter is a notice to an officer, and went to the address of this index."""
    query = (
        select(outbox.c.id)
        .join(address, address.c.id == outbox.c.address_id)
        .where(
            outbox.c.channel == channel,
            outbox.c.provider_id == provider_id,
            outbox.c.template.startswith("notice."),
            address.c.value_index == index,
        )
    )
    return tx.execute(query).first() is not None
