"""Options chosen: a button pressed, or a bare digit under the last question. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.content import register
from bot.intents import Intent
from bot.intents import Kind as Wish
from bot.questions import not_answered, speak, taken, write_in
from bot.requests import HANDLERS, call_a_person, not_understood
from bot.script import BY_NAME
from bot.steps import SCRIPTS, Tell
from bot.turns import MORE, Conversation, Knowledge, Turn, by_id, none_found, tell, tell_status
from workflow.commands import CITIZEN, Act


def digit(conversation: Conversation, number: int, knowledge: Knowledge, now: datetime) -> Turn:
    """A bare digit answers the last question sent, and nothing else; 0 is a person, everywhere."""
    if number == 0:
        return call_a_person(conversation, knowledge)
    if 1 <= number <= len(knowledge.options):
        return chosen(conversation, knowledge.options[number - 1], knowledge, now)
    if conversation.asked in BY_NAME:
        turn = not_answered(conversation, knowledge)
        again = turn.conversation.asked == conversation.asked
        return replace(turn, replies=(Tell("ask.again"), *turn.replies)) if again else turn
    return not_understood(conversation, knowledge)


def chosen(conversation: Conversation, choice: str, knowledge: Knowledge, now: datetime) -> Turn:
    """An option's value says all of its meaning, so an old button still does what it said."""
    name, _, value = choice.partition(":")
    conversation = replace(conversation, misunderstood=0)
    if name == "language" and value in {"mn", "kk", "en"}:
        return speak(conversation, value, knowledge, now)
    if name == "script" and value in SCRIPTS:
        return write_in(conversation, value, knowledge)
    if name in BY_NAME:
        question = BY_NAME[name]
        return taken(conversation, question, question.choose(value), knowledge)
    if act := _CHOICES.get(name):
        return act(conversation, value, knowledge, now)
    return tell(conversation, "help")


def _same(conversation: Conversation, value: str, knowledge: Knowledge, now: datetime) -> Turn:
    """It was about the matter it was added to."""
    case = by_id(value, knowledge)
    settled = replace(conversation, held="")
    if case is None:
        return none_found(settled)
    return tell(settled, "added" if case.is_open else "rate.unsatisfied", case)


def _status(conversation: Conversation, value: str, knowledge: Knowledge, now: datetime) -> Turn:
    return tell_status(conversation, by_id(value, knowledge), knowledge)


def _menu(conversation: Conversation, value: str, knowledge: Knowledge, now: datetime) -> Turn:
    wish = _MENU.get(value, Wish.HELP)
    return HANDLERS[wish](conversation, Intent(wish), knowledge, now)


def _new(conversation: Conversation, value: str, knowledge: Knowledge, now: datetime) -> Turn:
    """The words just added are a new matter as well; the first keeps them in its trail."""
    if not conversation.held:
        return tell(conversation, "ask.description")
    turned = replace(conversation, held="", grievance_id=None)
    return register(turned, conversation.held, now, knowledge)


def _withdraw(conversation: Conversation, value: str, knowledge: Knowledge, now: datetime) -> Turn:
    case_id, _, sure = value.partition(":")
    case = by_id(case_id, knowledge)
    if case is None or not case.is_open:
        return none_found(conversation)
    if sure != "yes":
        return tell_status(conversation, case, knowledge)
    act = Act("withdraw", case.id, CITIZEN, {"outcome": "withdrawn"})
    return Turn(replace(conversation, asked=""), commands=(act,))


def _rate(conversation: Conversation, value: str, knowledge: Knowledge, now: datetime) -> Turn:
    case_id, _, rating = value.partition(":")
    case = by_id(case_id, knowledge)
    if case is None or rating not in {"1", "2", "3"}:
        return none_found(conversation)
    act = Act("classify", case.id, CITIZEN, {"facts": {"rating": int(rating)}})
    key = "rate.unsatisfied" if rating == "1" else "rate.thanks"
    return Turn(conversation, (Tell(key, case.id),), (act,))


def _solved(conversation: Conversation, value: str, knowledge: Knowledge, now: datetime) -> Turn:
    """Really solved? A no reopens and counts."""
    case_id, _, answer = value.partition(":")
    case = by_id(case_id, knowledge)
    if case is None:
        return none_found(conversation)
    if answer == "no" and not case.is_open:
        return Turn(conversation, commands=(Act("reopen", case.id, CITIZEN, {"solved": False}),))
    act = Act("classify", case.id, CITIZEN, {"facts": {"solved": answer == "yes"}})
    return Turn(conversation, (Tell("solved.thanks"),), (act,))


def _safe(conversation: Conversation, value: str, knowledge: Knowledge, now: datetime) -> Turn:
    """Whether the focal point may contact the person who told us of a sensitive matter."""
    case_id, _, answer = value.partition(":")
    case = by_id(case_id, knowledge)
    if case is None:
        return none_found(conversation)
    act = Act("classify", case.id, CITIZEN, {"facts": {"contact": answer == "yes"}})
    key = "sensitive.contact" if answer == "yes" else "sensitive.no_contact"
    return Turn(conversation, (Tell(key, case.id),), (act,))


def _judge(conversation: Conversation, value: str, knowledge: Knowledge, *, accepted: bool) -> Turn:
    """The answer to a proposed redress; the officer sees it and closes or goes on."""
    case = by_id(value, knowledge)
    if case is None or not case.is_open:
        return none_found(conversation)
    act = Act("append", case.id, CITIZEN, {"accepted": accepted})
    thanks = Tell("solved.thanks", case.id)
    if accepted:
        return Turn(conversation, (thanks,), (act,))
    return Turn(replace(conversation, asked=MORE), (thanks, Tell("ask.wish", case.id)), (act,))


def _accept(conversation: Conversation, value: str, knowledge: Knowledge, now: datetime) -> Turn:
    return _judge(conversation, value, knowledge, accepted=True)


def _reject(conversation: Conversation, value: str, knowledge: Knowledge, now: datetime) -> Turn:
    return _judge(conversation, value, knowledge, accepted=False)


_CHOICES: dict[str, Callable[[Conversation, str, Knowledge, datetime], Turn]] = {
    "accept": _accept,
    "reject": _reject,
    "same": _same,
    "new": _new,
    "withdraw": _withdraw,
    "rate": _rate,
    "solved": _solved,
    "safe": _safe,
    "status": _status,
    "menu": _menu,
}
_MENU = {
    "complain": Wish.COMPLAIN,
    "suggest": Wish.COMPLAIN,
    "status": Wish.STATUS,
    "person": Wish.PERSON,
    "language": Wish.LANGUAGE,
}
