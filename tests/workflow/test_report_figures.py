"""What was disclosed is remembered, and what comes after it is suppressed with it in mind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select

from store.db import reading
from store.schema import report_issue
from tests.workflow import village
from workflow.period import Period, preset
from workflow.report_figures import disclose, known
from workflow.suppression import Release

NOW = datetime(2026, 8, 1, 4, tzinfo=UTC)
QUARTERS = [preset("quarter", date(2026, 1, 1)), preset("quarter", date(2026, 4, 1))]
HALF = preset("half_year", date(2026, 1, 1))


def populate() -> None:
    """Three requests in the first quarter, ten in the second; complaints enough in both."""
    village.channels_known()
    for month, requests in ((2, 3), (5, 10)):
        for number in range(22):
            at = datetime(2026, month, 1 + number % 28, number, tzinfo=UTC)
            kind = "request" if number < requests else "complaint"
            village.arrive(at, f"{month} {number}", kind=kind)


def kinds(shown: Release) -> dict[str, int | None] | None:
    return shown.tables["kind"]


def test_a_half_year_does_not_give_its_quarters_away(store: str) -> None:
    populate()
    first, second = (disclose(period, NOW).shown for period in QUARTERS)
    assert kinds(first) == {"complaint": None, "request": None}
    assert kinds(second) == {"complaint": 12, "request": 10}
    half = disclose(HALF, NOW).shown
    assert half.totals["received"] == 44
    assert half.line("kind", "request") is None, "13 less 10 would be 3"
    assert half.line("kind", "complaint") is None


def test_other_order_other_cells(store: str) -> None:
    """Whatever comes first is shown as it is; what comes later bears the cost."""
    populate()
    assert kinds(disclose(HALF, NOW).shown) == {"complaint": 31, "request": 13}
    assert disclose(QUARTERS[1], NOW).shown.line("kind", "request") is None
    assert disclose(QUARTERS[0], NOW).shown.line("kind", "request") is None


def test_what_was_disclosed_stays(store: str) -> None:
    populate()
    assert known(HALF) is None
    before = disclose(HALF, NOW)
    village.arrive(NOW, "хоцорсон захидал", received_at=datetime(2026, 3, 3, tzinfo=UTC))
    assert disclose(HALF, NOW + timedelta(days=400)) == before
    assert known(HALF) == before


def test_a_look_is_no_disclosure(store: str) -> None:
    populate()
    seen = disclose(HALF, NOW, remember=False)
    assert (seen.final, seen.shown.totals["received"], known(HALF)) == (True, 44, None)
    running = disclose(preset("year", date(2026, 1, 1)), NOW)
    assert (running.final, known(running.period)) == (False, None)


def test_the_demonstration_binds_nothing(store: str) -> None:
    populate()
    village.arrive(datetime(2026, 3, 3, tzinfo=UTC), "үзүүлэх", facts={"demo": True})
    seen = disclose(HALF, NOW)
    assert (seen.final, seen.shown.totals["received"], known(HALF)) == (True, 45, None)


def test_reports_made_at_once_know_of_one_another(store: str) -> None:
    populate()
    periods = [*QUARTERS, HALF, Period(date(2026, 1, 1), date(2026, 5, 31))] * 2
    with ThreadPoolExecutor(8) as pool:
        found = [item.shown for item in pool.map(lambda period: disclose(period, NOW), periods)]
    assert found[:4] == found[4:]
    with reading() as tx:
        assert tx.scalar(select(func.count()).select_from(report_issue)) == 4
    lines = [item.line("kind", "request") for item in found[:3]]
    assert lines[0] is None
    assert None in lines[1:]
