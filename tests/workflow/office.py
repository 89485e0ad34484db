"""An office of invented people, a phone and a clock that tests can turn."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from store import channels, officers, people
from store.case import Case
from store.db import reading, transaction
from store.messages import Capabilities
from store.people import Endpoint, address_index
from store.schema import case_event, grievance, notice, outbox
from workflow import rounds
from workflow.commands import Act, Actor, Register
from workflow.handlers import Casework
from workflow.states import Role

SMS = Capabilities(form="sms", longest=1600, units=134)
CHAT = Capabilities(buttons=8)
MESSENGER = Capabilities(buttons=13, window_hours=24)
EMAIL = Capabilities(longest=100_000)
CHANNELS = {
    "sms": ("+97675000000", SMS),
    "telegram": ("bot", CHAT),
    "messenger": ("page", MESSENGER),
    "email": ("desk@example.invalid", EMAIL),
}


def open_office(now: datetime) -> None:
    """The channels of the tests."""
    with transaction() as tx:
        channels.sync(tx, CHANNELS)


def join(now: datetime, login: str, *roles: str, email: str = "") -> int:
    """An officer; the id."""
    with transaction() as tx:
        officers.create(tx, login, f"Жишээ {login.title()}", roles or ("officer",), now)
        found = officers.by_login(tx, login)
        assert found
        if email:
            officers.change(tx, found.id, email=email)
    return found.id


def register(
    now: datetime, number: int = 1, channel: str = "sms", language: str = "mn", **more: object
) -> Case:
    """A grievance from the invented phone (or chat) ``number``."""
    value = f"+9767000{number:04d}" if channel == "sms" else f"7{number:05d}"
    account = CHANNELS[channel][0]
    end = Endpoint(channel, account, value, address_index(channel, value))
    with transaction() as tx:
        (address,) = people.resolve(tx, [end], now).values()
        work = Casework(tx, now)
        case = work.register(
            Register(
                channel, "Ус алга", now, address_id=address.id, language=language,
                person_id=address.person_id,
                **more,  # type: ignore[arg-type]
            )
        )  # fmt: skip
        work.flush()
    return case


def act(
    case: Case, command: str, now: datetime, role: Role = Role.OFFICER, **values: object
) -> None:
    """Somebody of the office (or the complainant) does something."""
    with transaction() as tx:
        work = Casework(tx, now)
        work.act(Act(command, case.id, Actor(role), values))
        work.flush()


def tick(now: datetime) -> int:
    """What the clock process does about grievances."""
    return rounds.attend(now)


def row(case: Case) -> Case:
    """The grievance as it is now."""
    with reading() as tx:
        query = select(grievance).where(grievance.c.id == case.id)
        return tx.execute(query).one()  # type: ignore[return-value]


def events(case: Case) -> list[str]:
    """The kinds of the trail, in order."""
    query = select(case_event.c.kind).where(case_event.c.grievance_id == case.id)
    with reading() as tx:
        return list(tx.execute(query.order_by(case_event.c.seq)).scalars())


def letters(case: Case) -> list[tuple[str, str]]:
    """(template, text) of what was sent about the grievance, in order."""
    query = select(outbox.c.template, outbox.c.text).where(outbox.c.grievance_id == case.id)
    with reading() as tx:
        return [tuple(found) for found in tx.execute(query.order_by(outbox.c.id))]  # type: ignore[misc]


def notices() -> list[tuple[str, int]]:
    """(kind, officer) of what officers were told, in order."""
    query = select(notice.c.kind, notice.c.officer_id).order_by(notice.c.id)
    with reading() as tx:
        return [tuple(found) for found in tx.execute(query)]  # type: ignore[misc]
