"""What reports are made of besides grievances, and what was disclosed, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table, and_, delete, select, text

from store.db import Transaction
from store.schema import case_example, engagement, grievance, report_box, report_issue

BOXES = ("context", "challenges", "lessons", "next_steps")
ENGAGEMENTS = ("consultation", "event", "press")
_LOCK = 7_306_194_225  # an advisory lock of our own on PostgreSQL


def issue(tx: Transaction, start: date, end: date) -> Any:
    """What was disclosed of a period, or None."""
    found = and_(report_issue.c.start_day == start, report_issue.c.end_day == end)
    return tx.execute(select(report_issue).where(found)).first()


def issues(tx: Transaction) -> Sequence[Any]:
    """Everything that was disclosed, the oldest first."""
    return tx.execute(select(report_issue).order_by(report_issue.c.id)).all()


def issued(tx: Transaction) -> Sequence[Any]:
    """First day, and first day after it, of every period that was disclosed."""
    return tx.execute(select(report_issue.c.start_day, report_issue.c.end_day)).all()


def lock_issues(tx: Transaction) -> None:
    """One disclosure at a time: each must know of the one before. SQLite has one writer anyway."""
    if not tx.on_sqlite:
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def add_issue(
    tx: Transaction, start: date, end: date, figures: Mapping[str, Any], shown: Mapping[str, Any],
    at: datetime,
) -> None:  # fmt: skip
    """Remember for good what is disclosed of a period."""
    row = {"start_day": start, "end_day": end, "figures": figures, "shown": shown, "at": at}
    tx.execute(report_issue.insert(), [row])


def _of(table: Table, start: date, end: date) -> Any:
    return and_(table.c.start_day == start, table.c.end_day == end)


def boxes(tx: Transaction, start: date, end: date) -> dict[tuple[str, str], str]:
    """The narrative boxes of a period: (box, language) to text."""
    rows = tx.execute(select(report_box).where(_of(report_box, start, end)))
    return {(row.box, row.language): row.text for row in rows}


def write_boxes(
    tx: Transaction, start: date, end: date, texts: Mapping[tuple[str, str], str],
    officer_id: int | None, at: datetime,
) -> None:  # fmt: skip
    """Replace the boxes of a period."""
    tx.execute(delete(report_box).where(_of(report_box, start, end)))
    rows = [
        {"start_day": start, "end_day": end, "box": box, "language": language, "text": words,
         "officer_id": officer_id, "at": at}
        for (box, language), words in texts.items() if words
    ]  # fmt: skip
    if rows:
        tx.execute(report_box.insert(), rows)


def examples(tx: Transaction, start: date, end: date) -> Sequence[Any]:
    """The examples of a period; one whose grievance was sealed since is gone."""
    query = (
        select(
            case_example.c.id, case_example.c.text_mn, case_example.c.text_en,
            grievance.c.reference, grievance.c.outcome,
        )
        .join(grievance, grievance.c.id == case_example.c.grievance_id)
        .where(_of(case_example, start, end), grievance.c.sensitive == "")
        .order_by(case_example.c.id)
    )  # fmt: skip
    return tx.execute(query).all()


def add_example(
    tx: Transaction, start: date, end: date, grievance_id: int, words: Mapping[str, str],
    officer_id: int | None, at: datetime,
) -> None:  # fmt: skip
    """Tell a grievance as an example; told again, the new words replace the old ones."""
    same = and_(_of(case_example, start, end), case_example.c.grievance_id == grievance_id)
    tx.execute(delete(case_example).where(same))
    row = {
        "start_day": start, "end_day": end, "grievance_id": grievance_id,
        "text_mn": words["mn"], "text_en": words["en"], "officer_id": officer_id, "at": at,
    }  # fmt: skip
    tx.execute(case_example.insert(), [row])


def drop_example(tx: Transaction, number: int) -> None:
    tx.execute(delete(case_example).where(case_example.c.id == number))


def engagements(tx: Transaction, start: date, end: date) -> Sequence[Any]:
    """Consultations, events and press items from ``start`` until before ``end``."""
    inside = and_(engagement.c.day >= start, engagement.c.day < end)
    return tx.execute(
        select(engagement).where(inside).order_by(engagement.c.day, engagement.c.id)
    ).all()


def add_engagement(tx: Transaction, row: Mapping[str, Any]) -> None:
    tx.execute(engagement.insert(), [row])


def drop_engagement(tx: Transaction, number: int) -> None:
    tx.execute(delete(engagement).where(engagement.c.id == number))
