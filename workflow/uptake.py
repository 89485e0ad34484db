"""What uptake does around the procedure: complete a registration, keep files, take reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from store import channels, outbox, people, phones, tasks
from store.case import Case
from store.db import Transaction
from store.inbox import Waiting
from store.messages import DeliveryReport
from store.people import AddressRow, Endpoint
from store.schema import attachment
from workflow import fallback
from workflow.commands import Register


def completed(command: Register, address: AddressRow, language: str | None) -> Register:
    """The registration with what only the drain knows."""
    return replace(command, address_id=address.id, person_id=address.person_id, language=language)


def keep_attachments(tx: Transaction, kept: Iterable[tuple[Waiting, int | None]]) -> None:
    """Note the files of messages for fetching later; a lost file never loses the message."""
    rows = [
        {
            "inbox_id": item.id,
            "grievance_id": grievance_id,
            "channel": item.message.channel,
            "kind": part.kind,
            "content_type": part.content_type[:100],
            "size": part.size,
            "name": part.name,
            "source": asdict(part),
            "state": "waiting",
            "not_before": item.received_at,
        }
        for item, grievance_id in kept
        for part in item.message.attachments
    ]
    if rows:
        tx.execute(attachment.insert(), rows)


def identify(
    tx: Transaction,
    address: AddressRow,
    identity: Mapping[str, str],
    now: datetime,
    about: Case | None = None,
) -> None:
    """What a person told of themselves, or of the one ``about`` whom they write.

    A name, another way to reach them; told before anything was registered, it is kept as well.
    """
    if address.person_id is None:
        address = _known(tx, address, now)
    if "affected" in identity and about and about.complainant_id not in {None, address.person_id}:
        people.name_person(tx, about.complainant_id, identity["affected"])
    if "name" in identity and address.person_id is not None:
        people.name_person(tx, address.person_id, identity["name"])
    if "kept" in identity and address.person_id is not None:
        people.keep_details(tx, address.person_id, {"phone": identity["kept"]})
    if "phone" in identity:
        add_phone(tx, identity["phone"], address, now)
    if "email" in identity:
        _join(tx, _address(tx, "email", identity["email"], now), address)


def _known(tx: Transaction, address: AddressRow, now: datetime) -> AddressRow:
    """The address with a person behind it."""
    person_id = people.add_person(tx, "", address.language, now)
    people.link(tx, {address.id: person_id})
    return replace(address, person_id=person_id)


def add_phone(tx: Transaction, phone: str, address: AddressRow, now: datetime) -> None:
    """A phone that a person shared becomes their next address, where texts can be sent."""
    _join(tx, texting_address(tx, phone, now), address)


def texting_address(tx: Transaction, phone: str, now: datetime) -> AddressRow | None:
    """Where texts to this phone go; None where there is no number or nothing carries texts."""
    number = phones.normalise(phone)
    texting = channels.of_form(tx, "sms")
    if number is None or not texting:
        return None
    return _address(tx, "sms" if "sms" in texting else min(texting), number, now)


def _address(tx: Transaction, channel: str, value: str, now: datetime) -> AddressRow | None:
    reachable = channels.accounts(tx)
    if channel not in reachable:
        return None
    end = Endpoint(channel, reachable[channel], value, people.address_index(channel, value))
    (row,) = people.resolve(tx, [end], now).values()
    return row


def _join(tx: Transaction, other: AddressRow | None, address: AddressRow) -> None:
    """Nobody loses an address to somebody else who names it: it stays with whom it was first."""
    if other is not None and address.person_id is not None:
        people.link(tx, {other.id: address.person_id})


def apply_reports(tx: Transaction, reports: Sequence[DeliveryReport | None], now: datetime) -> None:
    """Take delivery reports in; what a network could not deliver becomes a call to make."""
    known = [item for item in reports if item is not None]
    for row in outbox.report(tx, known, now):
        if not fallback.send_on(tx, row.id, now):
            tasks.add(
                tx, f"undelivered:{row.id}", "undelivered", now, row.address_id,
                row.grievance_id, row.id, row.error,
            )  # fmt: skip
