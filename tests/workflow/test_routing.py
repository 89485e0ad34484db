"""Suggestions of who takes a grievance: each rule, and the load as rows tell it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from config.profile import Category, Resolver, Unit, Words, load
from store.case import Case
from store.db import reading
from tests.workflow import office
from workflow.routing import Candidate, candidates, suggest

NOW = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
NAME = Words(mn="Нэгж", kk="Бөлім", en="Unit")
PROJECT = load("smart-government-2").model_copy(
    update={
        "resolvers": (
            Resolver(place="bayan-ulgii", officer="aimag"),
            Resolver(place="bayan-ulgii/tsengel", officer="soum"),
        ),
        "units": (
            Unit(code="it", name=NAME, officers=("it1", "it2")),
            Unit(code="west", name=NAME, officers=("west",), places=("uvs", "khovd")),
        ),
        "categories": (Category(code="e_services", unit="it"), Category(code="other")),
        "speakers": {"kk": ("aimag", "it2")},
    }
)
PEOPLE = [
    Candidate(1, "first", frozenset({"officer"}), 3),
    Candidate(2, "second", frozenset({"officer"}), 1),
    Candidate(3, "focal", frozenset({"focal_point"}), 9),
    Candidate(4, "secretary", frozenset({"psc_secretary"}), 9),
    Candidate(5, "it1", frozenset({"assignee"}), 2),
    Candidate(6, "it2", frozenset({"assignee"}), 5),
    Candidate(7, "west", frozenset({"assignee"}), 9),
    Candidate(8, "soum", frozenset({"assignee"}), 9),
    Candidate(9, "aimag", frozenset({"assignee"}), 9),
    Candidate(10, "auditor", frozenset({"auditor"}), 0),
]


def case(**known: Any) -> Case:
    return Case(
        1, "26000010", "123456", "complaint", "sms", "Ус", "registered", known.pop("stage", 2),
        NOW, NOW, b"", b"", **known,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, 2),  # least in hand
        ({"sensitive": "violence"}, 3),
        ({"stage": 3}, 4),
        ({"category": "e_services"}, 5),
        ({"category": "e_services", "language": "kk"}, 6),
        ({"place": "uvs/tes"}, 7),
        ({"category": "e_services", "place": "uvs/tes"}, 5),  # the unit before the place
        ({"stage": 1, "place": "bayan-ulgii/tsengel"}, 8),
        ({"stage": 1, "place": "bayan-ulgii/altai"}, 9),
        ({"language": "kk"}, 6),
    ],
)
def test_each_rule_narrows_the_choice(known: dict[str, Any], expected: int) -> None:
    assert suggest(case(**known), PEOPLE, PROJECT) == expected


def test_one_officer_gets_everything_and_nobody_is_made_up() -> None:
    alone = [Candidate(1, "only", frozenset({"officer", "focal_point"}), 400)]
    for known in ({}, {"stage": 3}, {"category": "e_services"}, {"sensitive": "sea"}):
        assert suggest(case(**known), alone, PROJECT) == 1
    assert suggest(case(), PEOPLE[-1:], PROJECT) is None
    assert suggest(case(sensitive="sea"), PEOPLE[:2], PROJECT) is None


def test_the_load_is_counted_from_open_grievances(store: str) -> None:
    office.open_office(NOW)
    busy, free = office.join(NOW, "busy"), office.join(NOW, "free")
    given = [office.register(NOW, number) for number in range(3)]
    for one in given:
        office.act(one, "assign", NOW, assignee_id=busy, name="Жишээ")
    office.act(given[0], "close", NOW, outcome="resolved", summary="Засав")
    with reading() as tx:
        found = {person.id: person.load for person in candidates(tx)}
    assert found == {busy: 2, free: 0}
