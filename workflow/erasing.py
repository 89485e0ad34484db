"""Erasing people: on their wish, by an administrator, or when what the profile keeps runs out.

Numbers stay and the trail stays valid; see `store.erasure` for what goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store import conversations, erasure, files
from store.case import Case
from store.db import Transaction, engine, write_lock
from store.erasure import NOTHING, Heard
from workflow.commands import Act, Actor
from workflow.handlers import Casework


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: how many grievances lost their words, how many addresses."""

    grievances: int
    addresses: int


def person(
    tx: Transaction, person_id: int, actor: Actor, reason: str, now: datetime,
    heard: Heard = NOTHING,
) -> Erased:  # fmt: skip
    """Erase one person and all that is about their grievances; open ones end as withdrawn.

    ``heard`` may be looked up beforehand (`store.erasure.heard`). Harmless when repeated.
    """
    return _erase(
        tx, erasure.grievances_of(tx, person_id), erasure.addresses_of(tx, person_id),
        person_id, Act("erase", 0, actor, {"reason": reason}), now, heard,
    )  # fmt: skip


def of_case(tx: Transaction, case: Case, actor: Actor, reason: str, now: datetime) -> Erased:
    """Erase whoever is behind a grievance, also where nobody knows who."""
    if case.complainant_id is not None:
        return person(tx, case.complainant_id, actor, reason, now)
    ends = [case.address_id] if case.address_id else []
    return _erase(tx, [case.id], ends, None, Act("erase", 0, actor, {"reason": reason}), now)


def addresses(tx: Transaction, ids: Sequence[int], now: datetime, heard: Heard = NOTHING) -> None:
    """Erase addresses from which nothing was ever registered."""
    _erase(tx, [], ids, None, None, now, heard)


def messages(tx: Transaction, ids: Sequence[int], now: datetime) -> None:
    """Erase messages that belong to no grievance."""
    tx.leave_no_trace()
    unused = erasure.of_messages(tx, ids, now)
    tx.after(("files", tuple(ids)), lambda: files.remove(unused))


def _erase(
    tx: Transaction, cases: Sequence[int], ends: Sequence[int], person_id: int | None,
    wish: Act | None, now: datetime, heard: Heard = NOTHING,
) -> Erased:  # fmt: skip
    tx.leave_no_trace()
    conversations.load(tx, ends)  # locked first, as whoever takes messages in locks them
    work = Casework(tx, now)
    work.load(cases)
    for number in cases:
        if wish and "erased" not in work.cases[number].facts:
            work.act(Act(wish.command, number, wish.actor, wish.values))
        else:  # what was written down since; a second erasing adds nothing to the trail
            erasure.of_grievance(tx, number, now)
    work.flush()
    unused = erasure.of_addresses(tx, ends, now, heard)
    tx.after(("files", tuple(ends)), lambda: files.remove(unused))
    if person_id is not None:
        erasure.of_person(tx, person_id, now)
    return Erased(len(cases), len(ends))


def settle() -> None:
    """After erasing: let no old page of SQLite's log, nor a dead row of PostgreSQL, keep words."""
    with write_lock(), engine().connect() as connection:
        raw = connection.execution_options(isolation_level="AUTOCOMMIT")
        if engine().dialect.name == "sqlite":
            raw.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            for table in ("grievance", "inbox", "redaction", "case_event", "person", "address"):
                raw.exec_driver_sql(f"VACUUM {table}")
