"""The field form: a sheet for trips without internet, on paper and as a workbook with lists.

Its columns are read again by `workflow.imports`, whatever language it was printed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from config import i18n
from config.profile import profile

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS = 200
_LISTS = "lists"
# Columns in the order of the sheet, each with its width in characters.
WIDTHS = {
    "number": 6, "received": 13, "channel": 12, "kind": 13, "category": 20, "place": 26,
    "text": 60, "language": 12, "consent": 10, "name": 22, "phone": 14, "behalf": 14,
    "gender": 12, "group": 20,
}  # fmt: skip
COLUMNS = tuple(WIDTHS)


def options(column: str) -> dict[str, str]:
    """What may be chosen in a column: value -> key of its label; empty for free words."""
    kinds = {kind: f"kind.{kind}.label" for kind in profile().kinds}
    ordinary = [item.code for item in profile().categories if not item.sensitive]
    groups = ("herder", "older", "disability", "low_income", "none")
    found: dict[str, dict[str, str]] = {
        "channel": {n: f"channel.{n}.label" for n in ("meeting", "visit", "letter", "call")},
        "kind": kinds,
        "category": {code: f"category.{code}.label" for code in ordinary},
        "language": {code: f"language.{code}.label" for code in profile().languages},
        "consent": {"yes": "choice.yes", "no": "choice.no"},
        "behalf": {n: f"choice.behalf.{n}" for n in ("self", "other", "organisation")},
        "gender": {n: f"choice.gender.{n}" for n in ("female", "male")}
        | {"not_say": "choice.not_say"},
        "group": {n: f"choice.group.{n}" for n in groups} | {"not_say": "choice.not_say"},
    }
    return found.get(column, {})


def headings(language: str) -> tuple[str, ...]:
    """The headings of the sheet."""
    return tuple(i18n.text(f"sheet.{name}", language) for name in COLUMNS)


def labels(column: str, language: str) -> list[str]:
    """What may be chosen in a column, in words."""
    return [i18n.text(key, language) for key in options(column).values()]


def workbook(language: str) -> bytes:
    """The form as XLSX: headings, drop-downs, a sheet that says how to fill it in."""
    book = Workbook()
    sheet = book.active
    sheet.title = i18n.text("sheet.title", language)[:31]
    _head(sheet, language)
    _how_to(book.create_sheet(i18n.text("sheet.how", language)[:31]), language)
    lists = book.create_sheet(_LISTS)
    lists.sheet_state = "hidden"
    for at, name in enumerate(COLUMNS, 1):
        if found := labels(name, language):
            _offer(sheet, lists, at, found)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _head(sheet: Any, language: str) -> None:
    for at, (name, words) in enumerate(zip(COLUMNS, headings(language), strict=True), 1):
        cell = sheet.cell(1, at, words)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="E4F1F4")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[get_column_letter(at)].width = WIDTHS[name]
    sheet.freeze_panes = "A2"
    for row in range(2, ROWS + 2):
        sheet.cell(row, 1, row - 1)
        # Phones and dates as text: a workbook would take their zeros away, or turn days round.
        for name in ("received", "phone"):
            sheet.cell(row, COLUMNS.index(name) + 1).number_format = "@"
        sheet.cell(row, COLUMNS.index("text") + 1).alignment = Alignment(wrap_text=True)


def _how_to(sheet: Any, language: str) -> None:
    sheet.column_dimensions["A"].width = 100
    for row, number in enumerate(range(1, 7), 1):
        sheet.cell(row, 1, i18n.text(f"sheet.how.{number}", language))
        sheet.cell(row, 1).alignment = Alignment(wrap_text=True)


def _offer(sheet: Any, lists: Any, at: int, found: Sequence[str]) -> None:
    """A drop-down over a hidden list: typed-in lists end at 255 characters."""
    letter = get_column_letter(at)
    for row, label in enumerate(found, 1):
        lists.cell(row, at, label)
    rule = DataValidation(
        type="list", formula1=f"{_LISTS}!${letter}$1:${letter}${len(found)}", allow_blank=True
    )
    rule.add(f"{letter}2:{letter}{ROWS + 1}")
    sheet.add_data_validation(rule)
