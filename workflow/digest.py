"""The daily digest of each officer: counts alone, and the signed root of the trail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select

from config import i18n
from config.profile import Profile, profile
from store import slots, tasks
from store.db import Transaction, transaction
from store.notices import Notice
from store.schema import grievance, task, trail_root
from workflow import office as offices
from workflow.audit import sign_root
from workflow.office import Office
from workflow.states import OPEN, Role, Status

_JOB = "digest"
COUNTS = ("new", "mine", "soon", "overdue", "us", "failed")


def daily(now: datetime, project: Profile | None = None) -> bool:
    """Once a day, from the profile's hour on: tell every officer how things stand."""
    chosen = project or profile()
    local = now.astimezone(chosen.timezone)
    day = local.date().isoformat()
    if local.time() < chosen.reminders.digest or _done.get("day") == day:
        return False
    with transaction() as tx:
        first = slots.take(tx, _JOB, day, now)
        if first:
            _write(tx, now, day, chosen)
    _done["day"] = day
    return first


_done: dict[str, str] = {}


def _write(tx: Transaction, now: datetime, day: str, project: Profile) -> None:
    office = Office.load(tx, project)
    root = _root(tx, now)
    whole, own, sealed = _counts(tx, now, project)
    told = []
    for person in office.staff:
        if not set(person.roles) & _READERS:
            continue
        facts: dict[str, Any] = {**whole, "mine": own.get(person.id, 0), "root": root}
        if Role.FOCAL_POINT in person.roles:
            facts["sealed"] = sealed
        item = Notice(f"{_JOB}:{day}", person.id, _JOB, facts | {"date": now.isoformat()})
        told.append((item, in_words(item.facts, person.language, project)))
    offices.tell(tx, office, told, now)


# Who has a queue; administrators and auditors have none.
_READERS = {
    Role.OFFICER, Role.ASSIGNEE, Role.COORDINATOR, Role.PSC_SECRETARY, Role.FOCAL_POINT,
}  # fmt: skip


def _root(tx: Transaction, now: datetime) -> str:
    """The root signed last: today's, or a new one where none was signed yet."""
    query = select(trail_root.c.digest).order_by(trail_root.c.id.desc()).limit(1)
    found = tx.scalar(query)
    return bytes(found).hex() if found else sign_root(tx, now)


def _counts(
    tx: Transaction, now: datetime, project: Profile
) -> tuple[dict[str, int], dict[int, int], int]:
    """Counts of all, open ones of each assignee, and how many sensitive ones are open.

    Everything but the last leaves sensitive matters out, so that no sum gives one away.
    """
    soon = now + timedelta(days=project.reminders.before.amount)
    table, running = grievance, grievance.c.paused_at.is_(None)
    fresh = table.c.status.in_((Status.REGISTERED, Status.ACKNOWLEDGED))
    sums = [
        _count(fresh).label("new"),
        _count(and_(running, table.c.due_at.between(now, soon))).label("soon"),
        _count(and_(running, table.c.due_at < now)).label("overdue"),
        _count(table.c.waiting_on == "us").label("us"),
    ]
    opened, plain = table.c.status.in_(sorted(OPEN)), table.c.sensitive == ""
    row = tx.execute(select(*sums).where(opened, plain)).one()
    whole = {name: count or 0 for name, count in row._mapping.items()}
    whole["failed"] = tx.scalar(
        select(func.count())
        .select_from(task)
        .outerjoin(grievance, grievance.c.id == task.c.grievance_id)
        .where(task.c.done_at.is_(None), func.coalesce(grievance.c.sensitive, "") == "")
        .where(task.c.kind != tasks.OVERDUE)  # they are counted already
    )
    by_assignee = select(table.c.assignee_id, func.count()).where(
        opened, plain, table.c.assignee_id.is_not(None)
    )
    rows: Any = tx.execute(by_assignee.group_by(table.c.assignee_id)).all()
    own = dict(rows)
    sealed = tx.scalar(
        select(func.count()).select_from(table).where(opened, table.c.sensitive != "")
    )
    return whole, own, sealed


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def in_words(facts: Any, language: str, project: Profile) -> str:
    """A digest as its officer reads it."""
    moment = datetime.fromisoformat(facts["date"]).astimezone(project.timezone)
    values = {name: facts.get(name, 0) for name in COUNTS}
    day = i18n.format_date(moment.date(), language)
    lines = [i18n.text("desk.notice.digest", language, date=day, **values)]
    if "sealed" in facts:
        lines.append(i18n.text("desk.notice.digest_sealed", language, sealed=facts["sealed"]))
    return "\n".join([*lines, i18n.text("desk.notice.root", language, root=facts["root"])])
