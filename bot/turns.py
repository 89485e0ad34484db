"""The conversation's values: where it stands, what is known, what a message leads to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.steps import Tell
from config.profile import Profile
from store.case import Case
from store.messages import Capabilities
from workflow.commands import Act, Register
from workflow.letters import is_last

NEW, MORE = "new", "more"  # words for a new matter, or more about this one, are awaited


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where the dialogue with one address stands. JSON-able, see `to_state`.

    ``script`` is "latin" or "cyrillic" where the person chose the letters we write in, and
    ``offered`` says that they know of the choice.

    ``asked`` is the question that waits for an answer (or `NEW`, `MORE`), ``asked_of`` those that
    were put about ``grievance_id``; ``told`` the last text said, ``added_at`` when words were last
    called added; ``proven`` are grievances opened
    from here by number and code, ``number`` the one whose code we asked for; ``held`` the words
    that may turn out to be a new matter; ``kind`` what the next words were called beforehand;
    ``heard_at`` when the person last wrote; ``reached`` says that they left a phone, ``warned``
    that they know the word for pressure.
    """

    language: str | None = None
    chosen: bool = False
    script: str = ""
    offered: bool = False
    grievance_id: int | None = None
    proven: tuple[int, ...] = ()
    burst_until: str = ""
    asked: str = ""
    asked_of: tuple[str, ...] = ()
    held: str = ""
    kind: str = ""
    reached: bool = False
    warned: bool = False
    told: str = ""
    added_at: str = ""
    number: str = ""
    heard_at: str = ""
    misunderstood: int = 0
    flood_from: str = ""
    flood_count: int = 0

    def to_state(self) -> dict[str, Any]:
        """The value as it is stored: what is not empty, as every default is."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    @classmethod
    def from_state(cls, state: Mapping[str, Any] | None) -> Conversation:
        """The stored value; fields that a newer or older release knows alone are passed over."""
        known = {name: value for name, value in (state or {}).items() if name in cls.__slots__}
        for name in ("proven", "asked_of"):
            known[name] = tuple(known.get(name, ()))
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the engine may look at.

    ``own`` are the grievances that answer to this address or were proven here, oldest first;
    ``named`` those whose reference the message holds; ``options`` the values of the last question
    sent; ``locked`` says that too many codes were tried; ``in_hours`` that somebody sits in the
    office; ``stopped`` that the person wants no messages; ``words`` is the message itself, for
    what is registered from a keyword.
    """

    own: tuple[Case, ...] = ()
    named: Mapping[str, Case] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    locked: bool = False
    stopped: bool = False
    in_hours: bool = True
    hours: str = ""
    burst_seconds: float = 20.0
    capabilities: Capabilities = field(default_factory=Capabilities)
    profile: Profile | None = None
    has_phone: bool = False
    channel: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one message leads to.

    ``stopped`` and ``blocked`` change the address (None: as it is); ``wrong_code`` counts against
    the limits; ``wants_person`` puts a call on the officer's list. ``identity`` goes to the
    person's encrypted record; ``private`` says that the message's own words belong there too and
    must not stay in the inbox. At ``wake_at`` the dialogue goes on by itself.
    """

    conversation: Conversation
    replies: tuple[Tell, ...] = ()
    commands: tuple[Register | Act, ...] = ()
    stopped: bool | None = None
    blocked: bool | None = None
    wrong_code: str = ""
    wants_person: bool = False
    identity: Mapping[str, str] = field(default_factory=dict)
    private: bool = False
    wake_at: datetime | None = None


def about(conversation: Conversation, grievance_id: int) -> Conversation:
    """The conversation turned to this grievance."""
    if conversation.grievance_id == grievance_id:
        return conversation
    return replace(conversation, grievance_id=grievance_id)


def tell(conversation: Conversation, key: str, case: Case | None = None, **values: str) -> Turn:
    """Just say one text."""
    return Turn(conversation, (Tell(key, case.id if case else None, values=values),))


def tell_status(conversation: Conversation, case: Case | None, knowledge: Knowledge) -> Turn:
    """Where a grievance stands, by when it will be answered, and what else there is to do."""
    if case is None:
        return none_found(conversation)
    last = case.status == "closed" and knowledge.profile and is_last(case, knowledge.profile)
    return tell(conversation, "status.closed.last" if last else f"status.{case.status}", case)


def none_found(conversation: Conversation) -> Turn:
    """There is no such open matter here."""
    return tell(conversation, "status.none")


def current(conversation: Conversation, knowledge: Knowledge) -> Case | None:
    """The open grievance this conversation is about, else the latest open one."""
    running = [case for case in knowledge.own if case.is_open]
    about_it = [case for case in running if case.id == conversation.grievance_id]
    return (about_it or running or [None])[-1]  # type: ignore[list-item]


def by_id(value: str, knowledge: Knowledge) -> Case | None:
    """The own or proven grievance that an option's value names."""
    return next((case for case in knowledge.own if str(case.id) == value), None)


def in_burst(conversation: Conversation, now: datetime) -> bool:
    """Whether what comes now still belongs to what was just registered."""
    burst = moment(conversation.burst_until)
    return burst is not None and now <= burst


def moment(text: str) -> datetime | None:
    """A stored moment; None for an empty one."""
    return datetime.fromisoformat(text) if text else None
