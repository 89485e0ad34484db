"""Registered and acknowledged grievances a second, one worker, all rows.

`rate` is the drain alone: from stored messages of new people to grievances with their trail,
conversations and acknowledging letters in the outbox, the messages marked as handled. `delivered`
goes on until the letters were taken by a provider that answers at once, and the grievances are
marked as acknowledged: one process does both, one after the other, which in a running house two
do side by side. The delivery alone is `deliver`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import func, select

from bot import jobs as drain_jobs
from channels import jobs as deliver_jobs
from channels import registry
from channels.base import Request
from channels.sms_twilio import TwilioSms
from config import clock
from config.settings import settings
from store import inbox, statistics
from store.db import reading
from store.messages import Outbound, SendResult
from store.queue import DRAIN, parts
from store.schema import grievance
from tests.bench.baseline import Baseline
from tests.bench.client import CONNECTIONS
from tests.bench.figures import FLOOR, Figure, Scale, compared, fdatasync_rate, interleaved, say
from tests.bench.servers import folder, living
from tests.bench.shares import Sampler
from tests.bench.webhooks import body


class Instant(TwilioSms):
    """A provider without latency: every message is taken at once."""

    def send(self, outbound: Outbound) -> SendResult:
        """Taken."""
        return SendResult(f"SM{uuid4().hex}")


class Worker:
    """This process as the one worker of an instance."""

    def __init__(self, messages: int) -> None:
        self._messages, self._written = messages, 0
        self._spent = {"drain": 0.0, "deliver": 0.0}
        self.channel = Instant(settings())
        registry.active()["sms"] = self.channel

    def fill(self) -> None:
        """First messages of new people, by the product's own path from the parsed event on."""
        first = self._written
        self._written += self._messages
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(self._accept, range(first, self._written)))

    def _accept(self, of: int) -> None:
        raw = body(of)
        event = Request("POST", "", {}, raw, {}, {}, "/in/sms")
        messages = tuple(self.channel.parse(event))
        inbox.accept(inbox.Receipt("sms", self.channel.account, raw, clock.now(), messages))

    def drain(self) -> float:
        """Grievances registered a second; what earlier rounds left to ask is asked before."""
        self._handle()
        deliver_jobs.deliver()
        self.fill()
        statistics.refresh()  # which the clock does in a running house
        before, began = _count(), time.perf_counter()
        self._handle()
        self._spent["drain"] = time.perf_counter() - began
        assert _count() - before == self._messages
        return self._messages / self._spent["drain"]

    @staticmethod
    def _handle() -> None:
        for part in parts(DRAIN):
            drain_jobs.drain(part)

    def deliver(self) -> float:
        """Letters delivered and their grievances acknowledged a second, after `drain`."""
        began = time.perf_counter()
        deliver_jobs.deliver()
        self._spent["deliver"] = time.perf_counter() - began
        assert _count(acknowledged=True) == self._written
        return self._messages / self._spent["deliver"]

    def both(self) -> float:
        """Grievances registered, delivered and acknowledged a second, by this process alone."""
        return self._messages / sum(self._spent.values())


def _count(*, acknowledged: bool = False) -> int:
    query = select(func.count()).select_from(grievance)
    if acknowledged:
        query = query.where(grievance.c.acknowledged_at.is_not(None))
    with reading() as tx:
        return int(tx.scalar(query))


def drain(scale: Scale) -> Iterator[Figure]:
    """On both stores, and where the time goes."""
    for store in scale.stores:
        say(f"drain, {store}")
        yield from _drain(scale, store)


def _drain(scale: Scale, store: str) -> Iterator[Figure]:
    with folder() as home, living(home, store) as (_, disk):
        baseline = Baseline(settings().database_url)
        try:
            worker = Worker(scale.messages)
            worker.drain()
            worker.deliver()
            found = interleaved(
                scale.rounds,
                {
                    "rate": worker.drain,
                    "deliver": worker.deliver,
                    "delivered": worker.both,
                    "baseline": lambda: baseline.rate(scale.rows),
                    FLOOR: lambda: fdatasync_rate(disk),
                },
            )
            yield from compared("drain", store, "grievances/s", found, "baseline")
            yield from _shares(worker, store)
        finally:
            baseline.close()


def _shares(worker: Worker, store: str) -> Iterator[Figure]:
    worker.fill()
    with Sampler() as sampler:
        for part in parts(DRAIN):
            drain_jobs.drain(part)
    for part_name, share in sampler.shares():
        yield Figure(f"drain.share.{part_name}.{store}", share, "of the drain's time")
