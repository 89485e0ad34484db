"""What the doubles take is what the vendors' own specifications name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from channels.sandbox.telegram_methods import METHODS
from channels.sandbox.twilio import CREATE, LIST
from channels.sandbox.twilio_state import new_sms, resource
from tests.channels.sandbox.conftest import ACCOUNT

SPECS = Path(__file__).parents[4] / "shared" / "specs"


def spec(name: str) -> Any:
    path = SPECS / name
    if not path.exists():
        pytest.skip(f"{name} is not there")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("method", METHODS)
def test_telegram_parameters(method: str) -> None:
    described = spec("telegram-bot-api.json")["methods"][method].get("fields", [])
    required = {field["name"] for field in described if field["required"]}
    known = {field["name"] for field in described}
    _, needed, optional = METHODS[method]
    assert required <= set(needed.split())
    assert {*needed.split(), *optional.split()} <= known


def test_twilio_parameters() -> None:
    path = spec("twilio-api-v2010.json")["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]
    form = path["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert set(CREATE) <= set(form["properties"])
    query = {p["name"] for p in path["get"]["parameters"] if p["in"] == "query"}
    assert set(LIST) == query


def test_twilio_resource() -> None:
    schemas = spec("twilio-api-v2010.json")["components"]["schemas"]
    described = schemas["api.v2010.account.message"]["properties"]
    sms = new_sms(
        direction="outbound-api",
        sender="+97677000001",
        to="+97688110011",
        body="x",
        status="queued",
    )
    made = resource(ACCOUNT, sms)
    assert made.keys() == described.keys()
    assert made["status"] in schemas["message_enum_status"]["enum"]
    assert made["direction"] in schemas["message_enum_direction"]["enum"]
    kinds = {"string": str, "integer": int, "object": dict}
    for name, value in made.items():
        kind = described[name].get("type", "string")
        assert value is None or isinstance(value, kinds[kind]), name
