"""What an office changed in the desk: texts, free days, the profile; for every process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select

from config import clock, i18n, log
from config.profile import set_own
from config.settings import settings
from store.db import DatabaseAway, Transaction, reading
from store.schema import extra_holiday, own_profile, text_override

EVERY = 30.0  # seconds within which all processes know of a change
_known: tuple[str, float] = ("", 0.0)


def fresh(tx: Transaction) -> None:
    """Know what was corrected up to half a minute ago; one look at a clock in between."""
    if _stale():
        load(tx)


def refresh() -> None:
    """The same where no transaction is open; while the database is away, what was known counts."""
    global _known
    if _stale():
        _known = (settings().database_url, time.monotonic())  # for the threads beside this one
        with suppress(DatabaseAway), reading() as tx:
            load(tx)


def _stale() -> bool:
    url, at = _known
    return url != settings().database_url or time.monotonic() - at > EVERY


def load(tx: Transaction) -> None:
    """Read every correction now."""
    global _known
    rows = tx.execute(select(text_override.c.key, text_override.c.language, text_override.c.text))
    i18n.set_overrides({(row.key, row.language): row.text for row in rows})
    clock.set_extra_holidays({row.day for row in holidays(tx)})
    if left_out := set_own(own(tx)):
        log.get().warning("own profile left out", sections=left_out)
    _known = (settings().database_url, time.monotonic())


def texts(tx: Transaction) -> dict[tuple[str, str], Any]:
    """Every corrected text by (key, language)."""
    return {(row.key, row.language): row for row in tx.execute(select(text_override))}


def keep_text(
    tx: Transaction, key: str, language: str, words: str, review: str, officer: int, now: datetime
) -> None:
    """Correct a text."""
    statement = tx.upsert(text_override)
    names = ("text", "review", "officer_id", "at")
    statement = statement.on_conflict_do_update(
        index_elements=["key", "language"],
        set_={name: statement.excluded[name] for name in names},
    )
    row = {"key": key, "language": language, "text": words, "review": review}
    tx.execute(statement, [row | {"officer_id": officer, "at": now}])


def drop_text(tx: Transaction, key: str, language: str) -> None:
    """The catalogue's own text counts again."""
    one = (text_override.c.key == key, text_override.c.language == language)
    tx.execute(delete(text_override).where(*one))


def holidays(tx: Transaction) -> Sequence[Any]:
    """The free days the office named, in order."""
    return tx.execute(select(extra_holiday).order_by(extra_holiday.c.day)).all()


def keep_holiday(tx: Transaction, day: date, name: str) -> None:
    """Name a free day; a day already named keeps its name."""
    tx.execute(tx.ignore_insert(extra_holiday), [{"day": day, "name": name}])


def drop_holiday(tx: Transaction, day: date) -> None:
    """A free day is a day like any other again."""
    tx.execute(delete(extra_holiday).where(extra_holiday.c.day == day))


def own(tx: Transaction) -> dict[str, Any]:
    """What the office decided otherwise than the profile's file, by section."""
    return {row.section: row.value[0] for row in tx.execute(select(own_profile))}


def keep_own(tx: Transaction, section: str, value: Any, officer: int, now: datetime) -> None:
    """Keep a section of the profile; the caller has validated it."""
    drop_own(tx, section)
    # In a list: "no approver" is a decision, and a bare None would be stored as nothing.
    row = {"section": section, "value": [value], "officer_id": officer, "at": now}
    tx.execute(own_profile.insert(), [row])


def drop_own(tx: Transaction, section: str) -> None:
    """The profile's file counts again for that section."""
    tx.execute(delete(own_profile).where(own_profile.c.section == section))
