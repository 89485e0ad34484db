"""A file that we do not take is not passed over in silence: its sender is told, once a message."""

from __future__ import annotations

from datetime import datetime

from config.profile import profile
from store import attachments, channels, outbox, people
from store.db import Transaction
from store.messages import Capabilities, Kind
from store.outbox import Letter
from store.people import AddressRow
from store.uploads import LARGEST, TOO_LARGE
from workflow import letters

MEGABYTES = str(LARGEST // (1024 * 1024))
# What mail programs add by themselves: nobody sent it on purpose, nobody misses it.
_NOT_SENT_ON_PURPOSE = (
    "application/pgp-", "application/pkcs7-", "application/x-pkcs7-", "application/ms-tnef",
    "text/calendar", "text/vcard", "message/",
)  # fmt: skip


def tell(tx: Transaction, attachment_id: int, reason: str, now: datetime) -> None:
    """Queue a few words about a refused file, unless nobody waits for them.

    Nothing goes to machines, to people who want no messages, nor to what may be answered once.
    """
    source = attachments.origin(tx, attachment_id)
    if source is None or source.address_id is None or source.kind == Kind.OTHER:
        return
    if reason != TOO_LARGE and source.content_type.startswith(_NOT_SENT_ON_PURPOSE):
        return
    address = people.by_ids(tx, [source.address_id])[source.address_id]
    carried = channels.capabilities(tx).get(address.channel, Capabilities(inline=True))
    if address.blocked or address.stopped or carried.inline or ":" in address.value:
        return
    letter = _letter(address, carried, f"file:{source.inbox_id}", reason, source.grievance_id)
    outbox.enqueue(tx, [letter], now)


def _letter(
    address: AddressRow, carried: Capabilities, key: str, reason: str, grievance_id: int | None
) -> Letter:
    capabilities = letters.lettered(carried, address.script)
    name = "attachment.too_big" if reason == TOO_LARGE else "attachment.type"
    shared = letters.project_values(profile())
    values = {tongue: {**slots, "megabytes": MEGABYTES} for tongue, slots in shared.items()}
    written = letters.write(name, address.language, capabilities, values)
    return Letter(
        key, address.id, address.channel, address.account, name, written.language, written.text,
        written.parts, grievance_id,
    )  # fmt: skip
