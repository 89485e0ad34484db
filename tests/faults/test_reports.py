"""Delivery reports that race the answer to the very call they report on."""

from __future__ import annotations

from config import clock
from store import inbox
from store.db import transaction
from store.inbox import Receipt
from store.messages import DeliveryReport, OutboundState


def test_a_report_still_being_handled_is_known_to_who_learns_the_id(store: str) -> None:
    """Whoever handles it did not see the id, and whoever learns the id does not see it handled."""
    report = DeliveryReport("sms", "a", "SM1", OutboundState.DELIVERED, "+97688000001")
    inbox.accept(Receipt("sms", "a", b"x", clock.now(), (report,)))
    with transaction() as tx:
        (found,) = inbox.early_reports(tx, "sms", "SM1")
    assert (found.provider_id, found.state) == ("SM1", "delivered")
