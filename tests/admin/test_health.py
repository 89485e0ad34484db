"""Numbers for those who watch over the desk, and nothing personal in them."""

from __future__ import annotations

import pytest

from config import clock
from config.settings import settings
from store import channels
from store.case import Case
from store.db import transaction
from store.inbox import Receipt, accept
from tests import instance
from tests.admin.conftest import Desk

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
        channels.note_out(tx, "sms", clock.now())
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
