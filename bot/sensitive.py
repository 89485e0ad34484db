"""Whether a message tells of a sensitive matter, so that it is sealed before anything is stored.

Sexual exploitation, abuse and harassment, violence, corruption, and retaliation for complaining are
recognised by the stems in `sensitive.toml` beside this file, in Mongolian, Kazakh, Russian and
English, in Cyrillic or Latin letters; a grievance's first words also by what `bot.cues` learnt.
When in doubt the answer is yes: an officer unseals in one step what was sealed needlessly, while
what was not sealed has been read by many.
"""

import re
import tomllib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

from bot.cues import SensitiveKind, suspect
from store.fold import fold, fold_latin

__all__ = ["Assessment", "SensitiveKind", "assess", "first_words"]

# The gravest first; retaliation before violence, which a threat alone would be.
_ORDER: tuple[SensitiveKind, ...] = ("sea", "retaliation", "violence", "corruption")
_NEAR = 8
_SHORTEST_STEM, _LONGEST_STEM = 3, 20
_ENGLISH = "en:"
_REPEATED = re.compile(r"(.)\1+")
_CLASS = re.compile(r"@(\w+)")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the message tells of, None if nothing sensitive, and the entries of the list it met."""

    kind: SensitiveKind | None
    stems: tuple[str, ...] = ()


class _Entry(NamedTuple):
    """A word for each of `parts` near one another, and none of `barred` near the first."""

    kind: SensitiveKind
    text: str
    parts: tuple[frozenset[str], ...]
    barred: frozenset[str]


def _folded(word: str) -> str:
    return _REPEATED.sub(r"\1", word)


def _readings(stem: str, language: str) -> frozenset[str]:
    """Return what `fold_latin` makes of the stem's spellings.

    In Latin letters ы is i or y, a Mongolian ө also u, a Kazakh ң also ng.
    """
    exact = "=" if stem.endswith("=") else ""
    latin: dict[str, Sequence[str]] = {"ы": "иу", "ң": ("н", "нг")}
    if language == "mn":
        latin["ө"] = "оу"
    choices = [latin.get(letter, letter) for letter in stem]
    spelt = ("".join(letters) for letters in product(*choices))
    read = (_folded(fold_latin(each)).replace(" ", "") for each in spelt)
    # Of "хүү" folding leaves "ху", with which half of all words begin: so short is a whole word.
    return frozenset(each + (exact or "=" * (len(each) < _SHORTEST_STEM)) for each in read)


def _with_classes(text: str, classes: Mapping[str, str]) -> str:
    """Return the text with each "@name" spelt out."""
    return _CLASS.sub(lambda found: "|".join(classes[found[1]].split()), text)


def _entries_of(kind: SensitiveKind, language: str, text: str) -> Iterator[_Entry]:
    for entry in filter(None, (" ".join(part.split()) for part in text.split(","))):
        words = entry.split(" ")
        parts = tuple(_stems_of(word, language) for word in words if word[0] != "!")
        barred = [_stems_of(word[1:], language) for word in words if word[0] == "!"]
        yield _Entry(kind, entry, parts, frozenset().union(*barred))


def _stems_of(part: str, language: str) -> frozenset[str]:
    stems = part.split("|")
    if language == "en":
        return frozenset(_ENGLISH + stem for stem in stems)
    return frozenset().union(*(_readings(stem, language) for stem in stems))


@cache
def _entries() -> tuple[_Entry, ...]:
    with Path(__file__).with_name("sensitive.toml").open("rb") as file:
        kinds = tomllib.load(file)
    return tuple(
        entry
        for kind in _ORDER
        for language, text in kinds[kind].items()
        for entry in _entries_of(kind, language, _with_classes(text, kinds["words"][language]))
    )


@cache
def _stems() -> frozenset[str]:
    return frozenset(stem for e in _entries() for part in (*e.parts, e.barred) for stem in part)


@cache
def _entries_by_stem() -> Mapping[str, list[int]]:
    """Return for each stem of a first part the entries that it may begin, in rising order."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, entry in enumerate(_entries()):
        for stem in entry.parts[0]:
            found[stem].append(number)
    return found


def _beginnings(word: str) -> Iterator[str]:
    yield word + "="
    yield from (word[:length] for length in range(1, min(len(word), _LONGEST_STEM) + 1))


def _places_of_stems(text: str) -> Mapping[str, list[int]]:
    """Return at which words of the text each stem begins, in rising order."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    words = zip(fold(text).split(), fold_latin(text).split(), strict=False)
    for at, (typed, read) in enumerate(words):
        starts = set(_beginnings(_folded(read)))
        if typed.isascii():
            starts.update(_ENGLISH + start for start in _beginnings(typed))
        for stem in starts & _stems():
            places[stem].append(at)
    return places


def _is_said(entry: _Entry, said: frozenset[str]) -> bool:
    """Tell quickly whether there are words for all parts at all, wherever they stand."""
    return not any(part.isdisjoint(said) for part in entry.parts)


def _meets(entry: _Entry, places: Mapping[str, list[int]]) -> bool:
    """Tell whether words for all parts of the entry stand near one for its first part."""
    first, *others = (_where(part, places) for part in entry.parts)
    if not first or not all(others):
        return False
    barred = _where(entry.barred, places)
    return any(
        all(_near(at, other) for other in others) and not (at in barred or _near(at, barred))
        for at in first
    )


def _where(stems: frozenset[str], places: Mapping[str, list[int]]) -> list[int]:
    return sorted({at for stem in stems for at in places.get(stem, ())})


def _near(at: int, places: list[int]) -> bool:
    """Tell whether another place lies within `_NEAR` words."""
    before, after = bisect_left(places, at), bisect_right(places, at)
    return (before > 0 and at - places[before - 1] <= _NEAR) or (
        after < len(places) and places[after] - at <= _NEAR
    )


@lru_cache(maxsize=1)  # the same message is judged at several turnings
def assess(text: str) -> Assessment:
    """Return whether the text is sensitive, the gravest kind it meets, and by which entries."""
    places = _places_of_stems(text)
    said = frozenset(places)
    begun = {number for stem in said for number in _entries_by_stem().get(stem, ())}
    whole = (entry for entry in map(_entries().__getitem__, sorted(begun)) if _is_said(entry, said))
    met = [entry for entry in whole if _meets(entry, places)]
    kind = met[0].kind if met else None
    return Assessment(kind, tuple(entry.text for entry in met if entry.kind == kind))


def first_words(text: str) -> SensitiveKind | None:
    """Return of what sensitive matter a grievance tells, outright or by what its words add up to.

    Only its first words are looked at so closely: an answer to a question is short, and a sealed
    matter of its own too much for a guess.
    """
    return assess(text).kind or suspect(text)
