"""Invented grievances for the desk's tests: every view, channel and language has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from config import clock
from store import channels, inbox, officers, people, tasks
from store.case import Case
from store.db import Transaction, reading, transaction
from store.inbox import Receipt
from store.messages import Capabilities, Inbound, OutboundState
from store.people import Endpoint, address_index
from store.schema import inbox as inbox_table
from store.schema import outbox as outbox_table
from workflow.commands import Act, Actor, Register
from workflow.handlers import Casework
from workflow.states import Role

PASSWORD = "morin khuur 2026"
CHANNELS = {
    "sms": ("+97675000000", Capabilities(form="sms", longest=1600, units=134)),
    "telegram": ("bot", Capabilities(buttons=8)),
    "mail": ("desk@example.invalid", Capabilities(longest=100_000)),
    "web": ("site", Capabilities(inline=True)),
}


@dataclass(frozen=True)
class Person:
    """Who writes, how, and what."""

    channel: str
    address: str
    text: str
    language: str | None = "mn"


PEOPLE = (
    Person("sms", "+97670000001", "Худгийн насос гурав хоног ажиллахгүй байна, айлууд усгүй"),
    Person("telegram", "700002", "Сургалтын бүртгэл хаагдсан байна, хаана хандах вэ?"),
    Person("sms", "+97670000003", "Ауыл әкімшілігінде интернет жоқ, қызмет ала алмай тұрмыз", "kk"),
    Person("mail", "jishee@example.invalid", "The tender result was not published.", "en"),
    Person("web", "form-5", "Цахим үйлчилгээний систем нэвтрэхгүй байна."),
    Person("sms", "+97670000006", "hudgiin us shavartai baina", None),
)


def join(login: str = "saraa", name: str = "Жишээ Сараа", *roles: str) -> int:
    """An officer with a password of their own; the id."""
    now = clock.now()
    with transaction() as tx:
        first = officers.create(tx, login, name, roles or ("officer",), now)
        found = officers.by_login(tx, login)
    assert found
    officers.set_password(found, first, PASSWORD, 0, now)
    return found.id


def channels_known() -> None:
    """What the channels of the tests can carry."""
    with transaction() as tx:
        channels.sync(tx, CHANNELS)


def arrive(person: Person, at: datetime, **more: object) -> Case:
    """One message of a person becomes a grievance, with its inbox row and acknowledgement."""
    account = CHANNELS[person.channel][0]
    key = f"{person.address}:{at.isoformat()}:{len(person.text)}"
    message = Inbound(person.channel, account, key, person.address, text=person.text)
    inbox.accept(Receipt(person.channel, account, b"{}", at, (message,)))
    with transaction() as tx:
        index = address_index(person.channel, person.address)
        ends = [Endpoint(person.channel, account, person.address, index)]
        address = people.resolve(tx, ends, at)[person.channel, index]
        work = Casework(tx, at)
        register = Register(
            person.channel,
            person.text,
            at,
            address_id=address.id,
            language=person.language,
            **more,  # type: ignore[arg-type]
        )
        case = work.register(register)
        work.flush()
        row = inbox_table.c.external_id == key
        tx.execute(
            inbox_table.update()
            .where(row)
            .values(state="done", address_id=address.id, grievance_id=case.id)
        )
    return case


def act(case: Case, command: str, at: datetime, officer_id: int, **values: object) -> None:
    """An officer does something."""
    with transaction() as tx:
        work = Casework(tx, at)
        work.act(Act(command, case.id, Actor(Role.OFFICER, officer_id), values))
        work.flush()


def delivered(tx: Transaction, case: Case, state: str, error: str = "") -> None:
    """What became of every message about a grievance."""
    mine = outbox_table.c.grievance_id == case.id
    tx.execute(outbox_table.update().where(mine).values(state=state, error=error))


def town(officer_id: int) -> list[Case]:
    """A small town's worth of grievances, one for each view."""
    now = clock.now()
    channels_known()
    days = (29, 3, 12, 40, 1, 0)
    cases = [arrive(p, now - timedelta(days=n)) for p, n in zip(PEOPLE, days, strict=True)]
    act(
        cases[0],
        "assign",
        now - timedelta(days=28),
        officer_id,
        assignee_id=officer_id,
        name="Сараа",
    )
    act(cases[0], "note", now - timedelta(days=27), officer_id, text="Сумын инженертэй ярив.")
    act(cases[2], "propose_redress", now - timedelta(days=2), officer_id, summary="Интернет тавина")
    act(cases[1], "close", now, officer_id, outcome="resolved", summary="Бүртгэл дахин нээгдсэн")
    with transaction() as tx:
        for case in cases[:3]:
            delivered(tx, case, OutboundState.DELIVERED)
        delivered(tx, cases[3], OutboundState.FAILED, "30003")
        row = tx.execute(
            outbox_table.select().where(outbox_table.c.grievance_id == cases[3].id)
        ).first()
        assert row
        tasks.add(
            tx, f"undelivered:{row.id}", "undelivered", now, cases[3].address_id, cases[3].id,
            row.id, "30003",
        )  # fmt: skip
    return cases


def letters_of(case: Case) -> Sequence[str]:
    """The names of what was sent about a grievance, in order."""
    with reading() as tx:
        query = outbox_table.select().where(outbox_table.c.grievance_id == case.id)
        return [row.template for row in tx.execute(query.order_by(outbox_table.c.id))]


def sealed(case: Case, at: datetime, officer_id: int) -> None:
    """Seal a grievance."""
    act(case, "seal", at, officer_id, sensitive="violence")
