"""Periods of reports: whole local days, and the presets that plans and laws ask for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from config.errors import HariuError

# Half-year for the World Bank, year for the petition law's public report, quarter for the ministry.
PRESETS = {"half_year": 6, "year": 12, "quarter": 3, "month": 1}


class PeriodError(HariuError):
    """A period that ends before it begins."""

    code = "period"


@dataclass(frozen=True, slots=True)
class Period:
    """Local days from ``start`` to ``last``, both included."""

    start: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.start:
            raise PeriodError("a period cannot end before it begins")

    @property
    def end(self) -> date:
        """The first day after it."""
        return self.last + timedelta(days=1)

    def moments(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its first moment and the first moment after it."""
        return _midnight(self.start, zone), _midnight(self.end, zone)

    def over(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether nothing can happen in it any more."""
        return now >= self.moments(zone)[1]

    @property
    def preset(self) -> str:
        """The preset it is, or ""."""
        return next((name for name in PRESETS if preset(name, self.start) == self), "")


def preset(name: str, day: date) -> Period:
    """The calendar's ``name`` (a key of `PRESETS`) that holds ``day``."""
    months = PRESETS[name]
    start = day.replace(month=(day.month - 1) // months * months + 1, day=1)
    return Period(start, _months_on(start, months) - timedelta(days=1))


def before(name: str, day: date) -> Period:
    """The last ``name`` that was over before ``day``."""
    return preset(name, preset(name, day).start - timedelta(days=1))


def _months_on(first: date, months: int) -> date:
    years, month = divmod(first.month - 1 + months, 12)
    return first.replace(year=first.year + years, month=month + 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
