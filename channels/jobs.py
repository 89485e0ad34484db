"""Delivery: claim, commit, call the provider with no transaction open, mark.

One job serves every channel at once: each has a bounded pool of its own and a breaker, so that a
provider that hangs or fails delays nobody else. While calls are under way the job looks for new
messages itself; it ends when nothing is due and nothing is in flight.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from channels import registry
from channels.base import (
    AddressBlocked,
    Channel,
    Finds,
    SendError,
    Throttled,
    Unanswered,
    WindowClosed,
)
from config import clock, log
from store import channels as channel_rows
from store import outbox, people, tasks
from store.db import DatabaseAway, Transaction, reading, transaction
from store.messages import OutboundState, SendResult
from store.outbox import Claimed
from store.queue import DELIVER, Bell, answered
from workflow import fallback, uptake

CONCURRENCY = 4
LOOK_SECONDS = 0.05
GIVE_UP_HOURS = 24
MOST_ATTEMPTS = 12
BREAKER_FAILURES = 5
BREAKER_SECONDS = 5.0


@dataclass
class Lane:
    """One channel's share of the deliverer: its pool, its pace and its breaker."""

    channel: Channel
    pool: ThreadPoolExecutor
    failures: int = 0
    closed_until: float = 0.0
    flying: set[Future[None]] = field(default_factory=set)

    def landed(self) -> set[Future[None]]:
        """Forget the calls that ended; those still under way."""
        for future in self.flying:
            if future.done() and (error := future.exception()):
                log.get().error(
                    "not settled", channel=self.channel.code, error=type(error).__name__
                )
        self.flying = {future for future in self.flying if not future.done()}
        return self.flying

    @property
    def free(self) -> int:
        """How many more messages may be claimed now."""
        if time.monotonic() < self.closed_until:
            return 0
        # A channel that keeps failing is tried with one message at a time.
        most = 1 if self.failures >= BREAKER_FAILURES else CONCURRENCY
        return max(0, most - len(self.flying))

    def failed(self, seconds: float = BREAKER_SECONDS) -> None:
        """The provider itself is in trouble: hold back after several in a row."""
        self.failures += 1
        if self.failures >= BREAKER_FAILURES:
            self.closed_until = time.monotonic() + seconds

    def worked(self) -> None:
        self.failures, self.closed_until = 0, 0.0


@cache
def lanes() -> dict[str, Lane]:
    """The lanes of this process, one per configured channel that can send."""
    return {
        code: Lane(channel, ThreadPoolExecutor(CONCURRENCY, thread_name_prefix=f"send-{code}"))
        for code, channel in registry.active().items()
    }


def deliver(part: int = 0) -> int:
    """Send what is due; the number of messages tried."""
    bell, tried = Bell(DELIVER, part), 0
    while True:
        answered(bell)
        started = _launch()
        tried += started
        flying = {future for lane in lanes().values() for future in lane.landed()}
        if not (started or flying):
            return tried
        wait(flying, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)


def _launch() -> int:
    """Claim for every lane that has room, in one transaction, and start sending."""
    now = clock.now()
    with reading() as tx:
        due = outbox.due_channels(tx, now)
    wanted = {code: lane.free for code, lane in lanes().items() if code in due}
    wanted = {code: room for code, room in wanted.items() if room}
    if not wanted:
        return 0
    with transaction() as tx:
        claimed = {code: outbox.claim(tx, code, room, now) for code, room in wanted.items()}
    for code, items in claimed.items():
        lane = lanes()[code]
        for item in items:
            lane.flying.add(lane.pool.submit(_send, lane, item))
    return sum(len(items) for items in claimed.values())


def _send(lane: Lane, item: Claimed) -> None:
    """Carry one message and write down what became of it."""
    try:
        outcome = _call(lane, item)
    except SendError as error:
        outcome = _after_error(lane, item, error)
    except Exception as error:  # noqa: BLE001 - the delivery job is one of the four edges
        log.get().error("adapter failed", channel=lane.channel.code, error=type(error).__name__)
        outcome = _retry(item, SendError(code=type(error).__name__))
    _settle(outcome)


def _settle(write: Callable[[Transaction], None]) -> None:
    """Write the outcome; a database that is away is waited for, the claim outlasts it."""
    for pause in (0.2, 1.0, 3.0, 10.0, 0.0):
        try:
            with transaction() as tx:
                write(tx)
        except DatabaseAway:
            time.sleep(pause)
        else:
            return
    log.get().error("outcome not written, the claim will lapse")


def _call(lane: Lane, item: Claimed) -> Callable[[Transaction], None]:
    """Send, unless an earlier unanswered call turns out to have been taken."""
    result = _taken_before(lane.channel, item) or lane.channel.send(item.outbound)
    lane.worked()
    return lambda tx: _sent(tx, item, result)


def _taken_before(channel: Channel, item: Claimed) -> SendResult | None:
    """What the provider has of an earlier unanswered call, unless it belongs to another row."""
    if not (item.unanswered and isinstance(channel, Finds)):
        return None
    found = channel.find(item.outbound)
    if found is None:
        return None
    with reading() as tx:
        other = outbox.owner(tx, channel.code, found.provider_id)
    return found if other is None else None


def _sent(tx: Transaction, item: Claimed, result: SendResult) -> None:
    now = clock.now()
    state = OutboundState.DELIVERED if result.delivered else OutboundState.SENT
    done = outbox.mark(
        tx, item, state=state, provider_id=result.provider_id or None, sent_at=now, error="",
        delivered_at=now if result.delivered else None,
    )  # fmt: skip
    if done:
        channel_rows.note_out(tx, item.outbound.channel, now)
        uptake.accepted(tx, item, result.provider_id, now)


def _after_error(lane: Lane, item: Claimed, error: SendError) -> Callable[[Transaction], None]:
    log.get().warning(
        "not sent", channel=lane.channel.code, row=item.outbound.id, code=error.code,
        kind=type(error).__name__,
    )  # fmt: skip
    if isinstance(error, AddressBlocked):
        return lambda tx: _blocked(tx, item, error)
    if not error.retryable:
        return lambda tx: _gave_up(tx, item, error)
    if isinstance(error, Throttled):
        lane.closed_until = max(lane.closed_until, time.monotonic() + min(error.after, 60))
    else:
        lane.failed()
    return _retry(item, error)


def _retry(item: Claimed, error: SendError) -> Callable[[Transaction], None]:
    """Back in the queue with a growing pause, or given up after a day."""
    now = clock.now()
    too_old = now - item.created_at > timedelta(hours=GIVE_UP_HOURS)
    if too_old or item.attempts >= MOST_ATTEMPTS:
        return lambda tx: _gave_up(tx, item, error)
    after = error.after if isinstance(error, Throttled) else 0.0
    at = now + timedelta(seconds=max(after, pause(item.attempts)))
    return lambda tx: _requeue(tx, item, error, at)


def pause(attempts: int) -> float:
    """Seconds before attempt ``attempts + 1``: 1, 2, 4 … 900, a quarter more or less."""
    base = min(2.0 ** (attempts - 1), 900.0)
    return base * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret


def _requeue(tx: Transaction, item: Claimed, error: SendError, at: datetime) -> None:
    unanswered = item.unanswered + isinstance(error, Unanswered)
    outbox.mark(
        tx, item, state=OutboundState.QUEUED, not_before=at, unanswered=unanswered,
        error=error.code[:200],
    )  # fmt: skip
    channel_rows.note_out(tx, item.outbound.channel, clock.now(), error.code)


def _blocked(tx: Transaction, item: Claimed, error: SendError) -> None:
    people.block(tx, item.address_id, error.code, clock.now())
    _gave_up(tx, item, error)


def _gave_up(tx: Transaction, item: Claimed, error: SendError) -> None:
    """Nothing more to try here: the person's next address, else the officer's call list."""
    now = clock.now()
    if not outbox.mark(tx, item, state=OutboundState.FAILED, error=error.code[:200]):
        return
    if not isinstance(error, AddressBlocked | WindowClosed):
        channel_rows.note_out(tx, item.outbound.channel, now, error.code)
    if fallback.send_on(tx, item.outbound.id, now):
        return
    tasks.add(
        tx, f"undelivered:{item.outbound.id}", "undelivered", now, item.address_id,
        item.grievance_id, item.outbound.id, error.code,
    )  # fmt: skip
