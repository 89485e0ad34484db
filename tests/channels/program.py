"""A partner's program at the Open311 pages, on a real server."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, fromstring

import httpx

from channels.open311_formats import ITEMS
from config import clock
from store import api_keys, officers, partners
from store.db import transaction

WORDS = "Гэрэлтүүлгийн шон унасан"
PLACE = "Дархан-Уул аймаг, Дархан сум, 3-р баг"
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
