"""A partner's program at the Open311 pages, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import httpx
import pytest
from sqlalchemy import select

from channels import jobs, registry
from channels.open311_formats import ITEMS
from channels.release import release
from channels.webform import Webform
from config import clock, i18n
from store import api_keys, channels, inbox, officers, partners
from store.db import reading, transaction
from store.messages import Capabilities
from store.schema import grievance
from tests.channels.website import served
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

WORDS = "Гэрэлтүүлгийн шон унасан"
PLACE = "Дархан-Уул аймаг, Дархан сум, 3-р баг"
CONSENT = {"attribute__contact_consent": "written", "first_name": "Жишээ", "last_name": "Дулмаа"}
SECRETS = ("Жишээ", "Дулмаа", "88110002", "dulmaa@example.invalid")
_NUMBERS, _TRUTHS = {"code", "order", "lat", "long"}, {"variable", "required", "metadata"}


class Program:
    """One account's program with one key."""

    def __init__(self, base: str, login: str = "bayan") -> None:
        # Time travels here: no connection is kept that the server would then call idle.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(base_url=f"{base}/open311/v2", timeout=30, limits=limits)
        with transaction() as tx:
            account = officers.by_login(tx, login)
            if account is None:
                partners.create(tx, login, "Жишээ Ажилтан", f"Жишээ {login} ТББ", clock.now())
                account = officers.by_login(tx, login)
            assert account
            self.officer_id = account.id
            self.key = api_keys.make(tx, account.id, "туршилт", clock.now())

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Read with the key in its header."""
        return self.http.get(path, params=query, headers={"X-Api-Key": self.key})

    def post(
        self, form: str = "json", headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        """File something in English; an empty field is left out."""
        given = {
            "api_key": self.key, "service_code": "environment", "description": WORDS,
            "address_string": PLACE, "lang": "en", **fields,
        }  # fmt: skip
        data = {name.replace("__", "[") + "]" * ("__" in name): v for name, v in given.items()}
        return self.http.post(f"/requests.{form}", data=data, headers=headers)

    def filed(self, **fields: Any) -> str:
        """The number of what was filed."""
        answer = self.post(**fields)
        assert answer.status_code == 200, answer.text
        (told,) = answer.json()
        return str(told["service_request_id"])

    def look(self, reference: str, **query: Any) -> dict[str, Any]:
        """One request as it is told."""
        answer = self.get(f"/requests/{reference}.json", **query)
        assert answer.status_code == 200, answer.text
        (found,) = answer.json()
        return dict(found)

    def numbers(self, **query: Any) -> list[str]:
        """The numbers of a list."""
        answer = self.get("/requests.json", **query)
        assert answer.status_code == 200, answer.text
        return [item["service_request_id"] for item in answer.json()]


def spark(body: bytes) -> Any:
    """XML as JSON, by the Spark convention and the types of the specification."""
    return _value(fromstring(body))


def _value(element: Element) -> Any:
    inner = list(element)
    if element.tag in ITEMS:
        assert {item.tag for item in inner} <= {ITEMS[element.tag]}, element.tag
        return [_value(item) for item in inner]
    if inner:
        return {item.tag: _value(item) for item in inner}
    if element.text and element.tag in _TRUTHS:
        return element.text == "true"
    if element.text and element.tag in _NUMBERS and _is_number(element.text):
        return float(element.text)
    return element.text


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


@contextmanager
def public_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The public app of an instance that can also send SMS and mail, by nobody."""
    registry.active.cache_clear()
    jobs.lanes.cache_clear()
    monkeypatch.setattr(inbox, "_drainer", lambda: None)
    release()
    sms = Capabilities(form="sms", longest=1600, units=134)
    with transaction() as tx:
        known = {"sms": ("+97675000000", sms), "email": ("a@example.invalid", Capabilities())}
        channels.sync(tx, {"web": ("site", Webform.capabilities), **known})
    with served() as url:
        yield url
    registry.active.cache_clear()
    jobs.lanes.cache_clear()


def rows(query: Any) -> list[Any]:
    with reading() as tx:
        return list(tx.execute(query).all())


def act(reference: str, command: str, **values: Any) -> None:
    (case,) = rows(select(grievance.c.id).where(grievance.c.reference == reference))
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act(command, case.id, Actor(Role.OFFICER), values))
        work.flush()


def told(answer: httpx.Response) -> list[tuple[int, str]]:
    """The errors of an answer, in JSON or XML."""
    assert answer.headers["Content-Type"].endswith("; charset=utf-8")
    body = answer.json() if "json" in answer.headers["Content-Type"] else spark(answer.content)
    return [(int(item["code"]), item["description"]) for item in body]


def error(key: str, language: str = "en", **values: object) -> str:
    return i18n.text(f"open311.error.{key}", language, **values)
