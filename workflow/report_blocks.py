"""What a report is made of, whatever it will be printed on: blocks in their order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cover:
    """The first page."""

    organisation: str
    project: str
    title: str
    kind: str
    span: str
    made: str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 begins a chapter."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph; a ``note`` is smaller and grey."""

    text: str
    note: bool = False


@dataclass(frozen=True, slots=True)
class Tiles:
    """Key figures side by side: (name, value)."""

    items: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. ``widths`` are shares of the page; columns in ``numbers`` are set to the right."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int]
    numbers: frozenset[int] = field(default_factory=frozenset)
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """An SVG with what it shows in words."""

    title: str
    svg: str


@dataclass(frozen=True, slots=True)
class Box:
    """A few sentences of the officer under a title of their own."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """From here on the pages lie on their side."""


Block = Cover | Heading | Para | Tiles | Grid | Chart | Box | Turn


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report; ``running`` stands on every page."""

    language: str
    running: str
    blocks: Sequence[Block]

    @property
    def cover(self) -> Cover:
        return next(block for block in self.blocks if isinstance(block, Cover))
