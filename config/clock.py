"""What time it is, and which days are holidays: the only place that asks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache

import holidays


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


@cache
def _mongolia(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("MN", years=year))


def is_holiday(day: date) -> bool:
    """Whether ``day`` is a public holiday of Mongolia, Tsagaan Sar and Naadam included."""
    return day in _mongolia(day.year)
