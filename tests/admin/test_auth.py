"""Signing in: who gets in, who does not, and what a session is worth."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from http.cookies import SimpleCookie

import pyotp
import pytest
import time_machine
from flask import Flask

from config import clock, i18n
from store import officers, passwords
from store.db import reading, transaction
from tests.admin import town
from tests.admin.conftest import Desk

# One store is enough here: what asks the database is tried on both by its own tests.
pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def first_password() -> str:
    with transaction() as tx:
        found = officers.ensure_first(tx, clock.now())
    assert found
    return found[1]


def test_the_first_officer_must_choose_a_password_before_anything_else(stranger: Desk) -> None:
    given = first_password()
    answer = stranger.sign_in("officer", given)
    assert answer.status_code == 303
    assert stranger.get("/").headers["Location"] == "/account/password"
    assert stranger.get("/account").headers["Location"] == "/account/password"
    own = "a password of my own"
    wrong = stranger.post(
        "/account/password", "/account/password", old=given, new=own, again=own + "x"
    )
    assert wrong.status_code == 422
    assert "зөрж байна" in wrong.get_data(as_text=True)
    done = stranger.post("/account/password", "/account/password", old=given, new=own, again=own)
    assert done.headers["Location"] == "/"
    assert "Нээлттэй бүгд" in stranger.page("/")
    with transaction() as tx:
        assert officers.ensure_first(tx, clock.now()) is None


@pytest.mark.parametrize(
    ("login", "password"), [("saraa", "wrong"), ("nobody", town.PASSWORD), ("", "")]
)
@pytest.mark.usefixtures("saraa")
def test_a_failed_sign_in_does_not_say_what_was_wrong(
    stranger: Desk, login: str, password: str
) -> None:
    answer = stranger.sign_in(login, password)
    assert answer.status_code == 401
    assert "Нэвтэрч чадсангүй" in answer.get_data(as_text=True)
    assert stranger.get("/").headers["Location"] == "/sign-in"


@pytest.mark.usefixtures("saraa")
def test_too_many_failures_lock_even_the_right_password_for_a_while(stranger: Desk) -> None:
    for _ in range(officers.FREE_TRIES):
        stranger.sign_in(password="wrong")
    assert stranger.sign_in().status_code == 401
    with time_machine.travel(clock.now() + officers.FIRST_WAIT + timedelta(seconds=2)):
        assert stranger.sign_in().status_code == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    app: Flask, saraa: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Desk(app.test_client()).sign_in()
    cookie = SimpleCookie(
        next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("hariu_desk"))
    )["hariu_desk"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert len(cookie.value) >= 43
    with reading() as tx:
        assert cookie.value not in str(
            tx.connection.exec_driver_sql("SELECT * FROM officer_session").all()
        )


def test_signing_out_ends_the_session_itself(desk: Desk) -> None:
    token = desk.client.get_cookie("hariu_desk")
    assert token
    assert desk.post("/sign-out", "/").headers["Location"] == "/sign-in"
    desk.client.set_cookie("hariu_desk", token.value)
    assert desk.get("/").headers["Location"] == "/sign-in"


def test_sessions_are_listed_and_ended(app: Flask, desk: Desk) -> None:
    other = Desk(app.test_client())
    other.sign_in()
    page = desk.page("/account")
    assert page.count('/end"') >= 1
    with reading() as tx:
        person = officers.by_login(tx, "saraa")
        assert person
        live = officers.sessions(tx, person.id, clock.now())
    assert len(live) == 2
    desk.post("/account/sessions/end", "/account")
    assert other.get("/").status_code == 303
    assert desk.get("/").status_code == 200
    third = Desk(app.test_client())
    third.sign_in()
    with reading() as tx:
        newest = officers.sessions(tx, person.id, clock.now())
    number = max(session.id for session in newest)
    desk.post(f"/account/sessions/{number}/end", "/account")
    assert third.get("/").status_code == 303


def test_nobody_ends_the_session_of_a_colleague(app: Flask, desk: Desk) -> None:
    town.join("bold", "Жишээ Болд")
    colleague = Desk(app.test_client())
    colleague.sign_in("bold")
    for number in range(1, 6):
        desk.post(f"/account/sessions/{number}/end", "/account")
        desk.sign_in()
    assert colleague.get("/").status_code == 200


def test_an_idle_session_ends_and_a_page_that_refreshes_itself_keeps_none_awake(
    desk: Desk,
) -> None:
    start = clock.now()
    with time_machine.travel(start + officers.IDLE - timedelta(minutes=5)):
        assert desk.get("/", headers={"HX-Request": "true"}).status_code == 200
    with time_machine.travel(start + officers.IDLE + timedelta(minutes=5)):
        answer = desk.get("/", headers={"HX-Request": "true"})
        assert answer.status_code == 401
        assert answer.headers["HX-Redirect"] == "/sign-in"


def test_work_keeps_a_session_awake_for_a_week_and_no_longer(desk: Desk) -> None:
    start = clock.now()
    for hours in range(10, 168, 10):
        with time_machine.travel(start + timedelta(hours=hours)):
            assert desk.get("/").status_code == 200
    with time_machine.travel(start + officers.ABSOLUTE + timedelta(minutes=1)):
        assert desk.get("/").status_code == 303


def _enrol(desk: Desk, at: datetime) -> str:
    secret = passwords.new_totp()
    page = desk.page("/account/code")
    assert "<svg" in page
    assert "style=" not in page
    wrong = desk.post("/account/code", "/account/code", secret=secret, code="000000")
    assert wrong.status_code == 422
    assert secret in wrong.get_data(as_text=True), "the picture stays the one already scanned"
    code = pyotp.TOTP(secret).at(at)
    assert desk.post("/account/code", "/account/code", secret=secret, code=code).status_code == 303
    return secret


@pytest.mark.parametrize("secret", ["", "0189", "не base32", "ABC", "A" * 63 + "1"])
def test_a_secret_that_is_none_gets_a_fresh_one(desk: Desk, secret: str) -> None:
    refused = desk.post("/account/code", "/account/code", secret=secret, code="000000")
    assert refused.status_code == 422
    page = refused.get_data(as_text=True)
    assert i18n.text("desk.totp.wrong", "mn") in page
    found = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)
    assert found
    code = pyotp.TOTP(found[1]).at(clock.now())
    good = desk.post("/account/code", "/account/code", secret=found[1], code=code)
    assert good.status_code == 303


def test_the_second_factor_is_asked_for_and_a_code_opens_once(app: Flask, desk: Desk) -> None:
    now = clock.now()
    secret = _enrol(desk, now)
    browser = Desk(app.test_client())
    assert browser.sign_in().status_code == 401
    later = now + timedelta(minutes=2)
    with time_machine.travel(later):
        code = pyotp.TOTP(secret).at(later)
        assert browser.sign_in(code=code).status_code == 303
        assert Desk(app.test_client()).sign_in(code=code).status_code == 401


def test_turning_the_second_factor_off_needs_the_password(app: Flask, desk: Desk) -> None:
    _enrol(desk, clock.now())
    desk.post("/account/code/off", "/account", password="wrong")
    assert Desk(app.test_client()).sign_in().status_code == 401
    desk.post("/account/code/off", "/account", password=town.PASSWORD)
    assert Desk(app.test_client()).sign_in().status_code == 303


def test_a_new_password_ends_other_browsers(app: Flask, desk: Desk) -> None:
    other = Desk(app.test_client())
    other.sign_in()
    new = "another good password"
    desk.post("/account/password", "/account", old=town.PASSWORD, new=new, again=new)
    assert desk.get("/").status_code == 200
    assert other.get("/").status_code == 303


def test_the_language_is_stored_with_the_officer(app: Flask, desk: Desk) -> None:
    answer = desk.post("/language", "/", language="en", back="/?view=closed")
    assert answer.headers["Location"] == "/?view=closed"
    again = Desk(app.test_client())
    again.sign_in()
    assert '<html lang="en">' in again.page("/")
    assert "Needs a first look" in again.page("/")
    desk.post("/language", "/", language="xx")
    assert '<html lang="mn">' in desk.page("/")


@pytest.mark.parametrize("back", ["https://evil.invalid/", "//evil.invalid", "/\\evil", "", "/\nx"])
def test_no_redirect_leaves_the_desk(desk: Desk, back: str) -> None:
    assert desk.post("/language", "/", language="mn", back=back).headers["Location"] == "/"


def test_a_stranger_may_read_the_sign_in_in_english(stranger: Desk) -> None:
    assert "One-time code" in stranger.page("/sign-in?lang=en")
    answer = stranger.get("/sign-in", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert '<html lang="en">' in answer.get_data(as_text=True)
    moved = stranger.post("/language", language="en").headers["Location"]
    assert moved == "/sign-in?lang=en"
