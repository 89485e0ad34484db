"""Second approval, hand-offs, the Bank, copies for disclosure: what one person may not do alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from config import clock, profile
from config.care import Approver
from store import bank, channels, grievances, links
from store.case import Case
from store.db import reading, transaction
from store.schema import case_event, outbox, partner_link
from tests.admin import town
from workflow import redactions
from workflow.audit import audit
from workflow.commands import CITIZEN, Act, Actor, Refused
from workflow.handlers import Casework
from workflow.states import Role

WORDS = "Манай ахлагч Болд 99112233 дугаараас дарамталж байна"


@pytest.fixture
def staff(store: str) -> tuple[int, int]:
    """An officer and a coordinator; their ids."""
    town.channels_known()
    return town.join("saraa"), town.join("dulam", "Жишээ Дулам", "coordinator", "focal_point")


def arrive(text: str = WORDS, **more: Any) -> Case:
    return town.arrive(town.Person("sms", "+97670000009", text), clock.now(), **more)


def act(case: Case, command: str, actor: Actor, **values: object) -> Casework:
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act(command, case.id, actor, values))
        work.flush()
    return work


def now(case: Case) -> Case:
    with reading() as tx:
        found = grievances.get(tx, case.id)
    assert found
    return found


def kinds(case: Case) -> list[str]:
    with reading() as tx:
        query = select(case_event.c.kind).where(case_event.c.grievance_id == case.id)
        return list(tx.execute(query.order_by(case_event.c.seq)).scalars())


def officer(number: int | None) -> Actor:
    return Actor(Role.OFFICER, number)


def second(number: int | None) -> Actor:
    return Actor(Role.COORDINATOR, number)


REFUSAL = {"outcome": "not_eligible", "summary": "Манай төслийн ажил биш"}


def test_a_refusal_waits_for_a_second_person(staff: tuple[int, int]) -> None:
    saraa, dulam = staff
    case = arrive()
    act(case, "close", officer(saraa), **REFUSAL)
    waiting = now(case)
    assert (waiting.status, waiting.outcome, waiting.resolution) == ("registered", None, "")
    assert town.letters_of(case) == ["ack"], "nobody is told before somebody else agreed"
    with pytest.raises(Refused) as refusal:
        act(case, "approve", Actor(Role.COORDINATOR, saraa))
    assert refusal.value.code == "refused.same_person"
    act(case, "approve", second(dulam))
    closed = now(case)
    assert (closed.status, closed.outcome) == ("closed", "not_eligible")
    assert closed.resolution == REFUSAL["summary"]
    assert "closing" not in closed.facts
    assert kinds(case) == ["registered", "closure_proposed", "approved", "closed"]
    assert town.letters_of(case) == ["ack", "closed"]


def test_what_is_sent_back_is_told_to_nobody(staff: tuple[int, int]) -> None:
    case = arrive()
    act(case, "close", officer(staff[0]), **REFUSAL)
    act(case, "return", second(staff[1]), reason="Дахин шалгах")
    assert now(case).facts == {}
    assert town.letters_of(case) == ["ack"]
    with pytest.raises(Refused) as refusal:
        act(case, "approve", second(staff[1]))
    assert refusal.value.code == "refused.proposed"


@pytest.mark.parametrize(
    ("more", "command", "values", "waits"),
    [
        ({}, "close", {"outcome": "resolved", "summary": "а"}, False),
        ({}, "close", REFUSAL, True),
        ({}, "withdraw", {}, False),
        ({"sensitive": "sea"}, "close", {"outcome": "resolved", "summary": "а"}, True),
        ({"sensitive": "sea"}, "withdraw", {}, True),
        ({}, "close", REFUSAL | {"at": clock.now()}, False),  # history that is imported
    ],
)
def test_which_closures_want_a_second_person(
    staff: tuple[int, int],
    more: dict[str, Any],
    command: str,
    values: dict[str, object],
    waits: bool,
) -> None:
    case = arrive(**more)
    act(case, command, officer(staff[0]), **values)
    assert (now(case).status != "closed") is waits
    assert ("closing" in now(case).facts) is waits


def test_a_committees_matter_wants_one_too(staff: tuple[int, int]) -> None:
    case = arrive()
    act(case, "escalate", officer(staff[0]), reason="Хороонд")
    held = {"held_at": clock.now(), "agenda": "а", "participants": "а"}
    act(case, "convene", officer(staff[0]), **held)
    act(case, "decide", officer(staff[0]), decision="Шийдвэр")
    act(case, "close", officer(staff[0]), outcome="resolved", summary="Шийдсэн")
    assert now(case).facts["closing"]["outcome"] == "resolved"


def test_the_citizen_may_always_withdraw_and_that_ends_the_proposal(staff: tuple[int, int]) -> None:
    case = arrive(sensitive="sea")
    act(case, "close", officer(staff[0]), outcome="resolved", summary="а")
    act(case, "withdraw", CITIZEN)
    assert (now(case).status, now(case).facts) == ("closed", {})


@pytest.mark.parametrize(
    ("channel", "address", "code"),
    [("sms", "+97670000077", "sms"), ("mail", "zovlokh@example.invalid", "email")],
)
def test_one_person_offices_ask_the_approver_from_outside(
    store: str, monkeypatch: pytest.MonkeyPatch, channel: str, address: str, code: str
) -> None:
    with transaction() as tx:
        channels.sync(tx, town.CHANNELS | {"email": town.CHANNELS["mail"]})
    alone = town.join("saraa", "Жишээ Сараа", "officer", "administrator", "focal_point")
    named = Approver.model_validate(
        {"name": "Жишээ Зөвлөх", "channel": channel, "address": address}
    )
    outside = profile.profile().model_copy(update={"approver": named})
    case = arrive()
    with transaction() as tx:
        work = Casework(tx, clock.now(), outside)
        work.act(Act("close", case.id, officer(alone), REFUSAL))
        work.flush()
    with reading() as tx:
        (letter,) = tx.execute(select(outbox).where(outbox.c.template == "approver")).all()
        (link,) = tx.execute(select(partner_link)).all()
    assert letter.channel == code
    assert letter.grievance_id is None, "the officer who proposed does not see the link"
    assert "/partner/approval/" in letter.text
    token = letter.text.rsplit("/", 1)[1]
    assert token.encode() not in bytes(link.token_hash)
    assert (link.kind, link.name) == ("approval", "Жишээ Зөвлөх")
    act(case, "close", officer(alone), **REFUSAL)
    with reading() as tx:  # proposed anew: what the first link showed holds no more
        assert links.find(tx, links.APPROVAL, token, clock.now()) is None


def test_a_hand_off_opens_with_its_token_alone(staff: tuple[int, int]) -> None:
    case, at = arrive(), clock.now()
    work = act(
        case, "hand_off", officer(staff[0]), organisation="Ус суваг", text="Насос солих",
        until=at + timedelta(days=3),
    )  # fmt: skip
    token = work.tokens[case.id]

    def found(given: str, moment: datetime = at, kind: str = links.HAND_OFF) -> bool:
        with reading() as tx:
            return links.find(tx, kind, given, moment) is not None

    assert found(token)
    assert not found(token[:-1] + ("A" if token[-1] != "A" else "B"))
    assert not found("")
    assert not found(token, kind=links.APPROVAL)
    assert found(token, at + timedelta(days=32)), "late answers count as well"
    assert not found(token, at + timedelta(days=34))
    with reading() as tx:
        (row,) = links.of_grievance(tx, case.id, links.HAND_OFF)
    act(case, "take_back", officer(staff[0]), link_id=row.id)
    assert not found(token)
    assert kinds(case)[1:] == ["handed_off", "taken_back"]


def test_who_of_the_bank_was_told_is_kept(staff: tuple[int, int]) -> None:
    case = arrive()
    at = clock.now() - timedelta(hours=1)
    told = {"recipient": "Жишээ Менежер", "severity": "serious", "told_at": at}
    act(case, "notify_bank", officer(staff[0]), **told)
    with reading() as tx:
        (row,) = bank.of_grievance(tx, case.id)
        payload = grievances.payload(tx, case.id, 2)
    assert (row.recipient, row.severity, row.told_at) == ("Жишээ Менежер", "serious", at)
    assert payload["severity"] == "serious"
    for wrong in ({"severity": "bad"}, {"recipient": " "}, {"told_at": None}):
        with pytest.raises(Refused):
            act(case, "notify_bank", officer(staff[0]), **(told | wrong))


def test_what_is_disclosed_is_masked_until_an_officer_confirmed_it(staff: tuple[int, int]) -> None:
    case, sealed = arrive(), arrive(sensitive="sea")

    def text() -> redactions.Redacted:
        with reading() as tx:
            found = redactions.text_for(tx, [case.id, sealed.id])
        assert set(found) == {case.id}, "a sealed matter has no text for anybody"
        return found[case.id]

    assert "99112233" not in text().text
    assert "дарамталж" in text().text
    assert not text().confirmed
    act(case, "redact", officer(staff[0]), text="Ахлагч дарамталж байна")
    assert text() == redactions.Redacted("Ахлагч дарамталж байна", confirmed=True)
    with reading() as tx:
        assert "Ахлагч" not in str(grievances.payload(tx, case.id, 2))
    act(case, "append", CITIZEN, text="Дугаар 88776655", joins=True)
    grown = text()
    assert not grown.confirmed, "it has grown: nobody has read all of it"
    assert "88776655" not in grown.text
    with reading() as tx:
        assert not audit(tx).findings
