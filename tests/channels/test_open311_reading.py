"""Reading by Open311 on both stores: what one filed, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from config import clock, i18n
from config.profile import profile
from store import open311
from store.db import transaction
from store.schema import grievance
from tests.channels.program import (
    CONSENT,
    PLACE,
    SECRETS,
    WORDS,
    Program,
    act,
    rows,
)
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

one_store = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


# -- reading --------------------------------------------------------------------------------------


def test_a_key_sees_what_its_partner_filed_and_nothing_else(base: str, program: Program) -> None:
    mine = program.filed(**CONSENT, phone="88110002", email="dulmaa@example.invalid")
    other = Program(base, "khovd")
    theirs = other.filed(description="Өөр зүйл")
    assert (program.numbers(), other.numbers()) == ([mine], [theirs])
    assert other.numbers(service_request_id=f"{mine},{theirs},26000018") == [theirs]
    unknown = other.get("/requests/26000018.xml", lang="en")
    foreign = other.get(f"/requests/{mine}.xml", lang="en")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    page = program.get("/requests.json").text + program.get(f"/requests/{mine}.xml").text
    assert not [word for word in SECRETS if word in page]
    second = Program(base, "bayan")  # another key of the same account
    assert second.numbers() == [mine]


@one_store
def test_where_it_stands_is_told_in_public_words(program: Program) -> None:
    number = program.filed()
    found = program.look(number, lang="mn")
    assert (found["status"], found["description"], found["address"]) == ("open", WORDS, PLACE)
    assert found["status_notes"] == i18n.text("status.acknowledged.citizen", "mn")
    assert found["agency_responsible"] == profile().organisation.name.mn
    assert found["service_name"] == i18n.text("category.environment.label", "mn")
    (case,) = rows(select(grievance))
    assert datetime.fromisoformat(found["expected_datetime"]) == case.due_at.replace(microsecond=0)
    assert found["requested_datetime"].endswith("+08:00")
    act(number, "reply", text="Маргааш очно")
    received = i18n.text("status.acknowledged.citizen", "en")
    assert program.look(number, lang="en")["status_notes"] == f"{received}. Маргааш очно"
    later = clock.now() + timedelta(days=2)
    with time_machine.travel(later, tick=True):
        act(number, "close", outcome="resolved", summary="Шонг босгосон")
        found = program.look(number, lang="en")
    assert found["status"] == "closed"
    assert found["status_notes"] == "Closed. Resolved. Шонг босгосон"
    assert datetime.fromisoformat(found["updated_datetime"]) >= later.replace(microsecond=0)
    assert found["expected_datetime"] is None


@one_store
@pytest.mark.parametrize(
    ("fields", "kind"),
    [({"description": "Дарга намайг дарамталж байна, хүчирхийлсэн"}, ""),
     ({"service_code": "ethics"}, "corruption"), ({"service_code": "sensitive"}, "sea")],
)  # fmt: skip
def test_a_sensitive_matter_is_sealed_from_its_program_too(
    program: Program, fields: dict[str, str], kind: str
) -> None:
    number = program.filed(**fields)
    (case,) = rows(select(grievance))
    assert case.sensitive
    assert kind in {"", case.sensitive}
    assert case.text == ""
    before = program.look(number, lang="en")
    assert before.pop("status_notes") == i18n.text(
        "open311.sealed", "en", phone=profile().organisation.phone
    )
    shown = {name for name, value in before.items() if value is not None}
    assert shown == {
        "service_request_id", "status", "requested_datetime", "updated_datetime",
    }  # fmt: skip
    act_as_focal(number)
    after = program.look(number, lang="en")
    after.pop("status_notes")
    assert after == before
    assert program.numbers(status="closed") == []
    assert program.numbers(service_code=case.category) == []
    assert program.numbers(status="open") == [number]


def act_as_focal(number: str) -> None:
    (case,) = rows(select(grievance.c.id).where(grievance.c.reference == number))
    with transaction() as tx:
        work = Casework(tx, clock.now())
        values = {"outcome": "resolved", "summary": "Хаасан"}
        work.act(Act("close", case.id, Actor(Role.FOCAL_POINT), values))
        work.flush()


@one_store
def test_a_matter_sealed_later_is_shut_as_well(program: Program) -> None:
    number = program.filed()
    act(number, "seal", sensitive="violence")
    found = program.look(number)
    assert (found["description"], found["service_code"], found["address"]) == (None, None, None)


def test_the_list_is_asked_by_time_state_and_service(program: Program) -> None:
    now = clock.now()
    old, new = program.filed(), program.filed(description="Ус алга", service_code="access")
    then = now - timedelta(days=100)
    with transaction() as tx:
        one = grievance.c.reference == old
        tx.execute(update(grievance).where(one).values(received_at=then))
    act(new, "close", outcome="resolved", summary="Болсон")
    assert program.numbers() == [new]
    start, end = then - timedelta(days=1), then + timedelta(days=1)
    assert program.numbers(start_date=start.isoformat(), end_date=end.isoformat()) == [old]
    assert program.numbers(start_date=f"{start:%Y-%m-%dT%H:%MZ}") == [old]
    assert program.numbers(end_date=f"{end:%Y-%m-%dT%H:%M:%SZ}") == [old]
    assert program.numbers(status="open") == []
    assert program.numbers(status="closed") == [new]
    assert program.numbers(status="open,closed", service_code="access,other") == [new]
    assert program.numbers(service_code="other", status="") == []
    assert set(program.numbers(service_request_id=[old, new], status="open")) == {old, new}


@one_store
def test_a_list_ends_after_so_many(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open311.MOST_ROWS == 1000
    monkeypatch.setattr(open311, "MOST_ROWS", 2)
    filed = [program.filed(description=f"Зүйл {n}") for n in range(3)]
    assert program.numbers() == filed[:0:-1]
