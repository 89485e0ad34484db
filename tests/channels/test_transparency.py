"""The public figures: in three languages and three formats, never with anything of a person."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask.testing import FlaskClient

from channels import transparency
from channels.web import create_app
from config.profile import profile
from store import reports
from store.db import reading, transaction
from store.schema import report_issue
from tests.workflow import village
from workflow import indicators, open_figures, report_figures

NOW = datetime(2026, 8, 1, 4, tzinfo=UTC)
SPRING = datetime(2026, 3, 5, 4, tzinfo=UTC)
PERSONAL = (
    "Жишээбаатар",
    "99112233",
    "jishee@example.invalid",
    "УБ99112233",
    "Нууцмаа",
    "сумын дарга",
)


@pytest.fixture
def client(store: str) -> Iterator[FlaskClient]:
    with time_machine.travel(NOW, tick=False):
        village.channels_known()
        yield create_app().test_client()


def populate(count: int = 24) -> None:
    """Grievances full of what nobody may read here."""
    words = " ".join(PERSONAL)
    for number in range(count):
        at = SPRING + timedelta(hours=number)
        kind = "complaint" if number % 8 else "request"
        case = village.arrive(
            at, f"{words} {number}", "sms" if number % 3 else "telegram", kind=kind, gist=words,
            name="Жишээбаатар", anonymous=False, place="khovd/bulgan",
        )  # fmt: skip
        if number % 2:
            village.close(case, at + timedelta(days=2), summary=words)
    village.arrive(SPRING, f"{words} нууц", sensitive="violence")


def read(client: FlaskClient, path: str, lang: str = "en") -> str:
    answer = client.get(path, query_string={"lang": lang}, headers={"Accept": "text/html"})
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("lang", ["mn", "kk", "en"])
def test_nothing_of_a_person_is_disclosed(client: FlaskClient, lang: str) -> None:
    populate()
    for path in ("/transparency", "/transparency.json", "/transparency.csv"):
        told = read(client, path, lang)
        assert "24" in told
        assert [item for item in PERSONAL if item.lower() in told.lower()] == []
        assert "bulgan" not in told.lower(), "a soum is a small place"


def test_small_counts_are_withheld_in_every_format(client: FlaskClient) -> None:
    populate()
    found = json.loads(read(client, "/transparency.json"))
    assert (found["start"], found["last"]) == ("2026-01-01", "2026-06-30")
    assert found["totals"] | {"received": 24, "closed": 12, "sealed": None} == found["totals"]
    assert found["tables"]["kind"] == {"complaint": None, "request": None}
    assert found["tables"]["channel"] == {"sms": 16, "telegram": 8}
    rows = list(csv.reader(io.StringIO(read(client, "/transparency.csv").removeprefix("\ufeff"))))
    assert rows[0] == ["start", "last", "table", "code", "label", "count"]
    cells = {(row[2], row[3]): row[5] for row in rows[1:]}
    assert cells["figures", "received"] == "24"
    assert cells["kind", "request"] == cells["figures", "sealed"] == ""
    page = read(client, "/transparency")
    assert "withheld" in page
    assert "SMS" in page


def test_the_figures_stay_once_they_were_shown(client: FlaskClient) -> None:
    populate()
    before = read(client, "/transparency.json")
    village.arrive(SPRING + timedelta(days=3), "хожим ирсэн захидал")
    assert read(client, "/transparency.json") == before


def test_only_periods_that_are_over_are_offered(client: FlaskClient) -> None:
    populate(6)
    village.arrive(NOW - timedelta(days=3))
    assert [transparency.key(item) for item in transparency.periods()] == ["2026-01-01_2026-06-30"]
    assert client.get("/transparency?period=2026-01-01_2026-06-30").status_code == 200
    for other in ("2026-07-01_2026-12-31", "2026-01-01_2026-01-02", "x"):
        assert client.get("/transparency.json", query_string={"period": other}).status_code == 404


def test_before_any_period_is_over_it_says_so(client: FlaskClient) -> None:
    village.arrive(NOW)
    assert "No reporting period has ended yet." in read(client, "/transparency")
    assert client.get("/transparency.csv").status_code == 404


def test_it_may_be_kept_by_caches_and_is_linked(client: FlaskClient) -> None:
    populate(6)
    answer = client.get("/transparency")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert len(answer.data) < 50_000
    assert 'href="/transparency?lang=en"' in read(client, "/how")


def test_who_comes_while_figures_are_computed_is_asked_to_come_again(client: FlaskClient) -> None:
    populate()
    with transparency._one:
        assert client.get("/transparency").status_code == 503
        assert client.get("/transparency.json").headers["Retry-After"] == "30"
    assert client.get("/transparency").status_code == 200


def test_a_project_may_have_no_such_page(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = profile().model_copy(update={"open_figures": ()})
    monkeypatch.setattr(transparency, "profile", lambda: closed)
    assert client.get("/transparency").status_code == 404


def test_the_clock_has_them_ready(client: FlaskClient) -> None:
    populate()
    village.arrive(datetime(2025, 11, 5, tzinfo=UTC))
    open_figures.prepare(NOW)
    halves = ["2026-01-01_2026-06-30", "2025-07-01_2025-12-31"]
    assert [transparency.key(item) for item in transparency.periods()] == [
        *halves, "2025-01-01_2025-12-31",
    ]  # fmt: skip
    with transparency._one:  # nobody may compute
        assert json.loads(read(client, "/transparency.json"))["totals"]["received"] == 24
        assert client.get(f"/transparency?period={halves[1]}").status_code == 200


def test_a_period_that_is_not_ready_hides_none_that_is(client: FlaskClient) -> None:
    populate()
    open_figures.prepare(NOW)
    later = datetime(2027, 1, 1, 0, 0, tzinfo=UTC)  # eight in the morning of the new year
    village.arrive(NOW)
    with time_machine.travel(later, tick=False), transparency._one:
        assert json.loads(read(client, "/transparency.json"))["last"] == "2026-06-30"
    open_figures.prepare(later)
    with time_machine.travel(later, tick=False), transparency._one:
        assert json.loads(read(client, "/transparency.json"))["last"] == "2026-12-31"


def test_another_profile_changes_nothing_that_was_released(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two versions of one period side by side would tell by subtraction what each withholds."""
    populate()
    before = json.loads(read(client, "/transparency.json"))
    other = profile().model_copy(
        update={"categories": (), "start_stage": 1, "timezone": ZoneInfo("Asia/Hovd")}
    )
    for module in (open_figures, indicators, report_figures):
        monkeypatch.setattr(module, "profile", lambda: other)
    open_figures.prepare(NOW + timedelta(days=3))
    assert json.loads(read(client, "/transparency.json")) == before
    assert "Mar 2026" in read(client, "/transparency")


def test_the_demonstration_is_not_prepared(client: FlaskClient) -> None:
    populate(6)
    village.arrive(SPRING, "үзүүлэх", facts={"demo": True})
    open_figures.prepare(NOW)
    with reading() as tx:
        assert reports.issued(tx) == []
    assert client.get("/transparency").status_code == 200


def test_the_clock_looks_once_a_day(client: FlaskClient) -> None:
    populate()
    open_figures._done.clear()
    open_figures.daily(NOW)
    with transaction() as tx:
        tx.execute(report_issue.delete())
    open_figures.daily(NOW + timedelta(hours=1))
    with reading() as tx:
        assert reports.issued(tx) == []
    open_figures.daily(NOW + timedelta(days=1))
    with reading() as tx:
        assert len(reports.issued(tx)) == 1
