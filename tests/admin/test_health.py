"""Numbers for those who watch over the desk, and nothing personal in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from config import clock, embedded
from config.settings import settings
from store import channels, queue, slots, spool
from store.case import Case
from store.db import transaction
from store.inbox import Receipt, accept
from store.schema import grievance
from tests import instance
from tests.admin.conftest import Desk
from tests.bench.servers import running
from tests.house import ROOT, until
from workflow import jobs

TOKEN = instance.KEYS["HARIU_METRICS_TOKEN"]


def test_it_lives_and_its_database_answers(stranger: Desk) -> None:
    assert stranger.page("/healthz") == "ok\n"
    assert stranger.page("/readyz") == "ok\n"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer wrong", TOKEN, "Bearer é"])
def test_metrics_need_their_token(stranger: Desk, header: str) -> None:
    assert stranger.get("/metrics", headers={"Authorization": header}).status_code == 401


def test_without_a_token_metrics_are_shut(stranger: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARIU_METRICS_TOKEN")
    settings.cache_clear()
    assert stranger.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401


def test_metrics_count_and_tell_nothing_personal(stranger: Desk, cases: list[Case]) -> None:
    with transaction() as tx:
        channels.note_out(tx, "sms", clock.now(), channels.sent([0.1]))
    accept(Receipt("sms", "+97675000000", b"{", clock.now(), error="unparseable"))
    answer = stranger.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert 'hariu_grievances{status="registered"} 3.0' in text
    assert 'hariu_grievances{status="closed"} 1.0' in text
    assert "hariu_inbox_waiting 0.0" in text
    assert "hariu_dead_letters 1.0" in text
    queued = next(line for line in text.splitlines() if line.startswith("hariu_outbox_waiting"))
    assert float(queued.split()[1]) > 0
    assert 'hariu_channel_last_out_age_seconds{channel="sms"}' in text
    for case in cases:
        assert case.reference not in text
    assert "7000" not in text
    assert "Сараа" not in text


# -- every number -------------------------------------------------------------------------------

RULES = ROOT / "config" / "deploy" / "prometheus-rules.yml"
GUIDE = ROOT / "config" / "guides" / "monitoring.md"
UNITS = ("_seconds", "_bytes")
LABELS = {"status", "channel", "outcome", "le", "version", "hook", "result"}


def scrape(desk: Desk) -> dict[str, Metric]:
    answer = desk.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return {
        each.name: each for each in text_string_to_metric_families(answer.get_data(as_text=True))
    }


def value(found: dict[str, Metric], name: str, sample: str = "", **labels: str) -> float:
    (number,) = [
        each.value
        for each in found[name].samples
        if each.name == (sample or each.name) and each.labels == labels
    ]
    return number


@pytest.fixture
def busy(stranger: Desk, cases: list[Case]) -> dict[str, Metric]:
    """A scrape where every number has something to say."""
    with transaction() as tx:
        channels.note_in(tx, {"sms": clock.now()})
        channels.note_out(tx, "sms", clock.now(), channels.sent([0.05, 0.05, 0.4, 61.0]))
        channels.note_out(tx, "sms", clock.now(), {"retried": 2})
        channels.note_out(tx, "sms", clock.now(), {"failed": 1})
        channels.note_out(tx, "nobody", clock.now(), {"failed": 1})
        slots.remember(tx, slots.BEAT, clock.now() - timedelta(seconds=7))
    accept(Receipt("sms", "+97675000000", b"{", clock.now(), error="unparseable"))
    return scrape(stranger)


def test_every_number_is_named_as_prometheus_wishes(busy: dict[str, Metric]) -> None:
    """https://prometheus.io/docs/practices/naming/: base units, and said in words."""
    assert len(busy) > 15
    for name, metric in busy.items():
        assert name.startswith("hariu_")
        assert len(metric.documentation.split()) > 2, name
        assert {label for each in metric.samples for label in each.labels} <= LABELS, name
        if "second" in metric.documentation.lower() or metric.type == "histogram":
            assert name.endswith(UNITS), name
        if metric.type == "counter":
            assert all(each.name.endswith("_total") for each in metric.samples)


def test_deliveries_and_latencies_are_counted_in_the_rows(busy: dict[str, Metric]) -> None:
    name = "hariu_deliveries"
    for outcome, number in {"sent": 4, "retried": 2, "failed": 1}.items():
        assert value(busy, name, f"{name}_total", channel="sms", outcome=outcome) == number
    name = "hariu_provider_seconds"
    buckets = {"0.1": 2, "0.25": 2, "0.5": 3, "30.0": 3, "+Inf": 4}
    for le, number in buckets.items():
        assert value(busy, name, f"{name}_bucket", channel="sms", le=le) == number
    assert value(busy, name, f"{name}_sum", channel="sms") == pytest.approx(61.5)


def test_ages_and_clocks(busy: dict[str, Metric]) -> None:
    assert 7 <= value(busy, "hariu_clock_age_seconds") < 60
    assert value(busy, "hariu_outbox_oldest_seconds") > 0
    assert value(busy, "hariu_inbox_oldest_seconds") == 0
    assert abs(value(busy, "hariu_database_clock_offset_seconds")) < 1
    assert value(busy, "hariu_database_up") == 1
    assert value(busy, "hariu_redis_up") == 0


def test_acknowledgements_leave_out_sealed_matters(stranger: Desk, cases: list[Case]) -> None:
    def count() -> float:
        name = "hariu_acknowledgement_seconds_gcount"
        return value(scrape(stranger), name)

    now, each = clock.now(), [case.id for case in cases]
    with transaction() as tx:
        at = {"registered_at": now, "received_at": now, "acknowledged_at": now}
        tx.execute(update(grievance).where(grievance.c.id.in_(each)).values(**at, sensitive=""))
    before = count()
    assert before == len(cases)
    with transaction() as tx:
        sealed = update(grievance).where(grievance.c.id == cases[0].id)
        tx.execute(sealed.values(sensitive="violence"))
    assert count() == before - 1


def test_the_clock_says_that_it_runs(stranger: Desk) -> None:
    assert not scrape(stranger)["hariu_clock_age_seconds"].samples
    jobs._beaten["at"] = float("-inf")
    jobs.tick()
    assert 0 <= value(scrape(stranger), "hariu_clock_age_seconds") < 10


def test_without_a_database_the_numbers_of_this_host_are_told(
    stranger: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert value(scrape(stranger), "hariu_spool_bytes") == 0
    spool.append([{"raw": {"body": b"x" * 1000}, "messages": []}])
    monkeypatch.setenv("HARIU_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    instance.forget()
    found = scrape(stranger)
    assert value(found, "hariu_database_up") == 0
    assert value(found, "hariu_spool_bytes") > 1000
    assert "hariu_grievances" not in found
    assert stranger.get("/readyz").get_data(as_text=True) == "the database is away\n"


@pytest.fixture
def redis(tmp_path: Path, store: str) -> Iterator[None]:
    home = tmp_path / "redis"
    home.mkdir()
    with running(embedded.command(home), {}):
        until(lambda: embedded.answers(home), 10, "Redis")
        yield


def test_whether_redis_answers(
    stranger: Desk, redis: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARIU_REDIS_URL", embedded.url(tmp_path / "redis"))
    settings.cache_clear()
    queue.connection.cache_clear()
    assert value(scrape(stranger), "hariu_redis_up") == 1


def test_rules_and_guide_name_numbers_that_exist(busy: dict[str, Metric]) -> None:
    known = {each.name for metric in busy.values() for each in metric.samples} | set(busy)
    rules = RULES.read_text("utf-8")
    named = set(re.findall(r"\bhariu_\w+", "\n".join(re.findall(r"expr: (.*)", rules))))
    assert len(named) > 5
    assert named <= known
    told = set(re.findall(r"`(hariu_\w+)`", GUIDE.read_text("utf-8")))
    assert told == {
        f"{name}_total" if metric.type == "counter" else name
        for name, metric in busy.items()
        if not name.endswith(("_gcount", "_gsum"))
    }
    assert len(re.findall(r"- alert: ", rules)) <= 8
