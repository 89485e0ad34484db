"""The periods whose figures everybody may see, and having them ready before anybody asks.

A released figure is kept in its row (`store.reports`) and never computed again: every process of
every machine reads that row, whatever becomes of the profile in the meantime.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from config.profile import profile
from store import reports
from store.db import Transaction, reading
from store.schema import grievance
from workflow.period import Period, before, preset
from workflow.report_figures import disclose, practising

MOST = 8
_done: dict[str, object] = {}


def daily(now: datetime) -> None:
    """Once a day, and when the profile offers others: the figures of what is over."""
    today = (now.astimezone(profile().timezone).date(), profile().open_figures)
    if _done.get("for") != today:
        prepare(now)
        _done["for"] = today


def prepare(now: datetime) -> None:
    """Release what is over and was not released yet, the oldest first: later ones bear the cost.

    Nothing while the demonstration is loaded, whose figures are not remembered.
    """
    with reading() as tx:
        due = [] if practising(tx) else _over(tx, now)[:MOST]
    names = profile().open_figures
    for period in sorted(due, key=lambda item: (item.last, names.index(item.preset))):
        disclose(period, now)


def periods(now: datetime) -> list[Period]:
    """What is offered, newest first: what is ready, or all that is over where nothing is yet."""
    with reading() as tx:
        kept = [Period(start, end - timedelta(days=1)) for start, end in reports.issued(tx)]
        ready = [item for item in kept if item.preset in profile().open_figures]
        return _sorted(ready)[:MOST] or _over(tx, now)[:MOST]


def _over(tx: Transaction, now: datetime) -> list[Period]:
    """The presets of the profile that are over since the first grievance, newest first."""
    first = tx.scalar(select(func.min(grievance.c.received_at)))
    if first is None:
        return []
    zone = profile().timezone
    today, begin = now.astimezone(zone).date(), first.astimezone(zone).date()
    return _sorted({item for name in profile().open_figures for item in _since(name, begin, today)})


def _sorted(found: set[Period] | list[Period]) -> list[Period]:
    return sorted(found, key=lambda item: (item.last, item.start), reverse=True)


def _since(name: str, begin: date, today: date) -> Iterator[Period]:
    period = before(name, today)
    while period.last >= begin:
        yield period
        period = preset(name, before(name, period.start).start)
