"""A letter that did not reach one address goes to the person's next one.

Written anew for the other channel: a chat's long form becomes an SMS's short one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from store import channels, grievances, outbox, people
from store.case import Case
from store.db import Transaction
from store.people import AddressRow
from workflow.handlers import Casework


def send_on(tx: Transaction, outbox_id: int, now: datetime) -> bool:
    """Queue the letter of this failed row for the next address; False when there is none left."""
    row = outbox.get(tx, outbox_id)
    if row is None or row.grievance_id is None or not row.key.startswith("case:"):
        return False
    key = row.key.split(">")[0]
    case = grievances.get(tx, row.grievance_id)
    if case is None:
        return False
    tried = outbox.addresses_tried(tx, key)
    reachable = channels.capabilities(tx)
    for address in _addresses(tx, case):
        if address.id not in tried and address.channel in reachable and _open(address):
            words = {"text": _words(row, case)} if row.template == "reply" else {}
            Casework(tx, now).send_again(
                case, row.template, int(key.split(":")[2]), address, f"{key}>{address.id}", words
            )
            return True
    return False


def _addresses(tx: Transaction, case: Case) -> list[AddressRow]:
    """What the writer is reached by; first what was named for this very matter."""
    wrote = people.by_ids(tx, [case.address_id]) if case.address_id else {}
    person_id = next((row.person_id for row in wrote.values()), None) or case.complainant_id
    named = people.by_ids(tx, [case.facts["reach"]]) if "reach" in case.facts else {}
    own = people.others(tx, person_id) if person_id else []
    return [*named.values(), *(row for row in own if row.id not in named)]


def _open(address: AddressRow) -> bool:
    return not (address.blocked or address.stopped)


def _words(row: Any, case: Case) -> str:
    """A reply as the officer wrote it, out of the letter it was sent in."""
    return str(row.text).split(f"{case.reference}: ", 1)[-1]
