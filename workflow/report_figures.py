"""The figures of a report: as they were first disclosed, or computed and suppressed now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select

from config.profile import profile
from store import reports
from store.db import Transaction, reading, transaction
from store.schema import grievance
from workflow.indicators import Figures, compute
from workflow.period import Period
from workflow.suppression import Release, suppress

Progress = Callable[[int], None]


def nothing(_: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What may be shown of a period. ``final``: the period is over and the figures are for good."""

    period: Period
    shown: Release
    final: bool
    at: datetime


def known(period: Period) -> Disclosure | None:
    """What was disclosed of ``period`` already."""
    with reading() as tx:
        kept = reports.issue(tx, period.start, period.end)
    return Disclosure(period, _release(kept), True, kept.at) if kept else None


def disclose(
    period: Period, now: datetime, told: Progress = nothing, *, remember: bool = True
) -> Disclosure:
    """The figures of ``period``. Once it is over they are remembered and never change again.

    With ``remember`` false it is a look in the house, nothing is disclosed. Nor is anything while
    the demonstration is loaded: invented figures must not bind the real ones.

    A period that still runs gives provisional figures, not for disclosure: they are not remembered.
    """
    if found := known(period):
        return found
    with reading() as tx:
        figures = compute(tx, period, told, now=now)
        earlier = [_release(row) for row in reports.issues(tx)]
        remember = remember and not practising(tx)
    over = period.over(now, profile().timezone)
    if not (over and remember):
        return Disclosure(period, suppress(figures, period, earlier), over, now)
    with transaction() as tx:
        return _remember(tx, period, figures, now)


def practising(tx: Transaction) -> bool:
    """Whether grievances of the demonstration are here."""
    demo = grievance.c.facts["demo"].as_boolean()
    return bool(tx.scalar(select(exists().where(demo))))


def _remember(tx: Transaction, period: Period, figures: Figures, now: datetime) -> Disclosure:
    reports.lock_issues(tx)
    if kept := reports.issue(tx, period.start, period.end):  # somebody was quicker
        return Disclosure(period, _release(kept), True, kept.at)
    shown = suppress(figures, period, [_release(row) for row in reports.issues(tx)])
    reports.add_issue(tx, period.start, period.end, figures.to_json(), shown.to_json(), now)
    return Disclosure(period, shown, True, now)


def _release(row: Any) -> Release:
    return Release(row.start_day, row.end_day, **row.shown)
