"""Stages 3 and 4 at the desk: what forms say of meetings and courts, what is shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from admin.dossier import Dossier
from config.profile import profile
from store import meetings
from store.case import Case
from store.db import Transaction
from workflow import routing

FIELDS: dict[str, tuple[str, ...]] = {
    "convene": ("held_at", "agenda", "participants"),
    "decide": ("decision",),
    "record_court": ("court", "number", "filed_on"),
}
ICONS = {"convene": "calendar-plus", "decide": "check2-all", "record_court": "building"}


def held_at(found: Dossier, text: str) -> dict[str, Any]:
    """A local moment; nothing for any other text."""
    try:
        return {"held_at": datetime.fromisoformat(text).replace(tzinfo=profile().timezone)}
    except ValueError:
        return {}


def filed_on(found: Dossier, text: str) -> dict[str, Any]:
    """A day; nothing for any other text."""
    try:
        return {"filed_on": date.fromisoformat(text)}
    except ValueError:
        return {}


def of(tx: Transaction, case: Case) -> Sequence[Any]:
    """The meetings about this grievance, the latest first."""
    return meetings.of_grievance(tx, case.id)[::-1]


def suggested(tx: Transaction, case: Case) -> int | None:
    """Who could best take it, where nobody has it yet."""
    if case.assignee_id is not None:
        return None
    return routing.suggest(case, routing.candidates(tx), profile())
