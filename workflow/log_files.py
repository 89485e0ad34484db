"""The Grievance Log as a file: XLSX, CSV, or a page to print.

No cell can become a formula: what begins like one gets an apostrophe before it, in both formats,
because a workbook is often saved as CSV (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

from config import i18n
from workflow.grievance_log import Row, headings

_LETTERS = "ABCDEFGHI"
_WIDTHS = (6, 22, 13, 20, 30, 52, 40, 40, 22)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# XML 1.0 cannot hold these, and no reader wants them.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_DATE_FORMAT = "yyyy-mm-dd"
_A4 = 9  # ECMA-376, ST_PaperSize
_SHEET = "xl/worksheets/sheet1.xml"
_DAY_0 = date(1899, 12, 30)  # what a workbook counts days from
_CODE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_LONGEST_CELL = 32_000  # Excel's own limit is 32,767 characters

Progress = Callable[[int], None]


def nothing(_: int) -> None:
    """No progress is shown."""


def safe(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula."""
    clean = _CONTROL.sub("", text)[:_LONGEST_CELL]
    return f"'{clean}" if clean.lstrip(" \u00a0\ufeff").startswith(_FORMULA) else clean


def xlsx(rows: Iterable[Row], language: str, path: Path, told: Progress = nothing) -> int:
    """Write a workbook; the number of rows. Rows go to disk as they come.

    openpyxl makes everything around them. Its cells are objects that learn their looks one by one:
    100,000 rows of them took half a minute.
    """
    head, _, looks = _around(_plan(language, 1))
    written = 0
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        with file.open(_SHEET, "w") as sheet:
            sheet.write(head)
            for written, row in enumerate(rows, 1):
                sheet.write(_line(written + 1, row.cells(), looks).encode())
                told(1)
            plan = _plan(language, written)
            sheet.write(_around(plan)[1])
        for name in plan.namelist():
            if name != _SHEET:
                file.writestr(name, plan.read(name))
    return written


def _plan(language: str, rows: int) -> ZipFile:
    """The workbook for so many rows, with one model row of a text and a day."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(i18n.text("desk.log.sheet", language))
    _set_up(sheet, language)
    sheet.append([_heading(sheet, words) for words in headings(language)])
    sheet.append([_model(sheet, "-"), _model(sheet, date(2026, 1, 1))])
    sheet.auto_filter.ref = f"A1:I{rows + 1}"
    made = BytesIO()
    book.save(made)
    return ZipFile(made)


def _around(plan: ZipFile) -> tuple[bytes, bytes, tuple[str, str]]:
    """What stands in the sheet before and after its rows; the looks of a text and of a day."""
    head, _, rest = plan.read(_SHEET).partition(b'<row r="2"')
    model, end, tail = rest.partition(b"</sheetData>")
    text, day = re.findall(rb'<c r="[AB]2" s="(\d+)"', model)
    return head, end + tail, (text.decode(), day.decode())


def _line(number: int, cells: tuple[int | str | date, ...], looks: tuple[str, str]) -> str:
    """A row of the sheet; a text is an inline string, which no program takes for a formula."""
    pieces = [f'<row r="{number}">']
    for letter, value in zip(_LETTERS, cells, strict=True):
        place = f'<c r="{letter}{number}" s="{looks[isinstance(value, date)]}"'
        if isinstance(value, str):
            words = _xml(safe(value))
            pieces.append(f'{place} t="inlineStr"><is><t xml:space="preserve">{words}</t></is></c>')
        else:
            plain = (value - _DAY_0).days if isinstance(value, date) else value
            pieces.append(f"{place}><v>{plain}</v></c>")
    return "".join((*pieces, "</row>"))


def _xml(words: str) -> str:
    """``words`` in XML. ``_x003D_`` would be read as a code for "=" (ECMA-376, ST_Xstring)."""
    if "_x" in words:
        words = _CODE.sub("_x005F_", words)
    return escape(words, quote=False).replace("\r", "&#13;")


def _set_up(sheet: Any, language: str) -> None:
    """Columns, frozen heading, and how it comes out of a printer."""
    for letter, width in zip(_LETTERS, _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "B2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = _A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.oddHeader.center.text = i18n.text("desk.log.title", language)
    sheet.oddFooter.center.text = "&P / &N"


_LINE = Side(style="thin", color="9AA5AE")
_BORDER = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_TOP = Alignment(vertical="top", wrap_text=True)
_BOLD, _FILL = Font(bold=True), PatternFill("solid", fgColor="DCE6EE")


def _heading(sheet: Any, words: str) -> Any:
    cell = WriteOnlyCell(sheet, words)
    cell.font, cell.fill, cell.border = _BOLD, _FILL, _BORDER
    cell.alignment = _TOP
    return cell


def _model(sheet: Any, value: str | date) -> Any:
    """A cell to take the looks from."""
    cell = WriteOnlyCell(sheet, value)
    cell.border, cell.alignment = _BORDER, _TOP
    if isinstance(value, date):
        cell.number_format = _DATE_FORMAT
    return cell


def csv_file(rows: Iterable[Row], language: str, path: Path, told: Progress = nothing) -> int:
    """Write CSV in UTF-8 with a byte order mark, which Excel needs to see Cyrillic."""
    written = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(headings(language))
        for row in rows:
            writer.writerow([_plain(value) for value in row.cells()])
            written += 1
            told(1)
    return written


def _plain(value: int | str | date) -> str:
    return safe(value) if isinstance(value, str) else str(value)


_STYLE = (
    "body{font:11pt/1.35 'Noto Sans',Arial,sans-serif;margin:1.2cm;color:#111}"
    "h1{font-size:15pt}table{border-collapse:collapse;width:100%;font-size:9pt}"
    "th,td{border:1px solid #9aa5ae;padding:3px 5px;vertical-align:top;text-align:left;"
    "overflow-wrap:anywhere}th{background:#dce6ee}thead{display:table-header-group}"
    "tr{break-inside:avoid}td:first-child,td:nth-child(3){white-space:nowrap}"
    "@page{size:A4 landscape;margin:1cm}@media print{body{margin:0}}"
)


def page(rows: Iterable[Row], language: str, about: str) -> Iterator[str]:
    """A page to print, piece by piece; ``about`` says whose log it is and for which time."""
    title = escape(i18n.text("desk.log.title", language))
    yield (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{title}</h1><p>{escape(about)}</p><table><thead><tr>"
    )
    yield "".join(f'<th scope="col">{escape(words)}</th>' for words in headings(language))
    yield "</tr></thead><tbody>\n"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{escape(str(value))}</td>' for value in row.cells())}</tr>\n"
    yield "</tbody></table></body></html>\n"
