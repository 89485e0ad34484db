"""Dates: properties over many years, and days known from the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.clock import is_holiday
from config.profile import Span
from workflow.deadlines import Pause, Terms, due, working_days

UB, HOVD = ZoneInfo("Asia/Ulaanbaatar"), ZoneInfo("Asia/Hovd")
ZONES = st.sampled_from((UB, HOVD))
MOMENTS = st.integers(0, 12 * 366 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
AMOUNTS = st.integers(1, 120)


def off(day: date) -> bool:
    """An officer's extra day beside the public ones: Nauryz."""
    return (day.month, day.day) == (3, 22) or is_holiday(day)


def local(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def slow_working_due(start: date, amount: int) -> date:
    """The day by counting on the fingers."""
    day, left = start, amount
    while left > 0:
        day = day + timedelta(days=1)
        if day.weekday() < 5 and not off(day):
            left -= 1
    return day


@settings(deadline=None)
@given(MOMENTS, AMOUNTS, ZONES)
def test_calendar_days_end_at_local_midnight(start: datetime, amount: int, zone: ZoneInfo) -> None:
    found = due(start, Span(amount=amount), zone, off)
    assert (local(found, zone) - local(start, zone)).days == amount
    assert found.astimezone(zone).strftime("%H:%M:%S") == "23:59:59"
    assert found > start + timedelta(days=amount - 1)


@settings(deadline=None)
@given(MOMENTS, AMOUNTS, ZONES)
def test_working_days_skip_what_nobody_works_on(
    start: datetime, amount: int, zone: ZoneInfo
) -> None:
    found = due(start, Span(amount=amount, unit="working_days"), zone, off)
    day = local(found, zone)
    assert day == slow_working_due(local(start, zone), amount)
    assert day.weekday() < 5
    assert not off(day)
    assert working_days(local(start, zone), day, off) == amount


@settings(deadline=None)
@given(MOMENTS, AMOUNTS)
def test_hours_run_on_the_clock(start: datetime, amount: int) -> None:
    span = Span(amount=amount, unit="hours")
    assert due(start, span, UB, off) == due(start, span, HOVD, off)
    assert due(start, span, UB, off) - start == timedelta(hours=amount)


PAUSES = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(0, 2000)), max_size=4
)  # hours after the pause before, hours long


def paused(start: datetime, drawn: list[tuple[int, int]]) -> list[Pause]:
    found, at = [], start
    for wait, length in drawn:
        begin = at + timedelta(hours=wait)
        at = begin + timedelta(hours=length)
        found.append((begin, at))
    return found


@settings(max_examples=60, deadline=None)
@given(MOMENTS, AMOUNTS, ZONES, PAUSES, st.sampled_from(("days", "working_days", "hours")))
def test_a_pause_adds_what_it_took_and_never_takes_away(
    start: datetime, amount: int, zone: ZoneInfo, drawn: list[tuple[int, int]], unit: str
) -> None:
    pauses, span = paused(start, drawn), Span(amount=amount, unit=unit)  # type: ignore[arg-type]
    without, found = due(start, span, zone, off), due(start, span, zone, off, pauses)
    assert found >= without
    assert due(start, span, zone, off, [*reversed(pauses)]) == found
    if unit == "hours":
        assert found - without == sum((b - a for a, b in pauses), timedelta())
    elif unit == "days":
        days = sum((local(b, zone) - local(a, zone)).days for a, b in pauses)
        assert (local(found, zone) - local(without, zone)).days == days
    else:
        lost = sum(working_days(local(a, zone), local(b, zone), off) for a, b in pauses)
        assert working_days(local(start, zone), local(found, zone), off) == amount + lost


@settings(max_examples=60, deadline=None)
@given(MOMENTS, AMOUNTS, PAUSES, st.integers(1, 30), st.sampled_from(("days", "hours")))
def test_terms_survive_being_kept_and_extensions_move_the_day(
    start: datetime, amount: int, drawn: list[tuple[int, int]], days: int, unit: str
) -> None:
    span = Span(amount=amount, unit=unit)  # type: ignore[arg-type]
    plain = Terms(start, span, "Asia/Hovd", (), tuple(paused(start, drawn)))
    longer = Terms(start, span, "Asia/Hovd", (Span(amount=days),), plain.pauses)
    assert Terms.from_json(longer.to_json()) == longer
    before, after = plain.due(off), longer.due(off)
    assert before is not None and after is not None  # noqa: PT018
    assert (local(after, HOVD) - local(before, HOVD)).days == days


@pytest.mark.parametrize(
    ("start", "span", "expected"),
    [
        # 2026: Tsagaan Sar 18 to 20 February, Wednesday to Friday.
        ("2026-02-17T03:00+00:00", Span(amount=1, unit="working_days"), "2026-02-23"),
        ("2026-02-17T03:00+00:00", Span(amount=3), "2026-02-20"),  # calendar days run on
        # Naadam 2026: 10 to 15 July, Friday to Wednesday.
        ("2026-07-09T03:00+00:00", Span(amount=1, unit="working_days"), "2026-07-16"),
        # Year end: 29 December and 1 January are days off.
        ("2026-12-28T03:00+00:00", Span(amount=3, unit="working_days"), "2027-01-04"),
        ("2026-12-31T17:00+00:00", Span(amount=30), "2027-01-31"),  # already the new year here
        # 2028 has a 29 February, and Tsagaan Sar from Saturday the 26th to Monday.
        ("2028-02-25T03:00+00:00", Span(amount=1, unit="working_days"), "2028-02-29"),
        ("2026-03-20T03:00+00:00", Span(amount=1, unit="working_days"), "2026-03-23"),
    ],
)
def test_days_known_from_the_calendar(start: str, span: Span, expected: str) -> None:
    found = due(datetime.fromisoformat(start), span, UB, off)
    assert local(found, UB).isoformat() == expected


def test_the_west_has_an_hour_more() -> None:
    start = datetime(2026, 3, 5, 16, 30, tzinfo=UTC)  # the 6th in the capital, still the 5th there
    assert local(due(start, Span(amount=30), UB, off), UB) == date(2026, 4, 5)
    assert local(due(start, Span(amount=30), HOVD, off), HOVD) == date(2026, 4, 4)
