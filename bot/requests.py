"""Keywords: what a person asks for by a word that is the whole message. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import replace
from datetime import datetime
from hmac import compare_digest

from bot.intents import Intent, bare_phone, recognise
from bot.intents import Kind as Wish
from bot.kinds import kind_asked_for
from bot.questions import ask_again, not_answered, speak, write_in
from bot.script import BY_NAME
from bot.steps import LANGUAGES, MENU, SCRIPTS, YES_NO, Tell
from bot.turns import (
    NEW,
    Conversation,
    Knowledge,
    Turn,
    current,
    in_burst,
    none_found,
    tell,
    tell_status,
)
from store.case import Case
from workflow.commands import CITIZEN, Act, Register
from workflow.letters import is_last
from workflow.reference import is_reference
from workflow.states import OPEN, Outcome, Status

Handler = Callable[[Conversation, Intent, Knowledge, datetime], Turn]
_DECIDED = {Status.CLOSED, Status.REDRESS_PROPOSED}
_GOES_ON = {Outcome.WITHDRAWN, Outcome.UNREACHABLE}
_LISTED = 5
# Neither a reference nor a date: one that lost or won a digit.
_LONG_NUMBER = re.compile(r"\D{0,3}(\d{5,10})\D{0,2}")
_SAID_TO_SIGNS = {"greeting", "language.choose", "thanks.you"}


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
        asked = replace(conversation, number=reference)
        return tell(asked, "status.need_code", reference=reference)
    case = knowledge.named.get(reference)
    if case and compare_digest(case.code, intent.code) and not case.sensitive:
        proven = (*conversation.proven, case.id)[-20:]
        return replace(conversation, proven=proven, number=""), case
    turn = tell(conversation, "status.not_found", reference=reference)
    return replace(turn, wrong_code=reference)


def _status(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    if intent.reference:
        found = _opened(conversation, intent, knowledge)
        return found if isinstance(found, Turn) else tell_status(*found, knowledge)
    # A sealed matter is told of only when it is named, or when there is no other.
    listed = [case for case in knowledge.own if not case.sensitive][-_LISTED:]
    if len(listed) > 1:
        options = tuple((f"status:{case.id}", f"={case.reference}") for case in listed)
        return Turn(conversation, (Tell("status.choose", options=options),))
    return tell_status(
        conversation, listed[0] if listed else _latest(conversation, knowledge), knowledge
    )


def _latest(conversation: Conversation, knowledge: Knowledge) -> Case | None:
    return current(conversation, knowledge) or next(reversed(knowledge.own), None)


def _meant(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, statuses: Container[str]
) -> tuple[Conversation, Case] | Turn:
    """The grievance an intent is about: the one it names, else the latest in ``statuses``."""
    if intent.reference:
        return _opened(conversation, intent, knowledge)
    fitting = [case for case in knowledge.own if case.status in statuses]
    case = fitting[-1] if fitting else _latest(conversation, knowledge)
    return (conversation, case) if case else none_found(conversation)


def _done(conversation: Conversation, case: Case, command: str, letter: str) -> Turn:
    """Do it; the letter goes to the address of the matter, so another phone is told as well."""
    told = (Tell(letter, case.id),) if case.id in conversation.proven else ()
    return Turn(conversation, told, (Act(command, case.id, CITIZEN),))


def _appeal(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    """Ask for a review: the next stage takes a decided matter, a running one is told its date."""
    found = _meant(conversation, intent, knowledge, _DECIDED)
    if isinstance(found, Turn):
        return found
    conversation, case = found
    if case.status not in _DECIDED:
        return tell_status(conversation, case, knowledge)
    if case.outcome in _GOES_ON:
        return _done(conversation, case, "reopen", "letter.reopened")
    if knowledge.profile is None or is_last(case, knowledge.profile):
        return tell(conversation, "appeal.last", case)
    return _done(conversation, case, "appeal", "letter.appealed")


def _reopen(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    """Closed too early: the same stage takes it up again."""
    found = _meant(conversation, intent, knowledge, {Status.CLOSED})
    if isinstance(found, Turn):
        return found
    conversation, case = found
    if case.is_open:
        return tell_status(conversation, case, knowledge)
    return _done(conversation, case, "reopen", "letter.reopened")


def _withdraw(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    """Ask before withdrawing: one keyword must not end a matter."""
    found = _meant(conversation, intent, knowledge, OPEN)
    if isinstance(found, Turn):
        return found
    conversation, case = found
    if not case.is_open:
        return tell_status(conversation, case, knowledge)
    options = tuple((f"withdraw:{case.id}:{value}", label) for value, label in YES_NO)
    return Turn(conversation, (Tell("cancel.confirm", case.id, options),))


def _language(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    if intent.language in {"mn", "kk", "en"}:
        return speak(conversation, intent.language, knowledge, now)
    if intent.language in SCRIPTS:
        return write_in(conversation, intent.language, knowledge)
    options = (*LANGUAGES, SCRIPTS["cyrillic" if conversation.script == "latin" else "latin"])
    return Turn(conversation, (Tell("language.choose", options=options),))


def call_a_person(conversation: Conversation, knowledge: Knowledge) -> Turn:
    """A person will get in touch; told what to expect in and out of office hours."""
    key = "person.in_hours" if knowledge.in_hours else "person.out_of_hours"
    turn = tell(replace(conversation, misunderstood=0), key, hours=knowledge.hours)
    return replace(turn, wants_person=True)


def not_understood(conversation: Conversation, knowledge: Knowledge) -> Turn:
    """Say so; after the second time in a row, a person gets in touch."""
    if conversation.misunderstood:
        return call_a_person(conversation, knowledge)
    return tell(replace(conversation, misunderstood=1), "not_understood")


def without_words(
    conversation: Conversation, text: str, knowledge: Knowledge, now: datetime
) -> Turn:
    """A greeting, a sign, a number: nothing to register, nothing asked for."""
    if phone := bare_phone(text):
        return _left_phone(conversation, phone, knowledge)
    if number := _LONG_NUMBER.fullmatch(text):
        return tell(conversation, "status.not_found", reference=number[1])
    if conversation.asked in BY_NAME:
        return not_answered(conversation, knowledge)
    if in_burst(conversation, now) or _said_enough(conversation, text):
        return Turn(conversation)
    if any(character.isdigit() for character in text):
        return not_understood(conversation, knowledge)
    if knowledge.own:
        return tell_status(conversation, _latest(conversation, knowledge), knowledge)
    return _menu(conversation, knowledge)


def _said_enough(conversation: Conversation, text: str) -> bool:
    """One sign after another, or "ok" to our thanks: what was said stands, it is not said again."""
    just_now = conversation.flood_count > 1
    sign = bool(text) and not any(character.isalnum() for character in text)
    wish = recognise(text)
    nod = conversation.told == "thanks.you" and wish is not None and wish.kind is Wish.YES
    return just_now and (nod or (sign and conversation.told in _SAID_TO_SIGNS))


def _left_phone(conversation: Conversation, phone: str, knowledge: Knowledge) -> Turn:
    """A phone number alone, perhaps somebody else's: the officer reads it beside the matter."""
    case = current(conversation, knowledge)
    if case:
        act = Act("append", case.id, CITIZEN, {"text": phone, "joins": False})
        return Turn(conversation, (Tell("added", case.id),), (act,))
    turn = tell(conversation, "ask.description")
    return turn if knowledge.has_phone else replace(turn, identity={"phone": f"+976{phone}"})


def _buttons(knowledge: Knowledge) -> bool:
    return knowledge.capabilities.buttons > 0


def _menu(conversation: Conversation, knowledge: Knowledge) -> Turn:
    """What can be done here; an SMS has no room for a list of that, but for one of languages."""
    if conversation.language is None:
        return _in_both(conversation, "greeting")
    options = MENU if _buttons(knowledge) else ()
    return Turn(conversation, (Tell("greeting", options=options),))


def _in_both(conversation: Conversation, key: str) -> Turn:
    """Said in Mongolian and Kazakh; whoever reads neither finds their language below."""
    return Turn(conversation, (Tell(key), Tell("language.choose", options=LANGUAGES)))


def _person(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    return call_a_person(conversation, knowledge)


def _pressure(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    """Pressed or threatened for complaining: a sealed matter of its own."""
    about = current(conversation, knowledge)
    turned = replace(conversation, asked="", asked_of=("safe",), held="")
    command = Register(
        channel=knowledge.channel,
        text=knowledge.words,
        received_at=now,
        language=conversation.language,
        sensitive="retaliation",
        facts={"about": about.reference} if about else {},
    )
    return Turn(turned, (Tell("retaliation.done"),), (command,))


def _stop(conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime) -> Turn:
    return replace(tell(replace(conversation, asked=""), "stop.done"), stopped=True)


def _start(conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime) -> Turn:
    if not knowledge.stopped:  # how a chat with a bot begins
        return _greeting(conversation, intent, knowledge, now)
    return replace(tell(conversation, "start.done"), stopped=False)


def _greeting(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    return without_words(conversation, "", knowledge, now)


def _thanks(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    """Thanks are answered once; before anything was said they are but a greeting."""
    waits = BY_NAME.get(conversation.asked)
    if (waits and conversation.told == waits.key) or not knowledge.own:
        return without_words(conversation, knowledge.words, knowledge, now)
    if in_burst(conversation, now) or conversation.told == "thanks.you":
        return Turn(conversation)
    return tell(conversation, "thanks.you")


def _complain(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    """The next words are a new matter, of the kind that the keyword names."""
    kind = kind_asked_for(knowledge.words)
    turned = replace(conversation, asked=NEW, kind=kind, misunderstood=0)
    return tell(turned, "ask.description")


def _repeat(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    return ask_again(conversation, knowledge)


def _help(conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime) -> Turn:
    return tell(conversation, "help") if conversation.language else _in_both(conversation, "help")


def _show_menu(
    conversation: Conversation, intent: Intent, knowledge: Knowledge, now: datetime
) -> Turn:
    return _menu(conversation, knowledge)


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
    Wish.HELP: _help,
    Wish.MENU: _show_menu,
    Wish.GREETING: _greeting,
    Wish.THANKS: _thanks,
    Wish.COMPLAIN: _complain,
}
