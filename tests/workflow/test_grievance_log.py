"""The Grievance Log: nine columns, real dates, no formula, no sealed matter, no gap."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook

from config.profile import profile
from store.db import reading
from tests.workflow import village
from workflow import log_files
from workflow.grievance_log import Row, Wishes, count, headings, rows
from workflow.masking import mask
from workflow.period import Period
from workflow.states import Role

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
DAY = datetime(2026, 3, 5, 4, tzinfo=UTC)
# Table 5 of the Stakeholder Engagement Plan.
TABLE_5 = (
    "No.", "Status", "Received date", "Person/s", "Grievance type and received channel",
    "Summary of grievance", "1st level resolution and closure date",
    "2nd level resolution and closure date", "Assigned PIU staff name",
)  # fmt: skip
EVIL = (
    "=1+2",
    "+cmd",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "＝1",
    "\ufeff=1",
    "\x00=1",
)


def log(language: str = "en", period: Period | None = MARCH, *, names: bool = False) -> list[Row]:
    with reading() as tx:
        wishes = Wishes(language, period, names)
        found = list(rows(tx, wishes))
        assert count(tx, period) == len(found)
    return found


def test_the_columns_are_those_of_table_5() -> None:
    assert headings("en") == TABLE_5
    assert len(set(headings("mn"))) == 9
    assert headings("mn")[0] == "№"


def test_a_grievance_is_followed_over_both_levels(store: str) -> None:
    village.channels_known()
    officer = village.staff()
    case = village.arrive(DAY, gist="Худгийн ус", category="environment")
    village.act(case, "assign", DAY + timedelta(days=1), assignee_id=officer, name="Сараа")
    village.close(case, DAY + timedelta(days=9), "partly", "Шүүлтүүр тавив")
    village.act(case, "appeal", DAY + timedelta(days=12), Role.CITIZEN)
    village.committee(case, DAY + timedelta(days=18))
    village.close(case, DAY + timedelta(days=20), "resolved", "Худгийг гүнзгийрүүлэв")
    (row,) = log()
    assert row.cells() == (
        1, "Closed: Resolved", date(2026, 3, 5), "Anonymous", "Complaint, Environment, construction; SMS",
        "Худгийн ус", "Partly resolved: Шүүлтүүр тавив (14 Mar 2026)",
        "Resolved: Худгийг гүнзгийрүүлэв (25 Mar 2026)", "Жишээ Сараа",
    )  # fmt: skip
    (row,) = log("mn")
    assert row.status.startswith("Хаа")
    assert "(2026.03.14)" in row.first_level


def test_a_reopened_closure_is_no_resolution(store: str) -> None:
    village.channels_known()
    case = village.arrive(DAY)
    village.close(case, DAY + timedelta(days=2))
    village.act(case, "reopen", DAY + timedelta(days=3), Role.CITIZEN)
    (row,) = log()
    assert (row.first_level, row.second_level, row.status) == ("", "", "Registered")


def test_an_escalated_one_was_passed_on(store: str) -> None:
    village.channels_known()
    case = village.arrive(DAY)
    village.act(case, "escalate", DAY + timedelta(days=4), reason="хэтэрсэн")
    (row,) = log()
    assert row.first_level.startswith("Passed on: ")
    assert row.first_level.endswith("(9 Mar 2026)")
    assert row.second_level == ""


def test_sealed_matters_leave_no_gap(store: str) -> None:
    village.channels_known()
    cases = [
        village.arrive(DAY + timedelta(hours=n), f"Гомдол {n}", gist=f"g{n}") for n in range(6)
    ]
    village.act(cases[2], "seal", DAY + timedelta(days=1), sensitive="violence")
    village.arrive(DAY, "нууц хэрэг", sensitive="violence")
    found = log()
    assert [row.no for row in found] == [1, 2, 3, 4, 5]
    assert [row.summary for row in found] == ["g0", "g1", "g3", "g4", "g5"]


def test_rows_come_by_received_date_and_only_of_the_period(store: str) -> None:
    village.channels_known()
    late = village.arrive(DAY, "захидал", received_at=DAY - timedelta(days=3))
    village.arrive(datetime(2026, 3, 31, 15, 59, tzinfo=UTC))  # 23:59 in Ulaanbaatar
    village.arrive(datetime(2026, 3, 31, 16, 0, tzinfo=UTC))  # April there
    village.arrive(datetime(2026, 2, 28, 16, 0, tzinfo=UTC))  # March there
    found = log()
    assert [row.received.isoformat() for row in found] == ["2026-03-01", "2026-03-02", "2026-03-31"]
    assert found[1].grievance_id == late.id
    assert len(log(period=None)) == 4


def test_nobody_is_named_unless_asked_for(store: str) -> None:
    village.channels_known()
    gist = "Жишээбаатарын утас 99112233, jishee@example.invalid"
    case = village.arrive(DAY, anonymous=False, name="Жишээбаатар", gist=gist)
    village.close(case, DAY + timedelta(days=1), summary="Жишээбаатарт 8811-0001 руу хариулав")
    (row,) = log()
    written = " ".join(map(str, row.cells()))
    assert row.persons == "Named person"
    for personal in ("Жишээбаатар", "99112233", "jishee", "8811"):
        assert personal not in written
    (named,) = log(names=True)
    assert named.persons == "Жишээбаатар"
    assert "Жишээбаатар" not in named.summary


def test_a_copy_that_an_officer_read_goes_before_the_gist(store: str) -> None:
    village.channels_known()
    case = village.arrive(DAY, "Жишээбаатар ус алга гэв", gist="Ус алга")
    village.arrive(DAY + timedelta(hours=1), "өөр", category="access")
    village.act(case, "redact", DAY + timedelta(days=1), text="Нэг иргэн ус алга гэв")
    assert [row.summary for row in log()] == [
        "Нэг иргэн ус алга гэв",
        "Complaint, Access, discrimination",
    ]


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_is_a_formula(text: str, tmp_path: Path) -> None:
    row = Row(1, text, MARCH.start, text, text, text, text, text, text, 1)
    log_files.xlsx([row], "en", tmp_path / "log.xlsx")
    for sheet in (load_workbook(tmp_path / "log.xlsx").active,):
        cells = [cell for line in sheet.iter_rows(min_row=2) for cell in line]
        assert len(cells) == 9
        assert not any(cell.data_type == "f" for cell in cells)
        assert not any(re.match(r"\s*[=+@-]", str(cell.value)) for cell in cells)
    log_files.csv_file([row], "en", tmp_path / "log.csv")
    with (tmp_path / "log.csv").open(encoding="utf-8-sig", newline="") as file:
        _, line = csv.reader(file)
    assert not any(re.match(r"[\s\x00]*[=+@-]", cell) for cell in line)


def test_the_workbook_is_ready_to_print_and_filter(tmp_path: Path) -> None:
    line = Row(1, "Хаасан", MARCH.start, "x", "x", "Өргөдөл, гомдол", "", "", "", 1)
    assert log_files.xlsx([line, line], "mn", tmp_path / "log.xlsx") == 2
    sheet = load_workbook(tmp_path / "log.xlsx").active
    assert [cell.value for cell in sheet[1]] == list(headings("mn"))
    assert sheet["C2"].value == datetime(2026, 3, 1)  # noqa: DTZ001 - workbooks know no zone
    assert sheet["C2"].is_date
    assert sheet["A2"].value == 1
    assert sheet["F2"].value == "Өргөдөл, гомдол"
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("B2", "A1:I3")
    assert sheet.print_title_rows == "$1:$1"
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage


def test_the_workbook_holds_what_people_wrote(tmp_path: Path) -> None:
    words = ' <b> & "c" ]]> \r\n d\te _x003D_1 '
    log_files.xlsx(
        [Row(1, words, MARCH.start, "", "", words, "", "", "", 1)], "mn", tmp_path / "log.xlsx"
    )
    (_, line) = load_workbook(tmp_path / "log.xlsx").active.iter_rows()
    # A program that knows ST_Xstring reads the underscore's own code as an underscore.
    assert line[1].value == words.replace("_x003D_", "_x005F_x003D_")
    assert line[5].value == line[1].value
    assert (line[5].border.left.style, line[5].alignment.wrap_text) == ("thin", True)
    assert not line[3].value
    assert log_files.xlsx([], "mn", tmp_path / "none.xlsx") == 0
    assert load_workbook(tmp_path / "none.xlsx").active.auto_filter.ref == "A1:I1"


def test_csv_is_what_excel_reads(tmp_path: Path) -> None:
    line = Row(1, "Хаасан", MARCH.start, "x", "x", 'a "b"; c,\nd', "", "", "", 1)
    log_files.csv_file([line], "mn", tmp_path / "log.csv")
    raw = (tmp_path / "log.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    with (tmp_path / "log.csv").open(encoding="utf-8-sig", newline="") as file:
        head, only = csv.reader(file)
    assert tuple(head) == headings("mn")
    assert only[2] == "2026-03-01"
    assert only[5] == 'a "b"; c,\nd'


def test_the_page_escapes_what_people_wrote() -> None:
    line = Row(1, "<b>", MARCH.start, "&", "x", "<script>alert(1)</script>", "", "", "", 1)
    made = "".join(log_files.page([line], "mn", profile().organisation.project.mn))
    assert "<script>" not in made
    assert "&lt;script&gt;" in made
    assert made.count('<th scope="col">') == 9


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Утас +976 9911-2233.", "Утас […]."),
        ("7000 0000 руу", "[…] руу"),
        ("бичээрэй: a.b@c.mn", "бичээрэй: […]"),
        ("регистр УБ12345678", "регистр […]"),
        ("(2026.05.03)-нд, 12 км, 2026 он", "(2026.05.03)-нд, 12 км, 2026 он"),
        ("@jishee_1 нэрээр", "[…] нэрээр"),
        ("Доржийнх биш, ДОРЖООС ч биш", "[…] биш, […] ч биш"),
        ("доржготов", "доржготов"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert mask(text, ["Дорж"]) == masked
