"""From rows to a plan: what each row says, what is wrong with it, what is known already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from store import imported
from store.crypto import blind
from store.db import Transaction
from store.fold import fold
from workflow import imports_cells as read
from workflow.imports import (
    LOG,
    LONGEST_TEXT,
    SHEET,
    Finding,
    Plan,
    Record,
    Table,
    cells_of,
    digest_of,
    table,
    worded,
)
from workflow.imports_cells import Bad
from workflow.states import Status

# Of two texts so much of the words must be the same to be called one.
ALIKE = 0.7
_CHOICES = ("channel", "kind", "category", "language", "consent", "behalf", "gender", "group")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the layer above knows: places in words, what must be sealed, the local day."""

    place: Callable[[str], str | None]
    sensitive: Callable[[str], str]
    today: date
    day_of: Callable[[datetime], date]


def plan(tx: Transaction, content: bytes, knows: Knowledge) -> Plan:
    """Read a file and compare it with itself and with what is there. Changes nothing.

    `workflow.imports.UnreadableFile` where it is none of ours.
    """
    found = table(content)
    made = Plan(found.kind, digest_of(content))
    for row, cells in found.rows:
        record = _record(made, found, row, cells_of(found, cells), knows)
        if record is not None:
            made.records.append(record)
    _repeated_numbers(made, found)
    _twice(made, found)
    _known(tx, made, found, knows)
    made.faults.sort(key=lambda item: item.row)
    made.duplicates.sort(key=lambda item: item.row)
    return made


def row_digest(record: Record) -> bytes:
    """A blind index of all that a row says, but for its number."""
    said = [
        f"{name}={fold(text)}"
        for name, text in sorted(record.cells.items())
        if name not in {"no", "number"} and text
    ]
    return blind("import row", "\n".join(said))


# -- one row ------------------------------------------------------------------------------------


class _Cells:
    """The cells of one row while it is read; a fault is noted and reading goes on."""

    def __init__(self, made: Plan, found: Table, row: int, raw: Mapping[str, Any]) -> None:
        self.made, self.found, self.row, self.raw = made, found, row, raw
        self.words = worded(raw)

    def text(self, column: str) -> str:
        return self.words.get(column, "")

    def fault(self, column: str, code: str) -> None:
        value = self.text(column)
        heading = self.found.headings.get(column, column)
        self.made.faults.append(Finding(self.row, heading, code, value))

    def take(
        self, column: str, reader: Callable[..., Any], *given: Any, otherwise: Any = None
    ) -> Any:
        try:
            return reader(*given)
        except Bad as bad:
            self.fault(column, bad.code)
            return otherwise


def _record(
    made: Plan, found: Table, row: int, raw: Mapping[str, Any], knows: Knowledge
) -> Record | None:
    """One row understood; None for a line of the form that nobody filled in."""
    cells = _Cells(made, found, row, raw)
    if not any(text for name, text in cells.words.items() if name not in {"no", "number"}):
        return None
    record = Record(row, cells.words)
    record.received = cells.take("received", read.day, raw.get("received"), knows.today)
    text = cells.text("text" if found.kind == SHEET else "summary")
    if not text:
        cells.fault("text" if found.kind == SHEET else "summary", "no_text")
    if len(text) > LONGEST_TEXT:
        cells.fault("text" if found.kind == SHEET else "summary", "long")
    sealed = knows.sensitive(text)
    record.values = {"text": text, "sensitive": sealed}
    record.values |= _sheet(cells, knows) if found.kind == SHEET else _log(cells, record, knows)
    return record


def _sheet(cells: _Cells, knows: Knowledge) -> dict[str, Any]:
    """A line of the field form."""
    values = {n: cells.take(n, read.choice, n, cells.text(n), otherwise="") for n in _CHOICES}
    values["phone"] = cells.take("phone", read.phone, cells.text("phone"), otherwise="")
    values["name"] = cells.text("name")[:100]
    if (cells.text("name") or cells.text("phone")) and values["consent"] != "yes":
        cells.fault("consent", "consent")
    place = cells.text("place")
    values["place"] = knows.place(place) if place else None
    if place and values["place"] is None:
        cells.fault("place", "place")
    return values


def _log(cells: _Cells, record: Record, knows: Knowledge) -> dict[str, Any]:
    """A line of the Grievance Log."""
    status, outcome = cells.take("status", read.status, cells.text("status"), otherwise=("", ""))
    values: dict[str, Any] = {"status": status, "outcome": outcome}
    matter = cells.take("type", read.matter, cells.text("type"), otherwise={})
    name, phone = cells.take("persons", read.person, cells.text("persons"), otherwise=("", ""))
    values |= matter | {"name": name[:100], "phone": phone, "assigned": cells.text("assigned")}
    _closures(cells, record, outcome, knows)
    if status == Status.CLOSED and not record.closures and not _faulty(cells):
        cells.fault("first_level", "not_closed")
    return values


def _faulty(cells: _Cells) -> bool:
    """Whether this row's closures were told of already."""
    levels = {cells.found.headings.get(name) for name in ("first_level", "second_level")}
    return any(item.row == cells.row and item.column in levels for item in cells.made.faults)


def _closures(cells: _Cells, record: Record, outcome: str, knows: Knowledge) -> None:
    since = record.received or read.EARLIEST
    for column in ("first_level", "second_level"):
        ended = cells.take(column, read.closure, cells.text(column), outcome, since, knows.today)
        if ended is not None:
            record.closures.append(ended)
            since = ended.on


# -- the rows among themselves ------------------------------------------------------------------


def _repeated_numbers(made: Plan, found: Table) -> None:
    """A log numbers its rows: the same number twice is a slip somewhere."""
    if found.kind != LOG or "no" not in found.columns:
        return
    seen: dict[str, int] = {}
    for record in made.records:
        number = record.cells.get("no", "")
        if number and number in seen:
            heading = found.headings["no"]
            made.faults.append(Finding(record.row, heading, "number", f"{number} ({seen[number]})"))
        seen.setdefault(number, record.row)


def _twice(made: Plan, found: Table) -> None:
    """The same person, day and words in two rows of this file."""
    groups: dict[tuple[str, date | None], list[Record]] = {}
    for record in made.records:
        groups.setdefault((_who(record), record.received), []).append(record)
    for rows in groups.values():
        for at, record in enumerate(rows):
            if first := _like(record.values["text"], ((r.values["text"], r) for r in rows[:at])):
                made.duplicates.append(_duplicate(found, record, "twice", str(first.row)))


def _who(record: Record) -> str:
    return record.values.get("phone") or fold(record.values.get("name") or "")


def _duplicate(found: Table, record: Record, code: str, value: str) -> Finding:
    column = "text" if found.kind == SHEET else "summary"
    return Finding(record.row, found.headings[column], code, value)


def _like(text: str, others: Iterable[tuple[str, Any]]) -> Any:
    """The first of ``others`` (words, whose) that says nearly the same; None where none does."""
    words = set(fold(text).split())
    for other, whose in others:
        said = set(fold(other).split())
        both = len(words & said)
        if both and both / len(words | said) >= ALIKE:
            return whose
    return None


def _known(tx: Transaction, made: Plan, found: Table, knows: Knowledge) -> None:
    """Rows taken over before; people whose phone said the same that day by another way."""
    rows = {row_digest(record): record for record in made.records}
    before = imported.known(tx, rows.keys())
    phones = {record.values["phone"] for record in made.records if record.values.get("phone")}
    said = imported.said_by(tx, phones)
    for digest, record in rows.items():
        if digest in before:
            made.duplicates.append(_duplicate(found, record, "known", before[digest]))
            continue
        same = [
            (text, reference)
            for at, text, reference in said.get(record.values.get("phone", ""), ())
            if knows.day_of(at) == record.received
        ]
        if reference := _like(record.values["text"], same):
            made.duplicates.append(_duplicate(found, record, "known", reference))


def without(made: Plan, rows: Sequence[int]) -> None:
    """Leave these rows out."""
    made.records = [record for record in made.records if record.row not in set(rows)]
