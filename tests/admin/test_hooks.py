"""The desk's page of webhooks: for administrators, in words, and every change remembered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from admin.hooks import failure
from channels import hooks
from config import clock
from store import desk as desk_rows
from store import hooks as rows
from store.db import reading, transaction
from store.schema import hook, hook_call
from tests import instance
from tests.admin import town
from tests.admin.conftest import Desk, another
from tests.channels.receiver import OK, Receiver, status
from workflow.hooks import Event

BASE = "/settings/hooks/"
URL = "https://city.example.mn/T0/B0/of-theirs?key=of-theirs"


@pytest.fixture
def boss(app: Flask) -> Desk:
    return another(app, "boss", "administrator")


@pytest.fixture
def other(boss: Desk) -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def form(**more: Any) -> dict[str, Any]:
    events = [Event.REGISTERED.value, Event.CLOSED.value]
    return {"label": "Жишээ хот", "url": URL, "events": events, "active": "1", **more}


def keep(boss: Desk, number: int = 0, **more: Any) -> tuple[int, str]:
    """Send the form; the status and the page."""
    given = {name: value for name, value in form(**more).items() if value is not None}
    answer = boss.post(f"{BASE}{number}", "/account", **given)
    return answer.status_code, unescape(answer.get_data(as_text=True))


def stored() -> Any:
    with reading() as tx:
        return tx.execute(select(hook)).one()


def changes() -> list[tuple[str, str, str]]:
    with reading() as tx:
        return [(row.what, row.before, row.after) for row in desk_rows.changes(tx)]


def test_the_secret_is_shown_once_and_lies_encrypted(boss: Desk, store: str) -> None:
    code, page = keep(boss)
    shown = re.search(r"whsec_\S+?(?=<)", page)
    assert code == 200
    assert shown
    assert stored().secret == shown[0]
    assert shown[0] not in unescape(boss.page(BASE))
    with reading() as tx:
        found = tx.connection.exec_driver_sql("SELECT url, secret FROM hook").one()
    assert not [value for value in found if b"whsec" in bytes(value) or b"city" in bytes(value)]


def test_a_change_is_kept_and_remembered_without_what_the_address_hides(boss: Desk) -> None:
    keep(boss)
    assert keep(boss, 1, label="Жишээ яам", active=None)[0] == 303
    row = stored()
    assert (row.label, row.url, row.active) == ("Жишээ яам", URL, False)
    assert row.events == ["grievance.registered", "grievance.closed"]
    assert keep(boss, 1, label="Жишээ яам", active=None)[0] == 303
    new, old = changes()
    assert old == ("hook Жишээ хот", "", "Жишээ хот; city.example.mn; closed, registered; on")
    assert new[1:] == (old[2], "Жишээ яам; city.example.mn; closed, registered; off")
    assert "of-theirs" not in boss.page("/settings/")
    assert keep(boss, 9)[0] == 404


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "http://city.example.mn/"}, "https:// гэж эхлэх"),
        ({"url": "https://a:b@city.example.mn/"}, "Хаягийг ойлгосонгүй"),
        ({"url": ""}, "Хаягийг ойлгосонгүй"),
        ({"label": " "}, "Нэр өгнө үү"),
        ({"events": ["grievance.invented"]}, "Дор хаяж нэг"),
        ({"events": None}, "Дор хаяж нэг"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stands(
    boss: Desk, wrong: dict[str, Any], said: str
) -> None:
    code, page = keep(boss, **wrong)
    assert (code, said in page) == (422, True)
    assert ("Жишээ хот" in page) == ("label" not in wrong)
    assert changes() == []


def test_a_new_secret_signs_and_the_old_one_as_well(boss: Desk, other: Receiver) -> None:
    _, page = keep(boss, url=other.url)
    answer = boss.post(f"{BASE}1/secret", "/account")
    shown = re.search(r"whsec_\S+?(?=<)", unescape(answer.get_data(as_text=True)))
    old = re.search(r"whsec_\S+?(?=<)", page)
    assert shown
    assert old
    town.channels_known()
    town.arrive(town.PEOPLE[0], clock.now())
    hooks.tell(1)
    (received,) = other.received
    assert received.signed_by(shown[0])
    assert received.signed_by(old[0])
    assert "мөн гарын үсэг зурах" in boss.page(BASE)
    assert changes()[0] == ("hook Жишээ хот", "", "new secret")


def test_a_test_event_goes_out_even_while_it_is_off(boss: Desk, other: Receiver) -> None:
    keep(boss, url=other.url, active=None)
    other.answer = status(401)
    for _ in range(2):
        assert boss.post(f"{BASE}1/test", "/account").status_code == 303
    assert "замд явна" in boss.page(BASE)
    assert hooks.tell(1) == 1
    assert "401 гэж хариулсан" in boss.page(BASE)
    other.answer = OK
    boss.post(f"{BASE}1/test", "/account")
    hooks.tell(1)
    assert "Нөгөө систем хүлээж авлаа" in boss.page(BASE)
    assert other.received[0].json["data"] == {}
    row = stored()
    assert (row.sent, row.failed, row.failures) == (0, 0, 0)


def test_a_hook_that_says_gone_is_off_and_the_notice_names_it(boss: Desk, other: Receiver) -> None:
    keep(boss, url=other.url)
    town.channels_known()
    town.arrive(town.PEOPLE[0], clock.now())
    other.answer = status(410)
    hooks.tell(1)
    assert "Вебхүүк унтарлаа: Жишээ хот" in boss.page("/notices/")
    assert "Унтраалттай" in boss.page(BASE)
    assert "off (410 Gone)" in boss.page("/settings/")


def test_health_shows_what_was_not_told_and_tells_it_again(
    app: Flask, boss: Desk, other: Receiver
) -> None:
    keep(boss, url=other.url)
    town.channels_known()
    case = town.arrive(town.PEOPLE[0], clock.now())
    other.answer = status(500)
    with transaction() as tx:
        tx.execute(hook_call.update().values(attempts=len(hooks.PAUSES)))
    hooks.tell(1)
    for reader in (boss, another(app, "bold", "officer")):
        page = reader.page("/health")
        assert "Хүрээгүй мэдэгдэл (1)" in page
        assert "500 гэж хариулсан" in page
        assert case.reference not in page
        assert (f"{BASE}calls/1/again" in page) == (reader is boss)
    other.answer = OK
    assert boss.post(f"{BASE}calls/1/again", "/account").status_code == 303
    assert boss.post(f"{BASE}calls/1/again", "/account").status_code == 404
    hooks.tell(1)
    assert [each for each, _ in other.told] == [case.reference] * 2
    assert "Ажиллаж байна" in boss.page("/health")


def test_metrics_count_by_number_without_name_or_address(boss: Desk, other: Receiver) -> None:
    keep(boss, url=other.url)
    town.channels_known()
    town.arrive(town.PEOPLE[0], clock.now())
    hooks.tell(1)
    token = {"Authorization": f"Bearer {instance.KEYS['HARIU_METRICS_TOKEN']}"}
    text = boss.get("/metrics", headers=token).get_data(as_text=True)
    assert 'hariu_hook_calls_total{hook="1",result="sent"} 1.0' in text
    assert 'hariu_hook_calls_total{hook="1",result="failed"} 0.0' in text
    assert "Жишээ хот" not in text
    assert "of-theirs" not in text


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_only_administrators_come_in(app: Flask, boss: Desk) -> None:
    keep(boss)
    assert BASE in boss.page("/settings/")
    for who in (another(app, "bold", "officer", "coordinator"), another(app, "dorj", "auditor")):
        assert who.get(BASE).status_code == 403
        for path in ("1", "1/secret", "1/test", "calls/1/again"):
            assert who.post(BASE + path, "/account", **form()).status_code == 403
        assert BASE not in who.page("/settings/")
    assert stored().label == "Жишээ хот"


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_every_code_has_its_words_and_every_event_its_name(app: Flask, boss: Desk) -> None:
    page = boss.page(BASE)
    assert "desk.hooks" not in page
    assert all(f'value="{event}"' in page for event in Event)
    with app.test_request_context("/"):
        codes = ("dns", "address", "unreachable", "tls", "unanswered", rows.GONE, "302", "500")
        said = [failure(code) for code in codes]
    assert len(set(said)) == len(said)
