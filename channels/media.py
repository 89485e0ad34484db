"""Fetching the files of messages: later, with several tries, never in the way of a message."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from channels.base import Channel, Fetched, Fetches, SendError
from config import clock, log
from store import attachments, files
from store.attachments import LOST, REFUSED, STORED, Wanted
from store.db import transaction
from store.uploads import LARGEST, TOO_LARGE, WRONG_TYPE, content_type
from workflow import refusals

AT_ONCE = 4
TRIES = 12  # over most of a day: recordings of calls may lag by hours


def fetch_due(channels: Mapping[str, Channel]) -> int:
    """Fetch what is due, a few at once; how many were tried."""
    with transaction() as tx:
        wanted = attachments.claim(tx, AT_ONCE * 4, clock.now())
    if wanted:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch") as pool:
            list(pool.map(lambda item: _fetch(channels.get(item.channel), item), wanted))
    return len(wanted)


def _fetch(channel: Channel | None, item: Wanted) -> None:
    if not isinstance(channel, Fetches):
        _settle(item, REFUSED, error="this channel has no files")
        return
    if (item.source.size or 0) > LARGEST:
        _refuse(item, TOO_LARGE)
        return
    try:
        fetched = channel.fetch(item.source)
    except SendError as error:
        _failed(item, error)
    else:
        _keep(item, fetched)


def _keep(item: Wanted, fetched: Fetched) -> None:
    """Store what may be stored; a refused file leaves its row and its reason."""
    kind = content_type(fetched.content)
    if len(fetched.content) > LARGEST:
        _refuse(item, TOO_LARGE)
    elif kind is None:
        _refuse(item, WRONG_TYPE)
    else:
        digest = files.put(fetched.content)
        _settle(item, STORED, sha256=digest, size=len(fetched.content), content_type=kind, error="")


def _failed(item: Wanted, error: SendError) -> None:
    log.get().warning("file not fetched", row=item.id, code=error.code)
    if not error.retryable or item.tries >= TRIES:
        _settle(item, LOST, error=error.code)
        return
    at = clock.now() + timedelta(seconds=min(5.0 * 3 ** (item.tries - 1), 6 * 3600))
    with transaction() as tx:
        attachments.later(tx, item.id, at, error.code)


def _refuse(item: Wanted, reason: str) -> None:
    """The file stays where it is; its row says why, and its sender is told."""
    with transaction() as tx:
        attachments.mark(tx, item.id, REFUSED, error=reason)
        refusals.tell(tx, item.id, reason, clock.now())


def _settle(item: Wanted, state: str, **values: object) -> None:
    with transaction() as tx:
        attachments.mark(tx, item.id, state, **values)
