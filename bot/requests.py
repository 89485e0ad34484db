"""Keywords: what a person asks for by a word that is the whole message. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from hmac import compare_digest

from bot.intents import Intent
from bot.intents import Kind as Wish
from bot.questions import ask_again
from bot.steps import LANGUAGES, YES_NO, Tell
from bot.turns import Conversation, Knowledge, Turn, current, none_found, tell, tell_status
from store.case import Case
from workflow.commands import CITIZEN, Act, Register
from workflow.reference import is_reference

Handler = Callable[[Conversation, Intent, Knowledge, datetime], Turn]


def _opened(
    conversation: Conversation, intent: Intent, knowledge: Knowledge
) -> tuple[Conversation, Case] | Turn:
    """The grievance an intent names: own by address, another by number and code.

    Whether a number exists is never shown: without the right code the answer is always the same.
    """
    reference = intent.reference or ""
    own = next((case for case in knowledge.own if case.reference == reference), None)
    if own:
        return conversation, own
    if not is_reference(reference):
        return tell(conversation, "status.not_found", reference=reference)
    if knowledge.locked:
        return tell(conversation, "status.locked")
    if not intent.code:
        return tell(conversation, "status.need_code", reference=reference)
    case = knowledge.named.get(reference)
    if case and compare_digest(case.code, intent.code) and not case.sensitive:
        return replace(conversation, proven=(*conversation.proven, case.id)[-20:]), case
    turn = tell(conversation, "status.not_found", reference=reference)
    return replace(turn, wrong_code=reference)


def _status(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    if not intent.reference:
        case = current(conversation, knowledge) or next(reversed(knowledge.own), None)
        return tell_status(conversation, case)
    found = _opened(conversation, intent, knowledge)
    return found if isinstance(found, Turn) else tell_status(*found)


def _meant(
    conversation: Conversation, intent: Intent, knowledge: Knowledge
) -> tuple[Conversation, Case] | Turn:
    """The grievance an intent is about: the one it names, else the latest."""
    if intent.reference:
        return _opened(conversation, intent, knowledge)
    if not knowledge.own:
        return none_found(conversation)
    return conversation, knowledge.own[-1]


def _appeal(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    """Ask for a review: the next stage takes a decided matter, a running one is told its date."""
    found = _meant(conversation, intent, knowledge)
    if isinstance(found, Turn):
        return found
    conversation, case = found
    if case.status in {"closed", "redress_proposed"}:
        return Turn(conversation, commands=(Act("appeal", case.id, CITIZEN),))
    return tell_status(conversation, case)


def _reopen(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    """Closed too early: the same stage takes it up again."""
    found = _meant(conversation, intent, knowledge)
    if isinstance(found, Turn):
        return found
    conversation, case = found
    if case.is_open:
        return tell_status(conversation, case)
    return Turn(conversation, commands=(Act("reopen", case.id, CITIZEN),))


def _withdraw(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    """Ask before withdrawing: one keyword must not end a matter."""
    found = _meant(conversation, intent, knowledge)
    if isinstance(found, Turn):
        return found
    conversation, case = found
    if not case.is_open:
        return tell_status(conversation, case)
    options = tuple((f"withdraw:{case.id}:{value}", label) for value, label in YES_NO)
    return Turn(conversation, (Tell("cancel.confirm", case.id, options),))


def _language(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    if intent.language in {"mn", "kk", "en"}:
        chosen = replace(conversation, language=intent.language, chosen=True)
        return tell(chosen, "language.set")
    return Turn(conversation, (Tell("language.choose", options=LANGUAGES),))


def call_a_person(conversation: Conversation, knowledge: Knowledge) -> Turn:
    """A person will get in touch; told what to expect in and out of office hours."""
    key = "person.in_hours" if knowledge.in_hours else "person.out_of_hours"
    return replace(tell(conversation, key, hours=knowledge.hours), wants_person=True)


def _person(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    return call_a_person(conversation, knowledge)


def _pressure(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    """Pressed or threatened for complaining: a sealed matter of its own."""
    about = current(conversation, knowledge)
    command = Register(
        channel=knowledge.channel,
        text=knowledge.words,
        received_at=now,
        language=conversation.language,
        sensitive="retaliation",
        facts={"about": about.reference} if about else {},
        quiet=True,
    )
    return Turn(conversation, (Tell("retaliation.done"),), (command,))


def _stop(conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime) -> Turn:
    return replace(tell(conversation, "stop.done"), stopped=True)


def _start(conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime) -> Turn:
    return replace(tell(conversation, "start.done"), stopped=False)


def _repeat(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    return ask_again(conversation, knowledge)


def _says(key: str) -> Handler:
    return lambda conversation, intent, knowledge, now: tell(conversation, key)


HANDLERS: dict[Wish, Handler] = {
    Wish.STATUS: _status,
    Wish.LANGUAGE: _language,
    Wish.PERSON: _person,
    Wish.APPEAL: _appeal,
    Wish.REOPEN: _reopen,
    Wish.WITHDRAW: _withdraw,
    Wish.STOP: _stop,
    Wish.START: _start,
    Wish.PRESSURE: _pressure,
    Wish.REPEAT: _repeat,
    Wish.HELP: _says("help"),
    Wish.MENU: _says("help"),
    Wish.GREETING: _says("greeting"),
    Wish.COMPLAIN: _says("ask.description"),
}
