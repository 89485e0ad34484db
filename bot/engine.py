"""The conversation, decided purely: where it stood, what came, what is known -> one `Turn`.

Replies are values (`bot.steps`), changes are commands (`workflow.commands`); nothing is sent or
stored here. The first message with content is already a grievance; keywords act only when they
are the whole message; nothing a person typed is thrown away.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from bot.calls import spoken
from bot.choices import chosen, digit
from bot.content import take_in
from bot.forms import filled_in
from bot.intents import Intent, Kind, bare_number, has_content, recognise
from bot.language import identify
from bot.options import named
from bot.questions import answered, ask_again, ask_next, shared_contact
from bot.requests import HANDLERS, without_words
from bot.script import BY_NAME
from bot.sensitive import assess
from bot.steps import Tell
from bot.turns import NEW, Conversation, Knowledge, Turn, about, current, moment, tell
from store.messages import Inbound
from store.messages import Kind as Form

__all__ = ["Conversation", "Knowledge", "Turn", "about", "advance", "references", "wake"]

FORGOTTEN_AFTER = timedelta(days=1)
FLOOD_WINDOW = timedelta(minutes=10)
FLOOD_MESSAGES = 30
ANSWERED = ("mn", "kk", "en")  # languages in which we answer without being asked to
_ENGLISH_WORDS = 3  # a Mongolian or Kazakh writer may well send "help" or "status"


def references(inbound: Inbound) -> set[str]:
    """The reference numbers a message asks about, so that they can be looked up beforehand."""
    intent = recognise(inbound.text)
    return {intent.reference} if intent and intent.reference else set()


def wake(conversation: Conversation, now: datetime, knowledge: Knowledge) -> Turn:
    """The burst is over: put the first question about what was registered."""
    if conversation.asked or knowledge.stopped:
        return Turn(conversation)
    return _remembered(ask_next(conversation, knowledge))


def advance(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """Take one message in. A flood is taken in as well, but answered once only."""
    conversation = _still_asked(_heard(conversation, now), knowledge)
    turn = _remembered(_advance(conversation, inbound, now, knowledge))
    if inbound.contact and inbound.contact.phone and not turn.identity:
        turn = replace(turn, identity={"phone": inbound.contact.phone})
    if conversation.flood_count < FLOOD_MESSAGES:
        return turn
    first = conversation.flood_count == FLOOD_MESSAGES
    unasked = replace(turn.conversation, asked="", asked_of=conversation.asked_of)
    told = (Tell("flood.wait"),) if first else ()
    return replace(turn, conversation=unasked, replies=told, wants_person=False)


def _remembered(turn: Turn) -> Turn:
    """Note the last text said."""
    if not turn.replies or turn.replies[-1].key == turn.conversation.told:
        return turn
    told = turn.replies[-1].key
    return replace(turn, conversation=replace(turn.conversation, told=told))


def _heard(conversation: Conversation, now: datetime) -> Conversation:
    """Note and count this message, in its window of `FLOOD_WINDOW`.

    Who comes back after a day does not answer a question, but has something to say.
    """
    heard, start = moment(conversation.heard_at), moment(conversation.flood_from)
    if heard is not None and now - heard > FORGOTTEN_AFTER:
        conversation = replace(conversation, asked="", held="", number="", misunderstood=0)
    again = start is None or now - start > FLOOD_WINDOW
    return replace(
        conversation,
        heard_at=now.isoformat(),
        flood_from=now.isoformat() if again else conversation.flood_from,
        flood_count=1 if again else conversation.flood_count + 1,
    )


def _still_asked(conversation: Conversation, knowledge: Knowledge) -> Conversation:
    """A question about a matter that was closed since waits for no answer any more."""
    if conversation.asked in ("", NEW) or current(conversation, knowledge):
        return conversation
    return replace(conversation, asked="", misunderstood=0)


def _advance(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    if inbound.kind is Form.OTHER and inbound.choice in {"blocked", "unblocked"}:
        return Turn(conversation, blocked=inbound.choice == "blocked")
    if inbound.kind is Form.OTHER and inbound.choice == "automatic":
        return Turn(conversation)  # a machine wrote: answering could start a loop
    if inbound.kind is Form.CHOICE and inbound.choice:
        return chosen(conversation, inbound.choice, knowledge, now)
    if "call" in inbound.answers:
        return spoken(conversation, inbound, now, knowledge)
    if inbound.answers:
        return filled_in(conversation, inbound, now, knowledge)
    if inbound.contact and inbound.contact.phone and not inbound.text:
        return shared_contact(conversation, inbound, knowledge)
    return _said(_listen(conversation, inbound.text), inbound, now, knowledge)


def _said(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """Words, files, a place: whatever a person sends in a chat, an SMS or a mail."""
    if not inbound.attachments:
        turn = _words(conversation, inbound.text.strip(), knowledge, now)
        if turn is not None:
            return turn
    if inbound.attachments or inbound.location or has_content(inbound.text):
        return take_in(conversation, inbound, now, knowledge)
    if not inbound.text.strip():
        return tell(conversation, "empty_message")
    return without_words(conversation, inbound.text, knowledge, now)


def _words(
    conversation: Conversation, text: str, knowledge: Knowledge, now: datetime
) -> Turn | None:
    """A key, an answer, or a keyword that is the whole message; None for content."""
    if text in {"*", "＊"}:
        return ask_again(conversation, knowledge)
    number = bare_number(text)
    if number is not None:
        return digit(conversation, number, knowledge, now)
    if assess(text).kind is not None and recognise(text) is None:
        return None  # whatever was asked, such words are sealed before anything else
    option = named(text, conversation, knowledge)
    if option is not None:
        return chosen(conversation, option, knowledge, now)
    intent = _code(conversation, text) or recognise(text)
    asked = BY_NAME.get(conversation.asked)
    if asked is not None:
        turn = answered(conversation, asked, text, intent, knowledge)
        if turn is not None:
            return turn
    if intent and (act := HANDLERS.get(intent.kind)):
        return act(conversation, intent, replace(knowledge, words=text), now)
    return None


def _code(conversation: Conversation, text: str) -> Intent | None:
    """The private code alone, after we asked for it."""
    digits = re.sub(r"[\s.-]", "", text)
    if conversation.number and re.fullmatch(r"\d{6}", digits):
        return Intent(Kind.STATUS, conversation.number, digits)
    return None


def _listen(conversation: Conversation, text: str) -> Conversation:
    """Identify the language until something is registered; a choice is never overruled."""
    if conversation.chosen or (conversation.language and conversation.grievance_id):
        return conversation
    found = identify(text)
    short = found.language == "en" and len(text.split()) < _ENGLISH_WORDS
    if found.sure and found.language in ANSWERED and not short:
        return replace(conversation, language=found.language)
    return conversation
