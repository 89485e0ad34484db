"""Whether the desk lives, whether its database answers, and numbers for Prometheus."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import func, literal_column, select, text
from werkzeug.wrappers import Response

from admin import guard
from config.settings import settings
from store import channels, hooks
from store.db import DatabaseAway, Transaction, reading
from store.schema import grievance, inbox, outbox

blueprint = Blueprint("health", __name__)
_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
# Spelt out, not bound: SQLite uses a partial index only where it sees its condition.
_WAITING = {
    "hariu_inbox_waiting": (inbox, "state = 'new'", "Messages not yet handled"),
    "hariu_dead_letters": (inbox, "state = 'dead'", "Messages set aside with a reason"),
    "hariu_outbox_waiting": (outbox, "state = 'queued'", "Messages not yet sent"),
}


@blueprint.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return Response("ok\n", 200, _PLAIN)


@blueprint.get("/readyz")
def ready() -> Response:
    """The database answers as well."""
    try:
        with reading() as tx:
            tx.execute(text("SELECT 1"))
    except DatabaseAway:
        return Response("the database is away\n", 503, _PLAIN)
    return Response("ok\n", 200, _PLAIN)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Numbers without personal data, for holders of the metrics token."""
    expected = f"Bearer {settings().metrics_token.get_secret_value()}"
    given = request.headers.get("Authorization", "")
    if expected == "Bearer " or not hmac.compare_digest(given.encode(), expected.encode()):
        abort(Response("a token is needed\n", 401, {**_PLAIN, "WWW-Authenticate": "Bearer"}))
    registry = CollectorRegistry()
    with reading() as tx:
        registry.register(_Numbers(tx, guard.now()))
        return Response(generate_latest(registry), 200, {"Content-Type": CONTENT_TYPE_LATEST})


class _Numbers(Collector):
    """What the rows say at this moment."""

    def __init__(self, tx: Transaction, now: datetime) -> None:
        self._tx, self._now = tx, now

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing beforehand: registering asks the database nothing."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """One number after the other."""
        yield self._by_status()
        for name, (table, condition, words) in _WAITING.items():
            counted = select(func.count(literal_column("1"))).select_from(table)
            yield GaugeMetricFamily(name, words, self._tx.scalar(counted.where(text(condition))))
        yield from self._channels()
        yield self._hooks()

    def _by_status(self) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily("hariu_grievances", "Grievances by status", labels=["status"])
        # Who may read this may not know of sealed matters, not even how many there are.
        known = select(grievance.c.status, func.count()).where(grievance.c.sensitive == "")
        query = known.group_by(grievance.c.status)
        rows: Iterable[Any] = self._tx.execute(query)
        for status, number in rows:
            gauge.add_metric([status], number)
        return gauge

    def _channels(self) -> Iterator[GaugeMetricFamily]:
        rows = [row for row in channels.health(self._tx) if row.active]
        for column, word in (("last_in_at", "in"), ("last_out_at", "out")):
            gauge = GaugeMetricFamily(
                f"hariu_channel_last_{word}_age_seconds",
                f"Seconds since the channel's last message {word}",
                labels=["channel"],
            )
            for row in rows:
                self._age(gauge, row.code, getattr(row, column))
            yield gauge

    def _hooks(self) -> CounterMetricFamily:
        """By number: a name or an address could say too much."""
        words = "Calls of webhooks by what became of them"
        calls = CounterMetricFamily("hariu_hook_calls", words, labels=["hook", "result"])
        for row in hooks.everyone(self._tx):
            calls.add_metric([str(row.id), "sent"], row.sent)
            calls.add_metric([str(row.id), "failed"], row.failed)
        return calls

    def _age(self, gauge: GaugeMetricFamily, code: str, at: Any) -> None:
        if at is not None:
            gauge.add_metric([code], (self._now - at).total_seconds())
