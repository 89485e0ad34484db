"""A report as bytes in the format asked for."""

from __future__ import annotations

from config import i18n
from workflow.period import Period
from workflow.report_blocks import Document

FORMATS = ("docx", "pdf", "html")
TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
}


def write(document: Document, form: str) -> bytes:
    """``document`` in one of `FORMATS`."""
    contents = i18n.text("desk.report.contents", document.language)
    if form == "pdf":
        from workflow import report_pdf  # typst takes a moment to load, and most pages need none

        return report_pdf.render(document, contents)
    if form == "docx":
        from workflow import report_docx

        return report_docx.render(document)
    from workflow import report_html

    return report_html.render(document, contents).encode()


def file_name(kind: str, period: Period, language: str, form: str) -> str:
    """What the file is called: grm-report_2026-01-01_2026-06-30_en.pdf."""
    return f"{kind}_{period.start}_{period.last}_{language}.{form}"
