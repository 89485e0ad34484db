"""Limits on guessing: tries are counted per address, per reference and in all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select

from store.crypto import blind
from store.db import Transaction
from store.schema import attempt as table

WINDOW_SECONDS = 3600
PER_ADDRESS, PER_REFERENCE, IN_ALL = 5, 20, 1000

Subject = TypeVar("Subject", int, str)


def _subject(kind: str, value: object) -> bytes:
    return blind("attempt", f"{kind}:{value}")


def count(tx: Transaction, address_id: int | str, reference: str, now: datetime) -> None:
    """Count one wrong code; a visitor of the website has no address but a blind string."""
    window = int(now.timestamp()) // WINDOW_SECONDS
    subjects = (
        _subject("address", address_id),
        _subject("reference", reference),
        _subject("all", 0),
    )
    statement = tx.upsert(table)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.purpose, table.c.subject, table.c.window],
        set_={"count": table.c.count + 1},
    )
    rows = [
        {"purpose": "code", "subject": subject, "window": window, "count": 1}
        for subject in subjects
    ]
    tx.execute(statement, rows)


def hit(tx: Transaction, purpose: str, subject: object, now: datetime) -> int:
    """Count one use of ``purpose`` (not "code") by ``subject``; how many there are this hour."""
    statement = tx.upsert(table)
    counted = statement.on_conflict_do_update(
        index_elements=[table.c.purpose, table.c.subject, table.c.window],
        set_={"count": table.c.count + 1},
    ).returning(table.c.count.label("number"))
    window = int(now.timestamp()) // WINDOW_SECONDS
    row = {"purpose": purpose, "subject": _subject(purpose, subject), "window": window, "count": 1}
    return int(tx.execute(counted, row).scalar_one())


def locked(
    tx: Transaction, address_ids: Sequence[Subject], now: datetime, most: int = PER_ADDRESS
) -> set[Subject]:
    """Those addresses that tried too often in this hour; all of them when everybody did."""
    window = int(now.timestamp()) // WINDOW_SECONDS
    subjects: dict[bytes, Subject] = {_subject("address", item): item for item in address_ids}
    everybody = _subject("all", 0)
    query = select(table.c.subject, table.c.count.label("number")).where(
        table.c.purpose == "code",
        table.c.window == window,
        table.c.subject.in_([*subjects, everybody]),
    )
    counts = {bytes(row.subject): row.number for row in tx.execute(query)}
    if counts.get(everybody, 0) >= IN_ALL:
        return set(address_ids)
    return {item for key, item in subjects.items() if counts.get(key, 0) >= most}


def reference_locked(tx: Transaction, references: Sequence[str], now: datetime) -> set[str]:
    """Those references that were guessed at too often in this hour."""
    window = int(now.timestamp()) // WINDOW_SECONDS
    subjects = {_subject("reference", item): item for item in references}
    query = select(table.c.subject).where(
        table.c.purpose == "code",
        table.c.window == window,
        table.c.subject.in_(list(subjects)),
        table.c.count >= PER_REFERENCE,
    )
    return {subjects[bytes(subject)] for subject in tx.execute(query).scalars()}
