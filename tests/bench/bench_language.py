"""Quality and cost of language identification on the development split.

`python -m tests.bench.bench_language [DATA_DIR]` prints one JSON object a line. Short texts are
cut from the same lines: the words around a random place that fit into 20 characters.
"""

import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from bot.language import LANGUAGES, TABLE, Identification, Language, clean, identify
from bot.language import identify_among as among
from bot.profiles import variants
from bot.profiles.corpus import Sentence, own_words, sentences

DATA = Path(__file__).parents[3] / "shared" / "data" / "lang"
FOUR: tuple[Language, ...] = ("mn", "kk", "ru", "en")
# A text is as likely in each language; within one, files count as much as messages look like them.
PER_LANGUAGE = 1200
MIX = {
    "mn-Cyrl": 0.5, "mn-Latn-gen": 0.5, "kk-Cyrl": 0.3, "kk-Cyrl-informal": 0.3,
    "kk-Latn-gen": 0.3, "kk-Latn": 0.06, "kk-Arab": 0.04, "ru": 1.0, "en": 1.0, "und": 1.0,
}  # fmt: skip
CODES = [
    "12345678", "99112233", "+976 9911 2233", "A-1024", "GRM-2026-00123", "УБ12345678", "1234 УБА",
    "50,000₮", "2026.03.05", "14:30", "№ 45", "#77", "1", "0", "3/4", "25%", "#AB12", "X7K9Q2",
    "47.9184, 106.9177", "MN12 3456 7890", "👍", "👍👍 5", "???", "...", "!!!", "1)", "12-34-56",
    "http://example.mn/a?b=1", "someone@example.org", "www.example.kz", "@someone", "7-р", "5G", "",
]  # fmt: skip


class Case(NamedTuple):
    text: str
    language: Language
    file: str


def cut(text: str, rng: Random, longest: int = 20) -> str:
    """As many whole words in a row as fit, around a random place."""
    words = clean(text).split()
    first = last = rng.randrange(len(words))
    while True:
        after = " ".join(words[first : last + 2])
        before = " ".join(words[max(0, first - 1) : last + 1])
        if last + 1 < len(words) and len(after) <= longest:
            last += 1
        elif first > 0 and len(before) <= longest:
            first -= 1
        else:
            return " ".join(words[first : last + 1])[:longest]


def mixed(dev: Sequence[Sentence], rng: Random) -> list[Case]:
    files: dict[str, list[Case]] = defaultdict(list)
    for line in dev:
        files[line.file].append(Case(line.text, line.language, line.file))
    counts = {
        file: min(len(files[file]), round(PER_LANGUAGE * share)) for file, share in MIX.items()
    }
    return [case for file, count in counts.items() for case in rng.sample(files[file], count)]


def macro_f1(cases: Sequence[Case], found: Sequence[Language], labels: Sequence[Language]) -> float:
    said, true = Counter(found), Counter(case.language for case in cases)
    right = Counter(
        case.language for case, one in zip(cases, found, strict=True) if one == case.language
    )
    return sum(2 * right[one] / (said[one] + true[one]) for one in labels) / len(labels)


def recall(cases: Sequence[Case]) -> float:
    return sum(identify(case.text).language == case.language for case in cases) / len(cases)


def calibration_error(cases: Sequence[Case], found: Sequence[Identification]) -> float:
    """Difference of confidence and accuracy in 15 equal bins, weighted by how full they are."""
    bins: dict[int, list[float]] = defaultdict(list)
    for case, one in zip(cases, found, strict=True):
        bins[min(14, int(one.confidence * 15))].append(
            one.confidence - (one.language == case.language)
        )
    return sum(abs(sum(gaps)) for gaps in bins.values()) / len(cases)


def quality(name: str, cases: Sequence[Case]) -> Iterator[tuple[str, float, str]]:
    found = [identify(case.text) for case in cases]
    yield (
        f"{name}: macro-F1 with und",
        macro_f1(cases, [f.language for f in found], LANGUAGES),
        "F1",
    )
    ours = [case for case in cases if case.language != "und"]
    forced = [among(case.text, FOUR).language for case in ours]
    yield f"{name}: macro-F1 forced to four", macro_f1(ours, forced, FOUR), "F1"
    latin = {"mn-Latn-gen", "kk-Latn", "kk-Latn-gen", "kk-Arab"}
    plain = [case for case in ours if case.file not in latin]
    forced = [among(case.text, FOUR).language for case in plain]
    yield f"{name}: macro-F1 forced, Cyrillic and English", macro_f1(plain, forced, FOUR), "F1"
    yield f"{name}: calibration error", calibration_error(cases, found), "ECE"
    both = list(zip(cases, found, strict=True))
    asked = [not one.sure for case, one in both if case.language != "und"]
    yield f"{name}: asks", sum(asked) / len(asked), "share of mn kk ru en"
    sure = [(case, one) for case, one in both if one.sure]
    wrong = [case for case, one in sure if one.language != case.language]
    yield f"{name}: wrong where sure", len(wrong) / len(sure), "share"
    ours_wrong = sum(case.language != "und" for case in wrong)
    yield f"{name}: wrong where sure, other languages apart", ours_wrong / len(sure), "share"


def recalls(dev: Sequence[Sentence], rng: Random) -> Iterator[tuple[str, float, str]]:
    def typed(file: str, way: variants.Variant) -> list[Case]:
        lines = [line for line in dev if line.file == file and line.script != "none"]
        return [Case(way(clean(line.text), rng), line.language, file) for line in lines]

    kazakh = [c for c in typed("kk-Cyrl", variants.same) if set(c.text) & set("әғқңұі")]
    rows: dict[str, list[Case]] = {
        "Mongolian without ө ү": typed("mn-Cyrl", variants.mn_plain),
        "generated Latin Mongolian": typed("mn-Latn-gen", variants.same),
        "real Latin Kazakh": typed("kk-Latn", variants.same),
        "real Kazakh without its letters": typed("kk-Cyrl-informal", variants.same),
        "Kazakh on a Russian keyboard": [
            case._replace(text=variants.kk_plain(case.text, rng)) for case in kazakh
        ],
        "codes are und": [Case(code, "und", "") for code in CODES],
        "greetings, chat words, places (trained on)": [
            Case(line.text, line.language, "own") for line in own_words()
        ],
    }
    for name in ("Mongolian without ө ү", "generated Latin Mongolian"):  # a quarter are bare names
        rows[f"{name}, three words or more"] = [c for c in rows[name] if len(c.text.split()) > 2]
    for name, cases in rows.items():
        yield f"{name}: recall", recall(cases), "share"
    ours = [line for line in dev if line.language != "und"]
    words = [Case(rng.choice(clean(line.text).split()), line.language, "") for line in ours]
    right = sum(among(case.text, FOUR).language == case.language for case in words)
    yield "single words, forced to four: right", right / len(words), "share"
    yield "single words with und: right", recall(words), "share"


def timed(task: Callable[[], object], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        task()
    return (time.perf_counter() - start) / times


def costs(cases: Sequence[Case]) -> Iterator[tuple[str, float, str]]:
    yield "table", TABLE.stat().st_size, "bytes"
    texts = [case.text for case in cases if 24 <= len(case.text) <= 60][:2000]
    yield (
        "a text of 24 to 60 characters",
        1e6 * timed(lambda: list(map(identify, texts)), 3) / len(texts),
        "µs",
    )
    code = (
        "import time, bot.language as l; s = time.perf_counter(); l.identify('алга');"
        "print(time.perf_counter() - s)"
    )
    loads = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(5)]
    yield "first call, table loaded", min(map(float, loads)), "s"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not folder.is_dir():
        print(json.dumps({"name": "language: SKIPPED, no sentences", "value": None, "unit": ""}))
        return
    rng = Random(7)
    dev = [line for line in sentences(folder) if line.part == "dev"]
    cases = mixed(dev, rng)
    short = [case._replace(text=cut(case.text, rng)) for case in cases]
    groups = (
        quality("all lengths", cases), quality("up to 20 characters", short),
        quality("longer", [case for case in cases if len(case.text) > 20]),
        recalls(dev, rng), costs(cases),
    )  # fmt: skip
    for group in groups:
        for name, value, unit in group:
            print(
                json.dumps(
                    {"name": f"language, {name}", "value": round(value, 5), "unit": unit},
                    ensure_ascii=False,
                )
            )


if __name__ == "__main__":
    main()
