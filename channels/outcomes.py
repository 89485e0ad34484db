"""Writing what became of messages that were sent: all of a moment in one transaction.

One commit for each would be most of the work. Grievances are locked in the order of their ids and
channels in that of their codes, for other deliverers write at the same time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.handover import hand_over
from channels.base import AddressBlocked, SendError, Unanswered, WindowClosed
from config import clock, log
from store import channels as channel_rows
from store import inbox, outbox, people, tasks
from store.db import DatabaseAway, Transaction, transaction
from store.messages import OutboundState, SendResult
from store.outbox import Claimed
from workflow import fallback, uptake
from workflow.commands import SYSTEM, Act
from workflow.handlers import Casework
from workflow.states import ACKNOWLEDGING


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a channel's counts learn of a message that it did not take."""

    count: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message: what the provider said when it took it, else what to write."""

    item: Claimed
    taken: SendResult | None = None
    otherwise: Callable[[Transaction], Trouble | None] | None = None
    seconds: float = 0.0


def settled(outcomes: Sequence[Outcome]) -> bool:
    """Write outcomes; False while the database is away: they are kept and tried again."""
    # Grievances are locked in the order of their ids, as everybody does.
    ordered = sorted(outcomes, key=lambda outcome: outcome.item.grievance_id or 0)
    try:
        if ordered:
            _write(ordered)
    except DatabaseAway as error:
        log.get().error("outcomes wait for the database", code=error.code, count=len(ordered))
        return False
    return True


def _write(outcomes: Sequence[Outcome]) -> None:
    """All in one transaction; when one of them fails, each in its own."""
    try:
        with transaction() as tx:
            _sent(tx, [(each.item, each.taken) for each in outcomes if each.taken], clock.now())
            troubles = [(each, each.otherwise(tx)) for each in outcomes if each.otherwise]
            _note(tx, outcomes, [(each.item, told) for each, told in troubles if told])
    except DatabaseAway:
        raise
    except Exception as error:  # noqa: BLE001 - the delivery job is one of the four edges
        if len(outcomes) == 1:
            row, kind = outcomes[0].item.outbound.id, type(error).__name__
            log.get().error("outcome not written, the claim will lapse", row=row, error=kind)
        else:
            for each in outcomes:
                _write([each])


def _sent(tx: Transaction, sent: Sequence[tuple[Claimed, SendResult]], now: datetime) -> None:
    """Mark what providers took, and acknowledge the grievances whose acknowledgement it was.

    A delivery report may have come before we knew the provider's id; it is applied now.
    """
    ours = outbox.mark_sent(tx, sent, now)
    for item, result in ours:
        if result.address:
            hand_over(tx, item.address_id, result.address, item.grievance_id, now)
    _acknowledge(tx, [item for item, _ in ours], now)
    for code in {item.outbound.channel for item, _ in ours}:
        known = [result.provider_id for item, result in ours if item.outbound.channel == code]
        early = inbox.early_reports(tx, code, *filter(None, known))
        uptake.apply_reports(tx, early, now)


def _note(
    tx: Transaction, outcomes: Sequence[Outcome], troubles: Sequence[tuple[Claimed, Trouble]]
) -> None:
    """Tell each channel's row once what it carried; in order, for another deliverer does so too."""
    for code in sorted({each.item.outbound.channel for each in outcomes}):
        mine = [each for each in outcomes if each.item.outbound.channel == code]
        failed = [told for item, told in troubles if item.outbound.channel == code]
        more = channel_rows.sent([each.seconds for each in mine if each.taken])
        more |= Counter(told.count for told in failed)
        if more:
            last = next((told.error for told in reversed(failed) if told.error), "")
            channel_rows.note_out(tx, code, clock.now(), more, last)


def _acknowledge(tx: Transaction, items: Sequence[Claimed], now: datetime) -> None:
    told = {item.grievance_id for item in items if item.template in ACKNOWLEDGING}
    casework = Casework(tx, now)
    casework.load(wanted := sorted(filter(None, told)))
    for grievance_id in wanted:
        if casework.case(grievance_id).is_open:
            casework.act(Act("acknowledge", grievance_id, SYSTEM, {"at": now}))
    casework.flush()


# -- what was not taken


def hand_back(tx: Transaction, item: Claimed) -> None:
    """Its turn did not come while the claim was young, or its channel is in trouble."""
    outbox.mark(tx, item, state=OutboundState.QUEUED, attempts=item.attempts - 1)


def requeue(tx: Transaction, item: Claimed, error: SendError, at: datetime) -> Trouble:
    unanswered = item.unanswered + isinstance(error, Unanswered)
    outbox.mark(
        tx, item, state=OutboundState.QUEUED, not_before=at, unanswered=unanswered,
        error=error.code[:200],
    )  # fmt: skip
    return Trouble("retried", error.code)


def blocked(tx: Transaction, item: Claimed, error: SendError) -> Trouble | None:
    people.block(tx, item.address_id, error.code, clock.now())
    return gave_up(tx, item, error)


def gave_up(tx: Transaction, item: Claimed, error: SendError) -> Trouble | None:
    """Nothing more to try here: the person's next address, else the officer's call list."""
    now = clock.now()
    if not outbox.mark(tx, item, state=OutboundState.FAILED, error=error.code[:200]):
        return None
    if not fallback.send_on(tx, item.outbound.id, now):
        tasks.add(
            tx, f"undelivered:{item.outbound.id}", "undelivered", now, item.address_id,
            item.grievance_id, item.outbound.id, error.code,
        )  # fmt: skip
    # That a person left, or wrote too long ago, is no trouble of the channel.
    own = "" if isinstance(error, AddressBlocked | WindowClosed) else error.code
    return Trouble("failed", own)
