"""Asking, and taking answers: the questions of `bot.script`, one at a time. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from bot import places
from bot.intents import Intent
from bot.intents import Kind as Wish
from bot.script import (
    BY_NAME,
    Answer,
    Question,
    Setting,
    following,
    options_of,
    place_options,
)
from bot.steps import LANGUAGES, MENU, YES_NO, Tell
from bot.turns import (
    MORE,
    NEW,
    Conversation,
    Knowledge,
    Turn,
    current,
    in_burst,
    moment,
    tell,
    tell_status,
)
from store.case import Case
from store.messages import Inbound
from store.phones import normalise
from workflow.commands import CITIZEN, Act

_LEAVE_OUT = {Wish.SKIP, Wish.NO}
_AWAITED = {NEW: "ask.description", MORE: "ask.wish"}
_RISKY = {"complaint", "criticism"}  # kinds for which somebody may be made to suffer
_PLACE_ALONE = 5  # words; an answer with more of them tells of something else as well


def ask_next(conversation: Conversation, knowledge: Knowledge) -> Turn:
    """The next question that is wanted about the open matter; thanks after the last one.

    Nobody is asked anything before their language is known, and nobody about a sensitive matter
    but whether they may be contacted.
    """
    case = current(conversation, knowledge)
    if case is None or knowledge.profile is None:
        return Turn(conversation)
    if case.sensitive:
        return _ask_contact(conversation, case)
    if conversation.language is None:
        return Turn(conversation)
    setting = _setting(conversation, case, knowledge)
    question = following(setting, conversation.asked_of)
    if question is None:
        return _all_asked(replace(conversation, asked=""), case)
    asked = replace(
        conversation, asked=question.name, asked_of=(*conversation.asked_of, question.name)
    )
    told = Tell(question.key, case.id, options_of(question, setting))
    return Turn(asked, (*_before(question, knowledge), told))


def _all_asked(conversation: Conversation, case: Case) -> Turn:
    """Thanks; and, once, the word to send if somebody makes them pay for having written."""
    told = (Tell("thanks.done", case.id),) if conversation.asked_of else ()
    if not told or conversation.warned or case.kind not in _RISKY:
        return Turn(conversation, told)
    return Turn(replace(conversation, warned=True), (*told, Tell("retaliation.info")))


def _before(question: Question, knowledge: Knowledge) -> tuple[Tell, ...]:
    """The law wants people told that a provider abroad carries their words, where one does."""
    abroad = question.name == "consent" and knowledge.capabilities.abroad
    return (Tell("consent.abroad"),) if abroad else ()


def _ask_contact(conversation: Conversation, case: Case) -> Turn:
    if "safe" in conversation.asked_of:
        return Turn(conversation)
    options = tuple((f"safe:{case.id}:{value}", label) for value, label in YES_NO)
    asked = replace(conversation, asked="", asked_of=("safe",))
    return Turn(asked, (Tell("sensitive.safe", case.id, options),))


def _setting(conversation: Conversation, case: Case, knowledge: Knowledge) -> Setting:
    assert knowledge.profile is not None
    return Setting(
        case,
        knowledge.capabilities,
        knowledge.profile,
        knowledge.has_phone or conversation.reached,
        conversation.language or "mn",
    )


def ask_again(conversation: Conversation, knowledge: Knowledge) -> Turn:
    """Repeat the question that waits; what `*` and "repeat" do everywhere."""
    question, case = BY_NAME.get(conversation.asked), current(conversation, knowledge)
    if question is None or case is None:
        return Turn(conversation, (Tell(_AWAITED.get(conversation.asked, "help")),))
    options = options_of(question, _setting(conversation, case, knowledge))
    return Turn(conversation, (Tell(question.key, case.id, options),))


def not_answered(conversation: Conversation, knowledge: Knowledge) -> Turn:
    """Put the question once more, then go on to the next."""
    if conversation.misunderstood:
        return ask_next(replace(conversation, misunderstood=0, asked=""), knowledge)
    return ask_again(replace(conversation, misunderstood=1), knowledge)


def speak(conversation: Conversation, language: str, knowledge: Knowledge, now: datetime) -> Turn:
    """From now on in this language: the question that waits is put again, or the first one."""
    spoken = replace(conversation, language=language, chosen=True)
    joining = in_burst(spoken, now)
    turn = Turn(spoken)
    if spoken.asked:
        turn = ask_again(spoken, knowledge)
    elif not knowledge.own and knowledge.capabilities.buttons:
        turn = Turn(spoken, (Tell("greeting", options=MENU),))
    elif not spoken.asked_of and spoken.grievance_id and not joining:
        turn = ask_next(spoken, knowledge)
    wake_at = moment(spoken.burst_until) if joining else None
    return replace(turn, replies=(Tell("language.set"), *turn.replies), wake_at=wake_at)


def write_in(conversation: Conversation, script: str, knowledge: Knowledge) -> Turn:
    """From now on in these letters; what waited is put again in them."""
    if knowledge.capabilities.latin:
        return tell(conversation, "script.only_latin")
    written = replace(conversation, script=script, offered=True)
    if written.language is None:
        again: tuple[Tell, ...] = (Tell("language.choose", options=LANGUAGES),)
    else:
        again = ask_again(written, knowledge).replies if written.asked else ()
    return Turn(written, (Tell(f"script.{script}"), *again))


def _back(conversation: Conversation, knowledge: Knowledge) -> Turn:
    """The question before, answered or not; at the first one it is asked again."""
    asked_of = conversation.asked_of[:-1] or conversation.asked_of
    return ask_again(replace(conversation, asked=asked_of[-1], asked_of=asked_of), knowledge)


def answered(
    conversation: Conversation,
    question: Question,
    text: str,
    intent: Intent | None,
    knowledge: Knowledge,
) -> Turn | None:
    """Take ``text`` as the answer to ``question``; None when it is something else."""
    wish = intent.kind if intent else None
    if wish is Wish.REPEAT:
        return ask_again(conversation, knowledge)
    if wish is Wish.BACK:
        return _back(conversation, knowledge)
    if question.name == "consent" and wish in {Wish.YES, Wish.NO}:
        value = "agree" if wish is Wish.YES else "anonymous"
        return taken(conversation, question, question.choose(value), knowledge)
    if wish in _LEAVE_OUT:
        return ask_next(replace(conversation, asked="", misunderstood=0), knowledge)
    keyword = intent is not None and not (question.name == "phone" and intent.kind is Wish.STATUS)
    if question.read is None or keyword:
        return None
    answer = question.read(text)
    if answer is None:
        return None
    turn = taken(conversation, question, answer, knowledge)
    case = current(conversation, knowledge)
    if case and question.name == "place" and len(text.split()) > _PLACE_ALONE:
        append = Act("append", case.id, CITIZEN, {"text": text, "joins": False})
        return replace(turn, commands=(append, *turn.commands))
    return turn


def taken(
    conversation: Conversation, question: Question, answer: Answer, knowledge: Knowledge
) -> Turn:
    """Write an answer down and go on."""
    case = current(conversation, knowledge)
    if case is None:  # closed since: where it stands is all there is to say
        plain = [each for each in knowledge.own if not each.sensitive]
        return tell_status(conversation, plain[-1] if plain else None, knowledge)
    conversation = replace(conversation, asked="", misunderstood=0)
    if answer.which:
        turn = _ask_which(conversation, case, answer.which)
        return replace(turn, commands=_classified(case, answer))
    commands = _classified(case, answer)
    after = _after(case, answer)
    turn = ask_next(_with(conversation, question), replace(knowledge, own=_known(knowledge, after)))
    told = (Tell("consent.anonymous"),) if answer.facts.get("consent") == "anonymous" else ()
    return replace(
        turn,
        replies=(*told, *turn.replies),
        commands=commands,
        identity=answer.identity,
        private=bool(answer.identity),
    )


def _ask_which(conversation: Conversation, case: Case, codes: tuple[str, ...]) -> Turn:
    """Several places have this name."""
    language = conversation.language or "mn"
    options = place_options(codes, language)
    told = Tell("ask.place_which", case.id, options, {"place": places.names(codes[0], language)})
    return Turn(replace(conversation, asked="place"), (told,))


def _with(conversation: Conversation, question: Question) -> Conversation:
    """An old button answers its question even when another one waits."""
    if question.name in conversation.asked_of:
        return conversation
    return replace(conversation, asked_of=(*conversation.asked_of, question.name))


def _classified(case: Case, answer: Answer) -> tuple[Act, ...]:
    values = dict(answer.values)
    if values.get("category") == "sensitive":
        return (Act("seal", case.id, CITIZEN, {"sensitive": "sea"}),)
    if answer.facts:
        values["facts"] = dict(answer.facts)
    return (Act("classify", case.id, CITIZEN, values),) if values else ()


def _after(case: Case, answer: Answer) -> Case:
    """The grievance as it will be, so that the next question knows this answer."""
    known: dict[str, Any] = {
        name: value for name, value in answer.values.items() if hasattr(case, name)
    }
    if known.get("category") == "sensitive":
        known["sensitive"] = "sea"
    return replace(case, **known, facts={**case.facts, **answer.facts})


def _known(knowledge: Knowledge, changed: Case) -> tuple[Case, ...]:
    return tuple(changed if case.id == changed.id else case for case in knowledge.own)


def shared_contact(conversation: Conversation, inbound: Inbound, knowledge: Knowledge) -> Turn:
    """A contact card: a phone of the person, for when nothing else reaches them."""
    assert inbound.contact is not None
    number = normalise(inbound.contact.phone) or inbound.contact.phone
    answer = Answer(identity={"phone": number})
    conversation = replace(conversation, reached=True)
    if current(conversation, knowledge) is None:
        return Turn(conversation, (Tell("ask.description"),), identity=answer.identity)
    return taken(conversation, BY_NAME["phone"], answer, knowledge)
