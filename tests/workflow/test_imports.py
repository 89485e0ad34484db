"""Files taken over on both stores: every fault named, all or nothing, dates kept, nobody written to."""

from __future__ import annotations

import csv
import io
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select

from bot import taking_over
from config import clock, i18n
from config.cli import hariu
from config.profile import profile
from store import channels
from store.db import reading, transaction
from store.messages import Capabilities
from store.schema import address, case_event, grievance, import_row, outbox, person
from tests.admin import town
from workflow import fieldform, grievance_log
from workflow.audit import audit
from workflow.commands import Actor
from workflow.grievance_log import Wishes
from workflow.imports import UnreadableFile
from workflow.log_files import csv_file, xlsx
from workflow.states import Role

TABLE_5 = (
    "No.", "Status", "Received date", "Person/s", "Grievance type and received channel",
    "Summary of grievance", "1st level resolution and closure date",
    "2nd level resolution and closure date", "Assigned PIU staff name",
)  # fmt: skip
OFFICER = Actor(Role.OFFICER, None)
MATTERS = (
    "худаг ширгэсэн", "сургалтын бүртгэл хаагдсан", "зам эвдэрсэн", "интернет тасарсан",
    "халаалт ажиллахгүй", "тендерийн дүн гараагүй", "цахим үйлчилгээ нэвтрэхгүй", "хог хаясан",
)  # fmt: skip


def log_row(number: int) -> list[Any]:
    """One invented line of a log as an office kept it; each differs from the others."""
    received = date(2025, 1, 6) + timedelta(days=number % 300)
    closed = received + timedelta(days=5 + number % 20)
    state = ("Closed", "Closed: Resolved", "Registered", "Under investigation")[number % 4]
    resolution = f"Багийн ажилтан {number} очиж шийдсэн ({closed})" if "Closed" in state else ""
    return [
        number, state, received, f"Жишээ Хүн{'абвгдежзик'[number % 10]} 8800{number:04}",
        f"Complaint; {('Visit', 'Letter', 'Phone call', 'Meeting')[number % 4]}",
        f"{MATTERS[number % 8]}, {number}-р айл, {number * 7}-р гудамж, утас {number % 13}",
        resolution, "", "Жишээ Сараа" if number % 3 else "",
    ]  # fmt: skip


def labelled(number: int) -> list[Any]:
    """The same line with the labels the desk uses, whatever they are."""
    row = log_row(number)
    row[1] = {
        "Closed": i18n.text("status.closed.label", "en"),
        "Closed: Resolved": f"{i18n.text('status.closed.label', 'en')}: "
        f"{i18n.text('outcome.resolved.label', 'en')}",
        "Registered": i18n.text("status.registered.label", "en"),
        "Under investigation": i18n.text("status.under_investigation.label", "en"),
    }[row[1]]
    way = ("visit", "letter", "call", "meeting")[number % 4]
    kind, by = i18n.text("kind.complaint.label", "en"), i18n.text(f"channel.{way}.label", "en")
    row[4] = f"{kind}; {by}"
    return row


def workbook(rows: list[list[Any]], headings: tuple[str, ...] = TABLE_5) -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.append(["Grievance log 2025"])
    sheet.append([])
    sheet.append(list(headings))
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def thousand() -> list[list[Any]]:
    return [labelled(number) for number in range(1, 1001)]


def count(table: Any) -> int:
    with reading() as tx:
        return int(tx.scalar(select(func.count()).select_from(table)))


def cases() -> list[Any]:
    with reading() as tx:
        return list(tx.execute(select(grievance).order_by(grievance.c.id)).all())


# What is planted where: code -> (column, the value put there, rows of the log by their number).
PLANTED: dict[str, tuple[int, Any, tuple[int, ...]]] = {
    "no_text": (5, "", (11, 211, 411, 611)),
    "long": (5, "а" * 20_001, (31, 531)),
    "no_date": (2, None, (52, 152, 252)),
    "date": (2, "удахгүй", (73, 173, 273, 373)),
    "future": (2, date(2999, 1, 1), (94, 194, 294)),
    "old": (2, "1925-01-06", (115, 215)),
    "status": (1, "Бодож байна", (136, 236, 336)),
    "kind": (4, f"Зурвас; {i18n.text('channel.visit.label', 'mn')}", (157, 257, 357)),
    "channel": (4, f"{i18n.text('kind.complaint.label', 'mn')}; тагтаа", (178, 278, 378, 478)),
    "phone": (3, "Жишээ 12", (199, 299, 399)),
    "order": (6, "Шийдсэн (2003-02-01)", (220, 320, 420)),
    "no_closure_date": (6, "Шийдсэн", (241, 341, 441)),
}


def planted() -> tuple[list[list[Any]], set[tuple[int, str]]]:
    """A thousand rows with 37 faults of 12 kinds, and (row of the file, code) of each."""
    rows, expected = thousand(), set()
    for code, (column, value, numbers) in PLANTED.items():
        for number in numbers:
            rows[number - 1][column] = value
            expected.add((number + 3, code))  # a title, an empty line, the headings
    return rows, expected


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_37_faults_of_12_kinds_in_a_thousand_rows_are_each_named(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, expected = planted()
    assert (len(expected), len(PLANTED)) == (37, 12)
    began = time.perf_counter()
    found = taking_over.look(workbook(rows))
    seconds = time.perf_counter() - began
    assert {(item.row, item.code) for item in found.faults} == expected
    assert len(found.faults) == 37
    assert found.duplicates == []
    for language in ("mn", "en"):
        told = [item.words(language) for item in found.faults]
        assert len(set(told)) == 37
        for item, words in zip(found.faults, told, strict=True):
            assert str(item.row) in words
            assert item.column in words
    with capsys.disabled():
        print(f"\n1,000 rows read and 37 faults named in {seconds:.2f} s")
    taken = taking_over.take_over(workbook(rows), OFFICER)
    assert taken.made == ()
    assert count(grievance) == count(import_row) == count(case_event) == count(person) == 0


def test_a_thousand_clean_rows_are_taken_over_at_once(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    me = town.join("saraa", "Жишээ Сараа")
    content = workbook(thousand())
    assert taking_over.look(content).faults == []
    began = time.perf_counter()
    taken = taking_over.take_over(content, OFFICER)
    seconds = time.perf_counter() - began
    with capsys.disabled():
        print(f"\n1,000 rows taken over on {store} in {seconds:.2f} s")
    assert len(taken.made) == count(grievance) == 1000
    assert seconds < 60
    assert count(outbox) == count(address) == 0  # nobody is written to about history
    by_row = {case.facts["imported"]["row"]: case for case in cases()}
    zone = profile().timezone
    for number in (1, 2, 3, 4, 500, 1000):
        case, row = by_row[number + 3], labelled(number)
        assert case.received_at.astimezone(zone).date() == row[2]
        assert case.text == row[5]
        assert case.facts["imported"]["history"] is True
        closed = number % 4 in {0, 1}
        assert (case.status == "closed") is closed
        assert case.assignee_id == (me if number % 3 else None)
        if closed:
            assert case.closed_at.astimezone(zone).date() == row[2] + timedelta(5 + number % 20)
            assert case.resolution == f"Багийн ажилтан {number} очиж шийдсэн"
    with reading() as tx:
        assert not audit(tx).findings
        names = [row.name for row in tx.execute(select(person.c.name, person.c.details))]
    assert "Жишээ Хүнб" in names


def test_the_same_file_again_is_known_and_may_be_left_out(store: str) -> None:
    content = workbook([labelled(number) for number in range(1, 6)])
    assert len(taking_over.take_over(content, OFFICER).made) == 5
    again = taking_over.take_over(content, OFFICER)
    assert again.made == ()
    references = {case.reference for case in cases()}
    assert {item.value for item in again.plan.duplicates} == references
    assert {item.code for item in again.plan.duplicates} == {"known"}
    more = workbook([labelled(number) for number in range(3, 9)])
    assert len(taking_over.take_over(more, OFFICER, "skip").made) == 3
    assert count(grievance) == 8
    assert len(taking_over.take_over(content, OFFICER, "keep").made) == 5


def test_nearly_the_same_words_of_a_phone_on_one_day_are_shown(store: str) -> None:
    """The person had texted it as well; and the paper stands twice in the file."""
    town.channels_known()
    at = datetime(2026, 3, 5, 4, tzinfo=UTC)
    case = town.arrive(
        town.Person("sms", "+97688110001", "Манай багийн худаг ширгэсэн ус алга"), at
    )
    first = ["Closed", "", "", "", "", "", "", "", ""]
    sheet = [
        sheet_row(1, text="манай багийн худаг ширгэсэн, ус алга аа", phone="8811-0001"),
        sheet_row(2, text="Сургуулийн дээвэр дусаалдаг", phone="88110002"),
        sheet_row(3, text="сургуулийн дээвэр дусаалдаг!", phone="+976 8811 0002"),
        sheet_row(4, text="Сургуулийн дээвэр дусаалдаг", phone="88110002", received="2026-03-06"),
    ]
    assert len(first) == 9
    found = taking_over.look(workbook(sheet, fieldform.headings("mn")))
    assert found.faults == []
    assert [(item.row, item.code, item.value) for item in found.duplicates] == [
        (4, "known", case.reference), (6, "twice", "5"),
    ]  # fmt: skip


# -- the field form -------------------------------------------------------------------------------


def sheet_row(number: int, **cells: Any) -> list[Any]:
    """One line of the field form, in words of Mongolian."""
    first: dict[str, Any] = {
        "number": number, "received": "2026-03-05", "text": f"Асуудал {number}", "consent": "Тийм",
        "channel": i18n.text("channel.meeting.label", "mn"),
        "kind": i18n.text("kind.complaint.label", "mn"),
    }  # fmt: skip
    return [{**first, **cells}.get(name) for name in fieldform.COLUMNS]


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_filled_in_field_form_becomes_grievances(store: str, language: str) -> None:
    """The workbook as it is given out, filled in with what its lists offer."""
    sms = Capabilities(form="sms", longest=1600, units=134)
    with transaction() as tx:
        channels.sync(tx, {"sms": ("+97675000000", sms)})
    book = load_workbook(io.BytesIO(fieldform.workbook(language)))
    sheet = book.worksheets[0]
    filled = {
        "received": datetime(2026, 3, 5),  # noqa: DTZ001 - as a workbook holds it
        "text": "Манай багийн худаг ширгэсэн",
        "place": "Ховд аймаг, Мянгад сум", "name": "Жишээ Дулмаа", "phone": 88110001,
    } | {name: fieldform.labels(name, language)[0] for name in fieldform.COLUMNS
         if fieldform.options(name)}  # fmt: skip
    for name, value in filled.items():
        sheet.cell(2, fieldform.COLUMNS.index(name) + 1, value)
    sheet.cell(3, fieldform.COLUMNS.index("received") + 1, "2026.03.06")
    sheet.cell(3, fieldform.COLUMNS.index("text") + 1, "Нэрээ хэлээгүй хүний үг")
    file = io.BytesIO()
    book.save(file)
    taken = taking_over.take_over(file.getvalue(), OFFICER)
    assert taken.plan.faults == []
    first, second = cases()
    assert (first.channel, first.kind, first.place) == ("meeting", "complaint", "khovd/myangad")
    assert (first.anonymous, second.anonymous) == (False, True)
    assert first.received_at.astimezone(profile().timezone).date() == date(2026, 3, 5)
    assert first.facts["gender"] == "female"
    with reading() as tx:
        letters = tx.execute(select(outbox.c.template, outbox.c.grievance_id)).all()
    assert [tuple(row) for row in letters] == [("ack", first.id)]  # a new matter is acknowledged


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_faults_of_the_field_form_are_named(store: str) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "no_text": {"text": ""},
        "no_date": {"received": ""},
        "date": {"received": "2026-02-31"},
        "future": {"received": "2999.01.01"},
        "choice": {"kind": "зурвас"},
        "phone": {"phone": "12"},
        "consent": {"name": "Жишээ", "consent": "Үгүй"},
        "place": {"place": "Атлантида"},
    }
    rows = [sheet_row(n, **cells) for n, cells in enumerate(wrong.values(), 1)]
    found = taking_over.look(workbook(rows, fieldform.headings("mn")))
    assert [item.code for item in found.faults] == list(wrong)
    assert [item.row for item in found.faults] == list(range(4, 12))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_must_be_sealed_is_sealed(store: str) -> None:
    rows = [sheet_row(1, text="Барилгын ажилчин намайг хүчирхийлсэн")]
    taken = taking_over.take_over(workbook(rows, fieldform.headings("mn")), OFFICER)
    (case,) = cases()
    assert taken.made[0].sensitive
    assert case.text == ""


# -- a log of our own -----------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["mn", "en"])
@pytest.mark.parametrize("write", [xlsx, csv_file], ids=["xlsx", "csv"])
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_our_own_log_is_read_again(store: str, tmp_path: Path, language: str, write: Any) -> None:
    """What one instance writes another takes over: the same statuses, outcomes and dates."""
    town.town(town.join("saraa", "Жишээ Сараа"))
    path = tmp_path / "log"
    with reading() as tx:
        lines = list(grievance_log.rows(tx, Wishes(language, names=True)))
        write(lines, language, path)
    before = cases()
    found = taking_over.look(path.read_bytes())
    assert found.faults == []
    assert len(found.records) == len(lines) == len(before)
    taking_over.take_over(path.read_bytes(), OFFICER, "keep")
    after = cases()[len(before) :]
    zone = profile().timezone

    def shown(case: Any) -> tuple[Any, ...]:
        closed = case.closed_at.astimezone(zone).date() if case.closed_at else None
        received = case.received_at.astimezone(zone).date()
        said = case.resolution if closed else ""  # a proposal is not in the log
        return received, case.kind, case.outcome, closed, said

    assert sorted(map(repr, map(shown, after))) == sorted(map(repr, map(shown, before)))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_second_level_is_an_appeal_that_ended(store: str) -> None:
    row = labelled(1)
    row[1] = i18n.text("status.closed.label", "mn")
    row[6], row[7] = "Татгалзсан (2025-02-10)", "Хороо дахин шийдвэрлэсэн (2025.03.11)"
    taking_over.take_over(workbook([row]), OFFICER)
    (case,) = cases()
    assert (case.status, case.stage) == ("closed", 3)
    assert case.closed_at.astimezone(profile().timezone).date() == date(2025, 3, 11)
    with reading() as tx:
        (line,) = grievance_log.rows(tx, Wishes("en"))
    assert "2025" in line.first_level
    assert "Хороо дахин шийдвэрлэсэн" in line.second_level


# -- files that are none --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import.kind"),
        ("нэр,утас\nа,б\n".encode(), "import.kind"),
        (b"PK\x03\x04 broken", "import.broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "import.broken"),  # .xls
        (workbook([], ("a", "b")), "import.kind"),
        (b"\xff\xfe\x00", "import.broken"),
        (b"x" * (21 << 20), "import.large"),
    ],
)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_file_that_is_none_of_ours_is_told_so(store: str, content: bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as told:
        taking_over.look(content)
    assert told.value.code == code
    assert i18n.text(f"desk.import.broken.{code}", "mn")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_csv_as_offices_save_it(store: str, encoding: str, delimiter: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    row = [str(cell) for cell in labelled(1)]
    row[3], row[5] = "", "Зам эвдэрсэн"  # the old code page of Windows has no ө, ү
    writer.writerows([TABLE_5, row])
    found = taking_over.look(text.getvalue().encode(encoding))
    assert found.faults == []
    assert found.records[0].values["text"] == "Зам эвдэрсэн"


# -- the command ----------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_command_shows_and_takes_over(store: str, tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    path.write_bytes(workbook([labelled(number) for number in range(1, 4)]))
    run = CliRunner()
    shown = run.invoke(hariu, ["import", str(path), "--dry-run", "--lang", "en"])
    assert (shown.exit_code, count(grievance)) == (0, 0), shown.output
    assert "3 rows" in shown.output
    done = run.invoke(hariu, ["import", str(path), "--lang", "en"])
    assert (done.exit_code, count(grievance)) == (0, 3), done.output
    again = run.invoke(hariu, ["import", str(path), "--lang", "en"])
    assert (again.exit_code, count(grievance)) == (1, 3)
    assert "seems to be registered already" in again.output
    skipped = run.invoke(hariu, ["import", str(path), "--duplicates", "skip", "--lang", "mn"])
    assert (skipped.exit_code, count(grievance)) == (0, 3)
    path.write_bytes(workbook([[1, "?", "?", "", "", "", "", "", ""]]))
    wrong = run.invoke(hariu, ["import", str(path), "--lang", "en"])
    assert wrong.exit_code == 1
    assert 'Row 4, "Received date"' in wrong.output
    assert clock.now() > datetime(2020, 1, 1, tzinfo=UTC)
