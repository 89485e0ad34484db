"""The queue as questions to the database: preset views, their counts, search, pages by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, literal, or_, select, true

from admin.words import SOON
from store import people
from store.columns import Moment, holds
from store.db import Transaction
from store.fold import fold, fold_latin
from store.officers import Officer
from store.people import tail_index
from store.schema import address, officer, task
from store.schema import grievance as table
from store.tasks import OVERDUE
from workflow.states import OPEN, Role, Status

PAGE = 25
MANY = 1000
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_deadline = func.coalesce(table.c.due_at, literal(_NEVER, Moment()))


@dataclass(frozen=True, slots=True)
class Scope:
    """Who looks, and when."""

    officer: Officer
    now: datetime

    @property
    def sees_sensitive(self) -> bool:
        return may_see_sensitive(self.officer)


Condition = Callable[[Scope], ColumnElement[bool]]


def may_see_sensitive(person: Officer) -> bool:
    """Sensitive matters are for focal points alone."""
    return Role.FOCAL_POINT in person.roles


def visible(scope: Scope) -> ColumnElement[bool]:
    """What this officer may know of at all; an assignee only of what was given to them."""
    conditions: list[ColumnElement[bool]] = [true()]
    if not scope.sees_sensitive:
        conditions.append(table.c.sensitive == "")
    if set(scope.officer.roles) <= {Role.ASSIGNEE}:
        conditions.append(table.c.assignee_id == scope.officer.id)
    return and_(*conditions)


def _has_task(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Something about it is left to be done by hand."""
    about = (task.c.done_at.is_(None), task.c.grievance_id.is_not(None), condition)
    return table.c.id.in_(select(task.c.grievance_id).where(*about))


_FAILED = _has_task(task.c.kind.not_in(("hand_back", "clock", OVERDUE)))
_ESCALATED = _has_task(task.c.kind == OVERDUE)
# A closure that a second person must let pass: see `workflow.approval`.
_WAITS = and_(table.c.status != Status.CLOSED, cast(table.c.facts, String).contains('"closing"'))


@dataclass(frozen=True, slots=True)
class View:
    """One preset: its name (``desk.view.<name>``), icon, statuses (none: any) and condition."""

    name: str
    icon: str
    condition: Condition
    statuses: frozenset[Status] = OPEN

    @property
    def capped(self) -> bool:
        """Whether its count stops at `MANY`: what is closed grows for ever."""
        return self.statuses != OPEN

    def where(self, scope: Scope) -> ColumnElement[bool]:
        """What this officer finds in it."""
        conditions = [visible(scope), self.condition(scope)]
        if self.statuses:
            conditions.append(table.c.status.in_(sorted(self.statuses)))
        return and_(*conditions)


_FRESH = (Status.REGISTERED, Status.ACKNOWLEDGED)
VIEWS: tuple[View, ...] = (
    View("first", "eye", lambda scope: table.c.status.in_(_FRESH)),
    View("mine", "person", lambda scope: table.c.assignee_id == scope.officer.id),
    View("us", "inbox", lambda scope: table.c.waiting_on == "us"),
    View("them", "hourglass-split", lambda scope: table.c.waiting_on == "them"),
    View("soon", "clock", lambda scope: and_(
        table.c.paused_at.is_(None), table.c.due_at.between(scope.now, scope.now + SOON))),
    View("overdue", "exclamation-triangle", lambda scope: and_(
        table.c.paused_at.is_(None), table.c.due_at < scope.now)),
    View("approval", "check2-all", lambda scope: _WAITS),
    View("failed", "x-circle", lambda scope: _FAILED, frozenset()),
    View("kazakh", "translate", lambda scope: table.c.language == "kk"),
    View("sensitive", "shield-lock", lambda scope: table.c.sensitive != ""),
    View("open", "list-ul", lambda scope: true()),
    # Not by status: sorting all that ever closed takes longer than passing over what is open.
    View("closed", "archive", lambda scope: table.c.closed_at.is_not(None), frozenset()),
)  # fmt: skip
BY_NAME = {view.name: view for view in VIEWS}


def offered(scope: Scope) -> list[View]:
    """The views this officer gets."""
    return [view for view in VIEWS if view.name != "sensitive" or scope.sees_sensitive]


def counts(tx: Transaction, scope: Scope) -> dict[str, int]:
    """How many grievances each view holds; of those not open alone at most `MANY` are counted."""
    wide = [view for view in offered(scope) if view.capped]
    narrow = [view for view in offered(scope) if view not in wide]
    sums = [func.count().filter(view.condition(scope)).label(view.name) for view in narrow]
    unread = func.count().filter(table.c.unread).label("unread")
    escalated = func.count().filter(_ESCALATED).label("escalated")
    opened = select(*sums, unread, escalated).where(BY_NAME["open"].where(scope))
    others = [
        select(func.count())
        .select_from(select(table.c.id).where(view.where(scope)).limit(MANY).subquery())
        .scalar_subquery()
        .label(view.name)
        for view in wide
    ]
    rest = tx.execute(select(*others))
    return dict(tx.execute(opened).one()._mapping) | dict(rest.one()._mapping)


_COLUMNS = (
    table.c.id, table.c.reference, table.c.kind, table.c.category, table.c.status,
    table.c.channel, table.c.language, table.c.anonymous, table.c.sensitive, table.c.unread,
    table.c.received_at, table.c.due_at, table.c.paused_at, table.c.closed_at, table.c.outcome,
    table.c.waiting_on, table.c.place, officer.c.name.label("assignee"),
    func.substr(func.coalesce(func.nullif(table.c.gist, ""), table.c.text), 1, 200).label("gist"),
    _FAILED.label("failed"), _ESCALATED.label("escalated"),
)  # fmt: skip
_ROWS: Select[Any] = select(*_COLUMNS).outerjoin(officer, officer.c.id == table.c.assignee_id)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and the key from which the next page starts ("" after the last)."""

    rows: Sequence[Any]
    more: str


def page(
    tx: Transaction,
    scope: Scope,
    view: View,
    after: str = "",
    narrowed: ColumnElement[bool] | None = None,
) -> Page:
    """One page of a view: open ones by deadline, others the newest first."""
    query = select(table.c.id, table.c.due_at).where(view.where(scope))
    query = query if narrowed is None else query.where(narrowed)
    if view.capped:
        return _newest(tx, query, after)
    if key := _key(after):
        moment, number = key
        query = query.where(or_(_deadline > moment, and_(_deadline == moment, table.c.id > number)))
    found = tx.execute(query.order_by(_deadline, table.c.id).limit(PAGE + 1)).all()
    return _page(tx, found)


def _newest(tx: Transaction, query: Select[Any], after: str) -> Page:
    if key := _key(after):
        query = query.where(table.c.id < key[1])
    return _page(tx, tx.execute(query.order_by(table.c.id.desc()).limit(PAGE + 1)).all())


def _page(tx: Transaction, found: Sequence[Any]) -> Page:
    """The rows of these ids in their order; sorting whole rows would cost ten times as much."""
    ids = [key.id for key in found[:PAGE]]
    rows = {row.id: row for row in tx.execute(_ROWS.where(table.c.id.in_(ids)))}
    last = found[PAGE - 1] if len(found) > PAGE else None
    more = f"{_micros(last.due_at or _NEVER)}-{last.id}" if last else ""
    return Page([rows[number] for number in ids], more)


def _micros(when: datetime) -> int:
    return (when - datetime(1, 1, 1, tzinfo=UTC)) // datetime.resolution


def _key(after: str) -> tuple[datetime, int] | None:
    """(deadline, id) of the last row of the page before; None for a key nobody gave out."""
    micros, _, number = after.partition("-")
    if not (micros.isdecimal() and number.isdecimal() and len(micros) < 20 and len(number) < 19):
        return None
    try:
        return datetime(1, 1, 1, tzinfo=UTC) + int(micros) * datetime.resolution, int(number)
    except OverflowError:
        return None


def search(tx: Transaction, scope: Scope, words: str, after: str = "") -> Page:
    """Grievances by number, phone, name, or words in any spelling; open and closed, newest first.

    Names are found by blind index, whole words only.
    """
    found = _matching(words)
    if named := people.by_name(tx, words):
        theirs = or_(table.c.complainant_id.in_(named), table.c.submitter_id.in_(named))
        found = or_(found, and_(table.c.sensitive == "", theirs))
    query = select(table.c.id, table.c.due_at).where(visible(scope), found)
    return _newest(tx, query, after)


def _matching(words: str) -> ColumnElement[bool]:
    digits = "".join(filter(str.isdecimal, words))
    if len(digits) >= 4 and not any(map(str.isalpha, words)):
        return _numbered(digits)
    parts = [_worded(word) for word in words.split()[:8] if fold(word)]
    # A sensitive matter's words are nowhere to be searched, whoever asks.
    return and_(table.c.sensitive == "", *parts) if parts else ~true()


def _numbered(digits: str) -> ColumnElement[bool]:
    """A reference or the start of one; or the last eight digits of a phone."""
    found = table.c.reference.between(digits, digits + "9" * 12)
    index = tail_index(digits)
    if index is None:
        return found
    phones = select(address.c.id).where(address.c.tail_index == index)
    # Not "or": PostgreSQL would read the whole table for it.
    ids = select(table.c.id).where(found)
    return table.c.id.in_(ids.union(select(table.c.id).where(table.c.address_id.in_(phones))))


def _worded(word: str) -> ColumnElement[bool]:
    """The folded text holds the word as typed, or as Latin letters spell it in Cyrillic."""
    keys = dict.fromkeys((fold(word), fold_latin(word)))
    return or_(*(holds(table.c.folded, key) for key in keys))
