"""Who was filed for and later answers by SMS: known by what we wrote there, by nothing less."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from bot import filings
from bot.filings import Filing
from bot.jobs import drain
from config import clock
from store import channels, inbox, people
from store.db import reading, transaction
from store.inbox import Receipt
from store.messages import Capabilities, Inbound, OutboundState
from store.schema import grievance, outbox
from workflow import fallback
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

PHONE = "+97688110001"
WELL = "Манай багийн худаг ширгэсэн"


@pytest.fixture(autouse=True)
def known(store: str) -> None:
    """A website, and texts that nobody carries."""
    sms = Capabilities(form="sms", longest=1600, units=134)
    with transaction() as tx:
        channels.sync(
            tx, {"web": ("site", Capabilities(inline=True)), "sms": ("+97675000000", sms)}
        )


def filed(token: str = "a", text: str = WELL, **more: Any) -> Any:
    """Somebody writes down a matter and the phone of whom it concerns."""
    filing = Filing(
        token * 24, "desk", "visit", "officer:1", "2026-03-05", text, "mn", "complaint",
        phone=PHONE, agreed=("contact",), **more,
    )  # fmt: skip
    filings.handle("desk", filings.accept(filing))
    with reading() as tx:
        return tx.execute(select(grievance).order_by(grievance.c.id.desc())).first()


def letters(case: Any, state: OutboundState = OutboundState.SENT) -> list[str]:
    """What the website could not carry goes on to the phone, and this becomes of it."""
    with transaction() as tx:
        mine = outbox.c.grievance_id == case.id
        waiting = tx.execute(select(outbox.c.id).where(mine, outbox.c.channel == "web")).all()
        gone_on = [fallback.send_on(tx, row.id, clock.now()) for row in waiting]
        assert any(gone_on)
        tx.execute(update(outbox).where(mine, outbox.c.channel == "sms").values(state=state))
        texts = tx.execute(select(outbox.c.text).where(mine, outbox.c.channel == "sms")).all()
        return [row.text for row in texts]


def says(words: str, phone: str = PHONE) -> str:
    """A text comes from a phone; the last answer it got."""
    key = f"{phone}:{words}:{clock.now().timestamp()}"
    message = Inbound("sms", "+97675000000", key, phone, text=words)
    inbox.accept(Receipt("sms", "+97675000000", b"raw", clock.now(), (message,)))
    index = people.address_index("sms", phone)
    drain(people.partition_of(index))
    with reading() as tx:
        query = select(outbox.c.text).where(outbox.c.key.like("reply:%"))
        row = tx.execute(query.order_by(outbox.c.id.desc())).first()
        return row.text if row else ""


def test_the_letter_goes_on_to_the_phone_and_its_owner_is_known_there() -> None:
    case = filed()
    (ack,) = letters(case)
    assert case.reference in ack
    assert case.code in ack
    assert case.reference in says("ЯВЦ")
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act("reply", case.id, Actor(Role.OFFICER, None), {"text": "Хэзээ ширгэсэн бэ?"}))
        work.flush()
    letters(case)
    says("Гурав хоногийн өмнө")
    with reading() as tx:
        found = tx.execute(select(grievance)).all()
    assert len(found) == 1  # the answer is added; it is no second grievance
    assert found[0].waiting_on == "us"


@pytest.mark.parametrize("state", [OutboundState.QUEUED, OutboundState.FAILED])
def test_a_phone_that_somebody_typed_proves_nothing(state: OutboundState) -> None:
    case = filed()
    letters(case, state)
    assert case.reference not in says("ЯВЦ")


def test_a_sealed_matter_is_not_opened_by_a_letter() -> None:
    case = filed(sensitive="violence")
    letters(case)
    assert case.reference not in says("ЯВЦ")
    ordinary = filed("b")
    letters(ordinary)
    assert ordinary.reference in says("ЯВЦ")
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act("seal", ordinary.id, Actor(Role.OFFICER, None), {"sensitive": "violence"}))
        work.flush()
    assert ordinary.reference not in says("ЯВЦ")


def test_another_phone_knows_nothing_of_it() -> None:
    case = filed()
    letters(case)
    assert case.reference not in says("ЯВЦ", "+97688110009")


def test_two_people_share_a_phone() -> None:
    """The second person's letters reach it too, and each matter keeps its own person."""
    first = filed("a", name="Жишээ Бат")
    second = filed("b", "Сургуулийн дээвэр дусаалдаг", name="Жишээ Дулмаа")
    assert first.complainant_id != second.complainant_id
    assert letters(first)
    (ack,) = letters(second)
    assert second.reference in ack
    answer = says(f"ЯВЦ {first.reference}") + says("ЯВЦ")
    assert second.reference in answer
