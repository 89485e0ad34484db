"""A report as DOCX, with real styles, so that an office can go on writing in it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from io import BytesIO
from typing import Any

from docx import Document as Word
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from workflow.report_blocks import Box, Chart, Cover, Document, Grid, Heading, Para, Tiles, Turn
from workflow.report_pdf import picture

_BLUE, _GREY, _RED = (
    RGBColor(0x1F, 0x4E, 0x79),
    RGBColor(0x52, 0x60, 0x6D),
    RGBColor(0x9B, 0x1C, 0x1C),
)
_WHOLE = 14  # rows that stay on one page together
_SERIF, _SANS = "Times New Roman", "Arial"
_LOCALES = {"mn": "mn-MN", "en": "en-GB", "kk": "kk-KZ"}


def render(document: Document) -> bytes:
    """The file."""
    word = Word()
    _styles(word, document.language)
    _page(word.sections[0], document.running)
    word.core_properties.title = document.running
    word.core_properties.author = document.cover.organisation
    for block in document.blocks:
        _write(block, word)
    buffer = BytesIO()
    word.save(buffer)
    return buffer.getvalue()


def _styles(word: Any, language: str) -> None:
    sizes = {"Normal": (11, _SERIF), "Heading 1": (17, _SANS), "Heading 2": (12.5, _SANS),
             "Title": (30, _SANS)}  # fmt: skip
    for name, (size, font) in sizes.items():
        style = word.styles[name]
        style.font.name, style.font.size = font, Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for script in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
            fonts.set(qn(script), font)
        for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:cstheme", "w:eastAsiaTheme"):
            fonts.attrib.pop(qn(theme), None)
        if name != "Normal":
            style.font.color.rgb = _BLUE
    word.styles["Normal"].paragraph_format.space_after = Pt(6)
    spoken = OxmlElement("w:lang")
    spoken.set(qn("w:val"), _LOCALES[language])
    word.styles["Normal"].element.get_or_add_rPr().append(spoken)


def _page(section: Any, running: str) -> None:
    """A4, the title above and the number of the page below, except on the cover."""
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.3)
    section.top_margin, section.bottom_margin = Cm(2.4), Cm(2.2)
    section.different_first_page_header_footer = True
    _small(section.header.paragraphs[0], running, 8)
    foot = section.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    _field(foot.add_run(), "PAGE")


def _small(paragraph: Any, words: str, size: int = 9) -> None:
    run = paragraph.add_run(words)
    run.font.size, run.font.color.rgb = Pt(size), _GREY


def _field(run: Any, name: str) -> None:
    for kind, words in (("begin", ""), ("", name), ("end", "")):
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            part.set(qn("w:fldCharType"), kind)
        else:
            part.text = words
        run._r.append(part)


def _shade(element: Any, colour: str) -> None:
    shade = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", colour)):
        shade.set(qn(f"w:{name}"), value)
    element.append(shade)


@singledispatch
def _write(block: object, word: Any) -> None:
    raise TypeError(f"no DOCX for {type(block).__name__}")


@_write.register
def _(block: Cover, word: Any) -> None:
    head = word.add_paragraph()
    head.paragraph_format.space_after = Pt(170)
    head.add_run(block.organisation.upper()).font.size = Pt(12)
    word.add_paragraph().add_run(block.project).font.size = Pt(15)
    word.add_paragraph(block.title, style="Title")
    for words, size, bold in ((block.kind, 15, True), (block.span, 14, False)):
        run = word.add_paragraph().add_run(words)
        run.font.size, run.bold = Pt(size), bold
    if block.warning:
        run = word.add_paragraph().add_run(block.warning)
        run.bold, run.font.color.rgb = True, _RED
    _small(word.add_paragraph(), block.made)
    word.add_page_break()


@_write.register
def _(block: Heading, word: Any) -> None:
    word.add_heading(block.text, block.level)


@_write.register
def _(block: Para, word: Any) -> None:
    if block.note:
        _small(word.add_paragraph(), block.text)
    else:
        word.add_paragraph(block.text)


@_write.register
def _(block: Tiles, word: Any) -> None:
    across = 4 if len(block.items) == 4 else min(len(block.items), 3)
    for first in range(0, len(block.items), across):
        items = block.items[first : first + across]
        table = word.add_table(rows=1, cols=across)
        for (name, value), cell in zip(items, table.rows[0].cells, strict=False):
            _shade(cell._tc.get_or_add_tcPr(), "EEF3F7")
            run = cell.paragraphs[0].add_run(value)
            run.bold, run.font.size = True, Pt(13 if len(value) > 9 else 20)
            run.font.color.rgb, run.font.name = _BLUE, _SANS
            cell.paragraphs[0].paragraph_format.space_after = Pt(0)
            cell.add_paragraph().add_run(name).font.size = Pt(9.5)
        word.add_paragraph().paragraph_format.space_after = Pt(2)


@_write.register
def _(block: Grid, word: Any) -> None:
    if block.caption:
        caption = word.add_paragraph()
        caption.add_run(block.caption).bold = True
        caption.paragraph_format.keep_with_next = True
    table = word.add_table(rows=0, cols=len(block.head))
    table.style, table.autofit = "Table Grid", False
    room = 25.1 if block.wide else 16.4
    widths = [Cm(room * width / sum(block.widths)) for width in block.widths]
    size = Pt(7.5 if block.wide else 10)
    _row(table, block.head, widths, block.numbers, size, head=True)
    for row in block.rows:
        _row(table, row, widths, block.numbers, size)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width  # LibreOffice goes by the grid, Word by the cells
    if len(block.rows) <= _WHOLE:
        for whole in table.rows[:-1]:
            for cell in whole.cells:
                cell.paragraphs[0].paragraph_format.keep_with_next = True
    word.add_paragraph()


@_write.register
def _(block: Turn, word: Any) -> None:
    section = word.add_section()
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Cm(29.7), Cm(21)


def _row(
    table: Any, words: Sequence[str], widths: Sequence[Any], numbers: frozenset[int], size: Any,
    *, head: bool = False,
) -> None:  # fmt: skip
    row = table.add_row()
    if head:
        repeat = OxmlElement("w:tblHeader")
        row._tr.get_or_add_trPr().append(repeat)
    whole = OxmlElement("w:cantSplit")
    row._tr.get_or_add_trPr().append(whole)
    for place, cell in enumerate(row.cells):
        cell.width = widths[place]
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.space_after = Pt(1)
        run = paragraph.add_run(words[place])
        run.font.size, run.bold = size, head
        if place in numbers:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        if head:
            _shade(cell._tc.get_or_add_tcPr(), "EEF3F7")


@_write.register
def _(block: Chart, word: Any) -> None:
    word.add_picture(BytesIO(picture(block)), width=Cm(11.5))
    drawn = word.paragraphs[-1]
    drawn.paragraph_format.keep_with_next = True
    for found in drawn._p.iter(qn("wp:docPr")):
        found.set("descr", block.title)


@_write.register
def _(block: Box, word: Any) -> None:
    table = word.add_table(rows=1, cols=1)
    cell = table.rows[0].cells[0]
    _shade(cell._tc.get_or_add_tcPr(), "FDF8EE")
    cell.paragraphs[0].add_run(block.title).bold = True
    for part in block.text.split("\n"):
        if part.strip():
            cell.add_paragraph(part)
    word.add_paragraph()
