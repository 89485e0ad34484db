"""Files taken over: the field form, and a Grievance Log (Table 5) that was kept elsewhere.

Read whole before anything is written. Every fault is named by row and column; rows that seem to be
known already are shown apart. `workflow.imports_rows` writes what `read` made of a file, all of it
or nothing.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from config import i18n
from config.errors import HariuError
from store.fold import fold
from workflow import fieldform, grievance_log

SHEET, LOG = "sheet", "log"
LARGEST_FILE, LARGEST_UNPACKED = 20 << 20, 200 << 20
MOST_ROWS = 20_000
LONGEST_TEXT = 20_000  # characters
_HEAD_ROWS = 15  # a title, a period, a logo may stand above the headings
_WIDEST = 60
_LOOK = 4096  # bytes in which a file that is no text shows it
_DELIMITERS = ",;\t"


class UnreadableFile(HariuError):
    """The file as a whole is none of ours; ``code`` says why (``import.kind`` …)."""

    code = "import.kind"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in one cell. ``column`` is the heading as the file has it."""

    row: int
    column: str
    code: str
    value: str = ""

    def words(self, language: str) -> str:
        """The whole of it in words: row, column, problem, what stands there."""
        told = i18n.text(f"desk.import.fault.{self.code}", language, value=self.value[:80])
        place = i18n.text("desk.import.at", language, row=self.row, column=self.column)
        return f"{place}: {told}"


@dataclass(slots=True)
class Record:
    """One row, understood. ``cells`` are its words by column; ``closures`` those of each level."""

    row: int
    cells: Mapping[str, str]
    received: date | None = None
    values: dict[str, Any] = field(default_factory=dict)
    closures: list[Closure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Closure:
    """How one level of the log ended."""

    on: date
    outcome: str
    words: str


@dataclass(slots=True)
class Plan:
    """What a file holds: rows understood, faults, and rows that seem to be known already."""

    kind: str
    digest: bytes
    records: list[Record] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)
    duplicates: list[Finding] = field(default_factory=list)

    @property
    def is_history(self) -> bool:
        """Whether it was handled elsewhere: nobody is written to about it."""
        return self.kind == LOG


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file under headings that we know."""

    kind: str
    columns: Mapping[str, int]
    headings: Mapping[str, str]
    rows: Sequence[tuple[int, Sequence[Any]]]


# -- the file as rows ---------------------------------------------------------------------------


def table(content: bytes, told: Callable[[int], None] | None = None) -> Table:
    """Find the headings of either form, in any language, and the rows under them."""
    if len(content) > LARGEST_FILE:
        raise UnreadableFile("the file is too large", code="import.large")
    rows = _workbook(content) if content[:2] == b"PK" else _text(content)
    head: list[tuple[int, Sequence[Any]]] = []
    for number, cells in enumerate(rows, 1):
        if found := _headings(cells):
            kind, columns = found
            named = {name: _plain(cells[at]) for name, at in columns.items()}
            return Table(kind, columns, named, _body(rows, number))
        head.append((number, cells))
        if number >= _HEAD_ROWS:
            break
    raise UnreadableFile("no headings of the field form or of the log were found")


def _body(rows: Iterator[Sequence[Any]], heading: int) -> list[tuple[int, Sequence[Any]]]:
    found = [
        (number, cells)
        for number, cells in enumerate(islice(rows, MOST_ROWS + 1), heading + 1)
        if any(_plain(cell) for cell in cells)
    ]
    if len(found) > MOST_ROWS:
        raise UnreadableFile("the file has too many rows", code="import.rows")
    return found


def _workbook(content: bytes) -> Iterator[Sequence[Any]]:
    """The rows of the first sheet, as values."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(item.file_size for item in packed.infolist()) > LARGEST_UNPACKED:
                raise UnreadableFile("the workbook is too large", code="import.large")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise UnreadableFile("the workbook cannot be read", code="import.broken") from error
    return iter(book.worksheets[0].iter_rows(max_col=_WIDEST, values_only=True))


def _text(content: bytes) -> Iterator[Sequence[Any]]:
    """The rows of a CSV file in UTF-8, UTF-16 or the old Cyrillic code page of Windows."""
    if b"\0" in content[:_LOOK] and content[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        # a workbook of before 2007, or no table at all
        raise UnreadableFile("the workbook cannot be read", code="import.broken")
    encodings = (
        ("utf-16",) if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig", "cp1251")
    )
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        first = text.partition("\n")[0]
        delimiter = max(_DELIMITERS, key=first.count)
        return iter(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    raise UnreadableFile("the file is no text that can be read", code="import.broken")


def _plain(cell: Any) -> str:
    """A cell as words; a number without its ``.0``, a guard before a formula taken off."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = " ".join(str(cell).replace("\0", "").split(" ")).strip()
    return text[1:] if text[:1] == "'" and text[1:2] in "=+-@" else text


# -- headings -----------------------------------------------------------------------------------

# As the stakeholder engagement plan prints them.
_TABLE_5 = (
    "No.", "Status", "Received date", "Person/s", "Grievance type and received channel",
    "Summary of grievance", "1st level resolution and closure date",
    "2nd level resolution and closure date", "Assigned PIU staff name",
)  # fmt: skip
_NEEDED = {SHEET: {"received", "text"}, LOG: {"status", "received", "type", "summary"}}


def _names() -> dict[str, dict[str, str]]:
    """For each kind of file: folded heading -> column."""
    sheet = {
        key_of(words): name
        for language in i18n.LANGUAGES
        for name, words in zip(fieldform.COLUMNS, fieldform.headings(language), strict=True)
    }
    log = {
        key_of(words): name
        for headings in (_TABLE_5, *map(grievance_log.headings, ("mn", "en")))
        for name, words in zip(grievance_log.COLUMNS, headings, strict=True)
    }
    return {SHEET: sheet, LOG: log}


def _headings(cells: Sequence[Any]) -> tuple[str, dict[str, int]] | None:
    """Which form has these headings, and where each column stands."""
    for kind, names in _names().items():
        found: dict[str, int] = {}
        for at, cell in enumerate(cells):
            name = names.get(key_of(_plain(cell)))
            if name:
                found.setdefault(name, at)
        if found.keys() >= _NEEDED[kind]:
            return kind, found
    return None


def key_of(words: str) -> str:
    """Words made comparable, however they were typed."""
    return " ".join(fold(words).replace(".", " ").replace(":", " ").split())


# -- the plan -----------------------------------------------------------------------------------


def cells_of(found: Table, cells: Sequence[Any]) -> dict[str, Any]:
    """The raw cells of one row by column."""
    return {name: cells[at] if at < len(cells) else None for name, at in found.columns.items()}


def worded(cells: Mapping[str, Any]) -> dict[str, str]:
    """The cells of one row as words."""
    return {name: _plain(cell) for name, cell in cells.items()}


def digest_of(content: bytes) -> bytes:
    """The file's own hash."""
    return hashlib.sha256(content).digest()
