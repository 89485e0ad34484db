"""What is sent is what the guide and the OpenAPI description promise."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot import gazetteer
from channels import hooks
from config import clock
from store import hooks as rows
from store.db import transaction
from store.schema import hook_call
from tests.admin import town
from tests.channels.receiver import Receiver
from tests.house import ROOT
from workflow import rounds
from workflow.handlers import EVENT
from workflow.hooks import EVENTS, Event, body
from workflow.states import COMMANDS, TRANSITIONS, Outcome, Status

GUIDES = ROOT / "config" / "guides"
GUIDE = (GUIDES / "webhooks.md").read_text("utf-8")
DESCRIPTION: dict[str, Any] = json.loads((GUIDES / "webhooks-openapi.json").read_text("utf-8"))
PARTS = DESCRIPTION["components"]
TYPES = {"string": str, "integer": int, "object": dict, "null": type(None)}


def problems(value: Any, schema: dict[str, Any], where: str = "$") -> Iterator[str]:
    """What of JSON Schema the description uses, checked; an unknown word of it is an error."""
    for word, wanted in schema.items():
        if not CHECKS[word](value, wanted):
            yield f"{where}: {value!r} is not {word} {wanted!r}"
    if "$ref" in schema:
        yield from problems(value, PARTS["schemas"][schema["$ref"].rpartition("/")[2]], where)
    for each in schema.get("allOf", ()):
        yield from problems(value, each, where)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for name in value.keys() & known.keys():
            yield from problems(value[name], known[name], f"{where}.{name}")
        if schema.get("additionalProperties") is False and value.keys() - known.keys():
            yield f"{where}: {value.keys() - known.keys()} are not described"


def _is_type(value: Any, wanted: str | list[str]) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    return any(isinstance(value, TYPES[name]) for name in names)


def _is_moment(value: Any, _: str) -> bool:
    return value is None or datetime.fromisoformat(value).tzinfo is not None


def _anything(value: Any, wanted: Any) -> bool:
    return True


CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "type": _is_type,
    "format": _is_moment,
    "enum": lambda value, wanted: value in wanted,
    "const": lambda value, wanted: value == wanted,
    "pattern": lambda value, wanted: value is None or bool(re.search(wanted, value)),
    "minimum": lambda value, wanted: not isinstance(value, int) or value >= wanted,
    "maximum": lambda value, wanted: not isinstance(value, int) or value <= wanted,
    "required": lambda value, wanted: set(wanted) <= value.keys(),
    "maxProperties": lambda value, wanted: len(value) <= wanted,
    **dict.fromkeys(("$ref", "allOf", "properties", "additionalProperties"), _anything),
    "description": _anything,
}


@pytest.fixture
def other(store: str) -> Iterator[Receiver]:
    """A receiver that was told all that can happen, and tested."""
    saraa, now = town.join(), clock.now()
    town.channels_known()
    with Receiver() as receiver:
        with transaction() as tx:
            number, receiver.secret = rows.add(tx, "Жишээ", receiver.url, Event, now, active=True)
            rows.test(tx, number, body(rows.TEST, now, {}), now)
        for place in (None, "ulaanbaatar", "bayan-ulgii/tsengel"):
            case = town.arrive(town.PEOPLE[0], clock.now(), place=place)
            for command, values in STEPS:
                late = {"assignee_id": saraa} if command == "assign" else {}
                town.act(case, command, clock.now(), saraa, **values, **late)
                if command == "extend":
                    rounds.attend(now + timedelta(days=400))
        with transaction() as tx:  # also what the clock said in the future
            tx.execute(hook_call.update().values(not_before=now))
        hooks.tell(number)
        yield receiver


STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("acknowledge", {}),
    ("classify", {"category": "access"}),
    ("assign", {"name": "Сараа"}),
    ("propose_redress", {"summary": "Зассан"}),
    ("close", {"outcome": "resolved", "summary": "Зассан"}),
    ("reopen", {}),
    ("extend", {"days": 5, "reason": "Сэлбэг"}),
    ("withdraw", {}),
    ("appeal", {}),
    ("escalate", {"reason": "Хугацаа"}),
)


def test_everything_sent_is_as_described(other: Receiver) -> None:
    assert {each.json["type"] for each in other.received} == DESCRIPTION["webhooks"].keys()
    for each in other.received:
        operation = DESCRIPTION["webhooks"][each.json["type"]]["post"]
        (content,) = operation["requestBody"]["content"].items()
        assert content[0] == each.headers["content-type"]
        assert list(problems(each.json, content[1]["schema"])) == []
        for item in operation["parameters"]:
            field = PARTS["parameters"][item["$ref"].rpartition("/")[2]]
            assert list(problems(each.headers[field["name"]], field["schema"])) == []


def test_the_check_would_see_what_is_wrong(other: Receiver) -> None:
    good = next(each.json for each in other.received if each.json["type"] != "hook.test")
    schema = PARTS["schemas"]["GrievanceEvent"]
    for change in ({"text": "Ус алга"}, {"status": "solved"}, {"place": "a/b/c"}, {"stage": "2"},
                   {"due_at": "2026-11-22T09:00:00"}):  # fmt: skip
        assert len(list(problems({**good, "data": {**good["data"], **change}}, schema))) == 1


def test_the_guides_ten_lines_verify(other: Receiver) -> None:
    found = re.search(r"```python\n(.*?)```", GUIDE, re.S)
    assert found
    assert len(re.findall(r"^    .*$", found[1], re.M)) <= 10
    space: dict[str, Any] = {}
    exec(found[1], space)
    verify, secret = space["verify"], other.secret
    for each in other.received:
        assert verify(secret, each.headers, each.body)
        assert not verify(rows.new_secret(), each.headers, each.body)
        assert not verify(secret, each.headers, each.body + b" ")
        old = {**each.headers, "webhook-timestamp": str(int(time.time()) - 400)}
        assert not verify(secret, old, each.body)


def test_the_documents_name_what_the_code_knows() -> None:
    assert DESCRIPTION["openapi"].startswith("3.1")
    assert DESCRIPTION["webhooks"].keys() == {*Event, rows.TEST}
    grievance = PARTS["schemas"]["Grievance"]["properties"]
    assert grievance["status"]["enum"] == list(Status)
    assert grievance["outcome"]["enum"] == [*Outcome, None]
    assert set(re.findall(r"`(grievance\.\w+)`", GUIDE)) == set(Event)


def test_every_step_that_moves_a_grievance_is_told() -> None:
    """A new command that moves grievances must say which event it is."""
    assert set(EVENT) == set(COMMANDS)
    moving = {EVENT[row.command] for row in TRANSITIONS if row.to is not None}
    assert moving <= EVENTS.keys()
    assert set(EVENTS.values()) == set(Event)


def test_places_are_told_no_finer_than_the_soum() -> None:
    schema = PARTS["schemas"]["Grievance"]["properties"]["place"]
    places = [
        *gazetteer.aimags(),
        *(soum for each in gazetteer.aimags() for soum in gazetteer.soums(each)),
    ]
    assert [place for place in places if list(problems(place, schema))] == []
