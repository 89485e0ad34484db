"""Filing by Open311 on both stores: once, by consent, and sealed where it must be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from bot import filings
from channels import jobs
from config import clock, i18n
from config.profile import profile
from store import grievances
from store.db import DatabaseAway, transaction
from store.schema import address, api_filing, case_event, grievance, outbox, person, raw_event
from tests.channels.conftest import Scripted
from tests.channels.program import (
    CONSENT,
    PLACE,
    SECRETS,
    WORDS,
    Program,
    error,
    rows,
    spark,
    told,
)
from tests.workflow.test_erasing import MARK, PHONE, found
from workflow import erasing
from workflow.commands import Actor
from workflow.states import Role

one_store = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


# -- filing ---------------------------------------------------------------------------------------


def test_a_request_becomes_a_grievance_of_its_partner(program: Program) -> None:
    answer = program.post(lat="49.4867", long="105.9228", attribute__kind="request")
    (case,) = rows(select(grievance))
    assert (case.channel, case.kind, case.category, case.place) == (
        "open311", "request", "environment", "darkhan-uul/darkhan",
    )  # fmt: skip
    assert case.text == f"{WORDS}\n\n{PLACE}; 49.4867, 105.9228"
    assert case.anonymous
    assert case.acknowledged_at is not None
    (name,) = rows(select(person.c.name).where(person.c.id == case.submitter_id))
    assert name[0] == "Жишээ Ажилтан (Жишээ bayan ТББ)"
    (event, *_) = rows(select(case_event).order_by(case_event.c.seq))
    assert event.actor == f"cso:{program.officer_id}"
    (notice,) = answer.json()
    day = i18n.format_date(case.due_at.astimezone(profile().timezone).date(), "en")
    assert notice["service_request_id"] == case.reference
    assert notice["service_notice"] == i18n.text(
        "open311.notice", "en", reference=case.reference, code=case.code, date=day
    )


def test_without_consent_nothing_of_the_person_is_kept(program: Program) -> None:
    answer = program.post(
        first_name="Жишээ", last_name="Дулмаа", phone="88110002", email="dulmaa@example.invalid"
    )
    assert i18n.text("open311.notice.anonymous", "en") in answer.text
    (case,) = rows(select(grievance))
    assert case.anonymous
    assert case.facts["told"] == "submitter"
    kept = [*rows(select(address.c.value)), *rows(select(raw_event.c.body))]
    kept += rows(select(person.c.name).where(person.c.id != case.submitter_id))
    assert not [word for word in SECRETS if word in str(kept)]


@pytest.mark.parametrize(
    ("left", "reached"),
    [({"phone": "8811-0002"}, "sms"), ({"email": "Dulmaa@example.invalid"}, "email")],
)
def test_with_consent_the_person_is_written_to(
    program: Program, left: dict[str, str], reached: str
) -> None:
    program.filed(**CONSENT, **left, attribute__language="kk")
    (case,) = rows(select(grievance))
    assert not case.anonymous
    assert {
        "consent": "agree",
        "consent_by": "written",
        "told": "both",
        "contact": True,
    }.items() <= (case.facts.items())
    names = {row.id: row.name for row in rows(select(person.c.id, person.c.name))}
    assert names[case.complainant_id] == "Жишээ Дулмаа"
    while jobs.deliver():
        pass
    letters = rows(select(outbox.c.channel, outbox.c.template, outbox.c.language))
    assert (reached, "ack", "kk") in {tuple(row) for row in letters}


@one_store
def test_a_file_is_never_fetched(program: Program, scripted: Scripted) -> None:
    answer = program.post(media_url=f"{scripted.url}/photo.jpg")
    assert answer.status_code == 200
    assert i18n.text("open311.notice.media", "en") in answer.text
    assert scripted.requests == []


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "order-1"}])
def test_sent_at_once_by_many_it_is_registered_once(
    program: Program, headers: dict[str, str]
) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: program.post(headers=headers), range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(rows(select(grievance))) == 1


@one_store
def test_the_same_words_are_one_request_for_a_day(program: Program) -> None:
    first = program.filed()
    with time_machine.travel(clock.now() + timedelta(hours=23), tick=True):
        assert program.filed() == first
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=True):
        assert program.filed() != first
    assert program.filed(description="Өөр") not in {first}
    assert Program(str(program.http.base_url.copy_with(path="")), "khovd").filed() != first


@one_store
def test_an_idempotency_key_stands_for_one_content(program: Program) -> None:
    key = {"Idempotency-Key": "a" * 200}
    first = program.post(headers=key).text
    with time_machine.travel(clock.now() + timedelta(days=9), tick=True):
        assert program.post(headers=key).text == first
    answer = program.post(headers=key, description="Өөр")
    assert told(answer) == [(400, error("repeated"))]
    assert program.post(headers={"Idempotency-Key": "b"}).text != first
    with time_machine.travel(clock.now() + timedelta(days=31), tick=True):
        assert program.post(headers=key).text != first
        assert len(rows(select(api_filing))) == 1
    for wrong in ("two words", "a" * 201):
        answer = program.post(headers={"Idempotency-Key": wrong})
        assert told(answer) == [(400, error("wrong", name="Idempotency-Key"))]


@one_store
def test_what_cannot_be_registered_at_once_gets_a_token(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: str) -> None:
        raise DatabaseAway

    with monkeypatch.context() as broken:
        broken.setattr(filings, "handle", away)
        (first,) = program.post().json()
    assert "service_request_id" not in first
    path = f"/tokens/{first['token']}"
    assert program.get(f"{path}.json").json() == [
        {"service_request_id": None, "token": first["token"]}
    ]
    number = program.filed()  # sent again, it is the same
    (found,) = spark(program.get(f"{path}.xml").content)
    assert found == {"service_request_id": number, "token": first["token"]}
    other = Program(str(program.http.base_url.copy_with(path="")), "khovd")
    for foreign in (path, "/tokens/x"):
        assert told(other.get(f"{foreign}.json", lang="en")) == [(404, error("token"))]
    assert len(rows(select(grievance))) == 1


# -- forgotten and sealed -------------------------------------------------------------------------


def marked(program: Program, **fields: Any) -> str:
    """A request with the mark wherever a person's words may stand."""
    return program.filed(
        **CONSENT | {"first_name": MARK}, **fields, description=f"Миний гомдол {MARK}",
        address_string=f"{MARK} гудамж", lat="48.0111", long="91.6222", phone=PHONE[4:],
        email=f"{MARK}@example.invalid",
    )  # fmt: skip


def test_erased_it_is_nowhere_but_its_number_is(program: Program) -> None:
    number = marked(program)
    assert found() >= {"grievance.text", "grievance.facts", "person.name"}
    with transaction() as tx:
        case = grievances.by_references(tx, [number])[number]
        erasing.of_case(tx, case, Actor(Role.ADMINISTRATOR, 1), "хүсэлт", clock.now())
    erasing.settle()
    assert found() == set()
    left = program.look(number)
    assert (left["description"], left["address"], left["lat"]) == (None, None, None)
    assert left["service_request_id"] == number


@one_store
def test_a_confidential_request_lies_under_its_seal_and_the_person_is_encrypted(
    program: Program,
) -> None:
    marked(program, service_code="ethics")
    sealed = {"sealed_matter.body", "sealed_matter.kept"}
    assert found() == sealed | {"person.name", "address.value", "inbox.address"}
