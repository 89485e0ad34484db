"""Labelled sentences from a folder of text files, split so that nothing derived leaks.

A Latin line that was generated from a Cyrillic sentence goes where that sentence went.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, cast
from zlib import crc32

from bot.language import Language, Script, clean, script_of

Part = Literal["train", "tune", "dev"]

OWN = Path(__file__).parent / "own.txt"
_FILES: dict[str, Language] = {
    "mn-Cyrl": "mn",
    "mn-Latn-gen": "mn",
    "kk-Cyrl": "kk",
    "kk-Cyrl-informal": "kk",
    "kk-Latn": "kk",
    "kk-Latn-gen": "kk",
    "kk-Arab": "kk",
    "ru": "ru",
    "en": "en",
    "und": "und",
}
_GENERATED = {"mn-Latn-gen": "mn-Cyrl", "kk-Latn-gen": "kk-Cyrl"}
_DIGRAPHS = [
    ("sh", "s"),
    ("ch", "j"),
    ("kh", "k"),
    ("ts", "s"),
    ("zh", "j"),
    ("ng", "n"),
    ("gh", "g"),
]
_SKELETON = str.maketrans(
    "бвгджзклмнпрстфхцчшщғқңһcdfhpqvwxz",
    "bbgtjsklmnbrstbksjssgknkstbkbkbbks",
)


class Sentence(NamedTuple):
    """A line as it stands, its language, the file and script it is in, and its part."""

    text: str
    language: Language
    file: str
    script: Script
    part: Part


def sentences(folder: Path) -> Iterator[Sentence]:
    """Every usable line of the folder, in the order of the files."""
    lines = {file: (folder / f"{file}.txt").read_text("utf-8").splitlines() for file in _FILES}
    for file, language in _FILES.items():
        source = _GENERATED.get(file)
        parts = _parts_like(lines[file], lines[source]) if source else map(_part, lines[file])
        for text, part in zip(lines[file], parts, strict=True):
            script = script_of(clean(text))
            if part and script != "none":
                yield Sentence(text, language, file, script, part)


def own_words() -> Iterator[Sentence]:
    """Greetings, chat words and places of `own.txt`; all of them are for training."""
    for line in OWN.read_text("utf-8").splitlines():
        language, _, texts = line.partition(": ")
        for text in texts.split(" | "):
            yield Sentence(text, cast(Language, language), "own", script_of(clean(text)), "train")


def _part(line: str) -> Part:
    """A tenth for development, a twentieth for tuning; lines that read alike stay together."""
    bucket = crc32("".join(clean(line).split()).encode("utf-8", "replace")) % 20
    return "dev" if bucket < 2 else "tune" if bucket == 2 else "train"


def _skeleton(text: str) -> set[str]:
    """Groups of three consonants, folded so that spellings in both scripts agree."""
    plain = unicodedata.normalize("NFD", text.lower().replace("й", ""))
    for pair, one in _DIGRAPHS:
        plain = plain.replace(pair, one)
    kept = re.sub("[^bgjklmnrst]", "", plain.translate(_SKELETON))
    kept = re.sub(r"(.)\1+", r"\1", kept)
    return {kept[at : at + 3] for at in range(max(1, len(kept) - 2))}


def _parts_like(lines: list[str], sources: list[str]) -> Iterator[Part | None]:
    """The part of the source each line was generated from; none where the source is doubtful."""
    skeletons = [_skeleton(source) for source in sources]
    holders: dict[str, list[int]] = defaultdict(list)
    for number, skeleton in enumerate(skeletons):
        for group in skeleton:
            holders[group].append(number)
    for line in lines:
        wanted = _skeleton(line)
        rare = [group for group in sorted(wanted) if len(holders[group]) < 1500]
        votes = Counter(number for group in rare for number in holders[group])
        likeness = {
            number: count / max(len(wanted), len(skeletons[number]))
            for number, count in votes.most_common(20)
        }
        best = max(likeness, key=likeness.__getitem__, default=-1)
        alike = likeness.get(best, 0.0)
        yield _part(sources[best]) if alike >= 0.5 else _part(line) if alike < 0.3 else None
