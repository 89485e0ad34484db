"""Rows that were taken over from files, and what people with these phones have said before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from store.db import Transaction
from store.people import tail_index
from store.schema import access_log, address, grievance, import_row

_MANY = 500  # values of one question


def known(tx: Transaction, digests: Collection[bytes]) -> dict[bytes, str]:
    """Those of ``digests`` that were taken over before, with the reference they got."""
    found: dict[bytes, str] = {}
    for part in _parts(list(digests)):
        query = (
            select(import_row.c.digest, grievance.c.reference)
            .join(grievance, grievance.c.id == import_row.c.grievance_id)
            .where(import_row.c.digest.in_(part))
        )
        found |= {bytes(row.digest): row.reference for row in tx.execute(query)}
    return found


def said_by(tx: Transaction, phones: Collection[str]) -> dict[str, list[tuple[datetime, str, str]]]:
    """What each of ``phones`` has said: (received, words, reference); sealed matters never."""
    tails = {tail_index(phone): phone for phone in phones}
    found: dict[str, list[tuple[datetime, str, str]]] = {}
    for part in _parts([tail for tail in tails if tail]):
        ends = select(address.c.tail_index, address.c.id, address.c.person_id)
        rows = tx.execute(ends.where(address.c.tail_index.in_(part))).all()
        for row in rows:
            phone = tails[bytes(row.tail_index)]
            found.setdefault(phone, []).extend(_said(tx, row))
    return found


def _said(tx: Transaction, end: Any) -> list[tuple[datetime, str, str]]:
    mine = grievance.c.address_id == end.id
    if end.person_id is not None:
        mine = or_(mine, grievance.c.complainant_id == end.person_id)
    query = select(grievance.c.received_at, grievance.c.text, grievance.c.reference)
    rows = tx.execute(query.where(mine, grievance.c.sensitive == ""))
    return [(row.received_at, row.text, row.reference) for row in rows]


def keep(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Remember rows that were taken over."""
    if rows:
        tx.execute(import_row.insert(), rows)


def note(tx: Transaction, actor: str, words: str, at: datetime) -> None:
    """Remember who took a file over."""
    row = {"at": at, "actor": actor, "action": "import", "reason": words[:500]}
    tx.execute(access_log.insert(), [row])


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[at : at + _MANY] for at in range(0, len(values), _MANY))
