"""Delivery: claim, commit, call the provider with no transaction open, mark.

One job serves every channel at once: each has a bounded pool of its own and a breaker, so that a
provider that hangs or fails delays nobody else. While calls are under way the job looks for new
messages itself; it ends when nothing is due and nothing is in flight. What became of the messages
that are back is written together: one commit for each would be most of the work.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from threading import Lock

from channels import hooks, outcomes, registry
from channels.base import (
    AddressBlocked,
    Channel,
    Finds,
    SendError,
    Throttled,
    WindowClosed,
)
from channels.outcomes import Outcome, Trouble
from config import clock, log, observe
from store import outbox
from store.db import DatabaseAway, Transaction, reading, transaction
from store.messages import SendResult
from store.outbox import Claimed
from store.queue import DELIVER, Bell, answered
from workflow import headings

CONCURRENCY = 4
AHEAD = 16  # claimed at once at least, those that wait for one of the `CONCURRENCY` callers too
MOST_AHEAD = 128  # … and at most, where a provider answers so fast that this is a second's work
RENEW_SECONDS = outbox.CLAIM_SECONDS / 3
LOOK_SECONDS = 0.05
AWAY_SECONDS = 0.5  # between two tries at writing while the database is away
GIVE_UP_HOURS = 24
MOST_ATTEMPTS = 12
BREAKER_FAILURES = 5
BREAKER_SECONDS = 5.0


@dataclass
class Flight:
    """A message under way. ``held_until`` (monotonic): from then on others may take its claim."""

    item: Claimed
    held_until: float


@dataclass
class Lane:
    """One channel's share of the deliverer: its pool, its pace and its breaker."""

    channel: Channel
    pool: ThreadPoolExecutor
    failures: int = 0
    closed_until: float = 0.0
    call_seconds: float = 0.25  # how long a call takes, smoothed
    flying: dict[Future[Outcome], Flight] = field(default_factory=dict)

    def landed(self) -> list[Outcome]:
        """What became of the messages that are back, told once."""
        back = [future for future in self.flying if future.done()]
        for future in back:
            del self.flying[future]
        return [future.result() for future in back if not self._broken(future)]

    def start(self, item: Claimed, held_until: float) -> None:
        """Send in a thread of this lane."""
        flight = Flight(item, held_until)
        self.flying[self.pool.submit(_send, self, flight)] = flight

    def _broken(self, future: Future[Outcome]) -> bool:
        error = future.exception()
        if error:
            log.get().error("not settled", channel=self.channel.code, error=type(error).__name__)
        return error is not None

    @property
    def closed(self) -> bool:
        """Whether the provider is left alone for a while."""
        return time.monotonic() < self.closed_until

    @property
    def free(self) -> int:
        """How many more messages may be claimed now."""
        if self.closed:
            return 0
        # A channel that keeps failing is tried with one message at a time.
        if self.failures >= BREAKER_FAILURES:
            return max(0, 1 - len(self.flying))
        a_second = int(CONCURRENCY / self.call_seconds)
        return max(0, min(max(AHEAD, a_second), MOST_AHEAD) - len(self.flying))

    def failed(self, seconds: float = BREAKER_SECONDS) -> None:
        """The provider itself is in trouble: hold back after several in a row."""
        self.failures += 1
        if self.failures >= BREAKER_FAILURES:
            self.closed_until = time.monotonic() + seconds

    def worked(self, seconds: float) -> None:
        """A call was answered well, after so long."""
        self.failures, self.closed_until = 0, 0.0
        self.call_seconds = max(0.9 * self.call_seconds + 0.1 * seconds, 0.001)


@cache
def lanes() -> dict[str, Lane]:
    """The lanes of this process, one per configured channel that can send."""
    return {
        code: Lane(channel, ThreadPoolExecutor(CONCURRENCY, thread_name_prefix=f"send-{code}"))
        for code, channel in registry.active().items()
    }


_alone = Lock()  # the lookout may call as well


def deliver(part: int = 0) -> int:
    """Send what is due; the number of messages tried."""
    with _alone:
        answered(Bell(DELIVER, part))  # who rings from here on has us called again
        hooks.look()
        tried, started, renewed = 0, 0, time.monotonic()
        unwritten: list[Outcome] = []
        while True:
            unwritten += (outcome for lane in lanes().values() for outcome in lane.landed())
            if outcomes.settled(unwritten):
                unwritten.clear()
                tried += (started := _launch())
            else:  # what providers took must be written before anything else is sent
                started = 0
                time.sleep(AWAY_SECONDS)
            flying = _flying()
            if not (unwritten or started or flying):
                return tried
            if time.monotonic() - renewed > RENEW_SECONDS:
                renewed = time.monotonic()
                _renew(renewed + outbox.CLAIM_SECONDS - RENEW_SECONDS)
                hooks.look()
            wait(flying, timeout=LOOK_SECONDS)  # what comes back together is written together


def _flying() -> dict[Future[Outcome], Flight]:
    return {future: flight for lane in lanes().values() for future, flight in lane.flying.items()}


def _launch() -> int:
    """Claim for every lane that has room, in one transaction, and start sending."""
    held_until = time.monotonic() + outbox.CLAIM_SECONDS - RENEW_SECONDS
    try:
        claimed = _claim(clock.now())
    except DatabaseAway:
        if not _flying():
            raise
        return 0  # stay, for those that come back
    for code, items in claimed.items():
        for item in items:
            lanes()[code].start(item, held_until)
    return sum(len(items) for items in claimed.values())


def _renew(held_until: float) -> None:
    """A call may take longer than a claim lives; a claim that was lost is not held any longer."""
    flights = list(_flying().values())
    try:
        with transaction() as tx:
            ours = outbox.renew(tx, [flight.item for flight in flights], clock.now())
    except DatabaseAway:
        return
    for flight in flights:
        if flight.item.outbound.id in ours:
            flight.held_until = held_until


def _claim(now: datetime) -> dict[str, list[Claimed]]:
    free = {code: lane.free for code, lane in lanes().items() if lane.free}
    if not free:
        return {}
    with reading() as tx:
        due = [code for code in free if outbox.is_due(tx, code, now)]
    if not due:
        return {}
    with transaction() as tx:
        claimed = {code: outbox.claim(tx, code, free[code], now) for code in due}
        for code in due:
            if lanes()[code].channel.capabilities.headed:
                claimed[code] = headings.headed(tx, claimed[code])
        return claimed


def _send(lane: Lane, flight: Flight) -> Outcome:
    """Carry one message, and say what became of it."""
    item = flight.item
    if lane.closed or time.monotonic() > flight.held_until:
        return Outcome(item, otherwise=lambda tx: outcomes.hand_back(tx, item))
    began = time.monotonic()
    try:
        return Outcome(item, _call(lane, item), seconds=time.monotonic() - began)
    except SendError as error:
        return Outcome(item, otherwise=_after_error(lane, item, error))
    except Exception as error:  # noqa: BLE001 - the delivery job is one of the four edges
        log.get().error("adapter failed", channel=lane.channel.code, error=type(error).__name__)
        return Outcome(item, otherwise=_retry(item, SendError(code=type(error).__name__)))


def _call(lane: Lane, item: Claimed) -> SendResult:
    """Send, unless an earlier unanswered call turns out to have been taken.

    Where a platform shuts its reply window nothing is even tried: that would be punished.
    """
    if item.window_until is not None and clock.now() > item.window_until:
        raise WindowClosed("the reply window is shut", code="window.closed")
    began = time.monotonic()
    with observe.span("deliver", channel=lane.channel.code):
        result = _taken_before(lane.channel, item) or lane.channel.send(item.outbound)
    lane.worked(time.monotonic() - began)
    return result


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


def _after_error(
    lane: Lane, item: Claimed, error: SendError
) -> Callable[[Transaction], Trouble | None]:
    log.get().warning(
        "not sent", channel=lane.channel.code, row=item.outbound.id, code=error.code,
        kind=type(error).__name__,
    )  # fmt: skip
    if isinstance(error, AddressBlocked):
        return lambda tx: outcomes.blocked(tx, item, error)
    if not error.retryable:
        return lambda tx: outcomes.gave_up(tx, item, error)
    if isinstance(error, Throttled):
        lane.closed_until = max(lane.closed_until, time.monotonic() + min(error.after, 60))
    else:
        lane.failed()
    return _retry(item, error)


def _retry(item: Claimed, error: SendError) -> Callable[[Transaction], Trouble | None]:
    """Back in the queue with a growing pause, or given up after a day."""
    now = clock.now()
    too_old = now - item.created_at > timedelta(hours=GIVE_UP_HOURS)
    if too_old or item.attempts >= MOST_ATTEMPTS:
        return lambda tx: outcomes.gave_up(tx, item, error)
    after = error.after if isinstance(error, Throttled) else 0.0
    at = now + timedelta(seconds=max(after, pause(item.attempts)))
    return lambda tx: outcomes.requeue(tx, item, error, at)


def pause(attempts: int) -> float:
    """Seconds before attempt ``attempts + 1``: 1, 2, 4 … 900, a quarter more or less."""
    base = min(2.0 ** (attempts - 1), 900.0)
    return base * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
