"""Partners' accounts: made by an administrator or at the terminal, shut, and reset."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from flask import Flask

from config import clock, i18n
from config.cli import hariu
from store import officers, partners, passwords
from store.db import reading, transaction
from tests.admin.conftest import Desk, another

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def accounts() -> dict[str, partners.Account]:
    with reading() as tx:
        return {item.officer.login: item for item in partners.accounts(tx)}


@pytest.fixture
def chief(app: Flask) -> Desk:
    return another(app, "chief", "administrator")


def add(desk: Desk, **fields: str) -> str:
    form = {"login": "bayan", "name": "Жишээ Бат", "organisation": "Жишээ ТББ", **fields}
    answer = desk.post("/partners", language="kk", **form)
    return answer.get_data(as_text=True)


def test_an_account_is_made_with_a_password_shown_once(chief: Desk) -> None:
    page = add(chief)
    password = re.search(r"<code>([a-z0-9-]{19})</code>", page)
    assert password
    made = accounts()["bayan"]
    assert (made.organisation, made.officer.roles, made.officer.language) == (
        "Жишээ ТББ", ("cso",), "kk",
    )  # fmt: skip
    assert password[1] not in chief.page("/partners")
    found = officers.authenticate("bayan", password[1], "", clock.now(), partner=True)
    assert found
    assert officers.authenticate("bayan", password[1], "", clock.now()) is None
    for problem, fields in {
        "officer.taken": {}, "officer.organisation": {"login": "b2", "organisation": " "},
        "officer.login": {"login": "баян"},
    }.items():  # fmt: skip
        assert i18n.text(f"desk.partners.problem.{problem}", "mn") in add(chief, **fields)
    assert list(accounts()) == ["bayan"]


def test_a_lost_phone_and_an_account_that_is_shut(chief: Desk) -> None:
    add(chief)
    account = accounts()["bayan"].officer
    with transaction() as tx:
        officers.change(tx, account.id, totp=passwords.new_totp(), must_change=False)
    assert chief.post("/partners/bayan/reset").status_code == 200
    account = accounts()["bayan"].officer
    assert (account.has_totp, account.must_change) == (False, True)
    assert chief.post("/partners/bayan/access").status_code == 303
    assert not accounts()["bayan"].officer.active
    chief.post("/partners/bayan/access")
    assert accounts()["bayan"].officer.active
    for path in ("reset", "access"):  # an officer's account is none of this page's
        assert chief.post(f"/partners/chief/{path}").status_code == 404


@pytest.mark.parametrize("role", ["officer", "auditor", "focal_point"])
def test_only_administrators_make_them(app: Flask, role: str) -> None:
    other = another(app, "bold", role)
    assert other.get("/partners").status_code == 403
    assert other.post("/partners", login="bayan").status_code == 403
    assert other.post("/partners/bold/reset").status_code == 403
    assert accounts() == {}


def test_the_terminal_makes_and_lists_them(store: str) -> None:
    run = CliRunner()
    given = ["staff", "add", "bayan", "--name", "Жишээ Бат", "--role", "cso"]
    assert run.invoke(hariu, given).exit_code == 1  # whose account would it be?
    done = run.invoke(hariu, [*given, "--organisation", "Жишээ ТББ"])
    assert done.exit_code == 0, done.output
    assert "one-time password" in done.output
    both = run.invoke(hariu, [*given, "--role", "officer", "--organisation", "Жишээ ТББ"])
    assert both.exit_code == 1
    assert "bayan\tone-time\t-\tcso" in run.invoke(hariu, ["staff", "list"]).output
