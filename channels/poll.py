"""The poller: ``python -m channels.poll`` asks what nobody tells us.

Messages of channels that must be polled, files that came with messages, and after an outage the
messages a provider has and we do not.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from channels import media, registry, staff_mail
from channels.base import Polls, Reconciles
from config import clock, log, observe
from config.errors import HariuError
from config.settings import settings
from store import inbox, slots
from store.db import reading, transaction
from store.inbox import Receipt

PAUSE_SECONDS = 5.0
POLL_SECONDS = 20.0
MEDIA_SECONDS = 1.0
RECONCILE_SECONDS = 300.0
OVERLAP = timedelta(minutes=15)
FURTHEST = timedelta(hours=24)

_stop = threading.Event()


def repeat(work: Callable[[], object], pause: float) -> None:
    """Do ``work`` again and again until told to stop; trouble is logged and waited out."""
    while not _stop.is_set():
        wait = pause
        try:
            work()
        except HariuError as error:
            log.get().warning("poll failed", code=error.code)
            wait = max(pause, PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - what we did not foresee must not end a channel
            log.get().error("poll failed", code=type(error).__name__)
            wait = max(pause, PAUSE_SECONDS)
        _stop.wait(wait)


def poll(channel: Polls) -> None:
    """Ask one channel for messages; the next one asked for acknowledges the one before."""
    for body, messages in channel.poll(POLL_SECONDS):
        known = staff_mail.marked(messages)
        inbox.accept(Receipt(channel.code, channel.account, body, clock.now(), known))


def reconcile(channel: Reconciles) -> int:
    """Take in what the provider has and we do not; how many it listed.

    Twilio gives up on a webhook after its fallback: "logged and nothing more". The inbox knows
    each message by its id, so listing too much does no harm.
    """
    now = clock.now()
    since = _last_time(channel) or now - FURTHEST
    listed = 0
    for body, messages in channel.recent(max(since - OVERLAP, now - FURTHEST)):
        inbox.accept(Receipt(channel.code, channel.account, body, now, tuple(messages)))
        listed += 1
    with transaction() as tx:
        slots.remember(tx, f"reconcile:{channel.code}", now)
    return listed


def _last_time(channel: Reconciles) -> datetime | None:
    with reading() as tx:
        return slots.last(tx, f"reconcile:{channel.code}")


def main() -> None:
    """Run every loop in a thread of its own until SIGTERM."""
    log.set_up("poll", settings().log_level)
    observe.set_up("poll")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop.set())
    active = registry.active()
    loops: list[tuple[Callable[[], object], float]] = [
        (lambda: media.fetch_due(active), MEDIA_SECONDS)
    ]
    for channel in active.values():
        if isinstance(channel, Polls) and channel.polled:
            loops.append((lambda channel=channel: poll(channel), 0.0))  # type: ignore[misc]
        if isinstance(channel, Reconciles):
            loops.append((lambda channel=channel: reconcile(channel), RECONCILE_SECONDS))  # type: ignore[misc]
    for work, pause in loops:
        threading.Thread(target=repeat, args=(work, pause), daemon=True).start()
    _stop.wait()


if __name__ == "__main__":
    main()
