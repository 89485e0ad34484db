"""Delivery against real doubles, on both stores: once, in order, elsewhere when it must be."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from bot.jobs import drain
from channels import jobs, outcomes, registry
from channels.jobs import deliver, pause
from channels.release import release
from channels.sandbox.server import SandboxServer
from config import clock
from config.settings import settings
from store import inbox, outbox
from store.db import DatabaseAway, reading, transaction
from store.inbox import Receipt
from store.messages import Contact, Inbound
from store.queue import PARTITIONS
from store.schema import grievance, task
from store.schema import outbox as table

WELL = "Манай сумын худаг ширгэсэн, ус алга"
SENDER = "+97675000000"


@pytest.fixture
def sandbox(store: str) -> Iterator[SandboxServer]:
    """The doubles, with both channels pointed at them."""
    os.environ |= {
        "HARIU_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "HARIU_TWILIO_AUTH_TOKEN": "0" * 32,
        "HARIU_TWILIO_FROM": SENDER,
        "HARIU_TELEGRAM_TOKEN": "700:" + "t" * 35,
        "HARIU_PROVIDER_TIMEOUT": "5",
    }
    settings.cache_clear()
    with SandboxServer(settings()) as server:
        os.environ["HARIU_TWILIO_API"] = f"{server.url}/twilio"
        os.environ["HARIU_TELEGRAM_API"] = f"{server.url}/telegram/bot"
        settings.cache_clear()
        server.world.settings = settings()
        registry.active.cache_clear()
        jobs.lanes.cache_clear()
        release()
        server.behave("twilio", callbacks="none")
        yield server
    registry.active.cache_clear()
    jobs.lanes.cache_clear()


def come(channel: str, address: str, words: str = WELL, **more: object) -> None:
    account = {"sms": SENDER, "telegram": "700"}[channel]
    identity = f"{channel}{address}{time.monotonic_ns()}"
    message = Inbound(channel, account, identity, address, text=words, **more)  # type: ignore[arg-type]
    inbox.accept(Receipt(channel, account, b"raw", clock.now(), (message,)))
    for part in range(PARTITIONS):
        drain(part)


def rows() -> list[tuple[str, str, int]]:
    with reading() as tx:
        found = tx.execute(select(table).order_by(table.c.id)).all()
        return [(row.channel, row.state, row.attempts) for row in found]


def hurry() -> None:
    """As if the pauses were over."""
    with transaction() as tx:
        tx.execute(table.update().values(not_before=clock.now()))
    for lane in jobs.lanes().values():
        lane.worked(0.1)


def taken(sandbox: SandboxServer, provider: str) -> list[str]:
    calls = [call for call in sandbox.calls(provider) if "params" in call]
    sends = [call for call in calls if "Body" in call["params"] or "text" in call["params"]]
    return [str(call["params"].get("Body") or call["params"].get("text")) for call in sends]


def test_an_accepted_acknowledgement_acknowledges(sandbox: SandboxServer) -> None:
    come("sms", "+97688110001")
    assert deliver() == 1
    assert rows() == [("sms", "sent", 1)]
    with reading() as tx:
        case = tx.execute(select(grievance)).one()
    assert case.status == "acknowledged"
    assert case.acknowledged_at is not None
    assert deliver() == 0


def test_trouble_is_tried_again_and_sent_once(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", "500")
    come("sms", "+97688110001")
    deliver()
    assert rows() == [("sms", "queued", 1)]
    sandbox.behave("twilio", "ok")
    hurry()
    deliver()
    assert rows() == [("sms", "sent", 2)]


def test_a_message_taken_without_an_answer_is_not_sent_again(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", "drop", accept=True)
    come("sms", "+97688110001")
    deliver()
    assert rows()[0][1] == "queued"
    sandbox.behave("twilio", "ok")
    hurry()
    deliver()
    assert rows() == [("sms", "sent", 2)]
    assert len(taken(sandbox, "twilio")) == 1


def test_throttling_is_waited_out(sandbox: SandboxServer) -> None:
    sandbox.behave("telegram", "429", retry_after=7)
    come("telegram", "5001")
    deliver()
    with reading() as tx:
        row = tx.execute(select(table)).one()
    assert row.state == "queued"
    assert (row.not_before - clock.now()).total_seconds() > 5


def test_a_blocked_chat_leads_to_the_shared_phone(sandbox: SandboxServer) -> None:
    come("telegram", "5001", contact=Contact("8811-0009", "Туршилт"))
    sandbox.behave("telegram", "blocked", address="5001")
    deliver()
    hurry()
    deliver()
    assert [row[:2] for row in rows()] == [("telegram", "failed"), ("sms", "sent")]
    (sms,) = taken(sandbox, "twilio")
    assert sms.startswith("Таны мэдээллийг бүртгэлээ. Дугаар")
    with reading() as tx:
        case = tx.execute(select(grievance)).one()
        assert tx.execute(select(task)).all() == []
    assert case.status == "acknowledged"


def test_with_no_other_address_the_officer_gets_a_call_to_make(sandbox: SandboxServer) -> None:
    come("telegram", "5001")
    sandbox.behave("telegram", "blocked", address="5001")
    deliver()
    with reading() as tx:
        (call,) = tx.execute(select(task)).all()
    assert call.kind == "undelivered"


def test_a_late_failure_report_leads_on_as_well(sandbox: SandboxServer) -> None:
    come("telegram", "5001", contact=Contact("+97688110009"))
    come("sms", "+97688110009", "Нэмж хэлэхэд ус бохир")
    deliver()
    with transaction() as tx:
        tx.execute(text("UPDATE outbox SET state = 'queued' WHERE channel = 'none'"))
    assert {row[1] for row in rows()} == {"sent"}


def test_texts_of_one_person_leave_in_order(sandbox: SandboxServer) -> None:
    for words in (WELL, "ТУСЛАМЖ", "ЯВЦ"):
        come("sms", "+97688110001", words)
    deliver()
    sent = taken(sandbox, "twilio")
    with reading() as tx:
        written = [row.text for row in tx.execute(select(table.c.text).order_by(table.c.id))]
    assert sent == written


def test_a_dead_senders_claim_lapses_and_the_message_goes_out(sandbox: SandboxServer) -> None:
    come("sms", "+97688110001")
    with transaction() as tx:
        assert len(outbox.claim(tx, "sms", 5, clock.now())) == 1
    assert deliver() == 0
    with transaction() as tx:
        tx.execute(table.update().values(claimed_until=clock.now()))
        assert outbox.expire_claims(tx, clock.now()) == 1
    deliver()
    assert rows() == [("sms", "sent", 2)]


def test_a_living_senders_claim_is_renewed_during_a_slow_call(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CLAIM_SECONDS", 0.6)
    monkeypatch.setattr(jobs, "RENEW_SECONDS", 0.2)
    sandbox.behave("twilio", "slow", seconds=2.0)
    come("sms", "+97688110001")
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(deliver)
        while not sending.done():
            time.sleep(0.1)
            with transaction() as tx:
                assert outbox.expire_claims(tx, clock.now()) == 0
    assert rows() == [("sms", "sent", 1)]
    assert len(taken(sandbox, "twilio")) == 1


def test_what_a_provider_took_is_written_after_an_outage(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    come("sms", "+97688110001")
    away = iter([True] * 4)

    def write(found: Sequence[outcomes.Outcome]) -> None:
        if next(away, False):
            raise DatabaseAway("gone for a while")
        whole(found)

    whole = outcomes._write
    monkeypatch.setattr(outcomes, "_write", write)
    monkeypatch.setattr(jobs, "AWAY_SECONDS", 0.05)
    assert deliver() == 1
    assert rows() == [("sms", "sent", 1)]
    assert len(taken(sandbox, "twilio")) == 1


def test_pauses_grow_and_are_bounded() -> None:
    assert 0.7 < pause(1) < 1.3
    assert 5 < pause(4) < 11
    assert pause(30) <= 900 * 1.25
