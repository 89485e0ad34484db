"""The clock of a grievance computed from its trail alone. Pure.

What a row of the desk says can be checked against it at any time (`hariu verify` does).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from config.profile import Span
from workflow.deadlines import IsHoliday, Pause, Terms


class Event(Protocol):
    """One event of a trail, as `store.grievances.events` gives it."""

    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def payload(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class StageRun:
    """One stage, or one run of it after reopening: from when, until when (None: it still runs)."""

    stage: int
    began: datetime
    ended: datetime | None = None


@dataclass(slots=True)
class Reckoning:
    """What a trail says of the clock."""

    terms: Terms | None = None
    due_at: datetime | None = None
    paused_at: datetime | None = None
    closed_at: datetime | None = None
    stages: list[StageRun] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    complete: bool = True

    @property
    def stage(self) -> int | None:
        """The present stage."""
        return self.stages[-1].stage if self.stages else None

    def elapsed(self, now: datetime) -> timedelta:
        """How long it was with us: first start to end or now, without pauses and times closed."""
        runs = [(run.began, run.ended or now) for run in self.stages]
        held = [*self.pauses, *([(self.paused_at, now)] if self.paused_at else [])]
        total = sum((b - a for a, b in runs), timedelta())
        return total - sum((b - a for a, b in held), timedelta())


def reckon(events: Iterable[Event], is_holiday: IsHoliday) -> Reckoning:
    """Walk a trail; ``complete`` is False where facts the clock needs were erased."""
    found = Reckoning()
    for event in events:
        if event.payload is None:
            found.complete = found.complete and event.kind not in _CLOCK
            continue
        if event.kind in _CLOCK:
            _take(found, event, is_holiday)
    return found


_STARTS = {"registered", "reopened", "appealed", "escalated", "court_recorded"}
_CLOCK = _STARTS | {
    "extended", "delayed", "paused", "resumed", "closed", "withdrawn", "classified", "screened",
    "sealed", "unsealed",
}  # fmt: skip


def _take(found: Reckoning, event: Event, is_holiday: IsHoliday) -> None:
    kept = event.payload
    if event.kind in _STARTS:
        _begin(found, event)
    elif event.kind == "sealed" and "terms" in kept:  # what was before may be erased
        found.terms, found.complete = Terms.from_json(kept["terms"]), True
        found.stages = found.stages or [StageRun(kept["stage"], found.terms.start)]
        _turn_stage(found, kept["stage"])
    elif found.terms is None:
        found.complete = False
        return
    elif "terms" in kept:  # kind, category or place became known: other terms, the same run
        new = Terms.from_json(kept["terms"])
        found.terms = replace(found.terms, start=new.start, span=new.span, zone=new.zone)
        _turn_stage(found, kept["stage"])
    elif event.kind in {"extended", "delayed"}:
        added = Span(amount=kept["hours"], unit="hours") if kept.get("hours") else None
        span = added or Span(amount=kept["days"])
        found.terms = replace(found.terms, added=(*found.terms.added, span))
    elif event.kind == "paused":
        found.paused_at = event.at
    elif event.kind in {"resumed", "closed", "withdrawn"}:
        _end_pause(found, event.at)
    if event.kind in {"closed", "withdrawn"}:
        found.closed_at = datetime.fromisoformat(kept["at"]) if kept.get("at") else event.at
        _end_stage(found, found.closed_at)
    found.due_at = found.terms.due(is_holiday) if found.terms else None


def _begin(found: Reckoning, event: Event) -> None:
    kept = event.payload
    if "terms" not in kept:
        found.complete = False
        return
    found.terms, court = Terms.from_json(kept["terms"]), event.kind == "court_recorded"
    if found.paused_at is not None:
        found.pauses.append((found.paused_at, event.at))
    found.paused_at = None
    _end_stage(found, event.at)
    if not (court and found.closed_at):
        found.closed_at = None
        found.stages.append(StageRun(kept["stage"], found.terms.start))


def _turn_stage(found: Reckoning, stage: int) -> None:
    found.stages[-1] = replace(found.stages[-1], stage=stage)


def _end_stage(found: Reckoning, at: datetime) -> None:
    if found.stages and found.stages[-1].ended is None:
        found.stages[-1] = replace(found.stages[-1], ended=at)


def _end_pause(found: Reckoning, at: datetime) -> None:
    if found.paused_at is None or found.terms is None:
        return
    pause = (found.paused_at, at)
    found.terms = replace(found.terms, pauses=(*found.terms.pauses, pause))
    found.pauses.append(pause)
    found.paused_at = None
