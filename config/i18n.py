"""The texts of Hariu in Mongolian, Kazakh and English, by stable key (``ack.sms``).

Gettext catalogues, ``locale/<language>/*.po``, msgid = key; the files of a language are merged.
Comments of an entry: ``#. sms`` the text must fit two SMS parts, ``#. <words>`` for translators,
``# review: draft-high`` how far native readers have come. Values are written ``{name}`` and filled
in as they are, so no grammatical ending may be glued to one.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

import babel.dates
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from config.errors import HariuError

Language = Literal["mn", "kk", "en"]
Review = Literal["approved", "draft-high", "draft-medium", "draft-low"]
DateStyle = Literal["short", "long"]

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
REVIEWS: Final[tuple[Review, ...]] = get_args(Review)
SMS_UNITS = 134  # two UCS-2 parts

# A text that a language lacks is given in the next one.
_CHAINS: dict[str, tuple[str, ...]] = {
    language: tuple(dict.fromkeys((language, "mn", "en"))) for language in LANGUAGES
}
_LOCALE = Path(__file__).parent / "locale"
_SLOT = re.compile(r"\{(\w+)\}")
_NAMED = re.compile(r"category\.[a-z0-9_]{1,32}\.label")  # texts an office may add of its own
_FORM = re.compile(r"(.+)\[([1-9])\]")  # a further form of a text with a plural: ``days[1]``
_REVIEW = re.compile(r"review: ([\w-]+)")
# CLDR's own forms contain narrow no-break spaces, and its short Kazakh year has two digits.
_DATES: dict[str, dict[DateStyle, str]] = {
    "mn": {"short": "yyyy.MM.dd", "long": "y 'оны' M'-р сарын' d"},
    "kk": {"short": "dd.MM.yyyy", "long": "y 'ж.' d MMMM"},
    "en": {"short": "d MMM yyyy", "long": "d MMMM yyyy"},
}


class MissingText(HariuError):
    """No text, or no review status, under this key; or a value the text needs was not given."""

    code = "text.missing"


@dataclass(frozen=True, slots=True)
class Entry:
    """One text of one language: its form, or singular and plural, and what its comments say."""

    forms: tuple[str, ...]
    review: str | None
    sms: bool
    notes: tuple[str, ...]

    @property
    def slots(self) -> frozenset[str]:
        """Names of the values in any of the forms."""
        return frozenset(name for form in self.forms for name in _SLOT.findall(form))


_overrides: dict[tuple[str, str], str] = {}


def text(key: str, language: str, /, **values: object) -> str:
    """Return the text ``key`` with its values, in ``language``, else Mongolian, else English.

    A text corrected in the desk comes before the catalogue's own of the same language.

    Raises:
        MissingText: unknown key, or a value of the text is not among ``values``.
    """
    return _fill(key, _template(key, language, 0), values)


def plural(key: str, n: int, language: str, /, **values: object) -> str:
    """Return the form of ``key`` for the number ``n``, which is also the value ``{n}``."""
    # One rule for all three languages; a test compares it with the headers of the catalogues.
    return _fill(key, _template(key, language, 0 if n == 1 else 1), {"n": n, **values})


def set_overrides(texts: Mapping[tuple[str, str], str]) -> list[tuple[str, str]]:
    """Replace the corrected texts by ``texts``, (key, language) to text.

    Returns the (key, language) pairs left out because the key is unknown or the text names a value
    that the catalogue's text does not have; `override_problem` tells the desk before it saves.
    """
    global _overrides
    good = {pair: form for pair, form in texts.items() if not override_problem(*pair, form)}
    _overrides = good  # at once: other threads are reading
    return sorted(texts.keys() - good.keys())


def override_problem(key: str, language: str, form: str) -> str | None:
    """Return a code saying why ``form`` cannot replace a text, or None if it can.

    ``unknown_key``, ``unknown_language``, ``empty``, or ``unknown_value``.
    """
    base, number = parted(key)
    shipped = base in keys() and number < len(entry(base, language).forms)
    if not shipped and not _NAMED.fullmatch(key):
        return "unknown_key"
    if language not in LANGUAGES:
        return "unknown_language"
    if not form.strip():
        return "empty"
    known = entry(base, language).slots if shipped else frozenset()
    return "unknown_value" if set(_SLOT.findall(form)) - known else None


def form_key(key: str, number: int) -> str:
    """Return the key under which form ``number`` (0: the first) of a text is corrected."""
    return f"{key}[{number}]" if number else key


def parted(key: str) -> tuple[str, int]:
    """Return the text's own key and the number of the form that `form_key` made ``key`` of."""
    found = _FORM.fullmatch(key)
    return (found[1], int(found[2])) if found else (key, 0)


def has(key: str, language: str) -> bool:
    """Return whether ``language`` itself has the text, in its catalogue or by a correction."""
    return (key, language) in _overrides or key in catalogue(language)


def entry(key: str, language: str) -> Entry:
    """Return the catalogue's entry for ``key`` in ``language`` or the language it falls back to.

    Raises:
        MissingText: unknown key.
    """
    for tongue in _chain(language):
        if found := catalogue(tongue).get(key):
            return found
    raise MissingText(f"no text {key!r} in any language")


def keys() -> frozenset[str]:
    """Return every key that any language has."""
    return frozenset().union(*(catalogue(language) for language in LANGUAGES))


def review_status(key: str, language: str) -> Review:
    """Return how far native readers have come with this very text.

    Raises:
        MissingText: the language lacks the text, or the text lacks its ``# review:`` comment.
    """
    found = catalogue(language).get(key)
    if found is None or found.review not in REVIEWS:
        raise MissingText(f"no review status for {key!r} in {language!r}")
    return found.review


def statuses_count() -> dict[Language, Counter[Review]]:
    """Count the texts of each language by review status."""
    return {
        language: Counter(review_status(key, language) for key in catalogue(language))
        for language in LANGUAGES
    }


@cache
def catalogue(language: str) -> Mapping[str, Entry]:
    """Return the merged catalogues of ``language``, read on first use; empty if it has none."""
    entries: dict[str, Entry] = {}
    for path in sorted((_LOCALE / language).glob("*.po")):
        with path.open("rb") as file:
            messages = [message for message in read_po(file, locale=language) if message.id]
        entries.update((_key(message), _entry(message)) for message in messages if message.string)
    return entries


@lru_cache(maxsize=4096)
def format_date(day: date, language: str, style: DateStyle = "short") -> str:
    """Write a date: 2026.12.21, 21.12.2026, 21 Dec 2026; long with the month in words."""
    tongue = _chain(language)[0]
    return babel.dates.format_date(day, _DATES[tongue][style], locale=tongue)


def format_datetime(moment: datetime, language: str, style: DateStyle = "short") -> str:
    """Write date and time of day as ``moment`` has them; the caller converts to the local zone."""
    return f"{format_date(moment, language, style)} {moment:%H:%M}"


def weekday(day: date, language: str) -> str:
    """Return the name of the day of the week (Даваа, дүйсенбі, Monday)."""
    return babel.dates.format_date(day, "EEEE", locale=_chain(language)[0])


def _chain(language: str) -> tuple[str, ...]:
    return _CHAINS.get(language, _CHAINS["mn"])


def _template(key: str, language: str, form: int) -> str:
    for tongue in _chain(language):
        if corrected := _overrides.get((form_key(key, form), tongue)):
            return corrected
        if found := catalogue(tongue).get(key):
            return found.forms[min(form, len(found.forms) - 1)]
    raise MissingText(f"no text {key!r} in any language")


def _fill(key: str, template: str, values: Mapping[str, object]) -> str:
    """Fill the slots; not `str.format`, so that a corrected text cannot reach into objects."""

    if "{" not in template:
        return template

    def value(slot: re.Match[str]) -> str:
        if slot[1] not in values:
            raise MissingText(f"text {key!r} needs the value {slot[1]!r}", code="text.value")
        return str(values[slot[1]])

    return _SLOT.sub(value, template)


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _entry(message: Message) -> Entry:
    review = next(filter(None, map(_REVIEW.fullmatch, message.user_comments)), None)
    notes = tuple(message.auto_comments)
    string = message.string or ""
    forms = (string,) if isinstance(string, str) else tuple(string)
    return Entry(
        forms,
        review and review[1],
        "sms" in notes,
        tuple(n for n in notes if n != "sms"),
    )
