"""The desk on each store, with officers and a small town's grievances."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from admin.app import create_app
from store.case import Case
from store.db import reading
from store.grievances import by_references
from tests.admin import town


@dataclass
class Desk:
    """A browser at the desk."""

    client: FlaskClient

    def get(self, path: str, **more: object) -> TestResponse:
        return self.client.get(path, **more)  # type: ignore[arg-type]

    def page(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def token(self, path: str = "/sign-in") -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.page(path))
        assert found
        return found[1]

    def post(self, path: str, token_from: str = "/sign-in", **form: object) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.token(token_from), **form})

    def sign_in(
        self, login: str = "saraa", password: str = town.PASSWORD, code: str = ""
    ) -> TestResponse:
        return self.post("/sign-in", login=login, password=password, code=code)

    def do(self, case: Case, command: str, **form: object) -> TestResponse:
        path = f"/cases/{case.reference}"
        version = form.pop("version", None) or fresh(case).version
        return self.post(f"{path}/do/{command}", version=version, **form)


def fresh(case: Case) -> Case:
    """The grievance as it is stored now."""
    with reading() as tx:
        return by_references(tx, [case.reference])[case.reference]


@pytest.fixture
def app(store: str) -> Flask:
    return create_app()


@pytest.fixture
def stranger(app: Flask) -> Desk:
    """A browser that has not signed in."""
    return Desk(app.test_client())


@pytest.fixture
def saraa(stranger: Desk) -> int:
    """An ordinary officer; the id."""
    return town.join()


@pytest.fixture
def desk(stranger: Desk, saraa: int) -> Desk:
    """The ordinary officer's browser, signed in."""
    assert stranger.sign_in().status_code == 303
    return stranger


@pytest.fixture
def cases(saraa: int) -> list[Case]:
    return town.town(saraa)


def another(app: Flask, login: str, *roles: str) -> Desk:
    """Somebody else's browser, signed in."""
    town.join(login, f"Жишээ {login.title()}", *roles)
    desk = Desk(app.test_client())
    assert desk.sign_in(login).status_code == 303
    return desk
