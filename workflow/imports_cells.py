"""Cells of files taken over, read one by one: dates, choices, phones, how a level ended. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from config import i18n
from config.profile import profile
from store.phones import normalise
from workflow import fieldform
from workflow.imports import Closure, key_of
from workflow.states import Outcome, Status

EARLIEST = date(2000, 1, 1)
_ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})\D{1,8}?(\d{1,2})\D{1,12}?(\d{1,2})(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?!\d)")
_NAMED = re.compile(r"(?<!\d)(\d{1,2}) ([A-Za-z]{3})[a-z]*\.? (\d{4})(?!\d)")
_PHONE = re.compile(r"(?<!\d)(?:\+?976[ -]?)?\d{4}[ -]?\d{4}(?!\d)")


class Bad(Exception):
    """A cell that cannot be taken; ``code`` names the fault."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def day(cell: Any, today: date) -> date:
    """The date of a cell: a date of the workbook, 2026-11-20, 20.11.2026, 20 Nov 2026."""
    if cell is None or not str(cell).strip():
        raise Bad("no_date")
    found = cell.date() if isinstance(cell, datetime) else cell
    found = found if isinstance(found, date) else in_words(str(cell))
    if found is None:
        raise Bad("date")
    if found > today:
        raise Bad("future")
    if found < EARLIEST:
        raise Bad("old")
    return found


def in_words(text: str) -> date | None:
    """The first date that stands in ``text``."""
    readers: tuple[tuple[re.Pattern[str], Callable[[tuple[str, ...]], tuple[int, int, int]]], ...]
    readers = (
        (_YEAR_FIRST, lambda p: (int(p[0]), int(p[1]), int(p[2]))),
        (_DAY_FIRST, lambda p: (int(p[2]), int(p[1]), int(p[0]))),
        (_NAMED, lambda p: (int(p[2]), _month(p[1]), int(p[0]))),
    )
    for pattern, order in readers:
        if match := pattern.search(text):
            try:
                return date(*order(match.groups()))
            except ValueError:
                return None
    return None


def _month(name: str) -> int:
    short = name.lower()
    return _ENGLISH.index(short) + 1 if short in _ENGLISH else 0


@cache
def _labels(column: str) -> Mapping[str, str]:
    """Folded label in any language, or the code itself -> code."""
    found = {key_of(code): code for code in fieldform.options(column)}
    for code, key in fieldform.options(column).items():
        found |= {key_of(i18n.text(key, language)): code for language in i18n.LANGUAGES}
    return found


def choice(column: str, text: str) -> str:
    """What was chosen in a column of the field form; "" for nothing."""
    if not text:
        return ""
    found = _labels(column).get(key_of(text))
    if found is None:
        raise Bad("choice")
    return found


def phone(text: str) -> str:
    """A phone as we write it; "" for none."""
    if not text:
        return ""
    found = normalise(text)
    if found is None:
        raise Bad("phone")
    return found


def person(text: str) -> tuple[str, str]:
    """Name and phone of the log's column of persons; "" where it says that there is none."""
    match = _PHONE.search(text)
    number = normalise(match[0]) if match else None
    name = (text.replace(match[0], "") if match else text).strip(" ,;:()-")
    if key_of(name) in _nameless():
        name = ""
    if number is None and any(c.isdigit() for c in name):
        raise Bad("phone")
    return name, number or ""


@cache
def _nameless() -> frozenset[str]:
    keys = ("desk.log.anonymous", "desk.log.named", "desk.log.named_through")
    told = {key_of(i18n.text(key, language)) for key in keys for language in ("mn", "en")}
    return frozenset(told | {key_of(word) for word in ("Anonymous", "Нэргүй", "Нууцалсан", "-")})


def _coded(family: str, codes: tuple[str, ...]) -> Mapping[str, str]:
    found = {key_of(code.replace("_", " ")): code for code in codes}
    for code in codes:
        key = f"{family}.{code}.label"
        found |= {
            key_of(i18n.text(key, language)): code
            for language in i18n.LANGUAGES
            if i18n.has(key, language)
        }
    return found


def status(text: str) -> tuple[str, str]:
    """Status and outcome as the log writes them: Closed: Resolved."""
    if not text:
        raise Bad("no_status")
    stands, _, ended = text.partition(":")
    found = _coded("status", tuple(Status)).get(key_of(stands))
    if found is None:
        raise Bad("status")
    outcome = _coded("outcome", tuple(Outcome)).get(key_of(ended)) if ended.strip() else ""
    if outcome is None:
        raise Bad("outcome")
    return found, outcome


CHANNELS = (
    "sms", "gateway", "telegram", "messenger", "email", "voice", "web", "visit", "letter",
    "call", "meeting", "partner", "open311",
)  # fmt: skip


def matter(text: str) -> dict[str, str]:
    """Kind, category and channel as the log writes them: Complaint, Environment; SMS."""
    if not text:
        raise Bad("no_kind")
    *about, way = [part.strip() for part in re.split(r"[;/|]", text)]
    if not about:
        raise Bad("no_channel")
    channel = _coded("channel", CHANNELS).get(key_of(way))
    if channel is None:
        raise Bad("channel")
    named, _, further = ", ".join(about).partition(",")
    kind = _coded("kind", profile().kinds).get(key_of(named))
    if kind is None:
        raise Bad("kind")
    codes = tuple(item.code for item in profile().categories)
    category = _coded("category", codes).get(key_of(further)) if further.strip() else ""
    if category is None:
        raise Bad("category")
    channel = "mail" if channel == "email" else channel
    return {"kind": kind, "category": category, "channel": channel}


def closure(text: str, outcome: str, received: date, today: date) -> Closure | None:
    """How a level ended: words and date; None where it has not, or was passed on."""
    if not text or _passed(text):
        return None
    on = in_words(_tail(text)) or in_words(text)
    if on is None:
        raise Bad("no_closure_date")
    if on > today:
        raise Bad("future")
    if on < received:
        raise Bad("order")
    said = re.sub(r"\s*\([^()]*\d[^()]*\)\s*$", "", text).strip()
    head, _, rest = said.partition(":")
    known = _coded("outcome", tuple(Outcome)).get(key_of(head))
    words = (rest.strip() or head.strip()) if known else said
    return Closure(on, known or outcome or str(Outcome.RESOLVED), words)


def _tail(text: str) -> str:
    """What stands in the last brackets: there the log writes the date."""
    found = re.findall(r"\(([^()]*)\)", text)
    return found[-1] if found else ""


@cache
def _marks() -> tuple[str, ...]:
    heads = (i18n.text("desk.log.passed", tongue, stage="", date="") for tongue in ("mn", "en"))
    return tuple(key_of(head.partition(":")[0]) for head in heads)


def _passed(text: str) -> bool:
    return key_of(text).startswith(_marks())
