"""What other systems are told of a grievance: codes and dates, no words, people or numbers. Pure.

The form is that of https://www.standardwebhooks.com: ``{type, timestamp, data}``.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from config.profile import Profile
from config.settings import LOOPBACK
from store.case import Case


class Event(StrEnum):
    """What may be told; each hook chooses."""

    REGISTERED = "grievance.registered"
    ACKNOWLEDGED = "grievance.acknowledged"
    CLASSIFIED = "grievance.classified"
    STATUS_CHANGED = "grievance.status_changed"
    DEADLINE_CHANGED = "grievance.deadline_changed"
    OVERDUE = "grievance.overdue"
    CLOSED = "grievance.closed"
    REOPENED = "grievance.reopened"
    APPEALED = "grievance.appealed"
    ESCALATED = "grievance.escalated"


# By the kind of the case_event; the clock writes "overdue" of a deadline that has passed.
EVENTS = {
    "registered": Event.REGISTERED, "acknowledged": Event.ACKNOWLEDGED,
    "classified": Event.CLASSIFIED, "screened": Event.STATUS_CHANGED,
    "assigned": Event.STATUS_CHANGED, "unassigned": Event.STATUS_CHANGED,
    "investigated": Event.STATUS_CHANGED,
    "redress_proposed": Event.STATUS_CHANGED, "extended": Event.DEADLINE_CHANGED,
    "delayed": Event.DEADLINE_CHANGED, "paused": Event.DEADLINE_CHANGED,
    "resumed": Event.DEADLINE_CHANGED, "overdue": Event.OVERDUE, "closed": Event.CLOSED,
    "withdrawn": Event.CLOSED, "erased": Event.CLOSED, "reopened": Event.REOPENED,
    "appealed": Event.APPEALED, "escalated": Event.ESCALATED, "court_recorded": Event.ESCALATED,
}  # fmt: skip
# Told only where the grievance moved: not of a second assignee, nor of erasing a closed one.
_MOVES = {Event.STATUS_CHANGED, Event.CLOSED}


class News:
    """What one transaction has to tell. ``wanted`` is asked once, when there is something.

    ``calls`` are one a hook; the body is what is sent, byte by byte, at every try.
    """

    def __init__(
        self, wanted: Callable[[], Mapping[int, frozenset[str]]], at: datetime, project: Profile
    ) -> None:
        self.calls: list[dict[str, Any]] = []
        self._wanted, self._at, self._project = wanted, at, project
        self._hooks: Mapping[int, frozenset[str]] | None = None

    def add(self, case: Case, kind: str, *, moved: bool = True) -> None:
        """Tell what has just happened, unless the matter is sensitive or of the demonstration."""
        event = EVENTS.get(kind)
        if event is None or (event in _MOVES and not moved) or case.sensitive:
            return
        if self._hooks is None:
            self._hooks = self._wanted()
        hooks = [hook for hook, events in self._hooks.items() if event in events]
        if hooks and self._may_be_told(case):
            words = body(event, self._at, told(case))
            call = {"grievance_id": case.id, "event": str(event), "body": words}
            self.calls += [{"hook_id": hook, **call} for hook in hooks]

    def _may_be_told(self, case: Case) -> bool:
        category = self._project.category(case.category)
        return not (case.facts.get("demo") or (category and category.sensitive))


def told(case: Case) -> dict[str, str | int | None]:
    """What is said of a grievance, as it is now; its place no finer than the soum."""
    return {
        "reference": case.reference,
        "status": case.status,
        "stage": case.stage,
        "outcome": case.outcome,
        "kind": case.kind,
        "category": case.category,
        "place": "/".join(case.place.split("/")[:2]) if case.place else None,
        "channel": case.channel,
        "language": case.language,
        "received_at": _iso(case.received_at),
        "registered_at": _iso(case.registered_at),
        "due_at": _iso(case.due_at),
        "closed_at": _iso(case.closed_at),
    }


def body(event: str, at: datetime, data: Mapping[str, object]) -> str:
    """The JSON text that is sent and signed."""
    whole = {"type": event, "timestamp": _iso(at), "data": data}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def headers(key: str, at: datetime, text: str, secrets: Iterable[str]) -> dict[str, str]:
    """The three headers of the specification; every secret signs ``id.timestamp.body``.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    stamp = str(int(at.timestamp()))
    signed = f"{key}.{stamp}.{text}".encode()
    keys = (base64.b64decode(secret.partition("_")[2]) for secret in secrets)
    signatures = (base64.b64encode(hmac.digest(each, signed, "sha256")).decode() for each in keys)
    return {
        "webhook-id": key,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
    }


def fault(url: str, *, sandbox: bool) -> str:
    """Why ``url`` cannot be called ("scheme" or "form"), or ""."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "form"
    if not host or "@" in parts.netloc or parts.fragment or not url.isprintable() or " " in url:
        return "form"
    plain = parts.scheme == "http" and sandbox and host in LOOPBACK
    return "" if parts.scheme == "https" or plain else "scheme"


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
