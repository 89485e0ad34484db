"""The Grievance Log: the nine columns of Table 5 of the stakeholder engagement plan, row by row.

Sealed matters are not in it, and leave no gap: No. is the row's place in this log. Rows are read
in batches by key, so a log of any length needs the memory of one batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, and_, func, select

from config import i18n
from config.profile import Profile, profile
from store.db import Transaction
from store.schema import case_event, grievance, officer, person, redaction
from workflow import redactions
from workflow.levels import Level, level
from workflow.masking import mask
from workflow.period import Period

BATCH = 500
COLUMNS = (
    "no", "status", "received", "persons", "type", "summary", "first_level", "second_level",
    "assigned",
)  # fmt: skip
_MOVES = frozenset({"appealed", "escalated", "court_recorded"})
_ENDS = frozenset({"closed", "withdrawn"})
_KINDS = (*_MOVES, *_ENDS, "reopened")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the log, in words of one language; ``received`` is the local day."""

    no: int
    status: str
    received: date
    persons: str
    type: str
    summary: str
    first_level: str
    second_level: str
    assigned: str
    grievance_id: int

    def cells(self) -> tuple[int | str | date, ...]:
        """The nine values in the order of the columns."""
        return tuple(getattr(self, name) for name in COLUMNS)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a log is to be written.

    ``names``: whether it says who the named people are; ``until``: nothing later is told.
    """

    language: str
    period: Period | None = None
    names: bool = False
    project: Profile | None = None
    until: datetime | None = None


class Event(Protocol):
    """What the log needs of an event of the trail."""

    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def payload(self) -> Any: ...


def headings(language: str) -> tuple[str, ...]:
    """The nine headings."""
    return tuple(i18n.text(f"desk.log.column.{name}", language) for name in COLUMNS)


def count(tx: Transaction, period: Period | None, project: Profile | None = None) -> int:
    """How many rows a log has."""
    found: int = tx.scalar(select(func.count()).where(_wanted(period, project or profile())))
    return found


def rows(tx: Transaction, wishes: Wishes) -> Iterator[Row]:
    """The rows, by received date."""
    project = wishes.project or profile()
    key = (grievance.c.received_at, grievance.c.id)
    # Ids alone are a few bytes each; sorting whole rows would hold the log in memory.
    query = select(grievance.c.id).where(_wanted(wishes.period, project)).order_by(*key)
    ids = list(tx.execute(query).scalars())
    for first in range(0, len(ids), BATCH):
        batch = ids[first : first + BATCH]
        yield from _batch(tx, batch, first + 1, wishes, project)


def _wanted(period: Period | None, project: Profile) -> ColumnElement[bool]:
    ordinary = grievance.c.sensitive == ""
    if period is None:
        return ordinary
    begins, ends = period.moments(project.timezone)
    return and_(ordinary, grievance.c.received_at >= begins, grievance.c.received_at < ends)


def _batch(
    tx: Transaction, ids: Sequence[int], first: int, wishes: Wishes, project: Profile
) -> Iterator[Row]:
    found = {row.id: row for row in tx.execute(_QUERY.where(grievance.c.id.in_(ids)))}
    trails: dict[int, list[Event]] = {}
    query = _EVENTS.where(case_event.c.grievance_id.in_(ids))
    if wishes.until is not None:
        query = query.where(case_event.c.at < wishes.until)
    for event in tx.execute(query):
        trails.setdefault(event.grievance_id, []).append(event)
    read = redactions.text_for(tx, [row.id for row in found.values() if row.copy_id])
    copies = {number: copy.text for number, copy in read.items() if copy.confirmed}
    for no, number in enumerate(ids, first):
        copy = copies.get(number, "")
        yield _row(no, found[number], trails.get(number, []), wishes, project, copy)


_QUERY = (
    select(
        grievance.c.id, grievance.c.status, grievance.c.stage, grievance.c.outcome,
        grievance.c.received_at, grievance.c.closed_at, grievance.c.resolution,
        grievance.c.anonymous, grievance.c.kind, grievance.c.category, grievance.c.channel,
        grievance.c.gist, grievance.c.submitter_id, grievance.c.complainant_id,
        person.c.name, officer.c.name.label("assignee"),
        redaction.c.grievance_id.label("copy_id"),
    )
    .outerjoin(person, person.c.id == grievance.c.complainant_id)
    .outerjoin(officer, officer.c.id == grievance.c.assignee_id)
    .outerjoin(redaction, redaction.c.grievance_id == grievance.c.id)
)  # fmt: skip
_EVENTS = (
    select(case_event.c.grievance_id, case_event.c.kind, case_event.c.at, case_event.c.payload)
    .where(case_event.c.kind.in_(_KINDS))
    .order_by(case_event.c.grievance_id, case_event.c.seq)
)


def _row(
    no: int, row: Any, events: Sequence[Event], wishes: Wishes, project: Profile, copy: str
) -> Row:
    """``copy`` is the text for disclosure that an officer confirmed, if one did."""
    language = wishes.language
    known = [row.name] if row.name else []
    levels = {
        number: "; ".join(_told(item, language, project, known) for item in items)
        for number, items in resolutions(row, events, project.start_stage).items()
    }
    return Row(
        no=no,
        status=status_words(row.status, row.outcome, language),
        received=row.received_at.astimezone(project.timezone).date(),
        persons=_persons(row, wishes),
        type=f"{matter(row, language)}; {channel_words(row.channel, language)}",
        summary=copy or mask(row.gist, known) or matter(row, language),
        first_level=levels.get(1, ""),
        second_level=levels.get(2, ""),
        assigned=row.assignee or "",
        grievance_id=row.id,
    )


def status_words(status: str, outcome: str | None, language: str) -> str:
    """Where it stands; a closed one with how it was closed."""
    words = i18n.text(f"status.{status}.label", language)
    return f"{words}: {label('outcome', outcome, language)}" if outcome else words


def matter(row: Any, language: str) -> str:
    """Its kind and category in words."""
    named = [label("kind", row.kind, language)]
    named += [label("category", row.category, language)] if row.category else []
    return ", ".join(named)


def channel_words(channel: str, language: str) -> str:
    """A channel's name; every gateway is one of its kind."""
    code = "gateway" if channel.startswith("gateway") else channel
    return label("channel", {"mail": "email"}.get(code, code), language)


def label(family: str, code: str | None, language: str) -> str:
    """The name of a code; the code itself where there is none."""
    key = f"{family}.{code}.label"
    return i18n.text(key, language) if i18n.has(key, "mn") else str(code or "")


def _persons(row: Any, wishes: Wishes) -> str:
    if row.anonymous or not row.name:
        return i18n.text("desk.log.anonymous", wishes.language)
    through = row.submitter_id is not None and row.submitter_id != row.complainant_id
    key = "desk.log.named_through" if through else "desk.log.named"
    return str(row.name) if wishes.names else i18n.text(key, wishes.language)


# -- the two levels ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a level ended: an outcome with words, or the stage it was passed on to."""

    at: datetime
    outcome: str = ""
    words: str = ""
    passed_to: int = 0


def resolutions(
    row: Any, events: Sequence[Event], start_stage: int
) -> dict[Level, list[Resolution]]:
    """What each level came to. A reopened closure does not count; one that was appealed does."""
    found: dict[Level, list[Resolution]] = {}
    stage = start_stage
    for event in events:
        kept = event.payload or {}
        if event.kind in _ENDS:
            found.setdefault(level(stage), []).append(_closure(row, event, kept))
        elif event.kind == "reopened":
            found.get(level(stage), [None])[-1:] = []
        else:
            following = int(kept.get("stage") or min(stage + 1, 4))
            if level(following) > level(stage) and not found.get(level(stage)):
                passed = Resolution(event.at, passed_to=following)
                found[level(stage)] = [passed]
            stage = following
    return found


def _closure(row: Any, event: Event, kept: dict[str, Any]) -> Resolution:
    """The facts of the event; where they were erased, what the grievance still says."""
    moment = datetime.fromisoformat(kept["at"]) if kept.get("at") else event.at
    if event.payload is None and row.closed_at == event.at:
        return Resolution(moment, row.outcome or "", row.resolution)
    default = "withdrawn" if event.kind == "withdrawn" else ""
    return Resolution(moment, kept.get("outcome") or default, str(kept.get("summary") or ""))


def _told(item: Resolution, language: str, project: Profile, names: list[str]) -> str:
    day = i18n.format_date(item.at.astimezone(project.timezone).date(), language)
    if item.passed_to:
        stage = label("stage", str(item.passed_to), language)
        return i18n.text("desk.log.passed", language, stage=stage, date=day)
    words = label("outcome", item.outcome, language) if item.outcome else ""
    told = ": ".join(part for part in (words, mask(item.words.strip(), names)) if part)
    return f"{told} ({day})" if told else day
