"""Build `table.bin`: `python -m bot.profiles.train DATA_DIR`. Plain Python, about five minutes.

Stochastic gradient descent on examples drawn afresh at every step: a sentence, a way to type it,
a span of it. Weights of the five languages are packed in one integer, so a step is one addition an
n-gram. The least useful n-grams are dropped, the rest trained again, then rounded to bytes.
"""

import json
import lzma
import math
import sys
from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice, repeat
from pathlib import Path
from random import Random
from typing import NamedTuple

from bot.language import (
    LANES,
    LANGUAGES,
    TABLE,
    Language,
    clean,
    features,
    pack,
    script_of,
    softmax,
    unpack,
)
from bot.profiles import variants
from bot.profiles.corpus import Sentence, own_words, sentences

LANE = 40  # bits a language takes while training
UNIT = 1 << 16  # of a weight while training
STEP = 7  # weights are kept in sevenths: finer ones measured no better
KEPT = 105_000
RATE = 0.6
_HEATS = [4 * 1.06**power for power in range(50)]
LENGTHS = (6, 9, 13, 17, 22, 32, 50, 80)

# file, script, way of typing, share of the examples
SHARES: list[tuple[str, str, variants.Variant, float]] = [
    ("mn-Cyrl", "cyrl", variants.same, 3.0),
    ("mn-Cyrl", "cyrl", variants.mn_plain, 2.5),
    ("mn-Cyrl", "cyrl", variants.mn_short, 1.5),
    ("mn-Cyrl", "cyrl", variants.mn_latin, 4.5),
    ("mn-Latn-gen", "latn", variants.same, 3.5),
    ("kk-Cyrl", "cyrl", variants.same, 3.0),
    ("kk-Cyrl", "cyrl", variants.kk_plain, 2.5),
    ("kk-Cyrl-informal", "cyrl", variants.same, 3.0),
    ("kk-Cyrl", "cyrl", variants.kk_latin, 3.0),
    ("kk-Latn-gen", "latn", variants.same, 2.5),
    ("kk-Latn", "latn", variants.same, 1.5),
    ("kk-Arab", "arab", variants.same, 1.5),
    ("ru", "cyrl", variants.same, 6.0),
    ("ru", "cyrl", variants.ru_latin, 1.5),
    ("en", "latn", variants.same, 7.0),
    ("own", "cyrl", variants.same, 1.0),
    ("own", "latn", variants.same, 1.2),
    ("own", "arab", variants.same, 0.1),
    ("und", "cyrl", variants.same, 4.5),
    ("und", "latn", variants.same, 6.5),
    ("und", "arab", variants.same, 1.5),
]

Weights = dict[str, int]


class Example(NamedTuple):
    """The features of a text, how long it is, and the place of its language."""

    features: list[str]
    length: int
    lane: int


def examples(lines: Iterable[Sentence], seed: int) -> Iterator[Example]:
    """An endless stream of training examples."""
    rng = Random(seed)  # noqa: S311
    pools: dict[tuple[str, str], list[tuple[str, Language]]] = defaultdict(list)
    for line in lines:
        pools[line.file, line.script].append((clean(line.text).strip(), line.language))
    shares = [share for share in SHARES if share[:2] in pools]
    while True:
        for file, script, typed, _ in rng.choices(shares, [share[3] for share in shares], k=1000):
            text, language = rng.choice(pools[file, script])
            text = typed(variants.span(text, rng), rng)
            text = clean(variants.mistyped(text, rng) if rng.random() < 0.1 else text)
            if text:
                found = features(text, script_of(text))
                yield Example(found, len(text), LANGUAGES.index(language))


def truth(lane: int, found: list[float]) -> list[float]:
    """What should have been found; other languages share theirs as the model divides them."""
    if lane < 4:
        return [float(each == lane) for each in range(LANES)]
    others = sum(found[4:])
    return [0.0] * 4 + [each / others for each in found[4:]]


def descend(weights: Weights, stream: Iterable[Example], steps: int, rate: float) -> None:
    """Move the weights of the n-grams in the table; the rate falls to nothing."""
    for done, example in enumerate(islice(stream, steps)):
        known = [gram for gram in example.features if gram in weights]
        total = sum(map(weights.__getitem__, known))
        powers = [score / UNIT for score in unpack(total, LANE)]
        pace = rate * (1 - done / steps) * UNIT / math.sqrt(len(known) + 1)
        found = softmax(powers)
        wanted = truth(example.lane, found)
        errors = [round(pace * (want - has)) for want, has in zip(wanted, found, strict=True)]
        if any(errors):
            move = pack(errors, LANE)
            for gram in known:
                weights[gram] += move


def frequent(stream: Iterable[Example], steps: int, least: int) -> Counter[str]:
    """N-grams and how many of the first examples they are in."""
    counts: Counter[str] = Counter()
    for example in islice(stream, steps):
        counts.update(set(example.features))
    return Counter({gram: count for gram, count in counts.items() if count >= least})


def most_useful(weights: Weights, counts: Counter[str], kept: int) -> list[str]:
    """The n-grams whose weights, centred, move the most examples the furthest."""

    def use(gram: str) -> float:
        each = unpack(weights[gram], LANE)
        middle = sum(each) / len(each)
        return math.sqrt(counts[gram]) * sum((one - middle) ** 2 for one in each)

    return sorted(sorted(weights, key=use, reverse=True)[:kept])


def rounded(weights: Weights) -> dict[str, list[int]]:
    """Weights as signed bytes, centred; n-grams whose weights all vanish are left out."""
    table = {}
    for gram in sorted(weights):
        each = unpack(weights[gram], LANE)
        middle = sum(each) / len(each)
        small = [max(-127, min(127, round((one - middle) * STEP / UNIT))) for one in each]
        if any(small):
            table[gram] = small
    return table


def write(table: dict[str, list[int]], temperatures: list[float]) -> None:
    """One compressed file: a line of JSON, the n-grams a line each, a plane of bytes a language."""
    grams = "\n".join(table).encode()
    planes = b"".join(array("b", plane).tobytes() for plane in zip(*table.values(), strict=True))
    meta = {"bytes": len(grams), "lengths": LENGTHS, "temperatures": temperatures}
    head = json.dumps(meta).encode()
    raw = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0}]
    TABLE.write_bytes(lzma.compress(head + b"\n" + grams + planes, filters=raw))


def calibrated(table: dict[str, list[int]], stream: Iterable[Example]) -> list[float]:
    """Per band of lengths, the temperature of least surprise."""
    bands: list[list[tuple[list[int], int]]] = [[] for _ in range(len(LENGTHS) + 1)]
    packed = {gram: pack(each, LANE) for gram, each in table.items()}
    for example in stream:
        total = unpack(sum(map(packed.get, example.features, repeat(0))), LANE)
        bands[bisect_right(LENGTHS, example.length)].append((total, example.lane))
    return [min(_HEATS, key=lambda heat: _surprise(band, heat)) for band in bands]


def languages(powers: list[int], heat: float) -> list[float]:
    """Probabilities of the five languages."""
    each = softmax([power / heat for power in powers])
    return [*each[:4], sum(each[4:])]


def _surprise(band: list[tuple[list[int], int]], heat: float) -> float:
    return -sum(math.log(languages(powers, heat)[lane] + 1e-9) for powers, lane in band)


def main(folder: Path) -> None:
    """Train, calibrate and write the table; progress on stderr."""
    lines = list(sentences(folder))
    known = [line for line in lines if line.part == "train"]
    stream = examples([*known, *own_words()], seed=1)
    counts = frequent(stream, 300_000, least=4)
    sys.stderr.write(f"{len(counts)} n-grams\n")
    rng = Random(3)  # noqa: S311
    weights: Weights = {
        gram: pack([0, 0, 0, 0, *(rng.randrange(-99, 99) * 40 for _ in range(LANES - 4))], LANE)
        for gram in sorted(counts)
    }
    descend(weights, stream, 1_000_000, RATE)
    weights = {gram: weights[gram] for gram in most_useful(weights, counts, KEPT)}
    descend(weights, stream, 800_000, RATE / 2)
    table = rounded(weights)
    tune = examples((line for line in lines if line.part == "tune"), seed=2)
    write(table, calibrated(table, islice(tune, 60_000)))
    sys.stderr.write(f"{len(table)} n-grams kept, {TABLE.stat().st_size} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
