"""What each row of the table does to a grievance's clock. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from config.clock import is_holiday
from config.profile import Profile
from store.case import Case
from workflow import deadlines
from workflow.states import Clock, Transition


def zone(case: Case, project: Profile) -> ZoneInfo:
    """The local time the complainant reads dates in."""
    return project.timezone


def first_due(case: Case, start: datetime, project: Profile) -> datetime | None:
    """When the answer of the present stage is due, asked for at ``start``; None: no term."""
    span = project.span(case.stage, case.category, case.kind)
    if span is None:
        return None

    def is_free(day: date) -> bool:
        return day in project.extra_holidays or is_holiday(day)

    return deadlines.due(start, span, zone(case, project), is_free)


def wind(
    case: Case, row: Transition, values: Mapping[str, Any], now: datetime, project: Profile
) -> None:
    """Move the clock of ``case`` as ``row`` says."""
    if row.clock is Clock.STOP:
        case.closed_at = now
        case.outcome = str(values.get("outcome") or "withdrawn")
    elif row.clock in {Clock.START, Clock.NEXT_STAGE}:
        if row.clock is Clock.NEXT_STAGE:
            later = project.next_stage(case.stage)
            case.stage = later.number if later else case.stage
        case.outcome = case.closed_at = case.paused_at = None
        case.due_at = first_due(case, now, project)
    elif row.clock is Clock.EXTEND and case.due_at:
        local = zone(case, project)
        day = case.due_at.astimezone(local).date() + timedelta(days=int(values["days"]))
        case.due_at = deadlines.end_of(day, local)
    elif row.clock is Clock.PAUSE:
        case.paused_at = now
    elif row.clock is Clock.RESUME and case.paused_at and case.due_at:
        case.due_at += now - case.paused_at
        case.paused_at = None
