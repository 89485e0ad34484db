"""The drain on both stores: batches, bursts, culprits set aside, lookups by number and code."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from bot.jobs import BATCH, drain
from config import clock
from store import channels, inbox, leases
from store.db import reading, transaction
from store.inbox import Receipt
from store.messages import Attachment, Capabilities, Contact, Inbound, Kind
from store.queue import PARTITIONS
from store.schema import attachment, case_event, grievance, outbox
from store.schema import inbox as table
from workflow.commands import Register
from workflow.handlers import Casework

WELL = "Манай сумын худаг ширгэсэн, ус алга"


@pytest.fixture(autouse=True)
def _channels(store: str) -> None:
    sms = Capabilities(form="sms", longest=1600, units=134)
    with transaction() as tx:
        channels.sync(
            tx, {"sms": ("+97675000000", sms), "telegram": ("700", Capabilities(buttons=8))}
        )


def come(number: int, words: str = WELL, phone: str = "+97688110001", **more: Any) -> None:
    """A message is accepted."""
    message = Inbound("sms", "+97675000000", f"SM{number}", phone, text=words, **more)
    inbox.accept(Receipt("sms", "+97675000000", b"raw", clock.now(), (message,)))


def drain_all() -> int:
    return sum(drain(part) for part in range(PARTITIONS))


def rows(query: Any) -> list[Any]:
    with reading() as tx:
        return list(tx.execute(query).all())


def told() -> list[str]:
    return [row.text for row in rows(select(outbox.c.text).order_by(outbox.c.id))]


def test_a_first_message_is_a_grievance_with_event_letter_and_trail() -> None:
    come(1)
    assert drain_all() == 1
    (case,) = rows(select(grievance))
    assert (case.status, case.language, case.text) == ("registered", "mn", WELL)
    (event,) = rows(select(case_event))
    assert (event.kind, event.seq, event.hash) == ("registered", 1, case.head_hash)
    (letter,) = rows(select(outbox))
    assert case.reference in letter.text
    assert case.code in letter.text
    assert letter.parts <= 2


def test_more_than_a_batch_of_people_each_get_a_number() -> None:
    for number in range(BATCH + 30):
        come(number, phone=f"+97688{number:06d}")
    assert drain_all() == BATCH + 30
    references = {row.reference for row in rows(select(grievance.c.reference))}
    assert len(references) == BATCH + 30
    assert len(told()) == BATCH + 30


def test_a_burst_joins_and_what_comes_later_is_added_with_a_word() -> None:
    come(1)
    come(2, "Хоёр долоо хонож байна")
    drain_all()
    (case,) = rows(select(grievance))
    assert case.text == f"{WELL}\nХоёр долоо хонож байна"
    with transaction() as tx:  # half an hour later
        earlier = clock.now() - timedelta(minutes=30)
        tx.execute(table.update().values(received_at=earlier))
    with transaction() as tx:
        from store import conversations

        (address_id,) = [row.address_id for row in tx.execute(select(table.c.address_id).limit(1))]
        state, _ = conversations.load(tx, [address_id])[address_id]
        state["burst_until"] = earlier.isoformat()
        conversations.save(tx, {address_id: (0, state, None)}, clock.now())
    come(3, "Одоо ч ус алга хэвээр")
    drain_all()
    assert len(rows(select(grievance))) == 1
    assert case.reference in told()[-2]  # before the first question
    assert len(told()) == 3


def test_keywords_register_nothing() -> None:
    for number, words in enumerate(("Сайн байна уу", "ТУСЛАМЖ", "ЯВЦ", "😀", "3")):
        come(number, words)
    assert drain_all() == 5
    assert rows(select(grievance)) == []
    assert len(told()) == 5


def test_a_photo_alone_registers_and_is_noted_for_fetching() -> None:
    photo = Attachment("image", "image/jpeg", 1000, "зураг.jpg", "https://media.example/1")
    come(1, "", kind=Kind.MEDIA, attachments=(photo,))
    drain_all()
    (case,) = rows(select(grievance))
    (kept,) = rows(select(attachment))
    assert kept.grievance_id == case.id
    assert kept.source["url"] == "https://media.example/1"
    assert "Тіркелді" in told()[0]


def test_a_number_of_somebody_else_needs_its_code_and_never_shows_that_it_exists() -> None:
    come(1)
    drain_all()
    (case,) = rows(select(grievance.c.reference, grievance.c.code))
    other = "+97688110002"
    come(2, f"ЯВЦ {case.reference}", other)
    drain_all()
    asked = told()[-1]
    come(3, f"ЯВЦ {case.reference} {case.code}", "+97688110003")
    drain_all()
    opened = told()[-1]
    wrong = f"{(int(case.code) + 1) % 10**6:06d}"
    for number in range(4, 12):
        come(number, f"ЯВЦ {case.reference} {wrong}", other)
        drain_all()
    refused = told()[-8:]
    assert "Хариу өгөх хугацаа" in opened
    assert opened not in {asked, *refused}
    assert refused[0] != refused[-1]  # after five wrong codes the door is shut
    come(20, f"ЯВЦ {case.reference} {case.code}", other)
    drain_all()
    assert told()[-1] == refused[-1]


def test_a_message_that_cannot_be_handled_is_set_aside_and_takes_nobody_with_it() -> None:
    for number in range(9):
        come(number, phone=f"+9768811{number:04d}")
    with transaction() as tx:
        tx.execute(text("UPDATE inbox SET kind = 'nonsense' WHERE external_id = 'SM4'"))
    for _ in range(4):
        drain_all()
    states = dict(rows(select(table.c.external_id, table.c.state)))
    assert states.pop("SM4") == "dead"
    assert set(states.values()) == {"done"}
    (reason,) = rows(select(table.c.error).where(table.c.external_id == "SM4"))
    assert reason.error == "could not be handled: ValueError"
    assert len(rows(select(grievance))) == 8


def test_a_message_that_kills_its_worker_is_found_after_three_deaths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    come(1)
    (part,) = [row.partition for row in rows(select(table.c.partition))]
    monkeypatch.setattr(leases, "LIFE_SECONDS", -1.0)
    for number in range(5):  # each holder dies: its lease runs out, never given back
        with transaction() as tx:
            lease = leases.take(tx, f"drain:{part}", f"worker {number}")
            assert lease is not None
        if lease.crashed:
            from bot.jobs import _try_left

            _try_left(1)
    with reading() as tx:
        states = list(tx.execute(select(table.c.state, table.c.error)))
    assert states[0].state == "dead"
    assert "three times" in states[0].error


def test_two_drainers_do_not_share_a_partition() -> None:
    come(1)
    (part,) = [row.partition for row in rows(select(table.c.partition))]
    with transaction() as tx:
        leases.take(tx, f"drain:{part}", "somebody else")
    assert drain(part) == 0
    assert rows(select(grievance)) == []


def test_replay_handles_a_dead_letter_again() -> None:
    come(1)
    with transaction() as tx:
        inbox.set_aside(tx, 1, "could not be handled: Trouble", clock.now())
    drain_all()
    assert rows(select(grievance)) == []
    with transaction() as tx:
        assert inbox.replay(tx, 1)
        assert not inbox.replay(tx, 99)
    drain_all()
    assert len(rows(select(grievance))) == 1


def test_a_shared_contact_is_kept_with_its_message() -> None:
    come(1, "Энэ дугаараар холбогдоорой", contact=Contact("+97688119999", "Туршилт"))
    drain_all()
    (kept,) = rows(select(table.c.details))
    assert kept.details["contact"]["phone"] == "+97688119999"


@pytest.mark.parametrize(("sender", "to_first"), [("+97688110001", True), ("+97688110009", False)])
def test_an_answer_to_a_letter_is_about_its_grievance_if_the_letter_went_there(
    sender: str, to_first: bool
) -> None:
    come(1)
    drain_all()
    with transaction() as tx:  # a second matter of the same person, the latest
        (address,) = tx.execute(select(table.c.address_id)).scalars()
        work = Casework(tx, clock.now())
        work.register(Register("sms", "Зам", clock.now(), address_id=address, language="mn"))
        work.flush()
    with transaction() as tx:
        tx.execute(outbox.update().values(provider_id=text("'<' || id || '@hariu>'")))
    come(4, "Худаг засагдаагүй хэвээрээ байна шүү дээ", sender, thread="<1@hariu>")
    drain_all()
    cases = [row.id for row in rows(select(grievance.c.id).order_by(grievance.c.id))]
    (last,) = rows(select(table.c.grievance_id).where(table.c.external_id == "SM4"))
    assert (last.grievance_id == cases[0]) is to_first
