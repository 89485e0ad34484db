"""Places, found in what people write.

:func:`find` reads any spelling that `store.fold` joins, case endings, and one slip in a longer
name. Many names are everyday words or occur in several aimags, so inside a sentence a soum counts
only beside its aimag or beside "сум"; the answer to "which place?" is read more loosely.
"""

import re
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from bot.gazetteer import (
    LONGEST_NAME,
    Place,
    aimags,
    collapse,
    exact,
    may_begin,
    may_go_on,
    names,
    open_key,
    path,
    place,
    slipped,
    soums,
    spellings,
    zone,
)
from store.fold import fold_latin

__all__ = ["Match", "Place", "aimags", "find", "names", "path", "place", "soums", "zone"]


@dataclass(frozen=True, slots=True)
class Match:
    """A place found in a text.

    `bag` is the number of the bag or khoroo named with it; `ambiguous` says that the text fits
    several places and the person must be asked which.
    """

    code: str
    level: str
    bag: int | None = None
    ambiguous: bool = False


# --- the words of a message: spans that name places ----------------------------------------------

_HEADS = ("aimag", "capital")
_MARKERS = {
    "soum": re.compile(r"сум(?:ин\w{0,5}|ини?|д\w{0,4}|анд?|ас|нас|ар|иг|таи|га|нан)?"),
    "aimag": re.compile(r"аим[аг]\w{0,7}|прувинце"),
    "district": re.compile(r"дурег\w{0,4}|дург(?:ин|инхан|иг|т|ес|ед)|аудан\w{0,5}|дистрицт"),
    "town": re.compile(r"хут(?:ад|ин|ас|иг|ун)?|кала(?:си|да|син\w{0,4})?|цити"),
}
_MARKER = re.compile("|".join(f"(?P<{kind}>{words.pattern})" for kind, words in _MARKERS.items()))
_LEVELS = {
    "soum": ("soum",),
    "aimag": ("aimag",),
    "district": ("district",),
    "town": ("capital", "soum", "aimag", "district"),
}
_FILLERS = frozenset(
    {"би", "бид", "манаи", "монгул", "улс", "баина", "бна", "амдардаг", "фрум", "ин", "тхе"}
    | {"мен", "биз", "турамин", "турамиз"}
)
_BAG = re.compile(
    r"\b(?:(\d{1,2}) ?(?:р|дугар|дугер|ши|инши|нши|тх|хи)? ?(?:баг|бак|хуру)"
    r"(?:ин|ни|н|т|ас|нас|нус|нд|иг|г|ар|и|инда|инан|та|тан)?|(?:баг|бак|хуру) (\d{1,2}))\b"
)
_HYPHENED = re.compile(r"\W*\w+-\w+\W*")
_BAG_WORD = re.compile(r"(?:баг|бак|хуру)\w{0,4}|р|дугар|дугер|ши|инши|нши|тх|хи")
_WIDEST = 3
_NEAR = 1
_LONG = 6
_SHORT_MESSAGE = 8
_SHORT_ANSWER = 4


class _Words(NamedTuple):
    keys: list[str]
    fine: list[str]
    markers: list[str]


@dataclass(frozen=True, slots=True)
class _Span:
    """Words `start` to `end` name one of `places`.

    `slip`: spelt a little otherwise; `paired`: the name beside it says which place is meant.
    """

    start: int
    end: int
    places: tuple[Place, ...]
    marker: str = ""
    slip: bool = False
    paired: bool = False


def _words(text: str) -> _Words:
    fine = fold_latin(text).split()
    keys = [word if word.isdigit() else collapse(word.replace("о", "у")) for word in fine]
    return _Words(keys, fine, [_marker(key) for key in keys])


def _marker(key: str) -> str:
    found = _MARKER.fullmatch(key)
    return str(found.lastgroup) if found else ""


def _spans(words: _Words, answer: bool) -> list[_Span]:
    """Return the spans, longest names first, none overlapping.

    Names with a slip are looked for where they can count at all: in an answer, beside a marker, and
    in a short message beside a name spelt well or in one that begins like a list of places.
    """
    spans = _scan(words, loose=answer)
    if answer or len(words.keys) > _SHORT_MESSAGE:
        return spans
    if any(not span.slip for span in spans) or _begins_with_place(words):
        return _scan(words, loose=True)
    return spans


def _begins_with_place(words: _Words) -> bool:
    telling = (
        at
        for at, key in enumerate(words.keys)
        if not (key.isdigit() or words.markers[at] or key in _FILLERS or _BAG_WORD.fullmatch(key))
    )
    first = next(telling, None)
    return first is not None and _span_at(words, first, loose=True) is not None


def _scan(words: _Words, loose: bool) -> list[_Span]:
    spans: list[_Span] = []
    at = 0
    while at < len(words.keys):
        if span := _span_at(words, at, loose):
            spans.append(span)
        at = span.end if span else at + 1
    return spans


def _span_at(words: _Words, at: int, loose: bool) -> _Span | None:
    if words.markers[at] or words.keys[at].isdigit():
        return None
    if not loose and _names_nothing(words, at):
        return None
    widest = _WIDEST if loose or _near_marker(words, at) or may_go_on(words.keys[at]) else 1
    widths = range(min(widest, len(words.keys) - at), 0, -1)
    return next((span for width in widths if (span := _span(words, at, at + width, loose))), None)


def _near_marker(words: _Words, at: int) -> bool:
    """Tell whether a marker stands where a name that begins here could end: then slips count."""
    return bool(words.markers[0]) or any(words.markers[at + 1 : at + _WIDEST + 1])


def _names_nothing(words: _Words, at: int) -> bool:
    return not (may_begin(words.keys[at]) or _near_marker(words, at))


def _span(words: _Words, start: int, end: int, loose: bool) -> _Span | None:
    if sum(map(len, words.fine[start:end])) > LONGEST_NAME:
        return None
    typed, fine = collapse(words.keys[start:end]), "".join(words.fine[start:end])
    marker = _beside(words, start, end)
    # Of several words the last must be more than the ending of the first ("Завхан, Тэс").
    shortest = 2 + len(collapse(words.keys[start : end - 1])) if end - start > 1 else 3
    found = _parted(exact(typed, shortest), end - start)
    if found:
        return _Span(start, end, _finest(found, fine), marker, _is_vague(found, fine))
    if (loose or marker) and not any(words.markers[start:end]):
        longer = shortest + len(fine) - len(typed)
        found = slipped(typed, shortest) or slipped(open_key(fine), longer)
        found = _parted(found, end - start)
    return _Span(start, end, found, marker, slip=True) if found else None


def _parted(found: tuple[Place, ...], width: int) -> tuple[Place, ...]:
    return tuple(each for each in found if _may_be_parted(each, width))


@cache
def _fine_names(each: Place) -> tuple[str, ...]:
    return tuple(fold_latin(name).replace(" ", "") for name in spellings(each))


@cache
def _may_be_parted(each: Place, width: int) -> bool:
    """Tell whether the name is written in so many words, so that "how did" is not Ховд."""
    parts = {len(fold_latin(name).split()) for name in spellings(each)}
    return width == 1 or width in parts or len(each.mn) > _LONG


def _finest(found: tuple[Place, ...], typed: str) -> tuple[Place, ...]:
    """Keep the places spelt as typed where the coarse key joined two (Цагаан-Үүр, Цагааннуур)."""
    same = tuple(each for each in found if typed.startswith(_fine_names(each)))
    return same or found


def _is_vague(found: tuple[Place, ...], typed: str) -> bool:
    """Tell whether a short name is spelt like none of them: хувьд is not Ховд, өвс is not Увс."""
    long = len(typed) >= _LONG and any(len(each.mn) >= _LONG for each in found)
    return not long and not any(typed.startswith(_fine_names(each)) for each in found)


def _beside(words: _Words, start: int, end: int) -> str:
    """Return the marker of the words: after them, or before in a form ("Аймаг: Увс, Сум: Тэс")."""
    if words.markers[0]:
        return words.markers[start - 1]
    return words.markers[end] if end < len(words.markers) else ""


# --- what the spans say together -----------------------------------------------------------------


def _by_marker(span: _Span) -> _Span:
    levels = _LEVELS.get(span.marker, ())
    fitting = tuple(each for each in span.places if each.level in levels)
    return replace(span, places=fitting) if fitting else replace(span, marker="")


def _heads(span: _Span, centres: bool) -> set[str]:
    """Return the aimags the span can stand for; a town stands for its aimag ("ulgii ulaanhus")."""
    heads = {each.code for each in span.places if each.level in _HEADS}
    return heads | {each.parent for each in span.places if each.centre and centres}


def _within(span: _Span, heads: set[str]) -> tuple[Place, ...]:
    return tuple(each for each in span.places if each.parent in heads)


def _near(words: _Words, one: _Span, other: _Span) -> bool:
    between = words.markers[one.end : other.start]
    return sum(not marker for marker in between) <= _NEAR


def _pair(words: _Words, spans: list[_Span]) -> list[_Span]:
    """Let an aimag beside a soum say which soum, and the soum say that the aimag is meant."""
    spans = [_by_marker(span) for span in spans]
    for at, (one, other) in enumerate(pairwise(spans)):
        if not _near(words, one, other):
            continue
        one = spans[at]  # the pair before may have settled it
        if one.slip and other.slip:
            continue
        if not one.paired and (inner := _within(other, _heads(one, centres=True))):
            head = place(inner[0].parent)
            spans[at] = replace(one, places=(head,), paired=True)
            spans[at + 1] = replace(other, places=inner, paired=True)
        elif not one.paired and (inner := _within(one, _heads(other, centres=False))):
            spans[at] = replace(one, places=inner, paired=True)
    return spans


def _certain(span: _Span) -> bool:
    """Tell whether the span is a place wherever it stands, also inside a sentence."""
    plain = not any(each.ordinary for each in span.places)
    if span.marker:
        return True
    if span.paired:
        return plain
    return plain and not span.slip and any(each.level in _HEADS for each in span.places)


def _is_whole(words: _Words, spans: list[_Span]) -> bool:
    """Tell whether the message is nothing but places, markers, numbers and bags."""
    covered = {at for span in spans for at in range(span.start, span.end)}
    apart_from_bags = set(_BAG.sub(" ", " ".join(words.keys)).split()) - _FILLERS
    return all(
        at in covered or words.markers[at] or key not in apart_from_bags or key.isdigit()
        for at, key in enumerate(words.keys)
    )


def _fits_loosely(words: _Words, span: _Span, answer: bool) -> bool:
    """Tell whether a bare name may be a place; an everyday word only in a short text."""
    if not any(each.ordinary for each in span.places):
        return True
    towns = any(each.centre or each.level in _HEADS for each in span.places)
    return len(words.keys) <= _SHORT_ANSWER if answer else towns


def _is_head(span: _Span) -> bool:
    return len(span.places) == 1 and span.places[0].level in _HEADS


def _settle(span: _Span, heads: set[str]) -> tuple[Place, ...]:
    """Return the places the span leaves open, the aimags named elsewhere in the message known."""
    if len(span.places) > 1 and (inner := _within(span, heads)):
        return inner
    head = [each for each in span.places if each.level in _HEADS]
    outside = [each for each in span.places if head and each.parent not in ("", head[0].code)]
    return tuple(head) if head and len(outside) < 2 else span.places


def find(text: str, answer: bool = False) -> list[Match]:
    """Return the places a text names, in its order.

    `answer` says that the text answers "which place?": a bare name, an everyday word, one slip
    are then enough, unless the text also names a place in full. A name that fits several places
    gives all of them, `ambiguous`. An aimag is left out where one of its soums is found.
    """
    words = _words(text)
    spans = _pair(words, _spans(words, answer))
    if _halves_a_name(words, spans, text):
        return []
    chosen = [span for span in spans if _certain(span)]
    if not chosen and (answer or _is_whole(words, spans)):
        chosen = [span for span in spans if _fits_loosely(words, span, answer)]
    elif chosen and _is_whole(words, spans):
        chosen = spans
    heads = {span.places[0].code for span in chosen if _is_head(span)}
    return _matches([_settle(span, heads) for span in chosen], _bag(words))


def _halves_a_name(words: _Words, spans: list[_Span], text: str) -> bool:
    """Tell whether half of one hyphened word is all that is a place: "Бат-Эрдэнэ" is a person."""
    if len(words.keys) != 2 or not _HYPHENED.fullmatch(text):
        return False
    return not any(words.markers) and [span.end - span.start for span in spans] == [1]


def _bag(words: _Words) -> int | None:
    bag = _BAG.search(" ".join(words.keys))
    return int(bag[1] or bag[2]) if bag else None


def _matches(settled: list[tuple[Place, ...]], bag: int | None) -> list[Match]:
    shared = [{each.parent for each in places} for places in settled]
    parents = {parent for parents in shared if len(parents) == 1 for parent in parents}
    found = {
        each.code: Match(each.code, each.level, bag, ambiguous=len(places) > 1)
        for places in settled
        for each in places
        if each.code not in parents
    }
    return list(found.values())
