"""Words, files and places: registered, joined or added, never thrown away. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot import places
from bot.kinds import kind_of
from bot.questions import ask_next, not_answered
from bot.script import BY_NAME
from bot.sensitive import assess, first_words
from bot.steps import Tell
from bot.turns import MORE, NEW, Conversation, Knowledge, Turn, by_id, current, in_burst, moment
from store.case import Case
from store.messages import Inbound
from store.translit import is_latin
from workflow.commands import CITIZEN, Act, Register

# A short addition ("яаралтай!") is not asked about: it belongs to the matter.
NEW_MATTER_LENGTH = 25
QUIET = timedelta(minutes=1)


def take_in(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """Register the first content; join what follows at once; add later words to the open matter."""
    case = current(conversation, knowledge) or _asked_about(knowledge)
    if case is None or conversation.asked == NEW or _must_be_sealed(inbound.text, case):
        return register(conversation, inbound.text, now, knowledge)
    if not case.is_open:
        return _same_or_new(conversation, inbound.text, case, _added(case, inbound.text)[:1])
    joins = case.id == conversation.grievance_id and in_burst(conversation, now)
    acts = _added(case, inbound.text, joins=joins)
    if joins:
        return Turn(conversation, commands=acts, wake_at=moment(conversation.burst_until))
    if conversation.asked == MORE:  # asked for just now, so never without a word
        heard = replace(conversation, misunderstood=0, asked="", added_at=now.isoformat())
        return Turn(heard, (Tell("added", case.id),), acts)
    if case.waiting_on == "them":
        answer = replace(conversation, misunderstood=0)
        return _told_once(Turn(answer, (Tell("added", case.id),), acts), now)
    if conversation.asked or _not_begun(conversation, case):
        turn = _go_on(conversation, inbound, replace(knowledge, own=_placed(knowledge, acts)))
        return _told_once(replace(turn, commands=acts), now)
    turn = _same_or_new(replace(conversation, misunderstood=0), inbound.text, case, acts)
    return _told_once(turn, now)


def _asked_about(knowledge: Knowledge) -> Case | None:
    """The closed matter that the last question was about: words are an answer to it, or news."""
    asked = next(iter(knowledge.options), "").split(":")
    return by_id(asked[1], knowledge) if asked[0] in {"rate", "solved"} else None


def _told_once(turn: Turn, now: datetime) -> Turn:
    """Lines in quick succession are called added once."""
    others = tuple(tell for tell in turn.replies if tell.key != "added")
    if len(others) == len(turn.replies):
        return turn
    before = moment(turn.conversation.added_at)
    if before is not None and now - before < QUIET:
        return replace(turn, replies=others)
    return replace(turn, conversation=replace(turn.conversation, added_at=now.isoformat()))


def _not_begun(conversation: Conversation, case: Case) -> bool:
    """Nothing was asked about it yet, because the language was not known."""
    mine = case.id == conversation.grievance_id
    return mine and not (conversation.asked_of or case.sensitive)


def _same_or_new(conversation: Conversation, words: str, case: Case, acts: tuple[Act, ...]) -> Turn:
    """Later words are added; longer ones may be a new matter as well, which is asked once."""
    asked_already = bool(conversation.held)
    if asked_already:
        conversation = replace(conversation, held=f"{conversation.held}\n{words}")
    if asked_already or len(words) < NEW_MATTER_LENGTH or case.sensitive:
        told = "added" if case.is_open or asked_already else "rate.unsatisfied"
        return Turn(conversation, (Tell(told, case.id),), acts)
    options = ((f"same:{case.id}", "choice.which.same"), ("new:", "choice.which.new"))
    asked = (Tell("ask.which_grievance", case.id, options),)
    return Turn(replace(conversation, held=words), asked, acts)


def _added(case: Case, words: str, *, joins: bool = False) -> tuple[Act, ...]:
    """Add the words; a place that they name and nobody asked for yet is written down too."""
    append = Act("append", case.id, CITIZEN, {"text": words, "joins": joins})
    place = {} if case.place or case.sensitive else _place(words)
    return (append, Act("classify", case.id, CITIZEN, place)) if place else (append,)


def _placed(knowledge: Knowledge, acts: tuple[Act, ...]) -> tuple[Case, ...]:
    """The person's grievances with the place that ``acts`` write down."""
    found = {act.grievance_id: act.values["place"] for act in acts if "place" in act.values}
    return tuple(
        replace(case, place=found[case.id]) if case.id in found else case for case in knowledge.own
    )


def _place(words: str) -> dict[str, str]:
    """The one soum or district that a free text names for certain, and the bag named with it."""
    found = places.find(words)
    if len(found) != 1 or found[0].level not in {"soum", "district"}:
        return {}
    bag = {"bag": str(found[0].bag)} if found[0].bag else {}
    return {"place": found[0].code, **bag}


def _must_be_sealed(text: str, case: Case) -> bool:
    """A sensitive matter is never added to an ordinary one."""
    return not case.sensitive and assess(text).kind is not None


def register(conversation: Conversation, words: str, now: datetime, knowledge: Knowledge) -> Turn:
    """A new grievance; its questions come when the burst is over."""
    until = now + timedelta(seconds=knowledge.burst_seconds)
    sensitive = first_words(words) or ""
    kind = conversation.kind or kind_of(words)
    turned = replace(
        conversation, burst_until=until.isoformat(), misunderstood=0, asked="", asked_of=(),
        held="", kind="",
    )  # fmt: skip
    place = {} if sensitive else _place(words)
    command = Register(
        channel=knowledge.channel,
        text=words,
        received_at=now,
        language=conversation.language,
        kind=kind or "complaint",
        sensitive=sensitive,
        facts={"kind_said": True} if kind else {},
        place=place.get("place"),
        bag=place.get("bag", ""),
    )
    # A photo says little by itself; its sender is asked for words, not obliged.
    told = () if words.strip() else (Tell("media.received"),)
    if not sensitive and _may_want_latin(conversation, words, knowledge):
        turned, told = replace(turned, offered=True), (*told, Tell("latin.offer"))
    return Turn(turned, told, (command,), wake_at=until)


def _may_want_latin(conversation: Conversation, words: str, knowledge: Knowledge) -> bool:
    """Who types Mongolian or Kazakh in Latin letters is told once that we can, too."""
    known = conversation.offered or conversation.script or knowledge.capabilities.latin
    return not known and conversation.language in {"mn", "kk"} and is_latin(words)


def _go_on(conversation: Conversation, inbound: Inbound, knowledge: Knowledge) -> Turn:
    """The dialogue after words that answer no question: it begins, or asks once more."""
    located = inbound.location is not None and conversation.asked == "place"
    if conversation.asked not in BY_NAME or located:
        turn = ask_next(replace(conversation, asked=""), knowledge)
    else:
        turn = not_answered(conversation, knowledge)
    case = current(conversation, knowledge)
    told = (Tell("added", case.id),) if case and not located else ()
    return replace(turn, replies=(*told, *turn.replies))
