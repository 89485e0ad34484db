"""What officers keep for their work: drafts, who looks, replies at hand, views, changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update

from store.db import Transaction
from store.messages import OutboundState
from store.schema import (
    canned_reply,
    draft,
    looking,
    officer,
    outbox,
    saved_view,
    setting_change,
)

PRESENT = timedelta(seconds=60)
SENT = "sent"  # the words of a reply that may still be taken back


# -- drafts -------------------------------------------------------------------------------------


def keep_draft(
    tx: Transaction, officer_id: int, grievance_id: int, command: str, words: str, now: datetime
) -> None:
    """Keep what an officer has typed; nothing typed keeps nothing."""
    if not words.strip():
        drop_draft(tx, officer_id, grievance_id, command)
        return
    statement = tx.upsert(draft)
    statement = statement.on_conflict_do_update(
        index_elements=["officer_id", "grievance_id", "command"],
        set_={"text": statement.excluded.text, "at": statement.excluded.at},
    )
    row = {"officer_id": officer_id, "grievance_id": grievance_id, "command": command}
    tx.execute(statement, [row | {"text": words, "at": now}])


def drop_draft(tx: Transaction, officer_id: int, grievance_id: int, command: str) -> None:
    """Forget a draft."""
    tx.execute(
        delete(draft).where(
            draft.c.officer_id == officer_id,
            draft.c.grievance_id == grievance_id,
            draft.c.command == command,
        )
    )


def drafts(tx: Transaction, officer_id: int, grievance_id: int) -> dict[str, str]:
    """What the officer left unfinished here, by command."""
    query = select(draft.c.command, draft.c.text).where(
        draft.c.officer_id == officer_id, draft.c.grievance_id == grievance_id
    )
    return {row.command: row.text for row in tx.execute(query)}


def forget_drafts(tx: Transaction, grievance_id: int) -> None:
    """Nobody's unfinished words about this grievance stay: it was sealed or erased."""
    tx.execute(delete(draft).where(draft.c.grievance_id == grievance_id))


# -- who else is here ---------------------------------------------------------------------------


def look(tx: Transaction, officer_id: int, grievance_id: int, now: datetime) -> None:
    """Remember that the officer has the grievance open."""
    statement = tx.upsert(looking)
    statement = statement.on_conflict_do_update(
        index_elements=["officer_id", "grievance_id"], set_={"at": statement.excluded.at}
    )
    row = {"officer_id": officer_id, "grievance_id": grievance_id, "at": now}
    tx.execute(statement, [row])


def others_looking(
    tx: Transaction, officer_id: int, grievance_id: int, now: datetime
) -> Sequence[str]:
    """The names of colleagues who have it open, or have typed at it, in the last minute."""
    query = (
        select(officer.c.name)
        .join(looking, looking.c.officer_id == officer.c.id)
        .where(
            looking.c.grievance_id == grievance_id,
            looking.c.officer_id != officer_id,
            looking.c.at > now - PRESENT,
        )
    )
    return list(tx.execute(query.order_by(officer.c.name)).scalars())


# -- replies that wait, replies that failed -----------------------------------------------------


def waiting_reply(tx: Transaction, grievance_id: int, now: datetime) -> Any:
    """The reply that may still be taken back, or None."""
    query = select(outbox.c.id, outbox.c.not_before).where(
        outbox.c.grievance_id == grievance_id,
        outbox.c.template == "reply",
        outbox.c.state == OutboundState.QUEUED,
        outbox.c.not_before > now,
        outbox.c.attempts == 0,
    )
    return tx.execute(query.order_by(outbox.c.id.desc()).limit(1)).first()


def take_back(tx: Transaction, outbox_id: int, now: datetime) -> bool:
    """Remove a reply before its time comes; False where it is on its way already."""
    statement = delete(outbox).where(
        outbox.c.id == outbox_id,
        outbox.c.state == OutboundState.QUEUED,
        outbox.c.not_before > now,
        outbox.c.attempts == 0,
    )
    return tx.execute(statement.returning(outbox.c.id)).first() is not None


def send_again(tx: Transaction, outbox_id: int, grievance_id: int, now: datetime) -> bool:
    """Queue a letter of this grievance that failed once more; False for any other."""
    statement = (
        update(outbox)
        .where(
            outbox.c.id == outbox_id,
            outbox.c.grievance_id == grievance_id,
            outbox.c.state == OutboundState.FAILED,
            outbox.c.text != "",
        )
        .values(
            state=OutboundState.QUEUED, error="", attempts=0, unanswered=0, not_before=now,
            provider_id=None,
        )
    )  # fmt: skip
    return tx.execute(statement.returning(outbox.c.id)).first() is not None


# -- replies at hand ----------------------------------------------------------------------------


def canned(tx: Transaction, category: str | None = None) -> Sequence[Any]:
    """Replies at hand: those of the category first, then those for any; None for all of them."""
    query = select(canned_reply).order_by(canned_reply.c.category.desc(), canned_reply.c.name)
    if category is not None:
        fits = or_(canned_reply.c.category == "", canned_reply.c.category == category)
        query = query.where(canned_reply.c.active, fits)
    return tx.execute(query).all()


def keep_canned(tx: Transaction, number: int, values: dict[str, Any]) -> int:
    """Change a reply at hand, or add one (``number`` 0); its id."""
    if number:
        tx.execute(update(canned_reply).where(canned_reply.c.id == number).values(**values))
        return number
    (added,) = tx.insert_ids(canned_reply, [values])
    return added


# -- views of one's own -------------------------------------------------------------------------


def saved_views(tx: Transaction, officer_id: int) -> Sequence[Any]:
    """The views an officer has saved, by name."""
    query = select(saved_view).where(saved_view.c.officer_id == officer_id)
    return tx.execute(query.order_by(saved_view.c.name)).all()


def save_view(
    tx: Transaction, officer_id: int, name: str, view: str, filters: dict[str, str]
) -> None:
    """Save a view under a name."""
    row = {"officer_id": officer_id, "name": name, "view": view, "filters": filters}
    tx.execute(saved_view.insert(), [row])


def drop_view(tx: Transaction, officer_id: int, number: int) -> None:
    """Forget one of the officer's own views."""
    tx.execute(
        delete(saved_view).where(saved_view.c.id == number, saved_view.c.officer_id == officer_id)
    )


# -- settings -----------------------------------------------------------------------------------


def changed(
    tx: Transaction, officer_id: int | None, what: str, before: str, after: str, now: datetime
) -> None:
    """Remember a change of a setting; nobody's (None) where it changed by itself."""
    row = {"what": what[:120], "before": before, "after": after, "officer_id": officer_id}
    tx.execute(setting_change.insert(), [row | {"at": now}])


def changes(tx: Transaction, limit: int = 50, what: str = "") -> Sequence[Any]:
    """The latest changes of settings, or of those whose name begins so, newest first."""
    query = select(setting_change, officer.c.name.label("officer")).outerjoin(
        officer, officer.c.id == setting_change.c.officer_id
    )
    query = query.where(setting_change.c.what.startswith(what, autoescape=True))
    return tx.execute(query.order_by(setting_change.c.id.desc()).limit(limit)).all()
