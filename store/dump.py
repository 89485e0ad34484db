"""Rows as JSON objects, for ``hariu dump`` and whoever checks Hariu from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select

from store.db import Transaction
from store.schema import access_log, address, case_event, grievance, inbox, officer, outbox

PAGE = 1000


def access(tx: Transaction, what: str, reason: str, at: datetime, actor: str = "system") -> None:
    """Log that rows left the house, who took them, and why."""
    row = {"at": at, "actor": actor, "action": f"dump {what}", "reason": reason[:500]}
    tx.execute(access_log.insert(), [row])


def rows(
    tx: Transaction, what: str, since: datetime | None, *, sensitive: bool
) -> Iterator[dict[str, Any]]:
    """The rows of ``what`` (a key of `TABLES`) from ``since`` on, in order of id, page by page."""
    query, shape, moment, key = TABLES[what]
    if since is not None:
        query = query.where(moment >= since)
    if not sensitive:
        query = query.where(or_(grievance.c.sensitive.is_(None), grievance.c.sensitive == ""))
    last = 0
    while page := tx.execute(query.where(key > last).order_by(key).limit(PAGE)).all():
        yield from (shape(row) for row in page)
        last = page[-1].row_id


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _inbox(row: Any) -> dict[str, Any]:
    details = row.details or {}
    shown = ("kind", "content_type", "size", "name", "url")
    return {
        "id": row.row_id,
        "channel": row.channel,
        "account": row.account,
        "external_id": row.external_id,
        "address": row.address,
        "kind": row.kind,
        "text": row.text or details.get("text", ""),
        "choice": row.choice,
        "attachments": [
            {name: part[name] for name in shown} for part in details.get("attachments", ())
        ],
        "location": details.get("location"),
        "contact": details.get("contact"),
        "sent_at": _time(row.sent_at),
        "received_at": _time(row.received_at),
        "state": row.state,
        "error": row.error,
    }


def _outbox(row: Any) -> dict[str, Any]:
    return {
        "id": row.row_id,
        "channel": row.channel,
        "address": row.value,
        "template": row.template,
        "language": row.language,
        "text": row.text,
        "parts": row.parts,
        "state": row.state,
        "provider_id": row.provider_id,
        "attempts": row.attempts,
        "error": row.error,
        "created_at": _time(row.created_at),
        "sent_at": _time(row.sent_at),
        "delivered_at": _time(row.delivered_at),
        "grievance": row.reference,
    }


def _grievance(row: Any) -> dict[str, Any]:
    plain = (
        "reference", "kind", "status", "stage", "outcome", "language", "channel", "anonymous",
    )  # fmt: skip
    return {name: getattr(row, name) for name in plain} | {
        "sensitive": bool(row.sensitive),
        "category": row.category,
        "place": row.place,
        "received_at": _time(row.received_at),
        "registered_at": _time(row.registered_at),
        "acknowledged_at": _time(row.acknowledged_at),
        "due_at": _time(row.due_at),
        "assignee": row.assignee,
        "closed_at": _time(row.closed_at),
    }


def _event(row: Any) -> dict[str, Any]:
    return {
        "id": row.row_id,
        "grievance": row.reference,
        "seq": row.seq,
        "kind": row.kind,
        "at": _time(row.at),
        "actor": row.actor,
        "payload": row.payload,
        "hash": row.hash.hex(),
    }


_INBOX = select(inbox, inbox.c.id.label("row_id")).outerjoin(
    grievance, grievance.c.id == inbox.c.grievance_id
)
_OUTBOX = (
    select(outbox, outbox.c.id.label("row_id"), address.c.value, grievance.c.reference)
    .join(address, address.c.id == outbox.c.address_id)
    .outerjoin(grievance, grievance.c.id == outbox.c.grievance_id)
)
_GRIEVANCES = select(
    grievance, grievance.c.id.label("row_id"), officer.c.login.label("assignee")
).outerjoin(officer, officer.c.id == grievance.c.assignee_id)
_EVENTS = select(case_event, case_event.c.id.label("row_id"), grievance.c.reference).join(
    grievance, grievance.c.id == case_event.c.grievance_id
)

Shape = Callable[[Any], dict[str, Any]]
TABLES: dict[str, tuple[Select[Any], Shape, Any, Any]] = {
    "inbox": (_INBOX, _inbox, inbox.c.received_at, inbox.c.id),
    "outbox": (_OUTBOX, _outbox, outbox.c.created_at, outbox.c.id),
    "grievances": (_GRIEVANCES, _grievance, grievance.c.registered_at, grievance.c.id),
    "events": (_EVENTS, _event, case_event.c.at, case_event.c.id),
}
