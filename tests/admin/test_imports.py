"""Files taken over in the desk: shown first, then all or nothing; leaflet and field form."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from config import i18n
from store.db import reading
from store.schema import access_log, case_event, grievance
from tests.admin import town
from tests.admin.conftest import Desk, another
from tests.workflow.test_imports import labelled, workbook
from workflow import fieldform


def send(desk: Desk, content: bytes, **fields: str) -> TestResponse:
    form = {"csrf_token": desk.token("/import"), "file": (BytesIO(content), "log.xlsx"), **fields}
    return desk.client.post("/import", data=form, content_type="multipart/form-data")


def count() -> int:
    with reading() as tx:
        return int(tx.scalar(select(func.count()).select_from(grievance)))


def test_a_file_is_shown_and_then_taken_over_by_this_officer(desk: Desk, saraa: int) -> None:
    content = workbook([labelled(number) for number in range(1, 5)])
    page = send(desk, content, wish="look").get_data(as_text=True)
    assert i18n.plural("desk.import.rows", 4, "mn") in page
    assert i18n.text("desk.import.clean", "mn") in page
    assert count() == 0
    page = send(desk, content, wish="do").get_data(as_text=True)
    assert i18n.plural("desk.import.done", 4, "mn") in page
    assert count() == 4
    with reading() as tx:
        actors = set(tx.execute(select(case_event.c.actor)).scalars())
        (noted,) = tx.execute(select(access_log).where(access_log.c.action == "import")).all()
    assert actors == {f"officer:{saraa}"}
    assert noted.reason.startswith("4 rows of ")
    again = send(desk, content, wish="do")
    assert again.status_code == 422
    assert count() == 4
    send(desk, content, wish="do", duplicates="keep")
    assert count() == 8


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_faults_are_shown_by_row_and_column(desk: Desk) -> None:
    rows = [labelled(1), labelled(2)]
    rows[1][2] = "удахгүй"
    answer = send(desk, workbook(rows), wish="do")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True).replace("&#34;", '"')
    place = i18n.text("desk.import.at", "mn", row=5, column="Received date")
    assert place in page
    assert i18n.text("desk.import.fault.date", "mn", value="удахгүй") in page
    assert count() == 0
    for content, code in ((b"", "import.none"), (b"x,y", "import.kind")):
        answer = send(desk, content, wish="do")
        assert answer.status_code == 422
        assert i18n.text(f"desk.import.broken.{code}", "mn") in answer.get_data(as_text=True)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_history_is_marked_on_its_page(desk: Desk) -> None:
    send(desk, workbook([labelled(1)]), wish="do")
    with reading() as tx:
        (reference,) = tx.execute(select(grievance.c.reference)).scalars()
    assert i18n.text("desk.import.mark.history", "mn", row=4) in desk.page(f"/cases/{reference}")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_form_and_leaflet_are_given_out(desk: Desk, stranger: Desk) -> None:
    town.channels_known()
    for language in i18n.LANGUAGES:
        form = desk.get(f"/import/form-{language}.xlsx")
        assert form.content_type == fieldform.XLSX
        paper = desk.get(f"/import/leaflet-{language}.pdf")
        assert paper.content_type == "application/pdf"
        assert paper.data.startswith(b"%PDF-")
    assert desk.get("/import/leaflet-de.pdf").status_code == 404


@pytest.mark.parametrize("role", ["auditor", "assignee", "administrator"])
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_only_officers_take_over(app: Flask, role: str) -> None:
    other = another(app, "bold", role)
    assert other.get("/import").status_code == 403
    assert other.post("/import", wish="do").status_code == 403
