"""The conversation, decided purely: where it stood, what came, what is known -> one `Turn`.

Replies are values (`bot.steps`), changes are commands (`workflow.commands`); nothing is sent or
stored here. The first message with content is already a grievance; keywords act only when they
are the whole message; nothing a person typed is thrown away.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.choices import chosen, digit
from bot.content import take_in
from bot.forms import filled_in
from bot.intents import bare_number, has_content, recognise
from bot.language import identify
from bot.questions import answered, ask_again, ask_next, shared_contact
from bot.requests import HANDLERS
from bot.script import BY_NAME
from bot.steps import Tell
from bot.turns import Conversation, Knowledge, Turn, about, moment, tell
from store.messages import Inbound, Kind

__all__ = ["Conversation", "Knowledge", "Turn", "about", "advance", "references", "wake"]

FLOOD_WINDOW = timedelta(minutes=10)
FLOOD_MESSAGES = 30
ANSWERED = ("mn", "kk")  # languages in which we answer without being asked to


def references(inbound: Inbound) -> set[str]:
    """The reference numbers a message asks about, so that they can be looked up beforehand."""
    intent = recognise(inbound.text)
    return {intent.reference} if intent and intent.reference else set()


def wake(conversation: Conversation, now: datetime, knowledge: Knowledge) -> Turn:
    """The burst is over: put the first question about what was registered."""
    if conversation.asked:
        return Turn(conversation)
    return ask_next(conversation, knowledge)


def advance(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """Take one message in. A flood is taken in as well, but answered once only."""
    conversation = _counted(conversation, now)
    turn = _advance(conversation, inbound, now, knowledge)
    if inbound.contact and inbound.contact.phone and not turn.identity:
        turn = replace(turn, identity={"phone": inbound.contact.phone})
    if conversation.flood_count < FLOOD_MESSAGES:
        return turn
    first = conversation.flood_count == FLOOD_MESSAGES
    return replace(turn, replies=(Tell("flood.wait"),) if first else (), wants_person=False)


def _counted(conversation: Conversation, now: datetime) -> Conversation:
    """Count this message in its window of `FLOOD_WINDOW`."""
    start = moment(conversation.flood_from)
    if start is None or now - start > FLOOD_WINDOW:
        return replace(conversation, flood_from=now.isoformat(), flood_count=1)
    return replace(conversation, flood_count=conversation.flood_count + 1)


def _advance(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    if inbound.kind is Kind.OTHER and inbound.choice in {"blocked", "unblocked"}:
        return Turn(conversation, blocked=inbound.choice == "blocked")
    if inbound.kind is Kind.OTHER and inbound.choice == "automatic":
        return Turn(conversation)  # a machine wrote: answering could start a loop
    if inbound.kind is Kind.CHOICE and inbound.choice:
        return chosen(conversation, inbound.choice, knowledge, now)
    if inbound.answers:
        return filled_in(conversation, inbound, now, knowledge)
    if inbound.contact and inbound.contact.phone and not inbound.text:
        return shared_contact(conversation, inbound, knowledge)
    conversation = _listen(conversation, inbound.text)
    if not inbound.attachments:
        turn = _words(conversation, inbound.text.strip(), knowledge, now)
        if turn is not None:
            return turn
    if inbound.attachments or inbound.location or has_content(inbound.text):
        return take_in(conversation, inbound, now, knowledge)
    return tell(conversation, "empty_message" if not inbound.text.strip() else "greeting")


def _words(
    conversation: Conversation, text: str, knowledge: Knowledge, now: datetime
) -> Turn | None:
    """A key, an answer, or a keyword that is the whole message; None for content."""
    if text in {"*", "＊"}:
        return ask_again(conversation, knowledge)
    number = bare_number(text)
    if number is not None and number < 100:
        return digit(conversation, number, knowledge, now)
    intent = recognise(text)
    asked = BY_NAME.get(conversation.asked)
    if asked is not None:
        turn = answered(conversation, asked, text, intent, knowledge)
        if turn is not None:
            return turn
    if intent and (act := HANDLERS.get(intent.kind)):
        return act(conversation, intent, replace(knowledge, words=text), now)
    return None


def _listen(conversation: Conversation, text: str) -> Conversation:
    """Identify the language until one is known; a choice is never overruled."""
    if conversation.language:
        return conversation
    found = identify(text)
    if found.sure and found.language in ANSWERED:
        return replace(conversation, language=found.language)
    return conversation
