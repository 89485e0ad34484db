"""What time it is, and which days are holidays: the only place that asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache

import holidays

from config.profile import Profile


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


@cache
def _mongolia(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("MN", years=year))


_extra: frozenset[date] = frozenset()


def set_extra_holidays(days: Iterable[date]) -> None:
    """The free days that the office itself named; they replace those named before."""
    global _extra
    _extra = frozenset(days)


def is_holiday(day: date) -> bool:
    """Whether ``day`` is free: Mongolia's public holidays, Tsagaan Sar and Naadam, the office's."""
    return day in _mongolia(day.year) or day in _extra


def in_hours(moment: datetime, profile: Profile) -> bool:
    """Whether somebody sits in the office at ``moment``."""
    local, hours = moment.astimezone(profile.timezone), profile.hours
    if is_holiday(local.date()) or local.date() in profile.extra_holidays:
        return False
    return local.isoweekday() in hours.days and hours.opens <= local.time() < hours.closes


def hours_text(profile: Profile) -> str:
    """Office hours as people read them: 9:00-18:00."""
    opens, closes = profile.hours.opens, profile.hours.closes
    return f"{opens.hour}:{opens:%M}-{closes.hour}:{closes:%M}"
