"""The desk's page of reports: who may, what is kept, and files that open."""

from __future__ import annotations

import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from docx import Document
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from config import i18n
from store import reports
from store.db import reading
from store.schema import access_log, report_issue
from tests.admin.conftest import Desk, another
from tests.workflow import village

SPRING = datetime(2026, 3, 5, 4, tzinfo=UTC)
SPAN = {"start": "2026-01-01", "last": "2026-06-30"}
QUERY = "start=2026-01-01&last=2026-06-30"
DAYS = (date(2026, 1, 1), date(2026, 7, 1))


@pytest.fixture
def spring(desk: Desk) -> Desk:
    """A half-year with 18 grievances, one of them sealed."""
    village.channels_known()
    for number in range(18):
        at = SPRING + timedelta(days=number)
        case = village.arrive(at, f"Худаг {number}", gist=f"Худаг {number}")
        village.close(case, at + timedelta(days=3), summary="=1+1 шийдсэн")
    village.arrive(SPRING, "нууц", sensitive="violence")
    return desk


def file(desk: Desk, path: str) -> bytes:
    answer = desk.get(path)
    assert answer.status_code == 200, path
    assert "attachment" in answer.headers["Content-Disposition"]
    return answer.data


def test_the_page_has_everything(spring: Desk) -> None:
    page = spring.page(f"/reports?{QUERY}&figures=1")
    for key in ("reports.boxes", "report.examples", "report.engagement", "reports.files"):
        assert i18n.text(f"desk.{key}", "mn") in page
    assert "18" in page
    with reading() as tx:
        assert tx.execute(select(report_issue)).all() == [], "a look discloses nothing"


def test_files_of_the_report_open(app: Flask, spring: Desk) -> None:
    for language, word in (("mn", "механизм"), ("en", "Grievance Redress Mechanism")):
        base = f"/reports/file?{QUERY}&language={language}&form="
        assert file(spring, base + "pdf").startswith(b"%PDF-1.")
        page = file(spring, base + "html").decode()
        assert word in page
        assert page.count("<svg") >= 4
        word_file = Document(BytesIO(file(spring, base + "docx")))
        assert any(word in paragraph.text for paragraph in word_file.paragraphs)
        assert len(word_file.tables) > 8
        assert word_file.inline_shapes, "charts"
    with reading() as tx:
        (issue,) = tx.execute(select(report_issue)).all()
        actions = tx.execute(select(access_log.c.action)).scalars().all()
    assert (issue.start_day, issue.end_day) == DAYS
    assert "dump report pdf" in actions
    looks = another(app, "watcher", "auditor").page("/looks")
    assert re.search(r"Жишээ Сараа</td>\s*<td>Татаж авсан: Тайлан PDF", looks)


def test_files_of_the_log_open(spring: Desk) -> None:
    base = f"/reports/log?{QUERY}&language=en&form="
    sheet = load_workbook(BytesIO(file(spring, base + "xlsx"))).active
    assert [sheet.cell(row, 1).value for row in range(2, sheet.max_row + 1)] == list(range(1, 19))
    assert not any(cell.data_type == "f" for line in sheet.iter_rows() for cell in line)
    assert file(spring, base + "csv").startswith(b"\xef\xbb\xbf")
    assert file(spring, base + "html").count(b"<tr>") == 19


def test_boxes_examples_and_events_get_into_the_report(spring: Desk) -> None:
    spring.post(
        "/reports/boxes", **SPAN, **{"context-en": "A dry spring.", "context-mn": "Хуурай хавар."}
    )
    reference = _reference()
    texts = {"text-en": "A family had no water.", "text-mn": "Нэг өрх усгүй байсан."}
    spring.post("/reports/examples", **SPAN, reference=reference, **texts)
    event = {
        "kind": "consultation",
        "day": "2026-02-03",
        "title-en": "Soum meeting",
        "people": "40",
    }
    spring.post("/reports/engagements", **SPAN, **event, place="Darkhan")
    english = file(spring, f"/reports/file?{QUERY}&language=en&form=html").decode()
    for words in ("A dry spring.", "A family had no water.", "Soum meeting", "Darkhan"):
        assert words in english
    assert reference not in english
    mongolian = file(spring, f"/reports/file?{QUERY}&language=mn&form=html").decode()
    assert "Хуурай хавар." in mongolian
    assert "Нэг өрх усгүй байсан." in mongolian
    with reading() as tx:
        (kept,) = reports.examples(tx, *DAYS)
        (entry,) = reports.engagements(tx, *DAYS)
    spring.post(f"/reports/examples/{kept.id}/drop", **SPAN)
    spring.post(f"/reports/engagements/{entry.id}/drop", **SPAN)
    with reading() as tx:
        assert not reports.examples(tx, *DAYS)
        assert not reports.engagements(tx, *DAYS)


def _reference() -> str:
    from store.schema import grievance

    with reading() as tx:
        found: str = tx.scalar(select(grievance.c.reference).where(grievance.c.sensitive == ""))
    return found


def test_a_sealed_matter_is_no_example(spring: Desk) -> None:
    from store.schema import grievance

    with reading() as tx:
        sealed = tx.scalar(select(grievance.c.reference).where(grievance.c.sensitive != ""))
    spring.post("/reports/examples", **SPAN, reference=sealed, **{"text-en": "x"})
    with reading() as tx:
        assert not reports.examples(tx, *DAYS)


def test_a_running_period_is_a_draft_and_is_not_remembered(spring: Desk) -> None:
    query = "start=2026-01-01&last=2099-12-31"
    page = file(spring, f"/reports/file?{query}&language=en&form=html").decode()
    assert "DRAFT" in page
    assert "Annex" not in page
    with reading() as tx:
        assert tx.execute(select(report_issue)).all() == []


def test_wrong_addresses_are_refused(desk: Desk) -> None:
    for query in ("start=x&last=y", "start=2026-02-01&last=2026-01-01", "start=2026-01-01"):
        assert desk.get(f"/reports?{query}").status_code == 400
    assert desk.get(f"/reports/file?{QUERY}&language=kk&form=pdf").status_code == 400
    assert desk.get(f"/reports/log?{QUERY}&language=en&form=exe").status_code == 400


def test_who_may(app: Flask, saraa: int) -> None:
    assert another(app, "tuya", "assignee").get("/reports").status_code == 403
    auditor = another(app, "bold", "auditor")
    assert auditor.get("/reports").status_code == 200
    assert auditor.post("/reports/boxes", **SPAN).status_code == 403


def test_the_annex_tells_no_withheld_number(spring: Desk) -> None:
    at = SPRING + timedelta(days=30)
    for number in range(2):
        village.arrive(at, f"Хүсэлт {number}", kind="request", gist="нууцхан хүсэлт")
    page = file(spring, f"/reports/file?{QUERY}&language=en&form=html").decode()
    annex = page[page.index("Annex: Grievance Log</h2>") :]
    assert annex.count("<tr>") == 21
    assert "Request" not in annex
    assert "нууцхан" not in annex
    assert not re.search(r"Жишээ Сараа", annex)


def test_the_document_is_a_plain_zip(spring: Desk) -> None:
    raw = file(spring, f"/reports/file?{QUERY}&language=mn&form=docx")
    names = zipfile.ZipFile(BytesIO(raw)).namelist()
    assert "word/document.xml" in names
    assert any(name.startswith("word/media/") for name in names)
