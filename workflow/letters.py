"""What people are told, in their language and in the form their channel can carry. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from config import i18n
from config.profile import Profile
from store.case import Case
from store.messages import Capabilities, Choice
from store.text import measure, shorten, ucs2_units
from store.translit import to_latin

BOTH = "both"
# Values that may be cut when an SMS grows too long, the longest first.
_ELASTIC = ("summary", "reason", "question", "text", "name", "organisation")
_LATIN_UNITS = 2 * 153  # what two parts hold in GSM-7
_ELLIPSIS = 2  # "…" is three units in Latin letters
# Stands for a day that there is none of; the sentence it is in is left out.
_NO_DAY = "\0"
_ABOUT_NO_DAY = re.compile(rf"(?:(?<=[.!?])\s+|\n)[^.!?\n]*{_NO_DAY}[^.!?\n]*[.!?]?")
# Outcomes after which a person may ask for a review, while there is a stage to do it.
_REVIEWED = {"resolved", "partly", "not_eligible", "no_evidence"}
# Texts that are the same in every language, for people whose language is not known.
JOINT = {"ack.joint", "language.choose"}
_LANGUAGES = tuple((f"language:{code}", f"choice.language.{code}") for code in ("mn", "kk", "en"))


# Kinds whose good end is told in words of their own.
ANSWERED = {"suggestion", "request", "thanks", "criticism", "question"}
# What we ask after a grievance was closed.
FOLLOW_UPS = {"rate", "solved"}


def choices_of(key: str, case: Case) -> tuple[tuple[str, str], ...]:
    """The choices a letter ends with: (value told back, label key)."""
    if key in JOINT:
        return _LANGUAGES
    if key == "letter.redress_proposed":
        return ((f"accept:{case.id}", "choice.yes"), (f"reject:{case.id}", "choice.no"))
    if key == "rate.ask":
        return tuple((f"rate:{case.id}:{n}", f"choice.rate.{n}") for n in (1, 2, 3))
    if key == "solved.ask":
        return tuple((f"solved:{case.id}:{value}", f"choice.{value}") for value in ("yes", "no"))
    return ()


@dataclass(frozen=True, slots=True)
class Written:
    """A text ready to be carried: its language (``both`` where unknown), parts and choices."""

    key: str
    language: str
    text: str
    parts: int
    choices: tuple[Choice, ...] = ()


def lettered(capabilities: Capabilities, script: str) -> Capabilities:
    """What a channel carries to an address whose person chose these letters ("" for any)."""
    return replace(capabilities, latin=True) if script == "latin" else capabilities


def form_of(key: str, capabilities: Capabilities) -> str:
    """The key of ``key`` in the form of this channel, where it has one."""
    formed = f"{key}.{capabilities.form}"
    return formed if formed in i18n.catalogue("mn") else key


def write(
    key: str,
    language: str | None,
    capabilities: Capabilities,
    values: Mapping[str, str] | Mapping[str, Mapping[str, str]],
    choices: tuple[tuple[str, str], ...] = (),
) -> Written:
    """Write the text ``key``; ``values`` holds the slots for each of mn, kk and en.

    With no language known the person gets Mongolian and Kazakh, in one joint text where there is
    one (the acknowledgement), else one after the other.
    """
    formed = form_of(key, capabilities)
    if language or key in JOINT:
        tongue = language or "mn"
        text = _fit(formed, tongue, capabilities, _slots(values, tongue))
    else:
        both = [
            _fit(formed, tongue, capabilities, _slots(values, tongue)) for tongue in spoken(None)
        ]
        text = "\n".join(dict.fromkeys(both))
    shown = tuple(
        Choice(value, _label(label, language, key, capabilities)) for value, label in choices
    )
    text = text if capabilities.buttons else _numbered(text, shown, key)
    return Written(key, language or BOTH, text, parts_of(text, capabilities), shown)


def with_routes(written: Written, profile: Profile, capabilities: Capabilities) -> Written:
    """Where there is room: the bodies a person may go to at any time."""
    if capabilities.form == "sms" or not profile.routes:
        return written
    more = i18n.text("routes.any_time", written.language, routes=profile.routes[written.language])
    more = _spelt(more, written.language, capabilities)
    return replace(written, text=f"{written.text}\n{more}")


def _spelt(text: str, language: str, capabilities: Capabilities) -> str:
    return to_latin(text, language) if capabilities.latin else text


def with_short_routes(written: Written, profile: Profile, capabilities: Capabilities) -> Written:
    """An outcome by SMS names the bodies too, in their shortest form, while two parts hold it."""
    if capabilities.units is None or not profile.routes_short:
        return written
    more = i18n.text("routes.short", written.language, routes=profile.routes_short)
    text = f"{written.text} {_spelt(more, written.language, capabilities)}"
    if ucs2_units(text) > (_LATIN_UNITS if capabilities.latin else capabilities.units):
        return written
    return replace(written, text=text, parts=parts_of(text, capabilities))


def _label(label: str, language: str | None, key: str, capabilities: Capabilities) -> str:
    """A catalogue key, or the label itself after ``=``; in both languages where they fit."""
    if label.startswith("="):
        return label[1:]
    tongues = [language] if language else ["mn"] if key in JOINT else ["mn", "kk"]
    words = [_spelt(i18n.text(label, each), each, capabilities) for each in tongues]
    both = " / ".join(dict.fromkeys(words))
    return both if len(both) <= (capabilities.button_label or len(both)) else words[0]


def _numbered(text: str, choices: tuple[Choice, ...], key: str) -> str:
    """Choices as a numbered list, unless the text already spells them out (joint SMS)."""
    if not choices or key == "ack.joint":
        return text
    return "\n".join([text, *(f"{n}. {item.label}" for n, item in enumerate(choices, 1))])


def parts_of(text: str, capabilities: Capabilities) -> int:
    """SMS parts, or messages of the channel's longest text."""
    if capabilities.units is not None:
        return measure(text).parts
    return -(-ucs2_units(text) // capabilities.longest) or 1


def _slots(values: Mapping[str, object], language: str) -> Mapping[str, str]:
    found = values.get(language, values)
    return found if isinstance(found, Mapping) else {}


def _fit(key: str, language: str, capabilities: Capabilities, values: Mapping[str, str]) -> str:
    """The text, its elastic values shortened at a word until the channel's bound holds."""
    text = _filled(key, language, capabilities, values)
    entry = i18n.entry(key, language)
    if capabilities.units is None or not entry.sms:
        return text
    bound = _LATIN_UNITS if capabilities.latin else capabilities.units
    for name in _ELASTIC:
        over = ucs2_units(text) - bound
        if over <= 0:
            break
        if name in entry.slots and values.get(name):
            value = _spelt(values[name], language, capabilities)
            room = max(ucs2_units(value) - over - _ELLIPSIS, 12)
            values = {**values, name: shorten(value, room)}
            text = _filled(key, language, capabilities, values)
    return text


def _filled(key: str, language: str, capabilities: Capabilities, values: Mapping[str, str]) -> str:
    text = _ABOUT_NO_DAY.sub("", i18n.text(key, language, **values)).replace(_NO_DAY, "-")
    return _spelt(text, language, capabilities)


def case_values(
    case: Case,
    profile: Profile,
    zone: ZoneInfo,
    extra: Mapping[str, object],
    languages: Iterable[str] = i18n.LANGUAGES,
) -> dict[str, dict[str, str]]:
    """The slots every letter about ``case`` may use, for each of ``languages``."""
    return {language: _values(case, profile, zone, extra, language) for language in languages}


def spoken(language: str | None) -> tuple[str, ...]:
    """The languages a letter is written in: one, or both where none is known."""
    return (language,) if language else ("mn", "kk")


def project_values(profile: Profile) -> dict[str, dict[str, str]]:
    """The slots any text may use, for each language."""
    return {language: _project(profile, language) for language in i18n.LANGUAGES}


def _project(profile: Profile, language: str) -> dict[str, str]:
    return {
        "phone": profile.organisation.phone,
        "service": profile.organisation.project.of(language),
        "routes": profile.routes.get(language, profile.organisation.phone),
        "referrals": profile.referrals.get(language, "102, 103"),
    }


def _values(
    case: Case, profile: Profile, zone: ZoneInfo, extra: Mapping[str, object], language: str
) -> dict[str, str]:
    def told(moment: datetime | None) -> str:
        return _day(moment.astimezone(zone).date(), language) if moment else _NO_DAY

    closed = case.status == "closed"
    values = {
        "reference": case.reference,
        "code": case.code,
        "date": told(case.closed_at if closed else case.due_at),
        "received": told(case.received_at),
        "extension_days": str(profile.extension.amount),
        "outcome": i18n.text(f"outcome.{case.outcome}.label", language) if case.outcome else "-",
        "stage": profile.stage(case.stage).name.of(language),
        "summary": case.resolution,
        "organisation": "11-11",
    }
    values |= _project(profile, language)
    if day := extra.get("until") or extra.get("held_at"):  # a date of the letter's own
        moment = day if isinstance(day, datetime) else datetime.fromisoformat(str(day))
        values["date"] = told(moment)
    values |= {name: str(value) for name, value in extra.items() if value is not None}
    # The texts end the sentence themselves.
    return {n: v.rstrip(". ") if n in {"summary", "reason"} else v for n, v in values.items()}


@lru_cache(maxsize=512)
def _day(day: date, language: str) -> str:
    """The few days a batch speaks of, formatted once."""
    return i18n.format_date(day, language)


def is_last(case: Case, project: Profile) -> bool:
    """No stage of ours comes after this one: what is left are courts."""
    later = project.next_stage(case.stage)
    return later is None or later.span is None


def letter_key(letter: str, case: Case, language: str | None, project: Profile) -> str:
    """The catalogue key of a row's letter for this case."""
    if letter == "ack":
        if case.sensitive:
            return "ack.sensitive.sms"
        return "ack" if language else "ack.joint"
    if letter == "closed":
        if case.outcome in _REVIEWED and is_last(case, project):
            return "letter.closed.last"
        own = case.outcome == "resolved" and case.kind in ANSWERED
        return f"letter.answered.{case.kind}" if own else f"letter.closed.{case.outcome}"
    if letter in {"appealed", "escalated"} and case.due_at is None:
        return "appeal.last"
    if letter in FOLLOW_UPS:
        return f"{letter}.ask"
    return f"letter.{letter}"
