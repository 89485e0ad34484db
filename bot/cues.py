"""Cues that a message is sensitive, learnt from labelled messages, where no entry is met. Pure.

People seldom name what was done to them: "he told me to bring the key at night". Beginnings of
words, and of neighbouring words, each add to a score or take from it. The table `cues.tsv` beside
this file is what `learn` made of the labelled messages of the tests; a score counts only far above
doubt, because the entries of `sensitive.toml` find what is plainly said.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from store.fold import fold, fold_latin

__all__ = ["KINDS", "SensitiveKind", "Weights", "learn", "read", "suspect"]

SensitiveKind = Literal["sea", "violence", "corruption", "retaliation"]
KINDS: tuple[SensitiveKind, ...] = ("sea", "retaliation", "violence", "corruption")
# A cue's weight, and its share in each of `KINDS`; in hundredths, so that the table stays readable.
Weights = Mapping[str, tuple[int, ...]]
_ENOUGH = 150
_FEWEST_WORDS, _SHORTEST = 5, 3
# Few of the labelled messages are English: its small words would count for what they do not say.
_ENGLISH = frozenset(
    fold("the a is are was and of to in on for my we i he they not it has").split()
)
_SHORT, _LONG = 4, 6
_ROUNDS, _STEP, _FADE = 60, 0.1, 1e-3
_LEAST = 5  # hundredths; lighter cues are left out
_BIAS = "="
_REPEATED = re.compile(r"(.)\1+")


def _words(text: str) -> list[str]:
    """Return what counts of the text: words of three letters or more, none of an English one."""
    if len(_ENGLISH.intersection(fold(text).split())) > 1:
        return []
    words = (_REPEATED.sub(r"\1", word) for word in fold_latin(text).split())
    return [word for word in words if len(word) >= _SHORTEST and not word.isdigit()]


def _cues(words: list[str]) -> Iterator[str]:
    for word in words:
        yield word[:_SHORT]
        yield "." + word[:_LONG]
    for one, other in pairwise(words):
        yield f"{one[:_SHORT]} {other[:_SHORT]}"


def suspect(text: str, weights: Weights | None = None) -> SensitiveKind | None:
    """Return the kind of sensitive matter that the words add up to, None where they do not."""
    words = _words(text)
    if len(words) < _FEWEST_WORDS:
        return None
    table = read() if weights is None else weights
    found = [table[cue] for cue in {*_cues(words), _BIAS} if cue in table]
    sums = [sum(column) for column in zip(*found, strict=True)] or [0]
    return KINDS[sums.index(max(sums[1:]), 1) - 1] if sums[0] > _ENOUGH else None


@cache
def read() -> Weights:
    """Return the table that comes with this release."""
    lines = Path(__file__).with_name("cues.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {cue: tuple(map(int, numbers)) for cue, *numbers in rows}


# --- how the table is made -----------------------------------------------------------------------


def learn(messages: Iterable[tuple[str, str]]) -> Weights:
    """Return the weights of the cues of messages labelled with a kind, or "" (ordinary).

    Logistic regression by steps in an order that is always the same; a cue of one message alone
    teaches nothing.
    """
    told = [(frozenset(_cues(_words(text))), kind) for text, kind in messages]
    often = Counter(cue for cues, _ in told for cue in cues)
    told = [(frozenset(c for c in cues if often[c] > 1), kind) for cues, kind in told if cues]
    weights = _fitted(told)
    shares = Counter((cue, kind) for cues, kind in told if kind for cue in cues)
    return {
        cue: (hundredths, *_shared(cue, max(hundredths, 0), shares))
        for cue, weight in sorted(weights.items())
        if abs(hundredths := round(100 * weight)) >= _LEAST
    }


def _fitted(told: list[tuple[frozenset[str], str]]) -> dict[str, float]:
    weights: dict[str, float] = {_BIAS: 0.0}
    order = random.Random(1)  # noqa: S311 - the order of lessons is no secret
    told = list(told)
    for _ in range(_ROUNDS):
        order.shuffle(told)
        for cues, kind in told:
            score = weights[_BIAS] + sum(weights.get(cue, 0.0) for cue in sorted(cues))
            step = _STEP * (bool(kind) - 1 / (1 + math.exp(-max(-30.0, min(30.0, score)))))
            weights[_BIAS] += 0.3 * step
            for cue in cues:
                weights[cue] = weights.get(cue, 0.0) * (1 - _FADE) + step
    return weights


def _shared(cue: str, weight: int, shares: Counter[tuple[str, str]]) -> tuple[int, ...]:
    """Return the weight parted among the kinds as often as the cue was met in each."""
    met = [shares[cue, kind] for kind in KINDS]
    return tuple(weight * each // (sum(met) or 1) for each in met)
