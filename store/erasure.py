"""Forgetting a person: every copy of what they said and of who they are, numbers excepted.

What stays: that there was a grievance, its number, kind, category, place, dates and outcome, and
the chain of its trail over commitments. An event's facts and salt go where they hold more than
such things.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from store.db import Transaction
from store.messages import InboundState, OutboundState
from store.schema import (
    address,
    attachment,
    case_event,
    conversation,
    draft,
    grievance,
    inbox,
    meeting,
    note,
    outbox,
    partner_file,
    partner_link,
    person,
    person_index,
    raw_event,
    recording_note,
    redaction,
    sealed_matter,
    task,
)

ERASED = "erased"
# What of an event points at nobody; one with anything else loses all its facts.
HARMLESS = frozenset(
    {
        "channel", "kind", "category", "track", "due_at", "stage", "terms", "outcome", "days",
        "hours", "assignee_id", "severity", "told_at", "until", "at",
    }
)  # fmt: skip
# Facts of a grievance that figures are made of; all others go.
FIGURES = frozenset({"gender", "group", "rating", "solved", "consent"})


def of_grievance(tx: Transaction, grievance_id: int, now: datetime) -> set[str]:
    """Forget the words around a grievance; the hashes of files that nothing refers to any more."""
    _messages(tx, inbox.c.grievance_id == grievance_id, now)
    _letters(tx, outbox.c.grievance_id == grievance_id)
    for table in (draft, note, meeting, sealed_matter, redaction, recording_note):
        tx.execute(delete(table).where(table.c.grievance_id == grievance_id))
    tx.execute(
        update(task)
        .where(task.c.grievance_id == grievance_id)
        .values(detail="", done_at=_first(task.c.done_at, now))
    )
    _facts(tx, grievance_id)
    came = attachment.c.inbox_id.in_(select(inbox.c.id).where(inbox.c.grievance_id == grievance_id))
    digests = _attachments(tx, or_(attachment.c.grievance_id == grievance_id, came))
    return unused(tx, digests | _partner(tx, grievance_id, now))


def _first(column: Any, value: object) -> Any:
    """The column as it is, else ``value``."""
    return func.coalesce(column, literal(value, column.type))


def _messages(tx: Transaction, condition: ColumnElement[bool], now: datetime) -> None:
    raw = select(inbox.c.raw_id).where(condition, inbox.c.raw_id.is_not(None))
    tx.execute(update(raw_event).where(raw_event.c.id.in_(raw)).values(body=b""))
    _forget_ids(tx, condition)
    waiting = inbox.c.state.in_((InboundState.NEW, InboundState.DEAD))
    done = {"state": InboundState.IGNORED, "handled_at": now}
    tx.execute(update(inbox).where(condition, waiting).values(**done))
    blank: dict[str, Any] = {
        "text": "", "choice": "", "details": None, "address": "", "error": "",
    }  # fmt: skip
    # Last of all: the condition may be this very index.
    tx.execute(update(inbox).where(condition).values(**blank, address_index=os.urandom(16)))


def _forget_ids(tx: Transaction, condition: ColumnElement[bool]) -> None:
    """An id that holds the sender's address goes; the others still make repeats harmless."""
    rows = tx.execute(select(inbox.c.id, inbox.c.external_id, inbox.c.address).where(condition))
    for row in rows.all():
        bare = row.address.lstrip("+")
        if (bare and bare in row.external_id) or "@" in row.external_id:
            one = update(inbox).where(inbox.c.id == row.id)
            tx.execute(one.values(external_id=f"{ERASED}:{row.id}"))


def _letters(tx: Transaction, condition: ColumnElement[bool]) -> None:
    waiting = outbox.c.state.in_((OutboundState.QUEUED, OutboundState.SENDING))
    tx.execute(
        update(outbox)
        .where(condition, waiting)
        .values(state=OutboundState.FAILED, error=ERASED, claim=None, claimed_until=None)
    )
    tx.execute(
        update(outbox)
        .where(condition)
        .values(text="", choices=[], question=False, provider_id=None)
    )


def _facts(tx: Transaction, grievance_id: int) -> None:
    query = select(case_event.c.id, case_event.c.kind, case_event.c.payload).where(
        case_event.c.grievance_id == grievance_id, case_event.c.payload.is_not(None)
    )
    personal = [
        row.id
        for row in tx.execute(query)
        if row.kind != ERASED and not set(row.payload or {}) <= HARMLESS
    ]
    tx.execute(
        update(case_event).where(case_event.c.id.in_(personal)).values(payload=None, salt=None)
    )


def _attachments(tx: Transaction, condition: ColumnElement[bool]) -> set[str]:
    digests = tx.execute(
        select(attachment.c.sha256).where(condition, attachment.c.sha256.is_not(None))
    )
    found = set(digests.scalars())
    blank: dict[str, Any] = {
        "name": None,
        "source": {},
        "sha256": None,
        "size": None,
        "content_type": "",
    }
    tx.execute(update(attachment).where(condition).values(state=ERASED, error="", **blank))
    return found


def _partner(tx: Transaction, grievance_id: int, now: datetime) -> set[str]:
    """Hand-offs end; what was asked and answered goes."""
    links = select(partner_link.c.id).where(partner_link.c.grievance_id == grievance_id)
    mine = partner_file.c.link_id.in_(links)
    digests = set(tx.execute(select(partner_file.c.sha256).where(mine)).scalars())
    tx.execute(delete(partner_file).where(mine))
    tx.execute(
        update(partner_link)
        .where(partner_link.c.grievance_id == grievance_id)
        .values(name="", gist="", answer=None, revoked_at=_first(partner_link.c.revoked_at, now))
    )
    return digests


def unused(tx: Transaction, digests: Iterable[str]) -> set[str]:
    """Those of ``digests`` that no row refers to any more."""
    wanted = set(digests)
    kept: set[str] = set()
    for table in (attachment, partner_file):
        query = select(table.c.sha256).where(table.c.sha256.in_(wanted))
        kept |= set(tx.execute(query).scalars())
    return wanted - kept


# -- who it was -----------------------------------------------------------------------------------


End = tuple[str, bytes]
_LATE = 10_000  # rows; an id may be given out before, and committed after, a look


@dataclass(frozen=True, slots=True)
class Heard:
    """Messages that know their address by its blind index alone, and up to which row they are all.

    No index leads to them, so whoever erases many looks beforehand, while nobody is kept waiting.
    """

    rows: Mapping[End, Sequence[int]] = field(default_factory=dict)
    upto: int = 0


NOTHING = Heard()


def heard(tx: Transaction, ids: Sequence[int], after: int = 0) -> Heard:
    """What came in from these addresses and was not handled, and reports about what went there."""
    ends = [(row.channel, bytes(row.value_index)) for row in _ends(tx, ids)]
    newest = tx.scalar(select(func.max(inbox.c.id))) or 0
    found: dict[End, list[int]] = {}
    query = select(inbox.c.id, inbox.c.channel, inbox.c.address_index).where(
        inbox.c.id > after,
        inbox.c.address_id.is_(None),
        tuple_(inbox.c.channel, inbox.c.address_index).in_(ends),
    )
    for row in tx.execute(query):
        found.setdefault((row.channel, bytes(row.address_index)), []).append(row.id)
    return Heard(found, max(newest - _LATE, 0))


def _ends(tx: Transaction, ids: Sequence[int]) -> Sequence[Any]:
    columns = (address.c.id, address.c.channel, address.c.value_index)
    return tx.execute(select(*columns).where(address.c.id.in_(ids))).all()


def of_messages(tx: Transaction, ids: Sequence[int], now: datetime) -> set[str]:
    """Forget messages and their files; the hashes of files that nothing refers to any more."""
    digests = _attachments(tx, attachment.c.inbox_id.in_(ids))
    _messages(tx, inbox.c.id.in_(ids), now)
    return unused(tx, digests)


def of_addresses(
    tx: Transaction, ids: Sequence[int], now: datetime, before: Heard = NOTHING
) -> set[str]:
    """Forget addresses and what was said to and from them outside of any grievance."""
    rows = _ends(tx, ids)
    ends = [(row.channel, bytes(row.value_index)) for row in rows]
    lately = heard(tx, ids, before.upto).rows
    unknown = {
        number for end in ends for known in (before.rows, lately) for number in known.get(end, ())
    }
    said = or_(inbox.c.address_id.in_(ids), inbox.c.id.in_(unknown))
    came = attachment.c.inbox_id.in_(select(inbox.c.id).where(said))
    digests = _attachments(tx, came)
    _messages(tx, said, now)
    _letters(tx, outbox.c.address_id.in_(ids))
    tx.execute(delete(conversation).where(conversation.c.address_id.in_(ids)))
    tx.execute(
        update(task)
        .where(task.c.address_id.in_(ids))
        .values(detail="", done_at=_first(task.c.done_at, now))
    )
    for row in rows:
        _blank_address(tx, row.id, now)
    return unused(tx, digests)


def _blank_address(tx: Transaction, address_id: int, now: datetime) -> None:
    """The row stays for what refers to it; who writes from there again is new to us."""
    tx.execute(
        update(address)
        .where(address.c.id == address_id)
        .values(
            value="", value_index=os.urandom(16), tail_index=None, language=None,
            language_chosen=False, stopped_at=_first(address.c.stopped_at, now),
            window_until=None, last_in_at=None, blocked_code="",
        )
    )  # fmt: skip


def of_person(tx: Transaction, person_id: int, now: datetime) -> None:
    """Forget name and contacts of a person; the row says that there was one."""
    tx.execute(delete(person_index).where(person_index.c.person_id == person_id))
    tx.execute(
        update(person)
        .where(person.c.id == person_id)
        .values(name=None, details=None, language=None, erased_at=now)
    )


def addresses_of(tx: Transaction, person_id: int) -> list[int]:
    """The ids of a person's addresses."""
    query = select(address.c.id).where(address.c.person_id == person_id)
    return sorted(tx.execute(query).scalars())


def grievances_of(tx: Transaction, person_id: int) -> list[int]:
    """The ids of the grievances a person is the complainant of, oldest first."""
    query = select(grievance.c.id).where(grievance.c.complainant_id == person_id)
    return sorted(tx.execute(query).scalars())


def person_of(tx: Transaction, name: str) -> int | None:
    """The person of that id, or the complainant of the grievance with that reference."""
    if not name.isdecimal() or len(name) > 18:
        return None
    query = select(grievance.c.complainant_id).where(grievance.c.reference == name)
    found: int | None = tx.scalar(query)
    if found is None:
        found = tx.scalar(select(person.c.id).where(person.c.id == int(name)))
    return found


def is_erased(tx: Transaction, person_id: int) -> bool:
    """Whether that person was forgotten already."""
    query = select(person.c.id).where(
        and_(person.c.id == person_id, person.c.erased_at.is_not(None))
    )
    return tx.execute(query).first() is not None
