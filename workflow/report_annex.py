"""The Grievance Log as a report may disclose it: what would tell a withheld number is withheld."""

from __future__ import annotations

from itertools import islice

from config.profile import Profile
from store.db import Transaction
from workflow.grievance_log import Row, Wishes, rows
from workflow.indicators import UNKNOWN, standings
from workflow.period import Period
from workflow.report_words import Words
from workflow.standing import Standing
from workflow.suppression import Release

LONGEST = 300


def annex(
    tx: Transaction, period: Period, shown: Release, words: Words, project: Profile
) -> list[list[str]]:
    """The first `LONGEST` rows, nine cells each, as things stood when the period ended."""
    until = period.moments(project.timezone)[1]
    wishes = Wishes(words.language, period, project=project, until=until)
    listed = list(islice(rows(tx, wishes), LONGEST))
    stood = dict(standings(tx, period, project, [row.grievance_id for row in listed]))
    return [_cells(row, stood[row.grievance_id], shown, words) for row in listed]


def _cells(row: Row, case: Standing, shown: Release, words: Words) -> list[str]:
    hidden = words.t("figure.hidden")
    kind, category, channel = (
        _word(shown, words, name, str(case.values.get(name) or UNKNOWN))
        for name in ("kind", "category", "channel")
    )
    told = _tellable(case, shown)
    month = shown.tables["month"] is not None
    return [
        str(row.no),
        _status(case, shown, words),
        f"{row.received:%Y-%m}" if month else hidden,
        hidden,
        f"{kind}, {category}; {channel}",
        row.summary if hidden not in {kind, category} else hidden,
        row.first_level if told else hidden,
        row.second_level if told else hidden,
        hidden,
    ]


def _word(shown: Release, words: Words, table: str, code: str) -> str:
    code = "gateway" if code.startswith("gateway") else code
    known = shown.line(table, code) is not None
    return words.cell(table, code) if known else words.t("figure.hidden")


def _status(case: Standing, shown: Release, words: Words) -> str:
    code = "open" if case.is_open else "closed"
    return _word(shown, words, "status", code)


def _tellable(case: Standing, shown: Release) -> bool:
    """Whether how it went tells no withheld number: of status, stage, outcome or timeliness."""
    facts = [("status", "open" if case.is_open else "closed"), ("stage", str(case.stage))]
    if not case.is_open:
        timely = {True: "in_time", False: "late", None: "no_term"}[case.in_time]
        facts += [("outcome", case.outcome), ("timeliness", timely)]
    return all(shown.line(table, cell) is not None for table, cell in facts)
