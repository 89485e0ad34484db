"""The list of aimags, soums and districts, and how one or two words name one of them.

The list is `places.csv` beside this file; its header says how certain it is.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from store.fold import fold_key, fold_latin, one_slip

__all__ = [
    "LONGEST_NAME",
    "Place",
    "aimags",
    "collapse",
    "exact",
    "names",
    "open_key",
    "path",
    "place",
    "slipped",
    "soums",
    "spellings",
    "zone",
]


@dataclass(frozen=True, slots=True)
class Place:
    """One row of the list; `parent` is empty for an aimag and the capital."""

    code: str
    level: str
    parent: str
    mn: str
    kk: str
    en: str
    zone: str
    also: tuple[str, ...]
    centre: bool
    ordinary: bool


@cache
def _places() -> dict[str, Place]:
    with Path(__file__).with_name("places.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return {row["code"]: _place(row) for row in rows}


def _place(row: dict[str, str]) -> Place:
    flags = row.pop("flags").split()
    also = tuple(row.pop("also").split("|")) if row["also"] else (row.pop("also"),)[1:]
    return Place(**row, also=also, centre="centre" in flags, ordinary="ordinary" in flags)


def place(code: str) -> Place:
    """Return the place with this code; KeyError if the list has none."""
    return _places()[code]


def names(code: str, language: str) -> str:
    """Return the place's name in "mn", "kk" or "en"; any other language gets the Mongolian."""
    found = place(code)
    return {"kk": found.kk, "en": found.en}.get(language) or found.mn


def path(code: str, language: str) -> str:
    """Return the name after its aimag's: "Баян-Өлгий, Улаанхус"."""
    parent = place(code).parent
    return ", ".join(names(each, language) for each in (parent, code) if each)


def zone(code: str) -> str:
    """Return the IANA time zone: Asia/Hovd in the three western aimags, else Asia/Ulaanbaatar."""
    return place(code).zone


def aimags() -> list[str]:
    """Return the codes of the capital and the 21 aimags, in the order of the list."""
    return [each.code for each in _places().values() if not each.parent]


def soums(aimag: str) -> list[str]:
    """Return the codes of an aimag's soums, or of the capital's districts."""
    return [each.code for each in _places().values() if each.parent == aimag]


# --- one word or two: which names could it be? ---------------------------------------------------

# Case endings as `fold_key` leaves them, Mongolian first, then Kazakh.
_CASES = (
    "ин н ни и гин нин д т ад уд ид ед нд да де ду та те ту ас ус ес нас нус нес гас гус гес "
    "иг г гиг ар ур ер гар гур гер таи туи теи дах дех дух тах тех инх инхан инхен ру лу "
    "дин тин дан ден тан тен нан нен га ге ка ке ди ти даги деги таги теги лик дик тик"
)
_ENDINGS = frozenset(_CASES.split())
_LONGEST_ENDING = max(map(len, _ENDINGS))
_SLIP_LENGTH = 6
_BEGINNING, _HEAD = 3, 4
LONGEST_NAME = 30
_REPEATED = re.compile(r"(.)\1+")


def collapse(words: Sequence[str]) -> str:
    """Return the words as one, runs of a letter as one letter."""
    joined = "".join(words)
    return _REPEATED.sub(r"\1", joined) if _REPEATED.search(joined) else joined


def spellings(each: Place) -> set[str]:
    """Return every way the list spells the place."""
    return {name for name in (each.mn, each.kk, each.en, *each.also) if name}


@cache
def _index() -> dict[str, tuple[Place, ...]]:
    index: dict[str, tuple[Place, ...]] = {}
    for each in _places().values():
        for key in {collapse(fold_key(name).split()) for name in spellings(each)}:
            index[key] = (*index.get(key, ()), each)
    return index


@cache
def _long_names() -> dict[str, tuple[Place, ...]]:
    """Return the longer names, doubled letters kept and not: a lost letter can bring two vowels
    together (Эрдэнэбулган, Эрдээбулган), and that must not count as a second slip."""
    long: dict[str, tuple[Place, ...]] = {}
    for each in _places().values():
        for name in (each.mn, each.kk, each.en):
            for key in {collapse(fold_key(name).split()), open_key(fold_latin(name))}:
                if len(key) >= _SLIP_LENGTH:
                    long[key] = (*long.get(key, ()), each)
    return long


def open_key(folded: str) -> str:
    """Return the words as one with о read as у, doubled letters kept."""
    return folded.replace(" ", "").replace("о", "у")


@cache
def _slips() -> dict[str, set[str]]:
    """Return every key of a longer name less one letter, to the keys it came from."""
    slips: dict[str, set[str]] = {}
    for key in _long_names():
        for short in (key, *_shortened(key)):
            slips.setdefault(short, set()).add(key)
    return slips


def _shortened(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(1, len(word)))


def _stems(word: str, shortest: int) -> Iterator[str]:
    """Yield the word, then what is left without a case ending, the vowel it swallowed put back."""
    yield word
    for length in range(1, min(_LONGEST_ENDING, len(word) - shortest) + 1):
        stem, ending = word[:-length], word[-length:]
        if ending in _ENDINGS:
            yield stem
            if ending[0] in "иауе":
                yield from (stem + vowel for vowel in "еау")


@cache
def _beginnings() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The first three letters of all names and of the short ones, the first four of the others."""
    short = frozenset(key[:_BEGINNING] for key in _index() if len(key) <= _HEAD)
    long = frozenset(key[:_HEAD] for key in _index() if len(key) > _HEAD)
    return frozenset(key[:_BEGINNING] for key in _index()), short, long


@cache
def _parts() -> frozenset[str]:
    return frozenset(key[:end] for key in _index() for end in range(1, len(key)))


def may_go_on(word: str) -> bool:
    """Tell whether ``word`` could be the first of several that name one place."""
    return word in _parts()


def may_begin(word: str) -> bool:
    """Tell whether a name could begin with the key ``word``; no ending reaches into these letters.

    Of most words no name does, so nothing else is tried with them.
    """
    every, short, long = _beginnings()
    if len(word) < _HEAD:
        return len(word) < _BEGINNING or word in every
    return word[:_HEAD] in long or word[:_BEGINNING] in short


def exact(word: str, shortest: int = _BEGINNING) -> tuple[Place, ...]:
    """Return the places a collapsed key names, with or without a case ending.

    `shortest` is the least length of what stands before the ending, and never below three.
    """
    if not may_begin(word):
        return ()
    index = _index()
    return next((index[stem] for stem in _stems(word, shortest) if stem in index), ())


@cache
def _long_ends() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    names = _long_names()
    return (
        frozenset(key[:_HEAD] for key in names),
        frozenset(key[_HEAD:] for key in names),
        frozenset(key[_HEAD + 1 :] for key in names),
    )


def _may_be_slipped(stem: str) -> bool:
    """One slip leaves the head of a name as it is, or what comes after the head."""
    heads, tails, shorter = _long_ends()
    return (
        stem[:_HEAD] in heads
        or stem[_HEAD:] in tails  # another letter
        or stem[_HEAD + 1 :] in tails  # a letter more
        or stem[_HEAD - 1 :] in tails  # a letter less
        or stem[_HEAD + 1 :] in shorter  # two letters swapped over the border
    )


def slipped(word: str, shortest: int = _BEGINNING) -> tuple[Place, ...]:
    """Return the places a key names but for one slip, in names of six letters or more.

    The key is collapsed or an :func:`open_key`.
    """
    slips = _slips()
    for stem in _stems(word, shortest):
        if len(stem) >= _SLIP_LENGTH and _may_be_slipped(stem):
            near = set().union(*(slips.get(short, ()) for short in (stem, *_shortened(stem))))
            if keys := sorted(key for key in near if one_slip(stem, key)):
                return tuple(dict.fromkeys(each for key in keys for each in _long_names()[key]))
    return ()
