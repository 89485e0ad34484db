"""Everything the page of one grievance shows, gathered with one question per table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import and_, or_, select, update

from admin import views
from bot.translit import reading
from config.profile import profile
from store import channels, grievances, officers, people, sealed, veil
from store.case import Case
from store.db import Transaction
from store.messages import Capabilities, Kind, OutboundState
from store.officers import Officer
from store.people import AddressRow
from store.schema import access_log, attachment, inbox, outbox, person, task
from store.schema import grievance as grievance_table
from workflow.office import Office
from workflow.states import Role

# Of a conversation that never ends, the latest; what came first is the grievance's own text.
_LONGEST = 200
_SPOKEN = {Kind.DELIVERY, Kind.COMMAND}


ONWARDS = "onwards"  # of a letter that failed and went on to the next address


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing said: ``side`` is in (the person), out (we), or note (among ourselves)."""

    side: str
    at: datetime
    text: str
    channel: str = ""
    who: str = ""
    state: str = ""
    error: str = ""
    parts: int = 0
    language: str = ""
    id: int = 0  # of a letter
    routine: bool = False  # a letter the procedure wrote, not an officer
    reading: str = ""  # a machine's, of words typed in Latin letters
    files: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Dossier:
    """A grievance and all that belongs to it."""

    case: Case
    entries: Sequence[Entry]
    events: Sequence[Any]
    staff: dict[int, Officer]
    address: AddressRow | None
    capabilities: Capabilities | None
    tasks: Sequence[Any]
    others: Sequence[Any]

    @property
    def assignee(self) -> Officer | None:
        """Who handles it."""
        return self.staff.get(self.case.assignee_id or 0)


def find(tx: Transaction, scope: views.Scope, reference: str) -> Case | None:
    """The grievance of that number, if this officer may know of it."""
    case = grievances.by_references(tx, [reference]).get(reference)
    return case if case and may_see(scope.officer, case) else None


def may_see(person_: Officer, case: Case) -> bool:
    """The same rule as `views.visible`, on a grievance in hand."""
    if case.sensitive and not views.may_see_sensitive(person_):
        return False
    return case.assignee_id == person_.id or not set(person_.roles) <= {Role.ASSIGNEE}


def held(officer: Officer, case: Case) -> set[Role]:
    """The roles in which this officer acts on this grievance."""
    roles = {Role(role) for role in officer.roles}
    own = case.assignee_id == officer.id
    return roles | {Role.ASSIGNEE} if own else roles - {Role.ASSIGNEE}


def load(tx: Transaction, scope: views.Scope, case: Case) -> Dossier:
    """Gather it."""
    staff = {person_.id: person_ for person_ in officers.everyone(tx)}
    address = people.by_ids(tx, [case.address_id]).get(case.address_id) if case.address_id else None
    said = [*_heard(tx, case), *_told(tx, case), *_noted(tx, case, staff)]
    return Dossier(
        case=case,
        entries=sorted(said, key=lambda entry: entry.at)[-_LONGEST:],
        events=_events(tx, case),
        staff=staff,
        address=address,
        capabilities=channels.capabilities(tx).get(address.channel) if address else None,
        tasks=open_tasks(tx, case),
        others=_others(tx, scope, case),
    )


def briefly(tx: Transaction, scope: views.Scope, references: Iterable[str]) -> list[Dossier]:
    """Of many what an act on them needs: the grievance and its address, with one question each."""
    wanted = list(dict.fromkeys(references))
    found = grievances.by_references(tx, wanted)
    cases = [found[each] for each in wanted if each in found]
    seen = [case for case in cases if may_see(scope.officer, case)]
    ids = {case.address_id for case in seen if case.address_id}
    addresses = people.by_ids(tx, ids) if ids else {}
    can = channels.capabilities(tx)
    return [
        Dossier(
            case=case, entries=(), events=(), staff={}, address=address,
            capabilities=can.get(address.channel) if address else None, tasks=(), others=(),
        )
        for case in seen
        for address in [addresses.get(case.address_id or 0)]
    ]  # fmt: skip


def _events(tx: Transaction, case: Case) -> Sequence[Any]:
    """The trail, with the words that a sealed matter's own rows do not hold."""
    words = veil.under(tx, case.id, veil.EVENTS)
    return [
        SimpleNamespace(
            kind=row.kind, seq=row.seq, at=row.at, actor=row.actor,
            payload={**(row.payload or {}), **words.get(str(row.seq), {})},
        )
        for row in grievances.events(tx, case.id)
    ]  # fmt: skip


def _of_case(table: Any, case: Case) -> Any:
    """Rows of the grievance, and those of its address that belong to no grievance at all."""
    own = table.c.grievance_id == case.id
    if case.address_id is None:
        return own
    loose = and_(table.c.address_id == case.address_id, table.c.grievance_id.is_(None))
    return or_(own, loose)


def _heard(tx: Transaction, case: Case) -> Iterable[Entry]:
    """What the person sent; the grievance's own text where no message brought it.

    The words of a matter that is or was sealed are in one place of their own, without times.
    """
    words = sealed.read(tx, case.id)
    yield from (_said(case, case.received_at, text, case.channel) for text in words)
    columns = (inbox.c.id, inbox.c.channel, inbox.c.kind, inbox.c.text, inbox.c.received_at,
               inbox.c.grievance_id)  # fmt: skip
    query = select(*columns).where(_of_case(inbox, case), inbox.c.kind.not_in(_SPOKEN))
    rows = tx.execute(query.order_by(inbox.c.id.desc()).limit(_LONGEST)).all()
    files = _files(tx, [row.id for row in rows])
    if case.text and not any(row.grievance_id == case.id for row in rows):
        yield _said(case, case.received_at, case.text, case.channel)
    for row in rows:
        if row.text or row.id in files or not words:
            yield _said(case, row.received_at, row.text, row.channel, files.get(row.id, ()))


def _said(case: Case, at: datetime, text: str, channel: str, files: tuple[Any, ...] = ()) -> Entry:
    return Entry("in", at, text, channel, reading=reading(text, case.language), files=files)


def _files(tx: Transaction, inbox_ids: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    names = ("id", "inbox_id", "kind", "content_type", "size", "state")
    columns = [attachment.c[name] for name in names]
    query = select(*columns).where(attachment.c.inbox_id.in_(inbox_ids))
    found: dict[int, tuple[Any, ...]] = {}
    for row in tx.execute(query.order_by(attachment.c.id)):
        found[row.inbox_id] = (*found.get(row.inbox_id, ()), row)
    return found


def _told(tx: Transaction, case: Case) -> Iterable[Entry]:
    names = (
        "id", "key", "channel", "language", "text", "parts", "state", "error", "created_at",
        "template",
    )  # fmt: skip
    columns = [outbox.c[name] for name in names]
    query = select(*columns).where(_of_case(outbox, case))
    later: set[str] = set()
    for row in tx.execute(query.order_by(outbox.c.id.desc()).limit(_LONGEST)):
        # What one address did not take went on to the next under the same key.
        letter = row.key.split(">")[0]
        went_on = row.state == OutboundState.FAILED and letter in later
        later.add(letter)
        # The private code is the person's; staff have no use for it.
        yield Entry(
            side="out",
            id=row.id,
            routine=row.template != "reply",
            at=row.created_at,
            text=row.text.replace(case.code, "••••••"),
            channel=row.channel,
            state=ONWARDS if went_on else row.state,
            error=row.error,
            parts=row.parts,
            language=row.language,
        )


def _noted(tx: Transaction, case: Case, staff: dict[int, Officer]) -> Iterable[Entry]:
    for row in grievances.notes(tx, case.id):
        writer = staff.get(row.officer_id)
        yield Entry("note", row.at, row.text, who=writer.name if writer else "")


def open_tasks(tx: Transaction, case: Case) -> Sequence[Any]:
    """What is left to be done by hand: call somebody whom no message reached."""
    query = select(task).where(task.c.grievance_id == case.id, task.c.done_at.is_(None))
    return tx.execute(query.order_by(task.c.id)).all()


def escalated_to(found: Dossier) -> str:
    """Who is told that its deadline has passed."""
    staff = [person_ for person_ in found.staff.values() if person_.active]
    return ", ".join(item.name for item in Office.of(staff, profile()).concerned(found.case))


def _others(tx: Transaction, scope: views.Scope, case: Case) -> Sequence[Any]:
    """The same person's other grievances that this officer may see."""
    if case.address_id is None:
        return []
    table = grievance_table
    query = select(table.c.reference, table.c.status).where(
        table.c.address_id == case.address_id, table.c.id != case.id, views.visible(scope)
    )
    return tx.execute(query.order_by(table.c.id.desc()).limit(10)).all()


# -- looking at it leaves traces ----------------------------------------------------------------


def mark_read(tx: Transaction, case: Case) -> None:
    """The bold mark goes for everybody; no step of the procedure, so not in the trail."""
    one = update(grievance_table).where(grievance_table.c.id == case.id)
    tx.execute(one.values(unread=False))


def log_access(
    tx: Transaction, officer: Officer, action: str, case: Case, now: datetime, reason: str = ""
) -> None:
    """Remember who looked at what, and why."""
    row = {
        "at": now,
        "actor": f"officer:{officer.id}",
        "action": action,
        "grievance_id": case.id,
        "reason": "" if case.sensitive else reason[:500],
    }
    look = tx.scalar(access_log.insert().values(row).returning(access_log.c.id))
    if case.sensitive and reason:
        veil.keep(tx, case.id, veil.LOOKS, {str(look): reason[:500]})


def contact(tx: Transaction, case: Case) -> tuple[str, str]:
    """Name and address behind a grievance, "" where unknown; log the access before.

    Where somebody wrote for another, both names: whose matter it is, and who wrote. Phones that
    are kept for the office alone are among the addresses.
    """
    ids = dict.fromkeys(filter(None, (case.complainant_id, case.submitter_id)))
    rows = {row.id: row for row in tx.execute(select(person).where(person.c.id.in_(list(ids))))}
    known = [rows[each] for each in ids if each in rows]
    name = " / ".join(row.name for row in known if row.name)
    address = people.by_ids(tx, [case.address_id]) if case.address_id else {}
    kept = [phone for row in known if (phone := (row.details or {}).get("phone"))]
    return name, ", ".join([*(row.value for row in address.values()), *kept])
