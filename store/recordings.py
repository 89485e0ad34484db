"""What officers wrote down of a recording: its words, what it is about, whether it was heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from store.db import Transaction
from store.schema import recording_note as table

GIST = ("what", "where", "wish")


@dataclass(frozen=True, slots=True)
class Note:
    """The note of one recording; ``gist`` answers what happened, where, and what is wished."""

    transcript: str = ""
    gist: Mapping[str, str] = field(default_factory=dict)
    heard_at: datetime | None = None
    officer_id: int | None = None


def read(tx: Transaction, attachment_id: int) -> Note:
    """The note of a recording; an empty one where nobody wrote any."""
    row = tx.execute(select(table).where(table.c.attachment_id == attachment_id)).first()
    return Note(row.transcript, row.gist, row.heard_at, row.officer_id) if row else Note()


def write(
    tx: Transaction, attachment_id: int, grievance_id: int, note: Note, now: datetime
) -> None:
    """Keep the note of a recording, the latest one."""
    values = {
        "transcript": note.transcript,
        "gist": dict(note.gist),
        "heard_at": note.heard_at,
        "officer_id": note.officer_id,
        "updated_at": now,
    }
    statement = tx.upsert(table).on_conflict_do_update(
        index_elements=[table.c.attachment_id], set_=values
    )
    row = {"attachment_id": attachment_id, "grievance_id": grievance_id, **values}
    tx.execute(statement, [row])
