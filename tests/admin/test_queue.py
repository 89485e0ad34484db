"""The queue: views, counts, marks, search, pages, and who sees what."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event

from config import clock
from store import db, officers
from store.case import Case
from store.db import transaction
from store.officers import Officer
from tests.admin import town
from tests.admin.conftest import Desk, another

Cases = list[Case]


def shown(page: str) -> list[str]:
    """References in the order of the list."""
    return re.findall(r'class="what">\s*<a href="/cases/(\d+)[?"]', page)


def counts(page: str) -> dict[str, int]:
    found = re.findall(r'view=(\w+)".*?class="count">(\d+)<', page, re.DOTALL)
    return {name: int(number) for name, number in found}


def numbers(*cases: Case) -> list[str]:
    return [case.reference for case in cases]


def find(desk: Desk, words: str) -> list[str]:
    answer = desk.post("/search", "/", words=words)
    assert answer.status_code == 303
    return shown(desk.page(answer.headers["Location"]))


def test_a_new_grievance_is_there_unread_with_its_deadline(desk: Desk) -> None:
    town.channels_known()
    case = town.arrive(town.PEOPLE[0], clock.now())
    page = desk.page("/?view=first")
    assert shown(page) == [case.reference]
    assert "Худгийн насос" in page
    assert "30 хоног үлдсэн" in page
    assert "1 уншаагүй" in page
    assert 'aria-label="SMS"' in page
    desk.page(f"/cases/{case.reference}")
    assert "уншаагүй" not in desk.page("/?view=first")


def test_each_view_holds_what_its_name_says(desk: Desk, cases: Cases) -> None:
    pump, training, kazakh, tender, login, water = cases
    expected = {
        "first": [tender, login, water],
        "mine": [pump],
        "us": [tender, pump, login, water],
        "them": [kazakh],
        "soon": [pump],
        "overdue": [tender],
        "approval": [],
        "failed": [tender],
        "kazakh": [kazakh],
        "open": [tender, pump, kazakh, login, water],
        "closed": [training],
    }
    page = desk.page("/")
    assert counts(page) == {name: len(found) for name, found in expected.items()}
    for name, found in expected.items():
        assert shown(desk.page(f"/?view={name}")) == numbers(*found), name


def test_deadlines_are_told_in_words_icon_and_colour(desk: Desk, cases: Cases) -> None:
    page = desk.page("/")
    assert re.search(r'due-late"><svg[^>]*><use href="[^"]*#exclamation-triangle"', page)
    assert "10 хоног хэтэрсэн" in page
    assert re.search(r'due-soon"><svg[^>]*><use href="[^"]*#hourglass-split"', page)
    assert "1 хоног үлдсэн" in page
    assert "Хүргэгдээгүй" in page
    assert "Казах хэл" in page


def test_a_paused_grievance_is_neither_late_nor_soon(desk: Desk, cases: Cases, saraa: int) -> None:
    town.act(cases[3], "pause", clock.now(), saraa, reason="Эмчийн дүгнэлт хүлээж байна")
    assert shown(desk.page("/?view=overdue")) == []
    assert "Түр зогссон" in desk.page("/")


@pytest.mark.parametrize(
    ("words", "which"),
    [
        ("+976 7000-0001", [0]),
        ("70000006", [5]),
        ("97670000003", [2]),
        ("79999999", []),
        ("насос", [0]),
        ("ХУДГИИН", [5, 0]),
        ("nasos", [0]),
        ("khudgiin", [5, 0]),
        ("hudgiin shavartai", [5]),
        ("tender RESULT", [3]),
        ("бүртгэл", [1]),
        ("буртгэл", [1]),
        ("насос бүртгэл", []),
        ("%", []),
        ("_____", []),
        ("' OR 1=1 --", []),
        ("а" * 5000, []),
    ],
)
def test_search_finds_phones_and_words_in_any_spelling(
    desk: Desk, cases: Cases, words: str, which: list[int]
) -> None:
    assert find(desk, words) == numbers(*(cases[n] for n in which))


def test_search_finds_a_number_whole_or_its_beginning(desk: Desk, cases: Cases) -> None:
    number = cases[1].reference
    assert find(desk, number) == [number]
    assert number in find(desk, number[:5])
    assert find(desk, f" {number[:4]} {number[4:]} ") == [number]


def test_what_is_searched_for_stands_in_no_address(desk: Desk, cases: Cases) -> None:
    answer = desk.post("/search", "/", words="70000001")
    where = answer.headers["Location"]
    assert "70000001" not in where
    page = desk.page(where)
    assert "70000001" in page, "the officer still sees what was searched for"
    addresses = re.findall(r'(?:href|hx-get|action)="([^"]+)"', page)
    assert not [address for address in addresses if "70000001" in address]


@pytest.mark.parametrize("find_", ["garbage", "AAAA", "%00", "0" * 300, "é"])
def test_a_search_nobody_made_shows_the_queue(desk: Desk, cases: Cases, find_: str) -> None:
    assert len(shown(desk.page(f"/?find={find_}"))) == 5


@pytest.mark.parametrize(
    "after", ["x", "1-", "-1", "9" * 39 + "-1", "9" * 23 + "-1", "1-" + "9" * 19]
)
def test_a_key_nobody_gave_out_starts_at_the_beginning(
    desk: Desk, cases: Cases, after: str
) -> None:
    assert len(shown(desk.page(f"/?after={after}"))) == 5


def _crowd(many: int) -> None:
    town.channels_known()
    now = clock.now()
    for n in range(many):
        person = town.Person("sms", f"+9767100{n:04d}", f"Жишээ гомдол {n} " + "үг " * 60)
        town.arrive(person, now - timedelta(days=n % 3))


def test_pages_go_on_by_key_and_miss_nobody(desk: Desk) -> None:
    _crowd(60)
    for path in ("/?view=open", "/?view=us"):
        seen: list[str] = []
        following = path
        while following:
            page = desk.page(following)
            seen += shown(page)
            more = re.search(r'href="(/\?[^"]*after=[^"]+)"[^>]*>Дараагийнх', page)
            following = more[1].replace("&amp;", "&") if more else ""
        assert len(seen) == len(set(seen)) == 60


def test_a_full_page_is_small_and_asks_the_database_a_fixed_number_of_questions(
    desk: Desk,
) -> None:
    asked: list[str] = []

    def count(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    desk.page("/")  # every half minute a page also asks for what was corrected
    event.listen(db.engine(), "before_cursor_execute", count)
    desk.page("/")
    few, asked[:] = len(asked), []
    _crowd(30)
    asked.clear()
    page = desk.page("/")
    assert len(shown(page)) == 25
    assert len(page.encode()) < 50_000
    assert len(asked) == few <= 9  # two BEGIN, session, keys, rows, counts, own views, first


def test_a_sensitive_matter_exists_for_focal_points_alone(
    app: Flask, desk: Desk, cases: Cases, saraa: int
) -> None:
    hidden = cases[0]
    town.sealed(hidden, clock.now(), saraa)
    page = desk.page("/")
    assert hidden.reference not in shown(page)
    assert counts(page)["open"] == 4
    assert "sensitive" not in counts(page)
    assert shown(desk.page("/?view=sensitive")) == shown(page)
    assert find(desk, "насос") == find(desk, "70000001") == find(desk, hidden.reference) == []
    boss = another(app, "boss", "administrator", "officer")
    assert hidden.reference not in shown(boss.page("/"))
    focal = another(app, "focal", "focal_point")
    page = focal.page("/?view=sensitive")
    assert shown(page) == [hidden.reference]
    assert "насос" not in page, "its words stay on its own page"
    assert find(focal, hidden.reference) == [hidden.reference]
    assert find(focal, "насос") == []


def test_an_assignee_sees_what_was_given_to_them(app: Flask, desk: Desk, cases: Cases) -> None:
    engineer = another(app, "bold", "assignee")
    assert shown(engineer.page("/")) == []
    assert engineer.get(f"/cases/{cases[0].reference}").status_code == 404
    with db.reading() as tx:
        person = officers.by_login(tx, "bold")
    assert isinstance(person, Officer)
    with transaction() as tx:
        assert officers.find_session(tx, "", clock.now()) is None
    desk.do(cases[4], "assign", assignee=person.id)
    assert shown(engineer.page("/")) == [cases[4].reference]
    assert find(engineer, "насос") == []


def test_the_page_refreshes_itself_and_works_without_that(desk: Desk, cases: Cases) -> None:
    page = desk.page("/?view=us")
    assert 'hx-get="/?view=us"' in page
    assert 'hx-trigger="every 10s"' in page
