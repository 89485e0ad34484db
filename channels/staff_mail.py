"""Mails of officers who answer a notice of ours: no citizen wrote them.

Listed among the automatic mails, where a person can still take one in. Only an answer to a notice
that went to this very address counts; whatever else an officer writes is an ordinary grievance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from config import log
from store import outbox
from store.automatic import AUTOMATIC
from store.db import DatabaseAway, reading
from store.messages import DeliveryReport, Inbound, Kind
from store.people import address_index


def marked(messages: Iterable[Inbound | DeliveryReport]) -> tuple[Inbound | DeliveryReport, ...]:
    """``messages``, the officers' answers among them as automatic ones."""
    return tuple(
        replace(item, kind=Kind.OTHER, choice=AUTOMATIC)
        if isinstance(item, Inbound) and item.thread and _answers_notice(item)
        else item
        for item in messages
    )


def _answers_notice(item: Inbound) -> bool:
    index = address_index(item.channel, item.address)
    try:
        with reading() as tx:
            return outbox.is_notice(tx, item.channel, item.thread, index)
    except DatabaseAway:  # rather a grievance too many than a message lost
        log.get().warning("not looked up whether an officer answers", channel=item.channel)
        return False
