"""Delivery reports that race the answer to the very call they report on."""

from __future__ import annotations

from config import clock
from store import inbox, outbox
from store.db import Transaction, transaction
from store.inbox import Receipt
from store.messages import DeliveryReport, OutboundState, SendResult
from store.outbox import Letter
from store.people import Endpoint, address_index, resolve


def test_a_report_still_being_handled_is_known_to_who_learns_the_id(store: str) -> None:
    """Whoever handles it did not see the id, and whoever learns the id does not see it handled."""
    report = DeliveryReport("sms", "a", "SM1", OutboundState.DELIVERED, "+97688000001")
    inbox.accept(Receipt("sms", "a", b"x", clock.now(), (report,)))
    with transaction() as tx:
        (found,) = inbox.early_reports(tx, "sms", "SM1")
    assert (found.provider_id, found.state) == ("SM1", "delivered")


def sent(tx: Transaction, provider_id: str) -> None:
    """A letter that a provider took under this id."""
    now = clock.now()
    end = Endpoint("sms", "a", "+97688000001", address_index("sms", "+97688000001"))
    (address,) = resolve(tx, [end], now).values()
    letter = Letter("k", address.id, "sms", "a", "ack", "mn", "Дугаар", 1)
    outbox.enqueue(tx, [letter], now)
    claimed = outbox.claim(tx, "sms", 1, now)
    outbox.mark_sent(tx, [(item, SendResult(provider_id)) for item in claimed], now)


def test_a_failure_reported_twice_has_one_consequence(store: str) -> None:
    """Else a letter would go on to a second and a third address at once."""
    report = DeliveryReport("sms", "a", "SM1", OutboundState.FAILED, "+97688000001", "30003")
    with transaction() as tx:
        sent(tx, "SM1")
        (row,) = outbox.report(tx, [report], clock.now())
        assert row.error == "30003"
    with transaction() as tx:
        assert outbox.report(tx, [report], clock.now()) == []
