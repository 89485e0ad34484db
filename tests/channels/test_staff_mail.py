"""An officer who answers a notice is no citizen; with a grievance of their own they are one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.jobs import drain
from channels import poll
from store import automatic
from store.db import reading, transaction
from store.messages import Capabilities, Inbound, Kind
from store.queue import PARTITIONS
from store.schema import grievance, outbox
from tests.workflow import office

START = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
ACCOUNT = office.CHANNELS["email"][0]
OFFICER, NOTICE = "duty@example.invalid", "<hariu.7@example.invalid>"


@dataclass
class Mailbox:
    """A mailbox with one mail."""

    mail: Inbound
    code: str = "email"
    account: str = ACCOUNT
    polled: bool = True
    capabilities: Capabilities = office.EMAIL

    def poll(self, timeout: float) -> Iterator[tuple[bytes, list[Inbound]]]:
        yield b"raw", [self.mail]


def comes(number: int, sender: str, thread: str = "") -> int:
    """A mail comes in and is handled; how many grievances by mail there are then."""
    words = "Ойлголоо, маргааш очиж худгийг нь үзнэ"
    mail = Inbound("email", ACCOUNT, f"m{number}", sender, Kind.TEXT, words, thread=thread)
    poll.poll(Mailbox(mail))
    for partition in range(PARTITIONS):
        drain(partition)
    with reading() as tx:
        query = select(grievance.c.id).where(grievance.c.channel == "email")
        return len(tx.execute(query).all())


@pytest.fixture
def told(store: str) -> None:
    """A notice went to the officer on duty, and a letter to somebody else."""
    office.open_office(START)
    office.join(START, "duty", "coordinator", email=OFFICER)
    office.register(START)
    office.tick(START + timedelta(days=28))
    with transaction() as tx:
        mine = outbox.c.template.startswith("notice.")
        done = update(outbox).where(mine).values(state="sent", provider_id=NOTICE)
        assert tx.execute(done.returning(outbox.c.id)).first()


@pytest.mark.usefixtures("told")
def test_an_answer_to_a_notice_is_listed_and_can_be_taken_in() -> None:
    assert comes(1, OFFICER, NOTICE) == 0
    with reading() as tx:
        (row,) = automatic.newest(tx, 9)
        letters = tx.execute(select(outbox).where(outbox.c.channel == "email")).all()
    assert row.address == OFFICER
    assert all(letter.template.startswith("notice.") for letter in letters), "nothing is answered"
    with transaction() as tx:
        assert automatic.take_in(tx, row.id)
    for partition in range(PARTITIONS):
        drain(partition)
    with reading() as tx:
        assert automatic.newest(tx, 9) == []


@pytest.mark.usefixtures("told")
def test_a_mail_of_their_own_and_one_of_somebody_else_are_grievances() -> None:
    assert comes(1, "private@example.invalid", NOTICE) == 1, "the notice went to another address"
    assert comes(2, OFFICER) == 2
