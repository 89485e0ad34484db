"""Invented grievances with a past, for what reads the trail: registered and handled at any time."""

from __future__ import annotations

from datetime import datetime, timedelta

from config import clock
from store import channels, officers, people
from store.case import Case
from store.db import transaction
from store.messages import Capabilities
from store.people import Endpoint, address_index
from store.schema import person
from workflow.commands import Act, Actor, Register
from workflow.handlers import Casework
from workflow.states import Role

CHANNELS = {
    "sms": ("+97675000000", Capabilities(form="sms", longest=1600, units=134)),
    "telegram": ("bot", Capabilities(buttons=8)),
    "web": ("site", Capabilities(inline=True)),
}


def channels_known() -> None:
    """What the channels can carry."""
    with transaction() as tx:
        channels.sync(tx, CHANNELS)


def staff(login: str = "saraa", name: str = "Жишээ Сараа") -> int:
    """An officer; the id."""
    with transaction() as tx:
        officers.create(tx, login, name, ("officer",), clock.now())
        found = officers.by_login(tx, login)
    assert found
    return found.id


def arrive(
    at: datetime, text: str = "Худаг ширгэсэн", channel: str = "sms", **more: object
) -> Case:
    """A grievance registered at ``at``; ``gist`` and ``name`` may be given as well."""
    gist, name = str(more.pop("gist", "")), str(more.pop("name", ""))
    with transaction() as tx:
        account = CHANNELS[channel][0]
        number = f"+976700{abs(hash((at, text, channel))) % 10**5:05}"
        index = address_index(channel, number)
        end = Endpoint(channel, account, number, index)
        address = people.resolve(tx, [end], at)[channel, index]
        work = Casework(tx, at)
        more.setdefault("language", "mn")
        more.setdefault("received_at", at)
        command = Register(channel, text, address_id=address.id, **more)  # type: ignore[arg-type]
        case = work.register(command)
        work.flush()
        if name:
            row = person.c.id == case.complainant_id
            tx.execute(person.update().where(row).values(name=name))
    if gist:
        act(case, "classify", at, gist=gist)
    return case


def act(
    case: Case, command: str, at: datetime, role: Role = Role.OFFICER, **values: object
) -> Case:
    """Somebody does something at ``at``."""
    with transaction() as tx:
        work = Casework(tx, at)
        second = 2 if command == "approve" else None  # nobody approves what they proposed
        changed = work.act(Act(command, case.id, Actor(role, second), values))
        work.flush()
    return changed


def close(case: Case, at: datetime, outcome: str = "resolved", summary: str = "Шийдсэн") -> Case:
    """The end, with a second person where one is needed."""
    changed = act(case, "close", at, outcome=outcome, summary=summary)
    return act(case, "approve", at, Role.COORDINATOR) if changed.is_open else changed


def committee(case: Case, at: datetime) -> None:
    """The committee meets and decides."""
    act(case, "convene", at, held_at=at, agenda="Худаг", participants="Жишээ хороо")
    act(case, "decide", at, decision="Худгийг гүнзгийрүүлнэ")


def hours(number: float) -> timedelta:
    return timedelta(hours=number)
