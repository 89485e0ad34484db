"""Names of figures, tables and cells, for reports, the desk and the public page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import babel.dates

from config import i18n
from workflow.grievance_log import channel_words, label
from workflow.indicators import TABLES
from workflow.suppression import Release

# A place's name by code and language: the list of places lies above this room.
PlaceName = Callable[[str, str], str]
_LABELLED = frozenset({"kind", "category", "language", "outcome", "stage"})
_CHOSEN = frozenset({"gender", "group"})
# In their own order; all others by size.
_ORDERED = frozenset({"month", "stage", "satisfaction"})


@dataclass(frozen=True, slots=True)
class Words:
    """What the words of one document need."""

    language: str
    place: PlaceName

    def t(self, key: str, /, **values: object) -> str:
        return i18n.text(key, self.language, **values)

    def title(self, table: str) -> str:
        """What a table counts by."""
        return self.t(f"figure.table.{table}")

    def cell(self, table: str, code: str) -> str:
        """One of its rows."""
        if table == "channel" and code != "unknown":
            return channel_words(code, self.language)
        if table == "place" and code != "unknown":
            return self.place(code, self.language)
        if table == "month":
            return _month(code, self.language)
        if table in _LABELLED and code != "unknown":
            return label(table, code, self.language)
        if table in _CHOSEN and code != "unknown":
            return self.t(f"choice.{table}.{code}")
        if table == "satisfaction":
            return self.t(f"choice.rate.{code}")
        return self.t(f"figure.cell.{code}")

    def rows(self, shown: Release, table: str) -> list[tuple[str, int | None]] | None:
        """The rows of a table as (name, count or None where withheld); None: all withheld."""
        cells = shown.tables[table]
        if cells is None:
            return None
        listed = [(code, value) for code, value in cells.items() if value != 0]
        if table in _ORDERED:
            listed.sort()
        else:
            listed.sort(key=lambda item: (item[0] == "unknown", -(item[1] or 0), item[0]))
        return [(self.cell(table, code), value) for code, value in listed]

    def figure(self, shown: Release, name: str) -> str:
        """A total or a median; a dash for the median of nothing."""
        found = {**shown.totals, **shown.medians}
        return self.number(found[name]) if name in found else "–"

    def number(self, value: float | None) -> str:
        """A count or a median; a word where it is withheld."""
        return self.t("figure.hidden") if value is None else f"{value:,g}"


def share(shown: Release, table: str, cell: str) -> int | None:
    """The per cent of a table's total that a cell has; None where either is withheld."""
    total, value = shown.totals[TABLES[table]], shown.line(table, cell)
    return round(100 * value / total) if total and value is not None else None


def _month(code: str, language: str) -> str:
    year, month = map(int, code.split("-"))
    if language == "en":
        return f"{babel.dates.get_month_names('abbreviated', locale='en')[month]} {year}"
    return f"{year}.{month:02}"
