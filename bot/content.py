"""Words, files and places: registered, joined or added, never thrown away. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.questions import ask_again, ask_next
from bot.sensitive import assess
from bot.steps import Tell
from bot.turns import Conversation, Knowledge, Turn, current, moment
from store.case import Case
from store.messages import Inbound
from workflow.commands import CITIZEN, Act, Register

# A short addition ("яаралтай!") is not asked about: it belongs to the matter.
NEW_MATTER_LENGTH = 25


def take_in(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """Register the first content; join what follows at once; add later words to the open matter."""
    case = current(conversation, knowledge)
    if case is None or _must_be_sealed(inbound.text, case):
        return register(conversation, inbound.text, now, knowledge)
    burst = moment(conversation.burst_until)
    joins = burst is not None and now <= burst and case.id == conversation.grievance_id
    act = Act("append", case.id, CITIZEN, {"text": inbound.text, "joins": joins})
    if joins:
        return Turn(conversation, commands=(act,), wake_at=burst)
    if conversation.asked:
        return _instead_of_an_answer(conversation, act, knowledge)
    conversation = replace(conversation, misunderstood=0)
    if len(inbound.text) < NEW_MATTER_LENGTH or case.sensitive:
        return Turn(conversation, (Tell("added", case.id),), (act,))
    options = ((f"same:{case.id}", "choice.which.same"), ("new:", "choice.which.new"))
    told = (Tell("ask.which_grievance", case.id, options),)
    return Turn(replace(conversation, held=inbound.text), told, (act,))


def _must_be_sealed(text: str, case: Case) -> bool:
    """A sensitive matter is never added to an ordinary one."""
    return not case.sensitive and assess(text).kind is not None


def register(conversation: Conversation, words: str, now: datetime, knowledge: Knowledge) -> Turn:
    """A new grievance; its questions come when the burst is over."""
    until = now + timedelta(seconds=knowledge.burst_seconds)
    turned = replace(
        conversation, burst_until=until.isoformat(), misunderstood=0, asked="", asked_of=()
    )
    command = Register(
        channel=knowledge.channel,
        text=words,
        received_at=now,
        language=conversation.language,
        sensitive=assess(words).kind or "",
    )
    return Turn(turned, commands=(command,), wake_at=until)


def _instead_of_an_answer(conversation: Conversation, act: Act, knowledge: Knowledge) -> Turn:
    """Words that do not answer are added to the matter; the question is put once more."""
    if conversation.misunderstood:
        turn = ask_next(replace(conversation, misunderstood=0, asked=""), knowledge)
    else:
        turn = ask_again(replace(conversation, misunderstood=1), knowledge)
    return replace(turn, commands=(act, *turn.commands))
