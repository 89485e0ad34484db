"""Sensitive matters' words: encrypted in one place, joined to nothing else."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from store import veil
from store.db import Transaction
from store.messages import OutboundState
from store.schema import (
    draft,
    hook_call,
    inbox,
    note,
    outbox,
    raw_event,
    recording_note,
    redaction,
    sealed_matter,
    task,
)


def add(tx: Transaction, grievance_id: int, words: list[str]) -> None:
    """Add words to a sealed matter."""
    before = read(tx, grievance_id)
    statement = tx.upsert(sealed_matter)
    statement = statement.on_conflict_do_update(
        index_elements=[sealed_matter.c.grievance_id], set_={"body": statement.excluded.body}
    )
    tx.execute(statement, [{"grievance_id": grievance_id, "body": [*before, *words]}])


def read(tx: Transaction, grievance_id: int) -> list[str]:
    """The words of a sealed matter, oldest first; for focal points, after logging the look."""
    query = select(sealed_matter.c.body).where(sealed_matter.c.grievance_id == grievance_id)
    return list(tx.scalar(query) or [])


def seal(tx: Transaction, grievance_id: int, own: str = "") -> None:
    """Move every copy of the words of an ordinary grievance under the seal.

    ``own`` is its text, which counts where no message brought it: somebody wrote it down.
    """
    tx.leave_no_trace()
    messages = tx.execute(
        select(inbox.c.id, inbox.c.raw_id, inbox.c.text)
        .where(inbox.c.grievance_id == grievance_id)
        .order_by(inbox.c.id)
    ).all()
    texts = [row.text for row in messages if row.text]
    kept = [
        words
        for column in (note.c.text, recording_note.c.transcript)
        for words in tx.execute(
            select(column).where(column.table.c.grievance_id == grievance_id)
        ).scalars()
    ]
    add(tx, grievance_id, [*(texts or ([own] if own else [])), *kept])
    raw = [row.raw_id for row in messages if row.raw_id is not None]
    tx.execute(update(raw_event).where(raw_event.c.id.in_(raw)).values(body=b""))
    tx.execute(
        update(inbox)
        .where(inbox.c.grievance_id == grievance_id)
        .values(text="", choice="", details=None)
    )
    tx.execute(update(note).where(note.c.grievance_id == grievance_id).values(text=""))
    tx.execute(update(task).where(task.c.grievance_id == grievance_id).values(detail=""))
    for table in (redaction, recording_note, draft, hook_call):
        tx.execute(delete(table).where(table.c.grievance_id == grievance_id))
    # What still waits goes out first: an empty letter would frighten more than it hides.
    left = outbox.c.state.not_in((OutboundState.QUEUED, OutboundState.SENDING))
    tx.execute(update(outbox).where(outbox.c.grievance_id == grievance_id, left).values(text=""))
    veil.veil_trail(tx, grievance_id)
    veil.veil_looks(tx, grievance_id)
