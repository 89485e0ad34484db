"""The conversation, decided purely: where it stood, what came, what is known -> one `Turn`.

Replies are values (`bot.steps`), changes are commands (`workflow.commands`); nothing is sent or
stored here. The first message with content is already a grievance; keywords act only when they
are the whole message; nothing a person typed is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from bot.intents import Intent, bare_number, has_content, recognise
from bot.intents import Kind as Wish
from bot.language import identify
from bot.steps import LANGUAGES, Tell
from store.case import Case
from store.messages import Inbound, Kind
from workflow.commands import CITIZEN, Act, Register
from workflow.reference import is_reference

FLOOD_WINDOW = timedelta(minutes=10)
FLOOD_MESSAGES = 30
ANSWERED = ("mn", "kk")  # languages in which we answer without being asked to


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where the dialogue with one address stands. JSON-able, see `to_state`."""

    language: str | None = None
    chosen: bool = False
    grievance_id: int | None = None
    burst_until: str = ""
    misunderstood: int = 0
    flood_from: str = ""
    flood_count: int = 0

    def to_state(self) -> dict[str, Any]:
        """The value as it is stored."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any] | None) -> Conversation:
        """The stored value; fields that a newer or older release knows alone are passed over."""
        known = {name: value for name, value in (state or {}).items() if name in cls.__slots__}
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the engine may look at.

    ``own`` are the grievances that answer to this address, oldest first; ``named`` those whose
    reference the message holds; ``options`` the values of the last question sent; ``locked`` says
    that too many codes were tried; ``in_hours`` that somebody sits in the office.
    """

    own: tuple[Case, ...] = ()
    named: Mapping[str, Case] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    locked: bool = False
    in_hours: bool = True
    hours: str = ""
    burst_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What one message leads to. ``stopped`` and ``blocked`` change the address (None: as it is);
    ``wrong_code`` counts against the limits; ``wants_person`` puts a call on the officer's list.
    """

    conversation: Conversation
    replies: tuple[Tell, ...] = ()
    commands: tuple[Register | Act, ...] = ()
    stopped: bool | None = None
    blocked: bool | None = None
    wrong_code: str = ""
    wants_person: bool = False


def about(conversation: Conversation, grievance_id: int) -> Conversation:
    """The conversation turned to this grievance."""
    return replace(conversation, grievance_id=grievance_id)


def references(inbound: Inbound) -> set[str]:
    """The reference numbers a message asks about, so that they can be looked up beforehand."""
    intent = recognise(inbound.text)
    return {intent.reference} if intent and intent.reference else set()


def advance(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """Take one message in. A flood is taken in as well, but answered once only."""
    conversation = _counted(conversation, now)
    turn = _advance(conversation, inbound, now, knowledge)
    if conversation.flood_count < FLOOD_MESSAGES:
        return turn
    first = conversation.flood_count == FLOOD_MESSAGES
    return replace(turn, replies=(Tell("flood.wait"),) if first else (), wants_person=False)


def _counted(conversation: Conversation, now: datetime) -> Conversation:
    """Count this message in its window of `FLOOD_WINDOW`."""
    start = _moment(conversation.flood_from)
    if start is None or now - start > FLOOD_WINDOW:
        return replace(conversation, flood_from=now.isoformat(), flood_count=1)
    return replace(conversation, flood_count=conversation.flood_count + 1)


def _advance(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    if inbound.kind is Kind.OTHER and inbound.choice in {"blocked", "unblocked"}:
        return Turn(conversation, blocked=inbound.choice == "blocked")
    if inbound.kind is Kind.CHOICE and inbound.choice:
        return _chosen(conversation, inbound.choice, knowledge)
    conversation = _listen(conversation, inbound.text)
    if not inbound.attachments:
        number = bare_number(inbound.text)
        if number is not None:
            return _digit(conversation, number, knowledge)
        intent = recognise(inbound.text)
        if intent and (act := _INTENTS.get(intent.kind)):
            return act(conversation, intent, knowledge)
    if inbound.attachments or inbound.location or has_content(inbound.text):
        return _content(conversation, inbound, now, knowledge)
    return _tell(conversation, "empty_message" if not inbound.text.strip() else "greeting")


def _listen(conversation: Conversation, text: str) -> Conversation:
    """Identify the language until one is known; a choice is never overruled."""
    if conversation.language:
        return conversation
    found = identify(text)
    if found.sure and found.language in ANSWERED:
        return replace(conversation, language=found.language)
    return conversation


def _tell(conversation: Conversation, key: str, case: Case | None = None, **values: str) -> Turn:
    return Turn(conversation, (Tell(key, case.id if case else None, values=values),))


# -- content ------------------------------------------------------------


def _content(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """Register the first content; join what follows at once; add later words to the open matter."""
    current = _current(conversation, knowledge)
    if current is None:
        return _register(conversation, inbound, now, knowledge)
    burst = _moment(conversation.burst_until)
    joins = burst is not None and now <= burst
    act = Act("append", current.id, CITIZEN, {"text": inbound.text, "joins": joins})
    if joins:
        return Turn(conversation, commands=(act,))
    return Turn(replace(conversation, misunderstood=0), (Tell("added", current.id),), (act,))


def _register(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    command = Register(
        channel=inbound.channel,
        text=inbound.text,
        received_at=now,
        language=conversation.language,
    )
    until = now + timedelta(seconds=knowledge.burst_seconds)
    return Turn(
        replace(conversation, burst_until=until.isoformat(), misunderstood=0), commands=(command,)
    )


def _current(conversation: Conversation, knowledge: Knowledge) -> Case | None:
    """The open grievance this conversation is about, else the latest open one."""
    running = [case for case in knowledge.own if case.is_open]
    about = [case for case in running if case.id == conversation.grievance_id]
    return (about or running or [None])[-1]  # type: ignore[list-item]


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


# -- answers to questions ------------------------------------------------------------


def _digit(conversation: Conversation, number: int, knowledge: Knowledge) -> Turn:
    """A bare digit answers the last question sent, and nothing else."""
    if 1 <= number <= len(knowledge.options):
        return _chosen(conversation, knowledge.options[number - 1], knowledge)
    if number == 0:
        return _tell(conversation, "help")
    return _not_understood(conversation)


def _not_understood(conversation: Conversation) -> Turn:
    """After the second time in a row, a person calls."""
    count = conversation.misunderstood + 1
    turn = _tell(replace(conversation, misunderstood=count), "not_understood")
    return replace(turn, wants_person=count == 2)


def _chosen(conversation: Conversation, choice: str, knowledge: Knowledge) -> Turn:
    """A button or numbered option; its value says all of its meaning."""
    name, _, value = choice.partition(":")
    conversation = replace(conversation, misunderstood=0)
    if name == "language" and value in {"mn", "kk", "en"}:
        return _tell(replace(conversation, language=value, chosen=True), "language.set")
    if name in {"accept", "reject"}:
        return _judged(conversation, name == "accept", value, knowledge)
    return _tell(conversation, "help")


def _judged(conversation: Conversation, accepted: bool, case_id: str, knowledge: Knowledge) -> Turn:
    """The answer to a proposed redress; the officer sees it and closes or goes on."""
    case = next((case for case in knowledge.own if str(case.id) == case_id), None)
    if case is None or not case.is_open:
        return _tell(conversation, "status.none")
    act = Act("append", case.id, CITIZEN, {"accepted": accepted})
    key = "thanks.done" if accepted else "ask.more"
    return Turn(conversation, (Tell(key, case.id),), (act,))


# -- keywords ------------------------------------------------------------


def _status(conversation: Conversation, intent: Intent, knowledge: Knowledge) -> Turn:
    """Own grievances by address; others by number and code; neither leaks that a number exists."""
    if not intent.reference:
        case = _current(conversation, knowledge) or next(reversed(knowledge.own), None)
        return _tell_status(conversation, case)
    own = next((case for case in knowledge.own if case.reference == intent.reference), None)
    if own:
        return _tell_status(conversation, own)
    if not is_reference(intent.reference):
        return _tell(conversation, "status.not_found", reference=intent.reference)
    if knowledge.locked:
        return _tell(conversation, "status.locked")
    if not intent.code:
        return _tell(conversation, "status.need_code", reference=intent.reference)
    case = knowledge.named.get(intent.reference)
    if case and compare_digest(case.code, intent.code) and not case.sensitive:
        return _tell_status(conversation, case)
    turn = _tell(conversation, "status.not_found", reference=intent.reference)
    return replace(turn, wrong_code=intent.reference)


def _tell_status(conversation: Conversation, case: Case | None) -> Turn:
    if case is None:
        return _tell(conversation, "status.none")
    return _tell(conversation, f"status.{case.status}", case)


def _language(conversation: Conversation, intent: Intent, knowledge: Knowledge) -> Turn:
    if intent.language:
        chosen = replace(conversation, language=intent.language, chosen=True)
        return _tell(chosen, "language.set")
    return Turn(conversation, (Tell("language.choose", options=LANGUAGES),))


def _person(conversation: Conversation, intent: Intent, knowledge: Knowledge) -> Turn:
    key = "person.in_hours" if knowledge.in_hours else "person.out_of_hours"
    return replace(_tell(conversation, key, hours=knowledge.hours), wants_person=True)


def _again(conversation: Conversation, intent: Intent, knowledge: Knowledge) -> Turn:
    """Ask for a review: the next stage takes a decided matter, a running one is told its date."""
    case = _meant(intent, knowledge)
    if case is None:
        return _tell(conversation, "status.none")
    if case.status in {"closed", "redress_proposed"}:
        return Turn(conversation, commands=(Act("appeal", case.id, CITIZEN),))
    return _tell_status(conversation, case)


def _withdraw(conversation: Conversation, intent: Intent, knowledge: Knowledge) -> Turn:
    case = _meant(intent, knowledge)
    if case is None or not case.is_open:
        return _tell(conversation, "status.none")
    act = Act("withdraw", case.id, CITIZEN, {"outcome": "withdrawn"})
    return Turn(conversation, commands=(act,))


def _meant(intent: Intent, knowledge: Knowledge) -> Case | None:
    own = [c for c in knowledge.own if not intent.reference or c.reference == intent.reference]
    return own[-1] if own else None


def _stop(conversation: Conversation, intent: Intent, knowledge: Knowledge) -> Turn:
    return replace(_tell(conversation, "stop.done"), stopped=True)


def _start(conversation: Conversation, intent: Intent, knowledge: Knowledge) -> Turn:
    return replace(_tell(conversation, "start.done"), stopped=False)


def _says(key: str) -> Callable[[Conversation, Intent, Knowledge], Turn]:
    return lambda conversation, intent, knowledge: _tell(conversation, key)


_INTENTS: dict[Wish, Callable[[Conversation, Intent, Knowledge], Turn]] = {
    Wish.STATUS: _status,
    Wish.LANGUAGE: _language,
    Wish.PERSON: _person,
    Wish.APPEAL: _again,
    Wish.REOPEN: _again,
    Wish.WITHDRAW: _withdraw,
    Wish.STOP: _stop,
    Wish.START: _start,
    Wish.HELP: _says("help"),
    Wish.MENU: _says("help"),
    Wish.GREETING: _says("greeting"),
    Wish.COMPLAIN: _says("ask.description"),
}
