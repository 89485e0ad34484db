"""The questions asked after a grievance is registered: one short question at a time. Pure.

Written once for every channel: a chat shows the options as buttons, an SMS as a numbered list,
the hotline speaks them. Each question says when it is wanted and how its answer is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot import places
from bot.steps import Options
from config import i18n
from config.profile import Profile
from store.case import Case
from store.messages import Capabilities
from store.phones import normalise
from store.text import ucs2_units

SKIP: Options = (("skip", "choice.skip"),)
_NAME_WORDS, _NAME_LENGTH = 5, 60
# What stands in a sentence and in nobody's name.
_NO_NAME = re.compile(
    r"\d|[?!]|[.,;:]\s|\b(?:байна|байгаа|байхгүй|алга|болсон|болно|хэрэгтэй|яаралтай|хэзээ|яагаад|"
    r"жоқ|керек|қашан|неге|болды|болып|are|not|no|when|why|need|please)\b"
)

# "Намайг Болд гэдэг", "Менің атым Айдос", "My name is Bat": what stands around a name.
_AROUND_NAME = re.compile(
    r"^(?:намайг|миний нэр\w*|нэр\w{0,2}(?=[ :])|менің атым|атым|есімім|меня зовут|мое имя|моё имя|"
    r"my name is|i am|i'm|call me|namaig|minii ner|menin atym|atym)\b|"
    r"\b(?:гэдэг|гэдэг юм|гэдэг хүн байна|гэнэ|болно|деймін|дейді|gedeg)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer changes: values of the grievance (`classify`), facts beside it, identity.

    ``identity`` (name, phone, or the name of the person affected) goes to encrypted records of
    people, never to the grievance.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    identity: Mapping[str, str] = field(default_factory=dict)
    which: tuple[str, ...] = ()  # several places fit: ask which


@dataclass(frozen=True, slots=True)
class Setting:
    """What decides which questions are wanted."""

    case: Case
    capabilities: Capabilities
    profile: Profile
    has_phone: bool = False
    language: str = "mn"


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``read`` takes free words; ``choose`` takes an option's value."""

    name: str
    wanted: Callable[[Setting], bool]
    options: Options = ()
    read: Callable[[str], Answer | None] | None = None
    choose: Callable[[str], Answer] = lambda value: Answer()

    @property
    def key(self) -> str:
        """Its text in the catalogue."""
        return f"ask.{self.name}"


def _chat(setting: Setting) -> bool:
    """Buttons are there: a longer list of questions costs nobody anything."""
    return setting.capabilities.buttons > 0


def _brief(question: str) -> Callable[[Setting], bool]:
    """Its list of options can be shown: as buttons, in a mail, or in two parts of an SMS."""

    def brief(setting: Setting) -> bool:
        units, language = setting.capabilities.units, setting.language
        if units is None:
            return True
        shown = options_of(BY_NAME[question], setting)
        lines = [i18n.text(f"ask.{question}", language)]
        lines += [f"{n}. {i18n.text(label, language)}" for n, (_, label) in enumerate(shown, 1)]
        return ucs2_units("\n".join(lines)) <= units

    return brief


def _for_another(setting: Setting) -> bool:
    """Named only by somebody who agreed to be known as the writer."""
    facts = setting.case.facts
    return facts.get("behalf") in {"other", "organisation"} and facts.get("consent") == "agree"


def _read_place(text: str) -> Answer | None:
    found = places.find(text, answer=True)
    if not found:
        return None
    bag = {"bag": str(found[0].bag)} if found[0].bag else {}
    if len(found) == 1:
        return Answer(values={"place": found[0].code, **bag})
    return Answer(values=bag, which=tuple(match.code for match in found))


def _read_name(text: str) -> Answer | None:
    name = _AROUND_NAME.sub("", " ".join(text.split())).strip(" .,:-")
    plain = not _NO_NAME.search(name.casefold())
    if 0 < len(name) <= _NAME_LENGTH and len(name.split()) <= _NAME_WORDS and plain:
        return Answer(values={"anonymous": False}, identity={"name": name})
    return None


def _read_affected(text: str) -> Answer | None:
    found = _read_name(text)
    return Answer(found.values, identity={"affected": found.identity["name"]}) if found else None


def _read_phone(text: str) -> Answer | None:
    number = normalise(text) if len(text) <= 24 else None
    return Answer(identity={"phone": number}) if number else None


def _options(question: str, *labels: tuple[str, str]) -> Options:
    return tuple((f"{question}:{value}", label) for value, label in labels)


def _consent(value: str) -> Answer:
    """Refusing after registering makes anonymous; the sentence on servers abroad is part of it."""
    if value == "agree":
        return Answer(facts={"consent": "agree"})
    return Answer(values={"anonymous": True}, facts={"consent": "anonymous"})


def _fact(name: str) -> Callable[[str], Answer]:
    return lambda value: Answer(facts={} if value in {"skip", "not_say"} else {name: value})


def _value(name: str) -> Callable[[str], Answer]:
    return lambda value: Answer(values={} if value == "skip" else {name: value})


_KINDS = ("complaint", "suggestion", "request", "thanks", "criticism", "question")
_GROUPS = ("herder", "older", "disability", "low_income", "none")

QUESTIONS: tuple[Question, ...] = (
    Question(  # early where the reply window shuts: Messenger cannot be written to after a day
        "phone",
        lambda s: _chat(s) and not s.has_phone and s.capabilities.window_hours is not None,
        _options("phone", *SKIP),
        read=_read_phone,
    ),
    Question(
        "place",
        lambda s: s.case.place is None,
        _options("place", *SKIP),
        read=_read_place,
        choose=_value("place"),
    ),
    Question(
        "kind",
        lambda s: "kind_said" not in s.case.facts and _brief("kind")(s),
        _options("kind", *((kind, f"kind.{kind}.label") for kind in _KINDS)),
        choose=_value("kind"),
    ),
    Question(
        "category",
        lambda s: s.case.category is None and _brief("category")(s),
        choose=_value("category"),
    ),
    Question(
        "consent",
        lambda s: "consent" not in s.case.facts,
        _options(
            "consent", ("agree", "choice.consent.agree"), ("anonymous", "choice.consent.anonymous")
        ),
        choose=_consent,
    ),
    Question(
        "name",
        lambda s: s.case.facts.get("consent") == "agree" and s.case.anonymous,
        _options("name", *SKIP),
        read=_read_name,
    ),
    Question(
        "behalf",
        lambda s: "behalf" not in s.case.facts,
        _options(
            "behalf",
            *((who, f"choice.behalf.{who}") for who in ("self", "other", "organisation")),
        ),
        choose=_fact("behalf"),
    ),
    Question("affected", _for_another, _options("affected", *SKIP), read=_read_affected),
    Question(
        "gender",
        _chat,
        _options(
            "gender",
            ("female", "choice.gender.female"),
            ("male", "choice.gender.male"),
            ("not_say", "choice.not_say"),
        ),
        choose=_fact("gender"),
    ),
    Question(
        "group",
        _chat,
        _options(
            "group",
            *((group, f"choice.group.{group}") for group in _GROUPS),
            ("not_say", "choice.not_say"),
        ),
        choose=_fact("group"),
    ),
)
BY_NAME = {question.name: question for question in QUESTIONS}


def following(setting: Setting, asked: tuple[str, ...]) -> Question | None:
    """The next question that is wanted and was not asked yet."""
    return next((q for q in QUESTIONS if q.name not in asked and q.wanted(setting)), None)


def options_of(question: Question, setting: Setting) -> Options:
    """The options of a question; the categories come from the profile."""
    if question.name != "category":
        return question.options
    listed = [item.code for item in setting.profile.categories if not item.sensitive]
    shown = _options("category", *((code, f"category.{code}.label") for code in listed))
    # The sensitive lane has an entry of its own, in neutral words, at the end of the menu.
    return (*shown, ("category:sensitive", "category.sensitive.label"))


def place_options(codes: tuple[str, ...], language: str) -> Options:
    """One option per place, named by its aimag; `=` marks a label that is no catalogue key."""
    listed = codes[:8]
    heads = [places.place(code).parent or code for code in listed]
    if len(set(heads)) == len(heads):  # the aimag tells them apart, and fits an SMS
        shown = [places.names(head, language) for head in heads]
    else:
        shown = [places.path(code, language) for code in listed]
    return tuple((f"place:{code}", f"={label}") for code, label in zip(listed, shown, strict=True))
