"""Keys of partners' programs in the desk: made and shown once, listed, revoked."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from admin import words
from config import clock, i18n
from config.profile import Profile, profile
from store import api_keys, partners
from store.db import reading, transaction
from store.schema import api_key
from tests.admin.conftest import Desk, another

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@pytest.fixture
def chief(app: Flask) -> Desk:
    with transaction() as tx:
        for login in ("bayan", "khovd"):
            partners.create(tx, login, "Жишээ Бат", "Жишээ ТББ", clock.now())
    return another(app, "chief", "administrator")


def made(desk: Desk, label: str = "хотын апп") -> str:
    page = desk.post("/partners/bayan/keys", label=label).get_data(as_text=True)
    found = re.search(r"<code>([0-9a-f]{10}\.[\w-]{43})</code>", page)
    return found[1] if found else ""


def holds(key: str) -> bool:
    with transaction() as tx:
        return api_keys.holder(tx, key, clock.now()) is not None


def test_a_key_is_shown_once_and_only_its_hash_is_kept(chief: Desk) -> None:
    key = made(chief)
    assert holds(key)
    name, secret = key.split(".")
    page = chief.page("/partners")
    assert (name in page, "хотын апп" in page, secret in page) == (True, True, False)
    assert i18n.text("desk.partners.key.used", "mn", date=words_today()) in page
    with reading() as tx:
        (row,) = tx.execute(select(api_key)).all()
    assert secret not in str(row)
    assert len(row.hash) == 32


def words_today() -> str:
    return i18n.format_date(clock.now().astimezone(profile().timezone).date(), "mn")


def test_a_revoked_key_is_dead_and_stays_in_the_list(chief: Desk) -> None:
    key, other = made(chief), made(chief, "өөр")
    assert chief.post("/partners/khovd/keys/1/revoke").status_code == 404
    assert chief.post("/partners/bayan/keys/1/revoke").status_code == 303
    assert chief.post("/partners/bayan/keys/1/revoke").status_code == 404
    assert (holds(key), holds(other)) == (False, True)
    assert key.split(".")[0] in chief.page("/partners")


def test_labels_and_numbers_of_keys_have_bounds(chief: Desk) -> None:
    for label in ("", " ", "а" * 101):
        answer = chief.post("/partners/bayan/keys", label=label)
        assert answer.status_code == 422
        said = i18n.text("desk.partners.problem.officer.label", "mn")
        assert said in answer.get_data(as_text=True)
    for _ in range(api_keys.MOST_KEYS):
        assert made(chief)
    answer = chief.post("/partners/bayan/keys", label="нэг")
    assert i18n.text("desk.partners.problem.officer.keys", "mn") in answer.get_data(as_text=True)


@pytest.mark.parametrize("role", ["officer", "coordinator", "auditor"])
def test_only_administrators_make_and_end_them(chief: Desk, app: Flask, role: str) -> None:
    key, other = made(chief), another(app, "bold", role)
    assert other.post("/partners/bayan/keys", label="а").status_code == 403
    assert other.post("/partners/bayan/keys/1/revoke").status_code == 403
    assert chief.post("/partners/chief/keys", label="а").status_code == 404
    assert holds(key)


def test_where_there_are_no_pages_for_programs_no_keys_are_offered(
    chief: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: Profile = profile().model_copy(update={"open311": None})
    assert "/partners/bayan/keys" in chief.page("/partners")
    monkeypatch.setattr("admin.partners.profile", lambda: closed)
    assert "/partners/bayan/keys" not in chief.page("/partners")


def test_the_desk_knows_the_channel(app: Flask) -> None:
    with app.test_request_context():
        assert words.label("channel", "open311") == i18n.text("channel.open311.label", "mn")
        assert words.channel_icon("open311") != words.channel_icon("unknown")
