"""The clock process: ``python -m workflow.jobs``. Each second it rings for whatever waits.

A bell may have been lost with Redis or with a worker; rows are not. Everything here is idempotent
and may run in any number of processes.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import select

from config import clock, log, observe
from config.errors import HariuError
from config.profile import profile
from config.settings import settings
from store import hooks_calls, outbox, slots, statistics
from store import inbox as inbox_rows
from store.db import DatabaseAway, Transaction, empty_log, reading, transaction
from store.messages import InboundState, OutboundState
from store.queue import DELIVER, DRAIN, Bell, ring
from store.schema import conversation, inbox
from store.schema import outbox as outbox_table
from store.slots import BEAT
from workflow import digest, open_figures, retention, rounds
from workflow.audit import sign_root

TICK_SECONDS = 1.0
BEAT_SECONDS = 30.0  # between two notes that a clock runs
PAGES_SECONDS = 300.0  # the longest that words sealed meanwhile stay in SQLite's log
COUNT_SECONDS = 5.0  # between two looks whether the planner's statistics are of yesterday
LOOK_SECONDS = 10.0  # between two looks whether there is work beside the ticks
CALM_SECONDS = 5.0  # after an outage the living first write down what became of their messages


def tick() -> list[Bell]:
    """Ring for every part that has work; the bells rung."""
    now = clock.now()
    bells: list[Bell] = []
    parts: dict[str, Callable[[], object]] = {
        "spool": inbox_rows.drain_spool,  # what a web process did not live to drain
        "bells": lambda: bells.extend(_ring(now)),
        **{name: partial(part, now) for name, part in _PARTS.items()},
    }
    away = [error for name, part in parts.items() if (error := _apart(name, part))]
    if away:
        raise away[0]
    return bells


def _apart(name: str, part: Callable[[], object]) -> DatabaseAway | None:
    """Do one part; where it fails, the others go on. Whether the database was away for it."""
    try:
        part()
    except DatabaseAway as error:
        return error
    except Exception as error:  # noqa: BLE001 - the clock is one of the process edges
        code = error.code if isinstance(error, HariuError) else type(error).__name__
        log.get().error("part of the tick failed", part=name, code=code)
    return None


def _ring(now: datetime) -> list[Bell]:
    """Ring for whatever waits; sendings whose sender died go back in the queue before."""
    with reading() as tx:
        bells = waiting(tx, now)
        lapsed = _lapsed(tx, now)
    if lapsed and time.monotonic() > _calm["from"]:
        with transaction() as tx:
            outbox.expire_claims(tx, now)
        bells.append(Bell(DELIVER))
    ring(bells)
    return bells


def sign_daily(now: datetime) -> None:
    """Once a day, sign the ends of all chains, so that a later cut shows."""
    day = now.astimezone(profile().timezone).date().isoformat()
    if _signed.get("day") == day:
        return
    with transaction() as tx:
        if slots.take(tx, "trail root", day, now):
            sign_root(tx, now)
    _signed["day"] = day


def count_tables(_: datetime) -> None:
    """Every few seconds, have tables that grew fast counted for the planner."""
    if time.monotonic() > _counted["at"] + COUNT_SECONDS:
        _counted["at"] = time.monotonic()
        statistics.refresh()


def beat(now: datetime) -> None:
    """Note now and then that a clock runs: those who watch see when none does."""
    if time.monotonic() > _beaten["at"] + BEAT_SECONDS:
        with transaction() as tx:
            slots.remember(tx, BEAT, now)
        _beaten["at"] = time.monotonic()


def forget_pages(_: datetime) -> None:
    """Every few minutes, end SQLite's old pages: words may stand there that were sealed since."""
    if time.monotonic() > _emptied["at"] + PAGES_SECONDS:
        _emptied["at"] = time.monotonic()
        empty_log()


_signed: dict[str, str] = {}
_emptied = {"at": float("-inf")}
_counted = {"at": float("-inf")}
_beaten = {"at": float("-inf")}
_PARTS: dict[str, Callable[[datetime], object]] = {
    "root": sign_daily,
    "adoption": rounds.adopt,
    "rounds": rounds.attend,
    "digest": digest.daily,
    "statistics": count_tables,
    "pages": forget_pages,
    "beat": beat,
}
_BESIDE: dict[str, Callable[[datetime], object]] = {
    "figures": open_figures.daily,
    "retention": retention.daily,
}
_calm = {"from": 0.0}


def waiting(tx: Transaction, now: datetime) -> list[Bell]:
    """The parts with unhandled messages, dialogues to go on with, or messages to send."""
    new = select(inbox.c.partition).where(inbox.c.state == InboundState.NEW)
    awake = select(conversation.c.partition).where(conversation.c.wake_at <= now)
    parts = {row.partition for row in tx.execute(new.union(awake))}
    bells = [Bell(DRAIN, part) for part in sorted(parts)]
    due = outbox.due_channels(tx, now) or hooks_calls.due(tx, now)
    return [*bells, Bell(DELIVER)] if due else bells


def _lapsed(tx: Transaction, now: datetime) -> bool:
    query = select(outbox_table.c.id).where(
        outbox_table.c.state == OutboundState.SENDING, outbox_table.c.claimed_until < now
    )
    return tx.execute(query.limit(1)).first() is not None


def _beside(stop: threading.Event) -> None:
    """What takes seconds, in a thread of its own: bells must not wait for it."""
    while not stop.wait(LOOK_SECONDS):
        for name, part in _BESIDE.items():
            _apart(name, partial(part, clock.now()))


def main() -> None:
    """Tick until SIGTERM."""
    log.set_up("clock", settings().log_level)
    observe.set_up("clock")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_beside, args=(stop,), daemon=True).start()
    while not stop.wait(TICK_SECONDS):
        try:
            with observe.span("tick") as note:
                note(count=len(tick()))
        except HariuError as error:
            _calm["from"] = time.monotonic() + CALM_SECONDS
            log.get().error("tick failed", code=error.code)


if __name__ == "__main__":
    main()
