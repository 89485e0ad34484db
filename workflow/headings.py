"""What stands above a letter on channels that have headings: subject, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from config import i18n
from config.profile import profile
from store import letterheads
from store.db import Transaction
from store.letterheads import Letterhead
from store.outbox import Claimed
from workflow.letters import project_values


def headed(tx: Transaction, items: Sequence[Claimed]) -> list[Claimed]:
    """``items`` with ``extra`` filled: ``subject``, ``in_reply_to``, ``references``.

    The subject names the reference, never a word of what the letter is about: it shows on locked
    screens. The last message of the same matter is the one that is answered.
    """
    known = letterheads.load(tx, [item.outbound.id for item in items])
    return [_with(item, known.get(item.outbound.id)) for item in items]


def _with(item: Claimed, row: Letterhead | None) -> Claimed:
    if row is None:
        return item
    extra = {"subject": subject(row.reference, row.language)} | _thread(row)
    return replace(item, outbound=replace(item.outbound, extra=extra))


def subject(reference: str | None, language: str) -> str:
    """The subject of a letter about a grievance, or about none."""
    values = project_values(profile()).get(language) or project_values(profile())["mn"]
    if reference is None:
        return i18n.text("mail.subject.other", language, **values)
    return i18n.text("mail.subject", language, reference=reference, **values)


def _thread(row: Letterhead) -> dict[str, str]:
    found = {"in_reply_to": row.answered, "references": " ".join(row.earlier)}
    return {name: value for name, value in found.items() if value}
