"""A grievance as it stood at a moment of the past, replayed from its trail. Pure.

Whatever happened afterwards does not count: later events only tell which values of the row were
not there yet. A value that was never in the trail is the row's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from store.case import Case

ENDS = frozenset({"closed", "withdrawn"})
NEXT = frozenset({"appealed", "escalated", "court_recorded"})
_PLAIN = frozenset({"kind", "category", "place", "language", "channel"})
_FACTS = frozenset({"group", "gender", "rating"})
_COUNTED = _PLAIN | {"group", "gender"}
_TURNS = frozenset({"sealed", "unsealed"})
LAST_STAGE = 4


class Event(Protocol):
    """What is needed of an event of the trail."""

    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def payload(self) -> Any: ...


@dataclass(slots=True)
class Standing:
    """How a grievance stood; ``times`` holds when it was appealed, escalated, reopened, rated."""

    received_at: datetime
    stage: int
    sealed: bool
    due_at: datetime | None = None
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    times: list[tuple[str, datetime]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def in_time(self) -> bool | None:
        """Whether it was closed by the time it had then; None where it had none."""
        if self.closed_at is None or self.due_at is None:
            return None
        return self.closed_at <= self.due_at

    def happened(self, what: str, begins: datetime, ends: datetime) -> bool:
        """Whether ``what`` happened to it from ``begins`` until before ``ends``."""
        return any(name == what and begins <= at < ends for name, at in self.times)


def replay(row: Any, events: Sequence[Event], end: datetime, start_stage: int) -> Standing:
    """How the grievance of ``row`` stood just before ``end``, by ``events`` in their order."""
    found = Standing(row.received_at, start_stage, _born_sealed(row, events))
    later = []
    for event in events:
        kept: Mapping[str, Any] = event.payload or {}
        if _when(event, kept, row) < end:
            _take(found, event, kept, row)
        else:
            later.append(kept)
    _fill(found, row, events, later)
    return found


def _when(event: Event, kept: Mapping[str, Any], row: Any) -> datetime:
    """When it happened: what was entered later, from paper, has a moment of its own."""
    if event.kind == "registered":
        entered: datetime = row.received_at
        return min(event.at, entered)
    return _moment(kept.get("at")) or event.at


def _born_sealed(row: Any, events: Iterable[Event]) -> bool:
    """Before the first sealing or unsealing it was the other way round."""
    for event in events:
        if event.kind in _TURNS:
            return event.kind == "unsealed"
    return bool(row.sensitive)


def _take(found: Standing, event: Event, kept: Mapping[str, Any], row: Any) -> None:
    kind = event.kind
    if kept:
        _learn(found, event, kept)
    if kind in NEXT and not kept.get("stage"):
        found.stage = min(found.stage + 1, LAST_STAGE)
    if kind == "acknowledged" and found.acknowledged_at is None:
        found.acknowledged_at = _moment(kept.get("at")) or event.at
    elif kind in _TURNS:
        found.sealed = kind == "sealed"
    elif kind in ENDS or (kind == "erased" and found.is_open):
        _end(found, event, kept, row)
    elif kind in NEXT or kind == "reopened":
        found.closed_at, found.outcome = None, ""
        found.times.append((kind, event.at))


def _learn(found: Standing, event: Event, kept: Mapping[str, Any]) -> None:
    """What became known; most events of most trails say little."""
    if kept.get("stage"):
        found.stage = int(kept["stage"])
    if "due_at" in kept:
        found.due_at = _moment(kept["due_at"])
    for name in kept.keys() & _PLAIN:
        found.values[name] = kept[name]
    if facts := kept.get("facts"):
        for name in facts.keys() & _FACTS:
            found.values[name] = facts[name]
        if "rating" in facts:
            found.times.append(("rated", event.at))


def _end(found: Standing, event: Event, kept: Mapping[str, Any], row: Any) -> None:
    found.closed_at = _moment(kept.get("at")) or event.at
    by_person = "" if event.kind == "closed" else "withdrawn"
    erased = row.outcome if event.payload is None and row.closed_at == event.at else ""
    found.outcome = kept.get("outcome") or by_person or erased or "resolved"


def _fill(
    found: Standing, row: Any, events: Sequence[Event], later: Sequence[Mapping[str, Any]]
) -> None:
    """What the trail never said is the row's; what it said only later was not known then."""
    told_later: set[str] = set()
    for kept in later:
        told_later |= kept.keys() | (kept.get("facts") or {}).keys()
    if missing := _COUNTED - found.values.keys() - told_later:
        own = {name: getattr(row, name) for name in _PLAIN} | dict(row.facts or {})
        found.values |= {name: own.get(name) for name in missing}
    if found.due_at is None and not any("due_at" in (e.payload or {}) for e in events):
        found.due_at = row.due_at


def _moment(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None


def counted(case: Case) -> dict[str, Any]:
    """What figures count a new grievance by; in the trail, because later acts may change it."""
    plain = {name: getattr(case, name) for name in ("category", "place", "language")}
    facts = {name: case.facts[name] for name in ("group", "gender") if name in case.facts}
    kept = {name: value for name, value in plain.items() if value}
    return kept | ({"facts": facts} if facts else {})
