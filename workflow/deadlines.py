"""When an answer is due. Pure: spans, zones and holidays in, moments out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from config.profile import Span

IsHoliday = Callable[[date], bool]


def due(start: datetime, span: Span, zone: ZoneInfo, is_holiday: IsHoliday) -> datetime:
    """The moment an answer is due that was asked for at ``start``.

    Days end at local midnight, so that the whole of the told date counts; the day of receipt is
    day 0. Hours run on the clock. Working days skip weekends and ``is_holiday`` days.
    """
    if span.unit == "hours":
        return start + timedelta(hours=span.amount)
    day = start.astimezone(zone).date()
    if span.unit == "days":
        return end_of(day + timedelta(days=span.amount), zone)
    left = span.amount
    while left:
        day += timedelta(days=1)
        left -= day.isoweekday() <= 5 and not is_holiday(day)
    return end_of(day, zone)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The last second of ``day`` in ``zone``."""
    return datetime.combine(day, time(23, 59, 59), zone)
