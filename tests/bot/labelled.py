"""The labelled messages of `messages.tsv`: invented, but typed as people type."""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Labelled:
    text: str
    language: str
    intent: str
    sensitive: str


def messages() -> list[Labelled]:
    with Path(__file__).with_name("messages.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Labelled(**row) for row in rows]
