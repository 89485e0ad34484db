"""Grievances and their trail as rows. Only `workflow.handlers` changes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, func, select, text, update

from store import veil
from store.case import Case
from store.db import Transaction
from store.schema import case_event, note
from store.schema import grievance as table

_FIELDS = tuple(item.name for item in fields(Case))
_UPDATE = (
    update(table)
    .where(table.c.id == bindparam("b_id"))
    .values({name: bindparam(f"b_{name}") for name in _FIELDS if name not in {"id", "reference"}})
)


def allocate(tx: Transaction, of: Table, count: int, after: int = 0) -> list[int]:
    """``count`` fresh ids of ``of``, so that rows which name one another go in together.

    ``after`` is the greatest id this transaction drew and has not inserted yet.
    """
    if tx.on_sqlite:  # the gate lets one writer in at a time, so the greatest id is ours to pass
        top = tx.scalar(select(func.coalesce(func.max(of.c.id), 0)))
        first = max(top, after) + 1
        return list(range(first, first + count))
    query = text(
        "SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)"
    )
    return list(tx.execute(query, {"name": of.name, "count": count}).scalars())


def taken(tx: Transaction, references: Iterable[str]) -> set[str]:
    """Those of ``references`` that a grievance already has."""
    query = select(table.c.reference).where(table.c.reference.in_(list(references)))
    return set(tx.execute(query).scalars())


def _case(row: Any) -> Case:
    return Case(**{name: getattr(row, name) for name in _FIELDS})


_COLUMNS = [table.c[name] for name in _FIELDS]


def lock(tx: Transaction, ids: Iterable[int]) -> dict[int, Case]:
    """Load grievances for change, locked in id order so that two writers never cross."""
    query = select(*_COLUMNS).where(table.c.id.in_(sorted(set(ids)))).order_by(table.c.id)
    if not tx.on_sqlite:
        query = query.with_for_update()
    found = {row.id: _case(row) for row in tx.execute(query)}
    veil.lift(tx, found.values())
    return found


def to_attend(tx: Transaction, now: datetime, limit: int) -> list[int]:
    """The grievances the clock has something to do about by ``now``, the longest due first."""
    query = select(table.c.id).where(table.c.attend_at <= now)
    query = query.order_by(table.c.attend_at, table.c.id).limit(limit)
    return sorted(tx.execute(query).scalars())


def attend_open(tx: Transaction, at: datetime) -> None:
    """Have the clock look at every open grievance it knows nothing of."""
    unknown = (table.c.attend_at.is_(None), table.c.status != "closed")
    tx.execute(update(table).where(*unknown).values(attend_at=at))


def put_off(tx: Transaction, grievance_id: int, at: datetime) -> None:
    """Have the clock leave this grievance alone until ``at``: it could not do what is due."""
    tx.execute(update(table).where(table.c.id == grievance_id).values(attend_at=at))


def get(tx: Transaction, grievance_id: int) -> Case | None:
    """One grievance to look at."""
    row = tx.execute(select(*_COLUMNS).where(table.c.id == grievance_id)).first()
    found = _case(row) if row else None
    veil.lift(tx, filter(None, [found]))
    return found


def ids_of_addresses(tx: Transaction, address_ids: Iterable[int]) -> list[int]:
    """Every grievance that answers to one of these addresses, oldest first."""
    query = select(table.c.id).where(table.c.address_id.in_(list(address_ids))).order_by(table.c.id)
    return list(tx.execute(query).scalars())


def by_references(tx: Transaction, references: Iterable[str]) -> dict[str, Case]:
    """Grievances by reference."""
    query = select(*_COLUMNS).where(table.c.reference.in_(list(references)))
    found = {row.reference: _case(row) for row in tx.execute(query)}
    veil.lift(tx, found.values())
    return found


def insert(tx: Transaction, cases: Sequence[Case]) -> None:
    """Write new grievances."""
    if cases:
        plain = [{name: getattr(case, name) for name in _FIELDS} for case in cases]
        sealed = {case.id for case in cases if case.sensitive}
        parts = [veil.parted(row)[0] if row["id"] in sealed else row for row in plain]
        tx.execute(table.insert(), parts)
        veil.veil(tx, [row for row in plain if row["id"] in sealed])  # its row must be there first


def save(tx: Transaction, cases: Sequence[Case]) -> None:
    """Write changed grievances."""
    if cases:
        plain = [{name: getattr(case, name) for name in _FIELDS} for case in cases]
        tx.execute(
            _UPDATE,
            [{f"b_{name}": value for name, value in row.items()} for row in veil.veil(tx, plain)],
        )


def add_events(tx: Transaction, events: Sequence[Mapping[str, Any]]) -> None:
    """Append to the trail."""
    if events:
        tx.execute(case_event.insert(), events)


def events(tx: Transaction, grievance_id: int) -> list[Any]:
    """The trail of one grievance, oldest first."""
    query = select(case_event).where(case_event.c.grievance_id == grievance_id)
    return list(tx.execute(query.order_by(case_event.c.seq)).all())


def add_note(
    tx: Transaction, grievance_id: int, officer_id: int | None, words: str, at: datetime
) -> None:
    """Keep an internal note."""
    row = {"grievance_id": grievance_id, "officer_id": officer_id, "text": words, "at": at}
    tx.execute(note.insert(), [row])


def notes(tx: Transaction, grievance_id: int) -> list[Any]:
    """The notes of one grievance, oldest first."""
    query = select(note).where(note.c.grievance_id == grievance_id).order_by(note.c.id)
    return list(tx.execute(query).all())


def payload(tx: Transaction, grievance_id: int, seq: int) -> dict[str, Any]:
    """The facts of one event; empty where there is none or it was erased."""
    query = select(case_event.c.payload).where(
        case_event.c.grievance_id == grievance_id, case_event.c.seq == seq
    )
    return tx.scalar(query) or {}
