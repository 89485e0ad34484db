"""Delivery reports that race the answer to the very call they report on."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from bot.jobs import drain
from config import clock
from store import inbox, outbox
from store.db import Transaction, reading, transaction
from store.inbox import Receipt
from store.messages import DeliveryReport, OutboundState, SendResult
from store.outbox import Claimed, Letter
from store.people import Endpoint, address_index, resolve
from store.queue import PARTITIONS
from store.schema import outbox as table


def test_a_report_still_being_handled_is_known_to_who_learns_the_id(store: str) -> None:
    """Whoever handles it did not see the id, and whoever learns the id does not see it handled."""
    report = DeliveryReport("sms", "a", "SM1", OutboundState.DELIVERED, "+97688000001")
    inbox.accept(Receipt("sms", "a", b"x", clock.now(), (report,)))
    with transaction() as tx:
        (found,) = inbox.early_reports(tx, "sms", "SM1")
    assert (found.provider_id, found.state) == ("SM1", "delivered")


def test_a_report_that_comes_while_the_id_is_being_written_is_applied(store: str) -> None:
    """After the sender looked for early reports, before its commit."""

    def comes() -> None:
        report = DeliveryReport("sms", "a", "SM1", OutboundState.DELIVERED, "+97688000001")
        inbox.accept(Receipt("sms", "a", b"x", clock.now(), (report,)))
        for part in range(PARTITIONS):
            drain(part)

    with transaction() as tx:
        claimed = queued(tx)
    with ThreadPoolExecutor(1) as other:
        with transaction() as tx:
            outbox.mark_sent(tx, [(item, SendResult("SM1")) for item in claimed], clock.now())
            assert inbox.early_reports(tx, "sms", "SM1") == []
            coming = other.submit(comes)
            time.sleep(0.5)
        coming.result()
    with reading() as tx:
        assert tx.scalar(select(table.c.state)) == "delivered"


def queued(tx: Transaction) -> list[Claimed]:
    """A letter that somebody claimed."""
    now = clock.now()
    end = Endpoint("sms", "a", "+97688000001", address_index("sms", "+97688000001"))
    (address,) = resolve(tx, [end], now).values()
    letter = Letter("k", address.id, "sms", "a", "ack", "mn", "Дугаар", 1)
    outbox.enqueue(tx, [letter], now)
    return outbox.claim(tx, "sms", 1, now)


def sent(tx: Transaction, provider_id: str) -> None:
    """A letter that a provider took under this id."""
    taken = [(item, SendResult(provider_id)) for item in queued(tx)]
    outbox.mark_sent(tx, taken, clock.now())


def test_a_failure_reported_twice_has_one_consequence(store: str) -> None:
    """Else a letter would go on to a second and a third address at once."""
    report = DeliveryReport("sms", "a", "SM1", OutboundState.FAILED, "+97688000001", "30003")
    with transaction() as tx:
        sent(tx, "SM1")
        (row,) = outbox.report(tx, [report], clock.now())
        assert row.error == "30003"
    with transaction() as tx:
        assert outbox.report(tx, [report], clock.now()) == []
