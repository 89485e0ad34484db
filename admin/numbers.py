"""The numbers of `/metrics`: what the rows, the spool and Redis say when Prometheus asks.

Nothing is counted in memory, so that any desk tells the same and a restart loses nothing. Labels
are codes of ours; there is no address, name, text, reference or officer in any of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from importlib.metadata import version
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy import func, literal_column, select, text

from store import channels, hooks, queue, slots, spool
from store.db import DatabaseAway, Transaction, reading
from store.schema import grievance, inbox, lease, outbox
from workflow.states import Status

# Spelt out, not bound: SQLite uses a partial index only where it sees its condition.
_WAITING = {
    "hariu_inbox_waiting": (inbox, "state = 'new'", "Messages not yet handled"),
    "hariu_dead_letters": (inbox, "state = 'dead'", "Messages set aside with a reason"),
    "hariu_outbox_waiting": (outbox, "state = 'queued'", "Messages not yet sent"),
}
_OLDEST = {
    "hariu_inbox_oldest_seconds": (
        inbox.c.received_at, "state = 'new'", "Age of the oldest message not yet handled",
    ),
    "hariu_outbox_oldest_seconds": (
        outbox.c.not_before, "state = 'queued'", "How long the oldest message not sent is due",
    ),
}  # fmt: skip
# An acknowledgement is promised within seconds; a letter that waits for a provider takes longer.
_ACKNOWLEDGED = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, float("inf"))
_RECENT, _MOST = timedelta(days=1), 1000


def exposition(now: datetime) -> bytes:
    """Every number in Prometheus' text format; without a database those that need none."""
    try:
        with reading() as tx:
            return _written([*_of_this_host(away=False), *_Rows(tx, now).collect()])
    except DatabaseAway:
        return _written(list(_of_this_host(away=True)))


def _written(metrics: list[Metric]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Collected(metrics))
    return generate_latest(registry)


class _Collected(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _of_this_host(*, away: bool) -> Iterator[Metric]:
    yield InfoMetricFamily("hariu_build", "The release that runs", {"version": version("hariu")})
    yield GaugeMetricFamily("hariu_database_up", "Whether the database answers", int(not away))
    try:
        queue.connection().ping()
        answers = 1
    except RedisError:
        answers = 0
    yield GaugeMetricFamily("hariu_redis_up", "Whether Redis answers, which only rings", answers)
    words = "Size of what this host keeps on disk until the database is back"
    yield GaugeMetricFamily("hariu_spool_bytes", words, spool.size())


def waiting(tx: Transaction, now: datetime) -> dict[str, float]:
    """How much waits, and for how many seconds the oldest does, by the names of the metrics."""
    found: dict[str, float] = {}
    for name, (table, condition, _) in _WAITING.items():
        counted = select(func.count(literal_column("1"))).select_from(table)
        found[name] = tx.scalar(counted.where(text(condition)))
    for name, (column, condition, _) in _OLDEST.items():
        oldest = tx.scalar(select(func.min(column)).where(text(condition)))
        found[name] = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    return found


class _Rows:
    """What the rows say at this moment."""

    def __init__(self, tx: Transaction, now: datetime) -> None:
        self._tx, self._now = tx, now

    def collect(self) -> Iterator[Metric]:
        """One number after the other."""
        yield self._by_status()
        yield self._acknowledged()
        found = waiting(self._tx, self._now)
        for name, (_, _, words) in (*_WAITING.items(), *_OLDEST.items()):
            yield GaugeMetricFamily(name, words, found[name])
        yield from self._clocks()
        yield self._takeovers()
        yield from self._channels()
        yield self._hooks()

    def _age(self, at: datetime) -> float:
        return (self._now - at).total_seconds()

    def _by_status(self) -> Metric:
        """One look at each row: an index on the status would be left for every row again."""
        gauge = GaugeMetricFamily("hariu_grievances", "Grievances by status", labels=["status"])
        counts = [func.count().filter(grievance.c.status == status) for status in Status]
        # Who may read this may not know of sealed matters, not even how many there are.
        (row,) = self._tx.execute(select(*counts).where(grievance.c.sensitive == "")).all()
        for status, number in zip(Status, row, strict=True):
            gauge.add_metric([status], number)
        return gauge

    def _acknowledged(self) -> Metric:
        """From taking in to acknowledging, of the latest that are no sealed matters."""
        query = (
            select(grievance.c.received_at, grievance.c.acknowledged_at)
            .where(grievance.c.registered_at > self._now - _RECENT, grievance.c.sensitive == "")
            .order_by(grievance.c.registered_at.desc())
            .limit(_MOST)
        )
        took = [
            (row.acknowledged_at - row.received_at).total_seconds()
            for row in self._tx.execute(query)
            if row.acknowledged_at
        ]
        buckets = [(str(le), float(sum(each <= le for each in took))) for le in _ACKNOWLEDGED]
        buckets[-1] = ("+Inf", float(len(took)))
        words = f"Acknowledging the latest {_MOST} grievances of the last day"
        return GaugeHistogramMetricFamily(
            "hariu_acknowledgement_seconds", words, buckets=buckets, gsum_value=sum(took)
        )

    def _clocks(self) -> Iterator[Metric]:
        beat = slots.last(self._tx, slots.BEAT)
        words = "Since the clock process last said that it runs, which it does every 30 s"
        age = GaugeMetricFamily("hariu_clock_age_seconds", words, labels=[])
        if beat:
            age.add_metric([], self._age(beat))
        yield age
        words = "How far the database's clock is ahead of this machine's"
        ahead = 0.0 if self._tx.on_sqlite else self._database_time() - time.time()
        yield GaugeMetricFamily("hariu_database_clock_offset_seconds", words, ahead)

    def _database_time(self) -> float:
        return float(self._tx.scalar(text("SELECT extract(epoch FROM clock_timestamp())")))

    def _takeovers(self) -> Metric:
        words = "Times a part of the work went from one process to another"
        query = select(func.coalesce(func.sum(lease.c.token - 1), 0))
        return CounterMetricFamily("hariu_lease_takeovers", words, int(self._tx.scalar(query)))

    # -- channels -----------------------------------------------------------------------------

    def _channels(self) -> Iterator[Metric]:
        rows = [row for row in channels.health(self._tx) if row.active]
        for column, word in (("last_in_at", "in"), ("last_out_at", "out")):
            gauge = GaugeMetricFamily(
                f"hariu_channel_last_{word}_age_seconds",
                f"Seconds since the channel's last message {word}",
                labels=["channel"],
            )
            for row in rows:
                if at := getattr(row, column):
                    gauge.add_metric([row.code], self._age(at))
            yield gauge
        yield self._deliveries(rows)
        yield self._latency(rows)

    def _deliveries(self, rows: list[Any]) -> Metric:
        words = "Tries to deliver, by what became of them: taken, to be tried again, given up"
        tries = CounterMetricFamily("hariu_deliveries", words, labels=["channel", "outcome"])
        for row in rows:
            for outcome in ("sent", "retried", "failed"):
                tries.add_metric([row.code, outcome], row.counts.get(outcome, 0))
        return tries

    def _latency(self, rows: list[Any]) -> Metric:
        words = "How long a provider took to take a message"
        found = HistogramMetricFamily("hariu_provider_seconds", words, labels=["channel"])
        ends = [str(le) for le in channels.LATENCIES[:-1]] + ["+Inf"]
        for row in rows:
            counts = accumulate(row.counts.get(f"le:{le}", 0) for le in channels.LATENCIES)
            buckets = list(zip(ends, map(float, counts), strict=True))
            found.add_metric([row.code], buckets, row.counts.get("seconds", 0.0))
        return found

    def _hooks(self) -> Metric:
        """By number: a name or an address could say too much."""
        words = "Calls of webhooks by what became of them"
        calls = CounterMetricFamily("hariu_hook_calls", words, labels=["hook", "result"])
        for row in hooks.everyone(self._tx):
            calls.add_metric([str(row.id), "sent"], row.sent)
            calls.add_metric([str(row.id), "failed"], row.failed)
        return calls
