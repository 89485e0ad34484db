"""What this room asks of the database, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.handover import hand_over
from bot.jobs import drain
from config import clock
from store import attachments, automatic, channels, inbox, letterheads, outbox, people
from store.db import reading, transaction
from store.inbox import Receipt
from store.messages import Attachment, Capabilities, Inbound, Kind
from store.queue import PARTITIONS
from store.schema import address, attachment, conversation, grievance
from store.schema import outbox as outbox_table
from store.uploads import TOO_LARGE
from workflow import headings, refusals

pytestmark = pytest.mark.usefixtures("store")
WELL = "Манай сумын худаг ширгэсэн, ус алга"
OURS = "gomdol@hariu.example.mn"


def known(**capabilities: Capabilities) -> None:
    with transaction() as tx:
        channels.sync(tx, {code: (OURS, carried) for code, carried in capabilities.items()})


def come(message: Inbound) -> None:
    inbox.accept(Receipt(message.channel, message.account, b"raw", clock.now(), (message,)))
    for part in range(PARTITIONS):
        drain(part)


def mail(identity: str, text: str = WELL, **more: object) -> Inbound:
    sender = "dorj@example.com"
    return Inbound("email", OURS, identity, sender, text=text, **more)  # type: ignore[arg-type]


def test_headings() -> None:
    known(email=Capabilities(headed=True))
    come(mail("<1@example.com>#aa"))
    come(mail("<2@example.com>#bb", "яаралтай!"))
    with transaction() as tx:
        claimed = outbox.claim(tx, "email", 10, clock.now())
        (item,) = headings.headed(tx, claimed)  # one a person at a time
        (reference,) = tx.execute(select(grievance.c.reference)).scalars()
        assert letterheads.load(tx, []) == {}
    assert reference in item.outbound.extra["subject"]
    assert item.outbound.extra["in_reply_to"] == "<2@example.com>#bb"  # the newest of the matter


def test_an_automatic_mail_is_taken_in_once() -> None:
    known(email=Capabilities(headed=True))
    part = Attachment("image", "image/png", 7, "a.png", handle="1.1:0")
    come(mail("<1@example.com>#aa", kind=Kind.OTHER, choice="automatic", attachments=(part,)))
    with transaction() as tx:
        (row,) = automatic.newest(tx, 5)
        assert (row.text, row.address) == (WELL, "dorj@example.com")
        assert automatic.take_in(tx, row.id)
        assert not automatic.take_in(tx, row.id)
    for number in range(PARTITIONS):
        drain(number)
    with reading() as tx:
        (case,) = tx.execute(select(grievance)).all()
        assert len(attachments.of_grievance(tx, case.id)) == 1
        assert len(tx.execute(select(attachment.c.id)).all()) == 1
    assert case.text == WELL


def test_a_conversation_is_handed_over_once() -> None:
    known(messenger=Capabilities(window_hours=24))
    come(Inbound("messenger", "page", "comment:1", "comment:1", text=WELL))
    with transaction() as tx:
        (before,) = tx.execute(select(address)).all()
        (case,) = tx.execute(select(grievance.c.id)).scalars()
        for _ in range(2):
            hand_over(tx, before.id, "99001", case, clock.now())
        hand_over(tx, before.id, "comment:1", case, clock.now())  # itself: nothing
        rows = tx.execute(select(address.c.id, address.c.person_id).order_by(address.c.id)).all()
        found = tx.execute(select(conversation.c.address_id, conversation.c.state))
        states = {row.address_id: row.state for row in found}
        window = people.by_ids(tx, [rows[1].id])[rows[1].id].window_until
    assert len(rows) == 2
    assert rows[0].person_id == rows[1].person_id is not None
    assert states[rows[1].id] == {"grievance_id": case, "proven": [case]}
    assert window is not None
    assert window <= clock.now()


def test_a_refused_file_is_told_of_once_a_message() -> None:
    known(email=Capabilities(headed=True))
    parts = tuple(Attachment("video", "video/mp4", 99, f"{n}.mp4", handle=f"1.1:{n}") for n in "ab")
    come(mail("<1@example.com>#aa", attachments=parts))
    with transaction() as tx:
        for number in tx.execute(select(attachment.c.id)).scalars().all():
            refusals.tell(tx, number, TOO_LARGE, clock.now())
        refusals.tell(tx, 999, TOO_LARGE, clock.now())
        query = select(outbox_table.c.text).where(outbox_table.c.template == "attachment.too_big")
        (text,) = tx.execute(query).scalars().all()
    assert "20" in text
