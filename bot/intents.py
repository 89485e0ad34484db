"""What a keyword asks for, and when a message is only a keyword.

The keywords are in `keywords.toml` beside this file. A message is an intent only if it says nothing
else: "ЯВЦ" asks for the status, "Явц муу байна, ажил зогссон" is a complaint. Case, letters that
keyboards lack, Latin typing, punctuation, a greeting before, courtesy after, and one slip in a
longer keyword do not matter.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from store.fold import fold, fold_key, fold_latin, one_slip

__all__ = [
    "Intent",
    "Kind",
    "answers_of",
    "bare_number",
    "bare_phone",
    "has_content",
    "recognise",
]


class Kind(StrEnum):
    """What the person wants; the values are the tables of `keywords.toml`."""

    HELP = "help"
    STATUS = "status"
    COMPLAIN = "complain"
    LANGUAGE = "language"
    STOP = "stop"
    START = "start"
    PERSON = "person"
    APPEAL = "appeal"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    YES = "yes"
    NO = "no"
    SKIP = "skip"
    BACK = "back"
    REPEAT = "repeat"
    MENU = "menu"
    PRESSURE = "pressure"
    GREETING = "greeting"
    THANKS = "thanks"


@dataclass(frozen=True, slots=True)
class Intent:
    """A recognised keyword.

    `reference` (8 or 9 digits, check digit not verified) and `code` (6 digits) are what was sent
    with it; `language` is "mn", "kk", "en", "ru", "latin" or "cyrillic" for the letters we write
    in, or None where the person only asked to choose.
    """

    kind: Kind
    reference: str | None = None
    code: str | None = None
    language: str | None = None


_CASES = (Kind.STATUS, Kind.APPEAL, Kind.REOPEN, Kind.WITHDRAW)
_SAYS_NOTHING = (Kind.COMPLAIN, Kind.GREETING, Kind.THANKS)
_LONGEST_MESSAGE = 120
_LONGEST_YES = 5  # words
_LONGEST_QUESTION = 10
_COARSE_LENGTH = 4
_GUESSED = {
    *(Kind.HELP, Kind.STATUS, Kind.COMPLAIN, Kind.LANGUAGE, Kind.PERSON, Kind.APPEAL),
    *(Kind.REPEAT, Kind.MENU, Kind.PRESSURE, Kind.GREETING),
}


# --- the tables ----------------------------------------------------------------------------------


def _phrases(text: str) -> list[str]:
    return [phrase for part in text.split(",") if (phrase := part.strip())]


@cache
def _file() -> dict[str, Any]:
    with Path(__file__).with_name("keywords.toml").open("rb") as file:
        return tomllib.load(file)


class _Tables(NamedTuple):
    """Intents by key: English as written, the rest as `fold_latin` and `fold_key` leave it."""

    english: dict[str, Intent]
    fine: dict[str, Intent]
    coarse: dict[str, Intent]


def _rows() -> Iterator[tuple[Intent, list[str], list[str]]]:
    """Yield each intent with what is spelt in Cyrillic or Latin, and what is English."""
    file = _file()
    for kind in Kind:
        row = {} if kind is Kind.THANKS else dict(file[kind])  # its words may mix, see `_only`
        english = _phrases(row.pop("en", ""))
        yield Intent(kind), [phrase for text in row.values() for phrase in _phrases(text)], english
    for language, row in file["languages"].items():
        yield (
            Intent(Kind.LANGUAGE, language=language),
            _phrases(row["spelt"]),
            _phrases(row["en"]),
        )


@cache
def _tables() -> _Tables:
    tables = _Tables({}, {}, {})
    for intent, spelt, english in _rows():
        # Kazakh "kysym" reads as "кусим", because a Mongolian "hyn" is хүн.
        for phrase in [*spelt, *(phrase.replace("ы", "у", 1) for phrase in spelt)]:
            tables.fine.setdefault(fold_latin(phrase), intent)
            key = fold_key(phrase).replace(" ", "")
            if len(key) >= _COARSE_LENGTH:
                tables.coarse.setdefault(key, intent)
        for phrase in english:
            tables.english.setdefault(fold(phrase), intent)
    return tables


@cache
def _numbers() -> dict[str, int]:
    rows = _file()["numbers"]
    spelt = {fold_latin(p): n for n, row in enumerate(rows["spelt"]) for p in _phrases(row)}
    return spelt | {word: n for n, word in enumerate(_phrases(rows["en"]))}


@cache
def _words_of(table: str) -> tuple[frozenset[tuple[str, ...]], int]:
    """Return a table's phrases as tuples of folded words, and the length of the longest."""
    phrases = frozenset(tuple(fold_latin(p).split()) for p in _phrases(_file()[table]["spelt"]))
    return phrases, max(map(len, phrases))


@cache
def _around() -> frozenset[str]:
    return frozenset(word for phrase in _words_of("around")[0] for word in phrase)


# --- one message ---------------------------------------------------------------------------------

_PART = re.compile(r"\d+|[^\W\d_]+")
_NO_REFERENCE = re.compile(r"\d[./:,]\d|\+ ?\d|\d ?[%₮$]")
_DATE = [4, 2, 2]
_REFERENCE_LENGTHS = (8, 9)
_CODE_LENGTHS = (0, 6)
_ONLY_ASKING = re.compile(r"[\s?!]*\?[\s?!]*")
_SIGNS = {
    **dict.fromkeys("👍👌✅", Kind.YES),
    **dict.fromkeys("👎❌", Kind.NO),
    **dict.fromkeys("🙏❤🤝🌹💐", Kind.THANKS),
}
_NUMBER = re.compile(r"(?:No)?[\s(#.\-\"'«“„]*(\d{1,2})[\s).,:!\-\"'»”“]*")
_KEYCAPS = {"🔟": "10", "\ufe0f": "", "\u20e3": ""}
# Latin words that `fold_latin` reads as ес (nine) and он (ten).
_NO_NUMBERS = ("yes", "on")
# Years begin with 2 to 4 while this runs, Mongolian mobile numbers with 5 to 9.
_PHONE = re.compile(r"\W*(?:00|\+)?(?:976)?[ -]?([5-9](?:[ -]?\d){7})\W*")


class _Said(NamedTuple):
    """The words of a message as `fold` leaves them, Latin ones still Latin, and as `fold_latin`."""

    typed: list[str]
    fine: list[str]

    def part(self, start: int, end: int) -> "_Said":
        return _Said(self.typed[start:end], self.fine[start:end])


def _words(text: str) -> list[str]:
    return [part for part in _PART.findall(text) if not part.isdigit()]


def _case_numbers(text: str) -> tuple[str | None, str | None]:
    """Return the reference and the private code among the digits, spelt with or without gaps."""
    groups = [part for part in _PART.findall(fold(text)) if part.isdigit()]
    if _NO_REFERENCE.search(text) or [len(group) for group in groups] == _DATE:
        return None, None
    if bare_phone(text):
        return None, None
    digits = "".join(groups)
    for end in accumulate(map(len, groups)):
        if end in _REFERENCE_LENGTHS and len(digits) - end in _CODE_LENGTHS:
            return digits[:end], digits[end:] or None
    return None, None


def _without_courtesy(said: _Said) -> _Said:
    """Drop the greeting before and the courtesy after."""
    said = _without_greeting(said)
    end = len(said.fine)
    while size := _phrase_length(said.fine[:end], "courtesy", at_start=False):
        end -= size
    return said.part(0, end)


def _without_greeting(said: _Said) -> _Said:
    start = 0
    while size := _phrase_length(said.fine[start:], "greeting", at_start=True):
        start += size
    return said.part(start, len(said.fine))


def _phrase_length(words: list[str], table: str, at_start: bool) -> int:
    """Return how many words at the start or the end are one phrase of the table, at most."""
    phrases, longest = _words_of(table)
    sizes = range(min(longest, len(words)), 0, -1)
    ends = ((size, words[:size] if at_start else words[-size:]) for size in sizes)
    return next((size for size, end in ends if tuple(end) in phrases), 0)


def _exact(said: _Said) -> Intent | None:
    tables = _tables()
    return tables.english.get(" ".join(said.typed)) or tables.fine.get(" ".join(said.fine))


def _nearly(said: _Said) -> Intent | None:
    """Return the intent of a keyword typed without gaps, with о for у, or with one slip."""
    key = fold_key("".join(said.fine))
    english, _, coarse = _tables()
    return coarse.get(key) or _slipped(key, coarse, 6) or _slipped(" ".join(said.typed), english, 8)


def _slipped(typed: str, table: dict[str, Intent], least: int) -> Intent | None:
    """Return the intent of a keyword of `least` letters or more that one slip turned into this."""
    if len(typed) < least:
        return None
    lengths = range(max(least, len(typed) - 1), len(typed) + 2)
    alike = (name for length in lengths for name in _alike().get((typed[0], length), ()))
    near = {table[name] for name in alike if name in table and one_slip(typed, name)}
    return near.pop() if len(near) == 1 and near <= _harmless() else None


@cache
def _alike() -> dict[tuple[str, int], list[str]]:
    """Return the keywords of all tables by first letter and length: a slip leaves both nearly."""
    found: dict[tuple[str, int], list[str]] = {}
    for name in {name for table in _tables() for name in table}:
        found.setdefault((name[0], len(name)), []).append(name)
    return found


@cache
def _harmless() -> frozenset[Intent]:
    """Return the intents that may be guessed from a slip: "зогссон" is a report, not ЗОГСОО."""
    return frozenset(intent for intent in _tables().fine.values() if intent.kind in _GUESSED)


def _keyword(said: _Said) -> Intent | None:
    if found := _exact(said):
        return found
    if _only(said.fine, "thanks"):
        return Intent(Kind.THANKS)
    short = _without_courtesy(said)
    if not short.fine:
        return Intent(Kind.GREETING)
    return _exact(short) or _nearly(short) or _said_twice(short)


def _only(words: list[str], table: str) -> bool:
    """Tell whether a word of each row of the table is said, and no other words at all."""
    needed, allowed = _rows_of(table)
    return allowed.issuperset(words) and not any(row.isdisjoint(words) for row in needed)


@cache
def _rows_of(table: str) -> tuple[tuple[frozenset[str], ...], frozenset[str]]:
    """Return the rows of which each must be met, and the words of all rows and of `besides`."""
    rows = {
        name: frozenset(word for phrase in _phrases(row) for word in fold_latin(phrase).split())
        for name, row in _file()[table].items()
    }
    needed = tuple(row for name, row in rows.items() if name != "besides")
    return needed, frozenset().union(*rows.values())


def _said_twice(said: _Said) -> Intent | None:
    """Return yes or no where it is said in several words: "за зөвшөөрлөө", "жоқ жоқ"."""
    if not 1 < len(said.fine) <= _LONGEST_YES:
        return None
    words = (said.part(at, at + 1) for at in range(len(said.fine)))
    found = {_exact(word) for word in words if not _is_courtesy(word)}
    return found.pop() if found in ({Intent(Kind.YES)}, {Intent(Kind.NO)}) else None


def _is_courtesy(said: _Said) -> bool:
    return tuple(said.fine) in _words_of("courtesy")[0]


def _asked_of_case(said: _Said) -> Kind | None:
    """Return what is asked of the grievance whose reference stands among the words."""
    around = _around()
    asked = [at for at, word in enumerate(said.fine) if word not in around]
    if not asked:
        return Kind.STATUS
    # "цуцлах" alone stops the messages; beside a reference it is the grievance that is cancelled.
    rest = _Said([said.typed[at] for at in asked], [said.fine[at] for at in asked])
    found = _exact(_Said([], ["гомдол", *rest.fine])) or _keyword(said) or _keyword(rest)
    if not found:
        return None
    return Kind.STATUS if found.kind in _SAYS_NOTHING else found.kind


@lru_cache(maxsize=128)  # one message is looked at several times on its way
def recognise(text: str) -> Intent | None:
    """Return the intent if the message is nothing but a keyword or a reference, else None.

    A bare digit is none: it answers the last question, see :func:`bare_number`.
    """
    if len(text) > _LONGEST_MESSAGE:
        return None
    said = _Said(_words(fold(text)), _words(fold_latin(text)))
    reference, code = _case_numbers(text)
    if reference:
        kind = _asked_of_case(said)
        return Intent(kind, reference, code) if kind else None
    if not said.fine:
        return _sign(text)
    found = _keyword(said)
    digits = sum(map(str.isdigit, text))
    if found is None and not digits and _asks_for_status(said, text):
        return Intent(Kind.STATUS)
    return found if found and (digits <= 1 or found.kind in _CASES) else None


def _asks_for_status(said: _Said, text: str) -> bool:
    """Tell whether somebody asks for their matter in words of their own, and tells nothing."""
    asked = [*_without_greeting(said).fine, *(["уу"] if "?" in text else [])]
    return len(asked) <= _LONGEST_QUESTION and _only(asked, "asked")


def _sign(text: str) -> Intent | None:
    """Return the intent of a message without words: a question mark, a thumb."""
    if _ONLY_ASKING.fullmatch(unicodedata.normalize("NFKC", text)):
        return Intent(Kind.HELP)
    return next((Intent(kind) for sign, kind in _SIGNS.items() if sign in text), None)


def bare_number(text: str) -> int | None:
    """Return the number, 0 to 99, if the message is nothing else: "1.", "１", a keycap, "нэг"."""
    if len(text) > _LONGEST_MESSAGE:
        return None
    for keycap, digits in _KEYCAPS.items():
        text = text.replace(keycap, digits)
    if number := _NUMBER.fullmatch(unicodedata.normalize("NFKC", text)):
        return int(number[1])
    typed = fold(text)
    if typed in _NO_NUMBERS:
        return None
    return _numbers().get(typed, _numbers().get(fold_latin(text)))


def bare_phone(text: str) -> str | None:
    """Return the digits of a mobile number, if the message is nothing else."""
    found = _PHONE.fullmatch(text)
    return re.sub(r"\D", "", found[1]) if found else None


@cache
def answers_of(value: str) -> frozenset[str]:
    """Return the words, as `fold_latin` leaves them, by which people give this answer."""
    return frozenset(fold_latin(phrase) for phrase in _phrases(_file()["answers"].get(value, "")))


def has_content(text: str) -> bool:
    """Tell whether the message says something to register.

    A keyword, a reference, a greeting, thanks, a number and signs alone do not.
    """
    if recognise(text) or bare_number(text) is not None:
        return False
    return sum(map(len, _words(fold(text)))) > 1
