"""``/transparency``: figures for everybody, as a page, CSV and JSON, without personal data.

Nothing but `workflow.suppression.Release` comes here: codes and counts. The page cannot show a
name or a phone, because what it is made of has none. Only periods that are over are offered. Their
figures never change: the clock has them computed in the night after, and here they are read.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from threading import Lock
from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request

from bot import gazetteer
from channels import site_words
from config import clock, i18n
from config.errors import HariuError
from config.profile import profile
from workflow import charts, open_figures
from workflow.indicators import MEDIANS, TABLES, TOTALS
from workflow.period import Period
from workflow.report_figures import disclose, known
from workflow.report_words import Words
from workflow.suppression import Release

_HOUR = 3600
_one = Lock()


class NotYet(HariuError):
    """The figures are being computed; the page is there in a moment."""

    code = "figures.computing"
    retryable = True


def add_to(site: Blueprint) -> None:
    """Give the public site its three addresses."""
    site.add_url_rule("/transparency", "transparency", page)
    site.add_url_rule("/transparency.json", "transparency_json", as_json)
    site.add_url_rule("/transparency.csv", "transparency_csv", as_csv)


def page() -> Response:
    """The figures of a period in tables and charts."""
    offered = periods()
    chosen = _chosen(offered)
    words = Words(site_words.language(), gazetteer.names)
    shown = figures(chosen) if chosen else None
    answer = render_template(
        "site_transparency.html", period=chosen, periods=offered, key=key, shown=shown,
        words=words, span=_span, tables=_tables(shown, words) if shown else [],
        figures=(*TOTALS, *MEDIANS),
    )  # fmt: skip
    return _kept(make_response(answer))


def as_json() -> Response:
    """The same as JSON; null is withheld."""
    period, shown = _asked()
    body = json.dumps(_open_data(period, shown), ensure_ascii=False, indent=1)
    return _kept(Response(body, content_type="application/json; charset=utf-8"))


def as_csv() -> Response:
    """The same as CSV in UTF-8 with a byte order mark: an empty count is withheld."""
    period, shown = _asked()
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(("start", "last", "table", "code", "label", "count"))
    words = Words(site_words.language(), gazetteer.names)
    for row in _lines(shown, words):
        writer.writerow((period.start, period.last, *row))
    answer = Response("\ufeff" + buffer.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="grievances_{key(period)}.csv"'
    return _kept(answer)


def _kept(answer: Response) -> Response:
    answer.headers["Cache-Control"] = f"public, max-age={_HOUR}"
    return answer


# -- periods ----------------------------------------------------------------------------------


def periods() -> list[Period]:
    """What is offered, newest first; 404 where the project shows none."""
    return open_figures.periods(clock.now()) if profile().open_figures else abort(404)


def key(period: Period) -> str:
    """A period in an address."""
    return f"{period.start}_{period.last}"


def _chosen(offered: list[Period]) -> Period | None:
    wanted = request.args.get("period")
    if wanted is None:
        return offered[0] if offered else None
    return next((item for item in offered if key(item) == wanted), None) or abort(404)


def _asked() -> tuple[Period, Release]:
    period = _chosen(periods()) or abort(404)
    return period, figures(period)


def figures(period: Period) -> Release:
    """What is disclosed of a period that is over; on first need one request computes it.

    The others are asked to come again (`NotYet`): threads that wait here would be missing for
    messages.
    """
    if found := known(period):
        return found.shown
    if not _one.acquire(blocking=False):
        raise NotYet("somebody else has them computed")
    try:
        return disclose(period, clock.now()).shown
    finally:
        _one.release()


# -- rows -------------------------------------------------------------------------------------


def _span(period: Period) -> str:
    tongue = site_words.language()
    start, last = (i18n.format_date(day, tongue, "long") for day in (period.start, period.last))
    return site_words.t("transparency.span", start=start, last=last)


def _tables(shown: Release, words: Words) -> list[dict[str, Any]]:
    """Every table that has something to show."""
    found = []
    for name, total in TABLES.items():
        rows = words.rows(shown, name)
        if rows == [] or (rows is None and not shown.totals[total]):
            continue
        title = words.title(name)
        drawn = charts.bars(rows, title, words.t("figure.hidden")) if rows else ""
        found.append({"title": title, "rows": rows, "chart": drawn, "code": name})
    return found


def _lines(shown: Release, words: Words) -> Iterator[tuple[str, str, str, float | str]]:
    """Table, code, label and count of everything."""
    for name, value in {**shown.totals, **shown.medians}.items():
        yield "figures", name, words.t(f"figure.{name}.label"), "" if value is None else value
    for table, cells in shown.tables.items():
        for code, value in (cells or {}).items():
            count = "" if value is None else value
            yield table, code, words.cell(table, code), count


def _open_data(period: Period, shown: Release) -> dict[str, Any]:
    words = Words(site_words.language(), gazetteer.names)
    names = (*TOTALS, *MEDIANS)
    return {
        "project": profile().organisation.project.of(words.language),
        "start": str(period.start),
        "last": str(period.last),
        **shown.to_json(),
        "definitions": {name: words.t(f"figure.{name}.means") for name in names},
        "suppression": words.t("figure.suppression"),
    }
