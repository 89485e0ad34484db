"""What of a sealed matter's row and trail is words of people: kept under its seal alone.

A grievance's resolution, its facts, the reasons in its trail and why somebody looked lie open in
their tables. Of a sealed matter they are taken out when they are written and put back when a
grievance is read; everything else about it stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select, update

from store.case import Case
from store.db import Transaction
from store.erasure import FIGURES, HARMLESS
from store.schema import access_log, case_event, sealed_matter

ROW, EVENTS, LOOKS = "row", "events", "looks"
# Facts of a grievance that hold no words and are needed to work with a sealed one as well.
PLAIN_FACTS = FIGURES | {
    "contact", "reach", "behalf", "refer", "survey", "about", "told", "demo", "imported", "erased",
}  # fmt: skip
_PLAIN_OF_EVENTS = HARMLESS | {"held_at", "language", "place", "sensitive"}
_WORDS = ("text", "folded", "gist", "resolution")
_CLOSING = "closing"


def parted(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns of a sealed grievance as its row may hold them, and what it may not. Pure."""
    facts = row["facts"]
    hidden = {name: value for name, value in facts.items() if name not in PLAIN_FACTS}
    left = {name: value for name, value in facts.items() if name in PLAIN_FACTS}
    if closing := facts.get(_CLOSING):  # the views look for it; what it says is not theirs
        left[_CLOSING] = {name: closing[name] for name in ("outcome", "by") if name in closing}
    words = {name: row[name] for name in _WORDS if row[name]}
    blank = dict.fromkeys(_WORDS, "")
    return {**row, **blank, "facts": left}, {**words, "facts": hidden}


def parted_event(payload: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The facts of a sealed grievance's event that its trail may hold, and the words. Pure."""
    plain = {name: value for name, value in payload.items() if _is_plain(name, value)}
    return plain, {name: value for name, value in payload.items() if name not in plain}


def _is_plain(name: str, value: object) -> bool:
    return name in _PLAIN_OF_EVENTS or value is None or isinstance(value, bool | int)


# -- rows -----------------------------------------------------------------------------------------


def keep(tx: Transaction, grievance_id: int, part: str, words: Mapping[str, Any]) -> None:
    """Put ``words`` under the seal; names that ``part`` has already are replaced."""
    before = _kept(tx, [grievance_id]).get(grievance_id, {})
    merged = dict(words) if part == ROW else {**before.get(part, {}), **words}
    row = {"grievance_id": grievance_id, "body": [], "kept": {**before, part: merged}}
    statement = tx.upsert(sealed_matter)
    statement = statement.on_conflict_do_update(
        index_elements=[sealed_matter.c.grievance_id], set_={"kept": statement.excluded.kept}
    )
    tx.execute(statement, [row])


def under(tx: Transaction, grievance_id: int, part: str) -> dict[str, Any]:
    """What is under the seal of one grievance; for who may read it."""
    found: dict[str, Any] = _kept(tx, [grievance_id]).get(grievance_id, {}).get(part, {})
    return found


def _kept(tx: Transaction, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    columns = (sealed_matter.c.grievance_id, sealed_matter.c.kept)
    query = select(*columns).where(sealed_matter.c.grievance_id.in_(list(ids)))
    return {row.grievance_id: row.kept or {} for row in tx.execute(query)}


def lift(tx: Transaction, cases: Iterable[Case]) -> None:
    """Put back into sealed ones of ``cases`` what their rows do not hold."""
    veiled = {case.id: case for case in cases if case.sensitive}
    for grievance_id, kept in (_kept(tx, veiled) if veiled else {}).items():
        case, words = veiled[grievance_id], dict(kept.get(ROW, {}))
        case.facts = {**case.facts, **words.pop("facts", {})}
        for name, value in words.items():
            setattr(case, name, value)


def veil(tx: Transaction, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """``rows`` of grievances as they may be written; words of sealed ones go under the seal."""
    return [_veiled(tx, row) if row["sensitive"] else row for row in rows]


def _veiled(tx: Transaction, row: dict[str, Any]) -> dict[str, Any]:
    plain, words = parted(row)
    keep(tx, row["id"], ROW, words)
    return plain


def veil_trail(tx: Transaction, grievance_id: int) -> None:
    """Sealed now: the words of earlier events go under the seal, the events lose their facts.

    The sealing itself says no more than its kind and the clock that it started.
    """
    mine = (case_event.c.grievance_id == grievance_id, case_event.c.kind != "sealed")
    query = select(case_event.c.seq, case_event.c.payload).where(*mine)
    found = {str(row.seq): parted_event(row.payload or {})[1] for row in tx.execute(query)}
    words = {seq: said for seq, said in found.items() if said}
    if words:
        keep(tx, grievance_id, EVENTS, words)
    tx.execute(update(case_event).where(*mine).values(payload=None, salt=None))


def veil_looks(tx: Transaction, grievance_id: int) -> None:
    """Sealed now: why somebody looked at it earlier goes under the seal."""
    mine = (access_log.c.grievance_id == grievance_id, access_log.c.reason != "")
    rows = tx.execute(select(access_log.c.id, access_log.c.reason).where(*mine)).all()
    if rows:
        keep(tx, grievance_id, LOOKS, {str(row.id): row.reason for row in rows})
        tx.execute(update(access_log).where(*mine).values(reason=""))
