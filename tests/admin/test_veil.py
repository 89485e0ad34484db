"""A sealed matter's words, whatever act wrote them, lie open in no table of the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import text as plain_sql

from config import clock
from store import grievances, sealed, veil
from store.case import Case
from store.db import reading, transaction
from store.schema import metadata
from tests.admin import town
from tests.admin.conftest import another, fresh
from workflow import approval
from workflow.audit import audit
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

MARK = "qyrmyzy"  # letters that JSON keeps as they are
PHONE = "+97670004711"
NOW = clock.now()
# Every act whose values hold words, in an order that the procedure allows.
ACTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("classify", {"facts": {"other": MARK}, "gist": MARK}),
    ("note", {"text": MARK}),
    ("reply", {"text": MARK}),
    ("redact", {"text": MARK}),
    ("pause", {"reason": MARK, "question": MARK}),
    ("append", {"text": MARK}),
    ("extend", {"reason": MARK, "days": 1}),
    ("hand_off", {"organisation": MARK, "text": MARK, "until": NOW + timedelta(days=3)}),
    ("hand_back", {"organisation": MARK, "text": MARK, "link_id": 1}),
    ("notify_bank", {"recipient": MARK, "severity": "severe", "told_at": NOW}),
    ("merge", {"reason": MARK}),
    ("split", {"reason": MARK}),
    ("propose_redress", {"summary": MARK}),
    ("escalate", {"reason": MARK}),
    ("convene", {"held_at": NOW + timedelta(days=1), "agenda": MARK, "participants": MARK}),
    ("decide", {"decision": MARK}),
    ("close", {"outcome": "resolved", "summary": MARK}),
    ("return", {"reason": MARK}),
    ("close", {"outcome": "resolved", "summary": MARK}),
    ("record_court", {"court": MARK, "number": MARK, "filed_on": date(2027, 1, 5)}),
)
_ROLES = {"append": Role.CITIZEN, "hand_back": Role.CONTRACTOR}


def write(case: Case, officer: int) -> None:
    """Do all of them."""
    for command, values in ACTS:
        who = officer + 1 if command == "return" else officer
        role = _ROLES.get(command, Role.COORDINATOR if command == "return" else Role.FOCAL_POINT)
        if command in {"convene", "decide"}:
            role = Role.PSC_SECRETARY
        with transaction() as tx:
            work = Casework(tx, clock.now())
            work.act(Act(command, case.id, Actor(role, who), values))
            work.flush()


def raw() -> Iterator[tuple[str, str]]:
    """Every value as it lies in the store, nothing opened: (table.column, value)."""
    with reading() as tx:
        for table in metadata.sorted_tables:
            for row in tx.execute(plain_sql(f'SELECT * FROM "{table.name}"')).mappings():
                for name, value in row.items():
                    plain = isinstance(value, bytes | memoryview)
                    words = bytes(value).decode("utf-8", "replace") if plain else str(value)
                    yield f"{table.name}.{name}", words


def lying_open() -> set[str]:
    return {place for place, value in raw() if MARK in value}


@pytest.fixture
def case(store: str) -> Case:
    town.channels_known()
    found = town.arrive(town.Person("sms", PHONE, f"Намайг {MARK}"), clock.now())
    town.join("second", "Жишээ Хоёр", "coordinator", "focal_point")
    return found


def test_the_look_finds_what_lies_open(case: Case, saraa: int) -> None:
    write(case, saraa)
    assert {"grievance.text", "grievance.resolution", "grievance.facts", "case_event.payload",
            "redaction.text"} <= lying_open()  # fmt: skip


def test_after_the_sealing_every_act_writes_under_the_seal(case: Case, saraa: int) -> None:
    town.sealed(case, clock.now(), saraa)
    write(case, saraa)
    assert lying_open() == set()
    now = fresh(case)
    assert approval.proposal(now) == {"outcome": "resolved", "summary": MARK, "by": saraa}
    assert now.facts["court"]["number"] == MARK
    assert now.resolution == MARK
    with reading() as tx:
        said = [row["reason"] for row in veil.under(tx, case.id, veil.EVENTS).values()
                if "reason" in row]  # fmt: skip
        assert len(said) == 6
        assert not audit(tx).findings


def test_what_was_written_before_the_sealing_goes_under_it(case: Case, saraa: int) -> None:
    write(case, saraa)
    town.sealed(case, clock.now(), saraa)
    assert lying_open() == set()
    now = fresh(case)
    assert now.resolution == MARK
    assert now.facts["court"]["court"] == MARK
    with reading() as tx:
        assert f"Намайг {MARK}" in sealed.read(tx, case.id)
        assert not audit(tx).findings


def test_focal_points_read_it_and_the_letter_says_it(app: Flask, case: Case, saraa: int) -> None:
    town.sealed(case, clock.now(), saraa)
    focal = another(app, "focal", "focal_point")
    reason = f"Учир шалтгаан {MARK}"
    assert focal.do(case, "extend", reason=reason, days="2").status_code == 303
    focal.post(f"/cases/{case.reference}/contact", reason=reason)
    assert lying_open() == set()
    assert reason in focal.page(f"/cases/{case.reference}")
    assert reason in another(app, "both", "auditor", "focal_point").page("/looks")
    assert reason not in another(app, "audit", "auditor").page("/looks")


def test_unsealed_it_is_an_ordinary_grievance_again(case: Case, saraa: int) -> None:
    town.sealed(case, clock.now(), saraa)
    write(case, saraa)
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act("unseal", case.id, Actor(Role.FOCAL_POINT, saraa), {"reason": MARK}))
        work.flush()
    assert lying_open() == {"grievance.resolution", "grievance.facts", "grievance.gist"}
    with reading() as tx:
        found = grievances.get(tx, case.id)
    assert found
    assert found.resolution == MARK
