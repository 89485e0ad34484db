"""Reports: choose a period, fill the boxes, pick examples, keep the register of events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from admin import guard, words
from bot import gazetteer
from config import i18n
from config.profile import profile
from store import dump, grievances, reports
from store.db import Transaction, reading, transaction
from workflow import log_files, report, report_files
from workflow.grievance_log import Wishes, rows
from workflow.indicators import MEDIANS, TOTALS
from workflow.period import PRESETS, Period, PeriodError, before, preset
from workflow.report_figures import disclose, known
from workflow.report_words import Words
from workflow.states import Role

blueprint = Blueprint("reports", __name__, url_prefix="/reports")
LANGUAGES = ("mn", "en")
LOG_FORMATS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
}
_LONGEST = 4000
# An assignee sees what was given to them, and no more; everybody else of the office may report.
_MAY = {
    Role.OFFICER, Role.COORDINATOR, Role.PSC_SECRETARY, Role.FOCAL_POINT, Role.AUDITOR,
    Role.ADMINISTRATOR,
}  # fmt: skip
_MAY_WRITE = _MAY - {Role.AUDITOR}


@blueprint.before_request
def _allowed() -> None:
    held = set(guard.officer().roles)
    if not held & (_MAY if request.method == "GET" else _MAY_WRITE):
        abort(403)


@blueprint.get("")
def board() -> str:
    """A period's boxes, examples and events; its figures where asked for, or known already."""
    period = _period(request.args)
    asked = "figures" in request.args
    seen = disclose(period, guard.now(), remember=False) if asked else known(period)
    with reading() as tx:
        found = {
            "boxes": reports.boxes(tx, period.start, period.end),
            "examples": reports.examples(tx, period.start, period.end),
            "engagements": reports.engagements(tx, period.start, period.end),
        }
    presets = _presets()
    return render_template(
        "reports.html", period=period, seen=seen, shown=seen.shown if seen else None,
        over=period.over(guard.now(), profile().timezone),
        spoken=Words(guard.language(), gazetteer.names), presets=presets, names=reports.BOXES,
        figures=(*TOTALS, *MEDIANS), kinds=reports.ENGAGEMENTS, formats=report_files.FORMATS,
        log_formats=LOG_FORMATS, languages=LANGUAGES, longest=_LONGEST,
        span=report.span_words(period, guard.language()), **found,
        spans={name: report.span_words(item, guard.language()) for name, item in presets},
        day=lambda day: i18n.format_date(day, guard.language()),
    )  # fmt: skip


def _today() -> date:
    return guard.now().astimezone(profile().timezone).date()


def _presets() -> list[tuple[str, Period]]:
    """The last of each preset that is over, and the half-year that runs."""
    ended = [(name, before(name, _today())) for name in PRESETS]
    return [*ended, ("running", preset("half_year", _today()))]


def _period(given: Mapping[str, str]) -> Period:
    """The period of the address or form; the last half-year where none is named."""
    if "start" not in given and "last" not in given:
        return before("half_year", _today())
    try:
        days = [date.fromisoformat(given.get(name, "")) for name in ("start", "last")]
        return Period(*days)
    except (ValueError, PeriodError):
        abort(400)


def _back(period: Period, told: str) -> Response:
    flash(words.t(told))
    return redirect(url_for("reports.board", start=period.start, last=period.last), 303)


# -- what the officer writes ----------------------------------------------------------------------


@blueprint.post("/boxes")
def write_boxes() -> Response:
    """Keep the narrative boxes."""
    period = _period(request.form)
    texts = {
        (box, language): request.form.get(f"{box}-{language}", "").strip()[:_LONGEST]
        for box in reports.BOXES
        for language in LANGUAGES
    }
    with transaction() as tx:
        reports.write_boxes(tx, period.start, period.end, texts, guard.officer().id, guard.now())
    return _back(period, "reports.kept")


@blueprint.post("/examples")
def add_example() -> Response:
    """Tell a grievance as an example; never a sealed one."""
    period = _period(request.form)
    told = {name: request.form.get(f"text-{name}", "").strip()[:_LONGEST] for name in LANGUAGES}
    reference = "".join(filter(str.isdecimal, request.form.get("reference", "")))
    with transaction() as tx:
        case = grievances.by_references(tx, [reference]).get(reference)
        if case is None or case.sensitive or not any(told.values()):
            return _back(period, "reports.no_example")
        reports.add_example(
            tx, period.start, period.end, case.id, told, guard.officer().id, guard.now()
        )
    return _back(period, "reports.kept")


@blueprint.post("/examples/<int(max=2147483647):number>/drop")
def drop_example(number: int) -> Response:
    """Take an example out again."""
    with transaction() as tx:
        reports.drop_example(tx, number)
    return _back(_period(request.form), "reports.dropped")


@blueprint.post("/engagements")
def add_engagement() -> Response:
    """Enter a consultation, an event or a press item."""
    period, row = _period(request.form), _engagement(request.form)
    if row is None:
        return _back(period, "reports.no_engagement")
    with transaction() as tx:
        reports.add_engagement(tx, row)
    return _back(period, "reports.kept")


def _engagement(form: Mapping[str, str]) -> dict[str, Any] | None:
    """The row that a form describes; None where kind, day or title are missing."""
    titles = {f"title_{name}": form.get(f"title-{name}", "").strip()[:300] for name in LANGUAGES}
    try:
        day = date.fromisoformat(form.get("day", ""))
    except ValueError:
        return None
    if form.get("kind") not in reports.ENGAGEMENTS or not any(titles.values()):
        return None
    link = form.get("link", "").strip()[:500]
    return {
        "kind": form["kind"], "day": day, "place": form.get("place", "").strip()[:200],
        "people": _number(form.get("people", "")), "women": _number(form.get("women", "")),
        "link": link if link.startswith(("https://", "http://")) else "",
        "officer_id": guard.officer().id, "at": guard.now(), **titles,
    }  # fmt: skip


def _number(typed: str) -> int | None:
    return int(typed) if typed.isdecimal() and len(typed) < 7 else None


@blueprint.post("/engagements/<int(max=2147483647):number>/drop")
def drop_engagement(number: int) -> Response:
    """Strike an entry."""
    with transaction() as tx:
        reports.drop_engagement(tx, number)
    return _back(_period(request.form), "reports.dropped")


# -- files ----------------------------------------------------------------------------------------


def _one_of(name: str, offered: Any) -> str:
    asked = request.args.get(name, "")
    return asked if asked in offered else abort(400)


@blueprint.get("/file")
def file() -> Response:
    """The report of a period."""
    period = _period(request.args)
    form, language = _one_of("form", report_files.FORMATS), _one_of("language", LANGUAGES)
    document = report.compose(report.gather(period, guard.now()), language, gazetteer.names)
    content = BytesIO(report_files.write(document, form))
    _logged(f"report {form}")
    name = report_files.file_name("grm-report", period, language, form)
    return send_file(content, report_files.TYPES[form], as_attachment=True, download_name=name)


@blueprint.get("/log")
def log() -> Response:
    """The Grievance Log of a period, without names."""
    period = _period(request.args)
    form, language = _one_of("form", LOG_FORMATS), _one_of("language", LANGUAGES)
    _logged(f"log {form}")
    with reading() as tx, TemporaryDirectory(prefix="log-") as folder:
        path = Path(folder) / "log"
        _write_log(tx, period, form, language, path)
        content = BytesIO(path.read_bytes())
    name = report_files.file_name("grievance-log", period, language, form)
    return send_file(content, LOG_FORMATS[form], as_attachment=True, download_name=name)


def _write_log(tx: Transaction, period: Period, form: str, language: str, path: Path) -> None:
    found = rows(tx, Wishes(language, period))
    if form == "html":
        about = f"{words.project()}, {report.span_words(period, language)}"
        with path.open("w", encoding="utf-8") as page:
            page.writelines(log_files.page(found, language, about))
    elif form == "csv":
        log_files.csv_file(found, language, path)
    else:
        log_files.xlsx(found, language, path)


def _logged(what: str) -> None:
    """Exports are on record."""
    with transaction() as tx:
        dump.access(tx, what, "", guard.now(), f"officer:{guard.officer().id}")
