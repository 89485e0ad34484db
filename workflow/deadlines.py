"""When an answer is due. Pure: spans, zones, holidays and pauses in, moments out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from config.profile import Span

IsHoliday = Callable[[date], bool]
Pause = tuple[datetime, datetime]


def due(
    start: datetime,
    span: Span,
    zone: ZoneInfo,
    is_holiday: IsHoliday,
    pauses: Iterable[Pause] = (),
) -> datetime:
    """The moment an answer is due that was asked for at ``start``.

    Days end at local midnight, so that the whole of the told date counts; the day of receipt is
    day 0. Hours run on the clock. Working days skip weekends and ``is_holiday`` days. A pause adds
    what it took: its hours, or the days (working days) from the one it began on to the one it
    ended on.
    """
    if span.unit == "hours":
        return start + timedelta(hours=span.amount) + sum((b - a for a, b in pauses), timedelta())
    days = [(a.astimezone(zone).date(), b.astimezone(zone).date()) for a, b in pauses]
    day = start.astimezone(zone).date()
    if span.unit == "days":
        paused = sum((b - a).days for a, b in days)
        return end_of(day + timedelta(days=span.amount + paused), zone)
    paused = sum(working_days(a, b, is_holiday) for a, b in days)
    return end_of(_nth_working_day(day, span.amount + paused, is_holiday), zone)


def later(moment: datetime, span: Span, zone: ZoneInfo) -> datetime:
    """``moment`` moved on by ``span``: hours on the clock, days to the end of that day."""
    if span.unit == "hours":
        return moment + timedelta(hours=span.amount)
    return end_of(moment.astimezone(zone).date() + timedelta(days=span.amount), zone)


def working_days(after: date, until: date, is_holiday: IsHoliday) -> int:
    """How many working days lie after ``after`` up to and with ``until``."""
    days = (after + timedelta(days=n) for n in range(1, (until - after).days + 1))
    return sum(_works(day, is_holiday) for day in days)


def _works(day: date, is_holiday: IsHoliday) -> bool:
    return day.isoweekday() <= 5 and not is_holiday(day)


def _nth_working_day(day: date, left: int, is_holiday: IsHoliday) -> date:
    while left:
        day += timedelta(days=1)
        left -= _works(day, is_holiday)
    return day


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The last second of ``day`` in ``zone``."""
    return datetime.combine(day, time(23, 59, 59), zone)


@dataclass(frozen=True, slots=True)
class Terms:
    """One run of the clock: from ``start`` for ``span``, with what was added and paused since.

    ``span`` None has no term (courts). ``added`` are extensions, in the order they were given.
    """

    start: datetime
    span: Span | None
    zone: str
    added: tuple[Span, ...] = ()
    pauses: tuple[Pause, ...] = ()

    def due(self, is_holiday: IsHoliday) -> datetime | None:
        """When the answer is due under these terms."""
        if self.span is None:
            return None
        zone = ZoneInfo(self.zone)
        found = due(self.start, self.span, zone, is_holiday, self.pauses)
        for span in self.added:
            found = later(found, span, zone)
        return found

    def to_json(self) -> dict[str, Any]:
        """As the grievance's row and its trail keep it."""
        return {
            "start": self.start.isoformat(),
            "span": _pair(self.span) if self.span else None,
            "zone": self.zone,
            "added": [_pair(span) for span in self.added],
            "pauses": [[a.isoformat(), b.isoformat()] for a, b in self.pauses],
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Terms:
        """The terms that `to_json` wrote."""
        moment = datetime.fromisoformat
        return cls(
            moment(kept["start"]),
            _span(kept["span"]) if kept["span"] else None,
            kept["zone"],
            tuple(_span(pair) for pair in kept.get("added", ())),
            tuple((moment(a), moment(b)) for a, b in kept.get("pauses", ())),
        )


def _pair(span: Span) -> list[int | str]:
    return [span.amount, span.unit]


def _span(pair: list[Any]) -> Span:
    return Span(amount=pair[0], unit=pair[1])
