"""Which language a short message is in: Mongolian, Kazakh, Russian, English or none of them.

A multinomial logistic regression over character n-grams (1 to 5, word boundaries included) and
whole words, one table for every script: `profiles/table.bin`, built by `bot.profiles.train`.
Pure and deterministic: nothing is downloaded, nothing is remembered but the table.
"""

import json
import lzma
import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Literal, NamedTuple, get_args

Language = Literal["mn", "kk", "ru", "en", "und"]
Script = Literal["cyrl", "latn", "arab", "mong", "none"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
TABLE = Path(__file__).parent / "profiles" / "table.bin"
LANES = 7  # mn, kk, ru, en, and groups of other languages that training found by itself
LANE = 20  # bits a lane takes in a packed weight

_READ = 400  # characters looked at; more add nothing
_LONGEST = 5  # characters in an n-gram
_SHORT = 22  # twenty characters and the spaces around them
# Where the bench finds the fewest wrong answers for asking 8 % of short and 1.5 % of longer texts.
_SURE_SHORT, _SURE_LONG = 0.96, 0.98
_IGNORED = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+|@\w+|\b[\w-]+\.(?:mn|kz|ru|com|org|net|io)\b\S*", re.IGNORECASE
)
_WITH_DIGIT = re.compile(r"\S*\d\S*")
_JOINED = re.compile("[\u0300-\u036f\u200b-\u200f\ufe0f]")
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_REPEATED = re.compile(r"(.)\1{2,}")
_SCRIPTS: dict[Script, re.Pattern[str]] = {
    "cyrl": re.compile("[\u0400-\u052f]"),
    "latn": re.compile("[a-z\u00aa-\u02af\u1e00-\u1eff]"),
    "arab": re.compile("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]"),
    "mong": re.compile("[\u1800-\u18af]"),
}


@dataclass(frozen=True, slots=True)
class Identification:
    """The most probable language of a text, and calibrated probabilities that sum to 1.

    `sure` is False where the person should be asked, or answered in both languages: the text is
    `und` (no words, another language, a name or greeting that many share) or too doubtful.
    """

    language: Language
    script: Script
    confidence: float
    probabilities: Mapping[Language, float]
    sure: bool


class Table(NamedTuple):
    """Packed weights by n-gram; where the bands of lengths end, and the temperature of each."""

    weights: dict[str, int]
    lengths: list[int]
    temperatures: list[float]


def clean(text: str) -> str:
    """The lower-case words of a text, one space between and around them; "" if it has none.

    Links, mail addresses, mentions and numbers are left out: they say nothing about the language.
    """
    text = _IGNORED.sub(" ", _JOINED.sub("", unicodedata.normalize("NFC", text[:_READ])))
    kept = _WITH_DIGIT.sub(" ", text)
    words = _NOT_LETTERS.sub(" ", kept).strip()
    plate = kept != text and words.isupper() and max(map(len, words.split())) <= 4
    return " " + _REPEATED.sub(r"\1\1", words.lower()) + " " if words and not plate else ""


def script_of(cleaned: str) -> Script:
    """The script most letters of a cleaned text are in."""
    counts = {name: len(letters.findall(cleaned)) for name, letters in _SCRIPTS.items()}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] else "none"


def features(cleaned: str, script: Script) -> list[str]:
    """The script, all character n-grams and the longer words of a cleaned text, with repeats."""
    end = len(cleaned) + 1
    grams = [cleaned[at : at + n] for n in range(1, _LONGEST + 1) for at in range(end - n)]
    return [f"#{script}", *grams, *(f" {w} " for w in cleaned.split() if len(w) > _LONGEST - 2)]


def unpack(total: int, lane: int) -> list[int]:
    """The signed numbers, one a lane, that were added up in one integer of `lane`-bit lanes."""
    half = 1 << (lane - 1)
    shifts = [lane * place for place in range(LANES)]
    total += sum(half << shift for shift in shifts)
    return [(total >> shift & (2 * half - 1)) - half for shift in shifts]


def pack(numbers: Iterable[int], lane: int) -> int:
    """One integer of `lane`-bit lanes; sums of such integers unpack to the sums of the numbers."""
    return sum(number << (lane * place) for place, number in enumerate(numbers))


def softmax(powers: Sequence[float]) -> list[float]:
    """Probabilities of log-odds."""
    top = max(powers)
    raised = [math.exp(power - top) for power in powers]
    whole = sum(raised)
    return [value / whole for value in raised]


@cache
def _table() -> Table:
    head, _, body = lzma.decompress(TABLE.read_bytes()).partition(b"\n")
    meta = json.loads(head)
    grams = body[: meta["bytes"]].decode().split("\n")
    flat = memoryview(body[meta["bytes"] :]).cast("b")
    planes = [flat[lane * len(grams) : (lane + 1) * len(grams)] for lane in range(LANES)]
    packed = [  # one expression, not pack(): it halves the time to load
        a + (b << LANE) + (c << 2 * LANE) + (d << 3 * LANE)
        + (e << 4 * LANE) + (f << 5 * LANE) + (g << 6 * LANE)
        for a, b, c, d, e, f, g in zip(*planes, strict=True)
    ]  # fmt: skip
    weights = dict(zip(grams, packed, strict=True))
    return Table(weights, meta["lengths"], meta["temperatures"])


def identify(text: str) -> Identification:
    """The language of `text`: mn, kk, ru, en, or und for none of them and for no words at all."""
    return identify_among(text, LANGUAGES)


def identify_among(text: str, languages: Iterable[Language]) -> Identification:
    """The language of `text` if it must be one of `languages`; still und where it has no words."""
    cleaned = clean(text)
    script = script_of(cleaned)
    if script == "none":
        return _certain("und", script)
    if script == "mong":
        return _certain("mn", script)
    return _weighed(cleaned, script, set(languages))


def _certain(language: Language, script: Script) -> Identification:
    probabilities = {each: float(each == language) for each in LANGUAGES}
    return Identification(language, script, 1.0, probabilities, sure=language != "und")


def _weighed(cleaned: str, script: Script, allowed: set[Language]) -> Identification:
    table = _table()
    total = sum(map(table.weights.get, features(cleaned, script), repeat(0)))
    heat = table.temperatures[bisect_right(table.lengths, len(cleaned))]
    powers = [
        power / heat if LANGUAGES[min(lane, 4)] in allowed else -math.inf
        for lane, power in enumerate(unpack(total, LANE))
    ]
    each = softmax(powers)
    probabilities = dict(zip(LANGUAGES, [*each[:4], sum(each[4:])], strict=True))
    best = max(LANGUAGES, key=probabilities.__getitem__)
    sure_from = _SURE_SHORT if len(cleaned) <= _SHORT else _SURE_LONG
    sure = best != "und" and probabilities[best] >= sure_from
    return Identification(best, script, probabilities[best], probabilities, sure)
