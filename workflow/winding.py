"""What each row of the table does to a grievance's clock. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from config.clock import is_holiday
from config.profile import Profile, Span
from store.case import Case
from workflow.deadlines import IsHoliday, Terms
from workflow.states import Clock, Transition

COURTS = 4


def zone(case: Case, project: Profile) -> ZoneInfo:
    """The local time the complainant reads dates in: that of the place it is about."""
    return _zone(project.zone_of(case.place))


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def days_off(project: Profile) -> IsHoliday:
    """Public holidays of Mongolia and the project's own extra days."""

    def is_free(day: date) -> bool:
        return day in project.extra_holidays or is_holiday(day)

    return is_free


def terms(case: Case) -> Terms | None:
    """The present run of the clock; None for a row older than such terms."""
    return Terms.from_json(case.clock["terms"]) if "terms" in case.clock else None


def _older(case: Case, project: Profile) -> Terms | None:
    """Terms that lead to the date a row has which was written before terms were kept."""
    if case.due_at is None:
        return None
    hour = Span(amount=1, unit="hours")
    return Terms(case.due_at - timedelta(hours=1), hour, project.zone_of(case.place))


def start(case: Case, at: datetime, project: Profile) -> None:
    """Start the clock of the present stage anew."""
    case.outcome = case.closed_at = case.paused_at = case.decided_at = None
    case.clock = {}
    span = project.span(case.stage, case.category, case.kind, sensitive=bool(case.sensitive))
    _set(case, Terms(at, span, project.zone_of(case.place)), project)


def _set(case: Case, found: Terms, project: Profile) -> None:
    case.clock = {**case.clock, "terms": found.to_json()}
    case.due_at = found.due(days_off(project))


def reclassified(case: Case, now: datetime, project: Profile, *, sealed: bool = False) -> bool:
    """Fit the clock to what is known by now of kind, category, place; whether it changed.

    A place with a local resolver takes a grievance there that nobody has taken up yet. One that
    is ``sealed`` now has the sensitive lane's time from now on.
    """
    before = terms(case)
    if before is None or not case.is_open:
        return False
    if case.stage <= project.start_stage and case.status in {"registered", "acknowledged"}:
        case.stage = project.first_stage(case.place)
    span = project.span(case.stage, case.category, case.kind, sensitive=bool(case.sensitive))
    zone_name = project.zone_of(case.place)
    after = Terms(now, span, zone_name) if sealed else replace(before, span=span, zone=zone_name)
    if after == before:
        return False
    _set(case, after, project)
    return True


def last_day(case: Case, project: Profile) -> date | None:
    """The day by which an answer is promised, as the complainant reads it."""
    return case.due_at.astimezone(zone(case, project)).date() if case.due_at else None


def is_later(case: Case, promised: date | None, project: Profile) -> bool:
    """Whether the answer is due on a later day than was ``promised``."""
    day = last_day(case, project)
    return day is not None and promised is not None and day > promised


def wind(
    case: Case, row: Transition, values: Mapping[str, Any], now: datetime, project: Profile
) -> None:
    """Move the clock of ``case`` as ``row`` says."""
    if row.clock is Clock.STOP:
        _end_pause(case, now, project)
        case.closed_at = values.get("at") or now  # imported history has a date of its own
        case.outcome = str(values.get("outcome") or "withdrawn")
    elif row.clock in {Clock.START, Clock.NEXT_STAGE}:
        if row.clock is Clock.NEXT_STAGE:
            following = project.next_stage(case.stage)
            case.stage = following.number if following else case.stage
        start(case, now, project)
    elif row.clock is Clock.COURTS:
        case.stage, case.due_at, case.paused_at = COURTS, None, None
        case.clock = {"terms": Terms(now, None, project.zone_of(case.place)).to_json()}
    elif row.clock is Clock.EXTEND:
        _extend(case, row.command, _added(values), project)
    elif row.clock is Clock.PAUSE:
        case.paused_at = now
    elif row.clock is Clock.RESUME:
        _end_pause(case, now, project)


def _added(values: Mapping[str, Any]) -> Span:
    """Hours where the clock gave some, else the officer's days."""
    if hours := int(values.get("hours") or 0):
        return Span(amount=hours, unit="hours")
    return Span(amount=int(values["days"]))


def _extend(case: Case, command: str, span: Span, project: Profile) -> None:
    name = "delayed" if command == "delay" else "extended"
    case.clock = {**case.clock, name: case.clock.get(name, 0) + 1}
    if found := terms(case) or _older(case, project):
        _set(case, replace(found, added=(*found.added, span)), project)


def _end_pause(case: Case, now: datetime, project: Profile) -> None:
    if case.paused_at is None:
        return
    if found := terms(case) or _older(case, project):
        _set(case, replace(found, pauses=(*found.pauses, (case.paused_at, now))), project)
    case.paused_at = None


def for_trail(case: Case, row: Transition) -> dict[str, Any]:
    """What the trail keeps of the clock, so that every date can be computed from it again."""
    kept: dict[str, Any] = {"due_at": case.due_at.isoformat() if case.due_at else None}
    if row.clock in {Clock.START, Clock.NEXT_STAGE, Clock.COURTS, Clock.KEEP}:
        kept |= {"stage": case.stage}
        if found := case.clock.get("terms"):
            kept["terms"] = {name: found[name] for name in ("start", "span", "zone")}
    return kept
