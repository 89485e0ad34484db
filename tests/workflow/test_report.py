"""The GRM report as a document: two languages of one data set, whole in every format."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from docx import Document

from bot import gazetteer
from config import i18n
from store.db import reading
from tests.house import COMMAND, ROOT
from tests.workflow import village
from workflow import charts, report, report_files, report_pdf
from workflow.grievance_log import Wishes, rows
from workflow.indicators import TABLES
from workflow.period import PRESETS, Period, PeriodError, before, preset
from workflow.report_blocks import Chart, Grid, Heading
from workflow.report_words import Words
from workflow.suppression import Release

NOW = datetime(2026, 8, 1, 4, tzinfo=UTC)
SPRING = datetime(2026, 3, 5, 4, tzinfo=UTC)
HALF = Period(date(2026, 1, 1), date(2026, 6, 30))


def populate(count: int = 12) -> None:
    village.channels_known()
    for number in range(count):
        at = SPRING + timedelta(days=number)
        case = village.arrive(at, f"Худаг {number}", gist=f"Худаг {number}", place="khovd/bulgan")
        village.act(case, "acknowledge", at + village.hours(1))
        village.close(case, at + timedelta(days=number % 3 + 1))


def numbers(language: str) -> list[list[str]]:
    """Every number of every table, but the annex and the procedure."""
    document = report.compose(report.gather(HALF, NOW), language, gazetteer.names)
    grids = [block for block in document.blocks if isinstance(block, Grid) and block.numbers]
    return [
        [re.sub(r"\D", "", row[n]) for n in sorted(grid.numbers)]
        for grid in grids
        for row in grid.rows
    ]


def test_both_languages_say_the_same(store: str) -> None:
    populate()
    assert numbers("mn") == numbers("en")
    documents = [report.compose(report.gather(HALF, NOW), x, gazetteer.names) for x in ("mn", "en")]
    shapes = [[type(block) for block in document.blocks] for document in documents]
    assert shapes[0] == shapes[1]


def test_the_same_period_gives_the_same_document(store: str) -> None:
    populate()
    first = report.compose(report.gather(HALF, NOW), "en", gazetteer.names)
    with reading() as tx:
        ids = [row.grievance_id for row in rows(tx, Wishes("en", HALF))]
    village.arrive(SPRING, "хожуу ирсэн захидал")
    later = report.gather(HALF, NOW + timedelta(days=90))
    again = report.compose(later, "en", gazetteer.names)
    assert [b for b in again.blocks if not _annex(b)] == [b for b in first.blocks if not _annex(b)]
    assert len(ids) == 12


def _annex(block: object) -> bool:
    return isinstance(block, Grid) and block.wide


def test_every_chart_has_its_table_beside_it(store: str) -> None:
    populate()
    blocks = report.compose(report.gather(HALF, NOW), "en", gazetteer.names).blocks
    drawn = [n for n, block in enumerate(blocks) if isinstance(block, Chart)]
    assert len(drawn) > 8
    for place in drawn:
        chart, table, head = blocks[place], blocks[place + 1], blocks[place - 1]
        assert isinstance(chart, Chart)
        assert isinstance(table, Grid)
        assert isinstance(head, Heading)
        svg = ElementTree.fromstring(chart.svg)
        words = {node.text for node in svg.iter("{http://www.w3.org/2000/svg}text")}
        assert {row[1] for row in table.rows[:-1]} <= words
        assert svg.get("aria-label") == head.text


def test_every_format_is_whole(store: str, tmp_path: Path) -> None:
    populate()
    document = report.compose(report.gather(HALF, NOW), "mn", gazetteer.names)
    pages = report_pdf.pages(document, "Агуулга", 40)
    assert len(pages) > 6
    assert all(page.startswith(b"\x89PNG") for page in pages)
    chapters = [b.text for b in document.blocks if isinstance(b, Heading) and b.level == 1]
    html = report_files.write(document, "html").decode()
    assert all(f">{chapter}</h2>" in html for chapter in chapters)
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", html)
    path = tmp_path / "report.docx"
    path.write_bytes(report_files.write(document, "docx"))
    word = Document(str(path))
    heads = [p.text for p in word.paragraphs if p.style.name == "Heading 1"]
    assert heads == chapters
    assert len(word.tables) == sum(isinstance(b, Grid) for b in document.blocks) + _tiles(word)
    grids = [table for table in word.tables if table.style.name == "Table Grid"]
    for table, block in zip(
        grids, (b for b in document.blocks if isinstance(b, Grid)), strict=True
    ):
        grid = [column.width for column in table.columns]
        assert grid == [cell.width for cell in table.rows[0].cells]
        assert (len(set(grid)) == 1) == (len(set(block.widths)) == 1), "as wide as was asked"


def _tiles(word: Document) -> int:  # type: ignore[valid-type]
    """Tables without a heading row: tiles and boxes."""
    tables = word.tables  # type: ignore[attr-defined]
    return sum(table.style.name != "Table Grid" for table in tables)


def test_what_people_write_stays_words(store: str) -> None:
    """Neither typst nor HTML takes it for their own language."""
    evil = '#panic("x") *a* $x$ \\ <b>&amp; @ref //'
    populate()
    case = village.arrive(SPRING, evil, gist=evil)
    village.close(case, SPRING + timedelta(days=1), summary=evil)
    document = report.compose(report.gather(HALF, NOW), "en", gazetteer.names)
    assert report_files.write(document, "pdf").startswith(b"%PDF")
    html = report_files.write(document, "html").decode()
    assert "<b>&amp;" not in html


def test_all_withheld_is_still_a_report(store: str) -> None:
    populate(3)
    document = report.compose(report.gather(HALF, NOW), "en", gazetteer.names)
    assert not any(map(_annex, document.blocks))
    html = report_files.write(document, "html").decode()
    assert "withheld" in html
    assert report_files.write(document, "pdf").startswith(b"%PDF")


def test_an_empty_period_is_a_report_too(store: str) -> None:
    for form in report_files.FORMATS:
        document = report.compose(report.gather(HALF, NOW), "mn", gazetteer.names)
        assert report_files.write(document, form)


@pytest.mark.parametrize("language", ["mn", "kk", "en"])
def test_every_cell_has_a_name(language: str) -> None:
    codes = {
        "kind": "thanks", "category": "water", "channel": "gateway", "language": "kk",
        "place": "uvs", "gender": "female", "group": "herder", "stage": "3", "month": "2026-02",
        "outcome": "partly", "timeliness": "no_term", "backlog": "fine", "satisfaction": "2",
        "status": "open", "acknowledged": "not_yet",
    }  # fmt: skip
    words = Words(language, gazetteer.names)
    assert codes.keys() == TABLES.keys()
    for table, code in codes.items():
        assert words.cell(table, code) not in {"", code}
        assert words.title(table)
    assert words.cell("place", "unknown") == i18n.text("figure.cell.unknown", language)


def test_rows_come_by_size_and_withheld_ones_last() -> None:
    cells = {"complaint": 9, "request": None, "unknown": 20, "thanks": 12, "question": 0}
    shown = Release(HALF.start, HALF.end, {}, {"kind": cells, "stage": {"3": 5, "2": 9}})
    words = Words("en", gazetteer.names)
    listed = words.rows(shown, "kind")
    assert listed == [("Thanks", 12), ("Complaint", 9), ("Request", None), ("Not known", 20)]
    assert [value for _, value in words.rows(shown, "stage") or []] == [9, 5]


def test_a_withheld_bar_has_no_length() -> None:
    made = charts.bars([("a", 10), ("b <", None)], "t", "withheld")
    assert made.count("<rect") == 1
    assert "withheld" in made
    assert "b &lt;" in made


def test_presets() -> None:
    today = date(2026, 8, 1)
    assert before("half_year", today) == HALF
    assert HALF.preset == "half_year"
    assert before("quarter", today) == Period(date(2026, 4, 1), date(2026, 6, 30))
    assert before("year", today) == Period(date(2025, 1, 1), date(2025, 12, 31))
    assert before("month", date(2026, 1, 9)) == Period(date(2025, 12, 1), date(2025, 12, 31))
    assert preset("quarter", date(2026, 12, 31)).end == date(2027, 1, 1)
    assert {Period(date(2026, 1, 1), date(2026, 1, 9)).preset} == {""}
    assert all(preset(name, today).preset == name for name in PRESETS)
    with pytest.raises(PeriodError):
        Period(today, today - timedelta(days=1))


def hariu(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=90
    )


def test_the_commands_write_files(store: str, tmp_path: Path) -> None:
    populate(6)
    span = ("--from", "2026-01-01", "--to", "2026-06-30")
    for form in ("xlsx", "csv", "html"):
        path = tmp_path / f"log.{form}"
        done = hariu("log", "export", "--format", form, "--lang", "en", *span, "-o", str(path))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert path.stat().st_size > 500
    path = tmp_path / "report.pdf"
    done = hariu("report", "--lang", "mn", "--format", "pdf", *span, "-o", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_bytes().startswith(b"%PDF")
    bad = hariu("report", "--from", "2026-06-30", "--to", "2026-01-01", "-o", str(path))
    assert bad.returncode == 1
    assert bad.stderr == "hariu: a period cannot end before it begins\n"
    assert hariu("log", "export", "--to", "2026-01-01", "-o", str(path)).returncode == 2
