"""Signed webhooks a second, durable, 16 connections; against the same server storing nothing."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.client import Clients
from tests.bench.figures import FLOOR, Figure, Scale, compared, fdatasync_rate, interleaved, say
from tests.bench.servers import TOKEN, folder, living, serving


def accept(scale: Scale) -> Iterator[Figure]:
    """On both stores."""
    for store in scale.stores:
        say(f"accept, {store}")
        yield from _accept(scale, store)


def _accept(scale: Scale, store: str) -> Iterator[Figure]:
    first = 0

    def rate(url: str) -> float:
        nonlocal first
        first += scale.requests
        return Clients(url, TOKEN, first, scale.requests).rate()

    with (
        folder() as home,
        living(home, store) as (settings, disk),
        serving("channels.wsgi", settings) as ours,
        serving("tests.bench.nothing", settings) as theirs,
    ):
        Clients(ours, TOKEN, 900_000, 64).rate()
        Clients(theirs, TOKEN, 900_000, 64).rate()
        found = interleaved(
            scale.rounds,
            {
                "rate": lambda: rate(ours),
                "storing_nothing": lambda: rate(theirs),
                FLOOR: lambda: fdatasync_rate(disk),
            },
        )
    yield from compared("accept", store, "webhooks/s", found, "storing_nothing")
