"""Draining: the job a bell starts. Read a batch of one partition, decide purely, commit once.

When a batch fails it is halved until the culprit stands alone; its tries are counted before it is
processed again, and after the third it is set aside as a dead letter with the reason. After a
holder that died, messages go one at a time, so that the one that kills workers is found.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence

from bot import places
from bot.batch import Batch
from bot.intents import has_content
from bot.language import identify
from bot.sensitive import first_words
from config import clock, i18n, log, observe
from config.errors import HariuError
from store import conversations, inbox, leases
from store.db import DatabaseAway, Transaction, reading, transaction
from store.queue import DRAIN, Bell, answered

BATCH = 100
TRIES = 3
RENEW_SECONDS = 3.0

# Paid for at import: the first case must not hold SQLite's gate while tables are read.
identify("")
places.find("сум")
has_content("сумын төвийн гүний худаг ширгэсэн")
first_words("сумын төвийн гүний худаг ширгэсэн")
clock.is_holiday(clock.now().date())
for _tongue in i18n.LANGUAGES:
    i18n.catalogue(_tongue)
# Tables, texts and code live as long as the process: no collection needs to look at them again.
gc.collect()
gc.freeze()


def drain(partition: int) -> int:
    """Handle all that waits in ``partition``; the number of messages handled."""
    lease = _take(partition)
    if lease is None:
        return 0
    handled, taken_at = 0, time.monotonic()
    try:
        while True:
            answered(Bell(DRAIN, partition))
            count = _step(partition, lease)
            handled += count
            if count == 0:
                return handled
            if time.monotonic() - taken_at > RENEW_SECONDS:
                lease, taken_at = _take(partition), time.monotonic()
                if lease is None:
                    return handled
    except LeaseLost:
        lease = None
        return handled
    finally:
        if lease is not None:
            _give_back(lease)


def _take(partition: int) -> leases.Lease | None:
    with transaction() as tx:
        return leases.take(tx, f"drain:{partition}")


def _give_back(lease: leases.Lease) -> None:
    try:
        with transaction() as tx:
            leases.release(tx, lease)
    except DatabaseAway:
        log.get().warning("lease not given back")


class LeaseLost(HariuError):
    """Somebody else drains this partition now; they go on where we stopped."""

    code = "lease.lost"
    retryable = True


def _step(partition: int, lease: leases.Lease) -> int:
    """One batch of messages, or else of dialogues that go on; when it fails, in halves."""
    with reading() as tx:
        ids = inbox.waiting_ids(tx, partition, 1 if lease.crashed else BATCH)
        wakes = [] if ids else conversations.due(tx, partition, clock.now(), BATCH)
    if found := len(ids) + len(wakes):
        with observe.span("drain", part=partition, count=found):
            if ids and (not lease.crashed or _try_left(ids[0])):
                _handle(ids, lease)
            elif wakes:
                _wake(wakes, lease)
    return found


def _wake(address_ids: Sequence[int], lease: leases.Lease) -> None:
    """Go on with dialogues; one that fails is left until somebody writes again."""
    try:
        with transaction() as tx:
            _still_ours(tx, lease)
            Batch(tx, (), address_ids).run()
    except (DatabaseAway, LeaseLost):
        raise
    except Exception as error:  # noqa: BLE001 - the inbound job is one of the four edges
        if len(address_ids) > 1:
            middle = len(address_ids) // 2
            _wake(address_ids[:middle], lease)
            _wake(address_ids[middle:], lease)
        else:
            log.get().error("dialogue failed", row=address_ids[0], error=type(error).__name__)
            with transaction() as tx:
                conversations.asleep(tx, address_ids[0])


def _still_ours(tx: Transaction, lease: leases.Lease) -> None:
    if not leases.fenced(tx, lease):
        raise LeaseLost


def _handle(ids: Sequence[int], lease: leases.Lease) -> None:
    try:
        with transaction() as tx:
            _still_ours(tx, lease)
            Batch(tx, inbox.load(tx, ids)).run()
    except (DatabaseAway, LeaseLost):
        raise
    except Exception as error:  # noqa: BLE001 - the inbound job is one of the four edges
        if len(ids) > 1:
            middle = len(ids) // 2
            _handle(ids[:middle], lease)
            _handle(ids[middle:], lease)
        else:
            _failed(ids[0], error, counted=lease.crashed)


def _try_left(inbox_id: int) -> bool:
    """Count the try before it is made; without one left the message is set aside."""
    with transaction() as tx:
        tries = inbox.count_try(tx, inbox_id)
        if tries > TRIES:
            inbox.set_aside(tx, inbox_id, "stopped its worker three times", clock.now())
    return tries <= TRIES


def _failed(inbox_id: int, error: Exception, *, counted: bool) -> None:
    code = error.code if isinstance(error, HariuError) else type(error).__name__
    log.get().error("message failed", row=inbox_id, code=code)
    if counted or _try_left(inbox_id):
        with transaction() as tx:
            if inbox.tries(tx, inbox_id) >= TRIES:
                inbox.set_aside(tx, inbox_id, f"could not be handled: {code}", clock.now())
