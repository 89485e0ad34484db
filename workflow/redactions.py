"""The text of grievances as it may be disclosed: confirmed by an officer, else masked by rule."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from store.db import Transaction
from store.schema import grievance, officer, person
from store.schema import redaction as table
from workflow.masking import mask


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text for disclosure; ``confirmed`` by an officer who read it, or only masked by rule."""

    text: str
    confirmed: bool


def text_for(tx: Transaction, ids: Iterable[int]) -> dict[int, Redacted]:
    """What may be disclosed of these grievances, by id.

    A sensitive matter is not among them: it has no text that anybody else may read.
    """
    query = (
        select(
            grievance.c.id, grievance.c.text, person.c.name, table.c.text.label("copy"),
            table.c.source,
        )
        .outerjoin(person, person.c.id == grievance.c.complainant_id)
        .outerjoin(table, table.c.grievance_id == grievance.c.id)
        .where(grievance.c.id.in_(list(ids)), grievance.c.sensitive == "")
    )  # fmt: skip
    staff = _staff(tx)
    found = {}
    for row in tx.execute(query):
        current = row.source is not None and bytes(row.source) == fingerprint(row.text)
        names = (row.name or "", *staff)
        found[row.id] = Redacted(row.copy if current else mask(row.text, names), current)
    return found


def _staff(tx: Transaction) -> list[str]:
    return list(tx.execute(select(officer.c.name)).scalars())


def fingerprint(text: str) -> bytes:
    """The hash by which a copy knows the text it was made from."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def confirm(
    tx: Transaction, grievance_id: int, source: str, text: str, officer_id: int | None, at: datetime
) -> None:
    """Keep the copy that an officer read and found fit to disclose."""
    row: Mapping[str, object] = {
        "grievance_id": grievance_id, "text": text, "source": fingerprint(source),
        "officer_id": officer_id, "at": at,
    }  # fmt: skip
    statement = tx.upsert(table)
    changed = {name: statement.excluded[name] for name in ("text", "source", "officer_id", "at")}
    tx.execute(
        statement.on_conflict_do_update(index_elements=[table.c.grievance_id], set_=changed), [row]
    )
