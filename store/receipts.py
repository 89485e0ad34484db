"""What a provider brought, as rows; made before the database is asked for anything."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.messages import Attachment, DeliveryReport, Inbound, InboundState, Kind
from store.people import address_index, partition_of


@dataclass(frozen=True, slots=True)
class Receipt:
    """One genuine event of a provider: its body as it came, and what we understood of it.

    With ``error`` set it is a dead letter: kept, shown to the officer, never acted on. ``path`` is
    where the provider sent it, empty where it was fetched.
    """

    channel: str
    account: str
    body: bytes
    received_at: datetime
    messages: tuple[Inbound | DeliveryReport, ...] = ()
    content_type: str = ""
    error: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """A receipt as rows, made (and encrypted) before the database is asked for anything."""

    raw: dict[str, Any]
    messages: list[dict[str, Any]]


def rows_of(receipt: Receipt) -> Rows:
    state = InboundState.DEAD if receipt.error else InboundState.DONE
    raw = {
        "channel": receipt.channel,
        "account": receipt.account,
        "received_at": receipt.received_at,
        "content_type": receipt.content_type[:100],
        "path": receipt.path[:200],
        "body": receipt.body,
        "state": state if receipt.error or receipt.messages else InboundState.IGNORED,
        "error": receipt.error[:200],
    }
    if receipt.error:
        return Rows(raw, [_dead(receipt)])
    return Rows(raw, [_message(item, receipt) for item in receipt.messages])


def _message(item: Inbound | DeliveryReport, receipt: Receipt) -> dict[str, Any]:
    if isinstance(item, DeliveryReport):
        return _report(item, receipt)
    index = address_index(item.channel, item.address)
    return _base(item.channel, item.account, item.external_id, item.address, index, receipt) | {
        "kind": item.kind,
        # PostgreSQL stores no NUL and no half surrogate; neither carries meaning.
        "text": clean(item.text),
        "choice": clean(item.choice)[:200],
        "details": _details(item),
        "sent_at": item.sent_at,
    }


def clean(text: str) -> str:
    """``text`` without what no database stores: NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _report(item: DeliveryReport, receipt: Receipt) -> dict[str, Any]:
    index = address_index(item.channel, item.address or item.provider_id)
    identity = f"{item.provider_id}:{item.state}"
    return _base(item.channel, item.account, identity, item.address, index, receipt) | {
        "kind": Kind.DELIVERY,
        "text": "",
        "choice": item.state,
        "details": {"provider_id": item.provider_id, "error": item.error},
        "sent_at": item.at,
    }


def _dead(receipt: Receipt) -> dict[str, Any]:
    digest = hashlib.sha256(receipt.body).hexdigest()[:40]
    index = address_index(receipt.channel, "")
    row = _base(receipt.channel, receipt.account, f"raw:{digest}", "", index, receipt)
    return row | {
        "kind": Kind.OTHER,
        "text": "",
        "choice": "",
        "details": None,
        "sent_at": None,
        "state": InboundState.DEAD,
        "error": receipt.error[:200],
    }


def _base(
    channel: str, account: str, identity: str, address: str, index: bytes, receipt: Receipt
) -> dict[str, Any]:
    return {
        "channel": channel,
        "account": account[:64],
        "external_id": clean(identity)[:200],
        "address": clean(address),
        "address_index": index,
        "partition": partition_of(index),
        "received_at": receipt.received_at,
        "state": InboundState.NEW,
        "error": "",
    }


def _details(item: Inbound) -> dict[str, Any] | None:
    details: dict[str, Any] = {}
    if item.attachments:
        details["attachments"] = [
            {name: getattr(part, name) for name in Attachment.__slots__}
            for part in item.attachments
        ]
    if item.location:
        details["location"] = {"lat": item.location.lat, "lon": item.location.lon}
    if item.contact:
        details["contact"] = {"phone": item.contact.phone, "name": item.contact.name}
    if item.profile_name:
        details["profile_name"] = item.profile_name
    if item.language_hint:
        details["language_hint"] = item.language_hint
    if item.thread:
        details["thread"] = clean(item.thread)
    if item.answers:
        details["answers"] = {name: clean(value) for name, value in item.answers.items()}
    return details or None
