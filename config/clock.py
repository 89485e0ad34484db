"""What time it is, and which days are holidays: the only place that asks."""

from __future__ import annotations

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


def is_holiday(day: date) -> bool:
    """Whether ``day`` is a public holiday of Mongolia, Tsagaan Sar and Naadam included."""
    return day in _mongolia(day.year)


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
