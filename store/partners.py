"""Partners: organisations that file for others, what they filed, and figures of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, func, select, update

from store import officers, people
from store.db import Transaction
from store.officers import PARTNER, Officer
from store.passwords import OfficerError
from store.schema import grievance
from store.schema import officer as officer_table
from store.schema import partner as table

LANGUAGES = ("mn", "kk", "en")
# A figure below this could name somebody.
FEWEST = 5
PAGE = 50


@dataclass(frozen=True, slots=True)
class Partner:
    """One account of an organisation. ``person_id`` is the submitter of what it files."""

    officer_id: int
    person_id: int
    organisation: str


@dataclass(frozen=True, slots=True)
class Account:
    """One partner as the desk's administrator sees it."""

    officer: Officer
    organisation: str


def create(
    tx: Transaction, login: str, name: str, organisation: str, now: datetime, language: str = "mn"
) -> str:
    """Add an account of an organisation; its one-time password.

    `OfficerError` for a bad or taken login, name or organisation.
    """
    organisation = " ".join(organisation.split())
    if not 0 < len(organisation) <= 200:
        raise OfficerError(
            "an organisation's name is 1 to 200 characters", code="officer.organisation"
        )
    password = officers.create(tx, login, name, [PARTNER], now, language)
    account = officers.by_login(tx, login)
    if account is None:
        raise OfficerError("the account was not made", code="officer.unknown")
    person_id = people.add_person(tx, f"{name} ({organisation})", language, now)
    row = {
        "officer_id": account.id,
        "person_id": person_id,
        "organisation": organisation,
        "created_at": now,
    }
    tx.execute(table.insert(), [row])
    return password


def of_officer(tx: Transaction, officer_id: int) -> Partner | None:
    """The partner whose account that is."""
    query = select(table.c.officer_id, table.c.person_id, table.c.organisation)
    row = tx.execute(query.where(table.c.officer_id == officer_id)).first()
    return Partner(row.officer_id, row.person_id, row.organisation) if row else None


def accounts(tx: Transaction) -> list[Account]:
    """Every partner's account, by organisation and name."""
    query = select(table.c.organisation, officer_table.c.login).join(
        officer_table, officer_table.c.id == table.c.officer_id
    )
    found = []
    for row in tx.execute(query.order_by(table.c.organisation, officer_table.c.name)).all():
        account = officers.by_login(tx, row.login)
        if account is not None:
            found.append(Account(account, row.organisation))
    return found


def set_active(tx: Transaction, officer_id: int, now: datetime, *, active: bool) -> None:
    """Shut an account or open it again; what it filed stays."""
    tx.execute(update(officer_table).where(officer_table.c.id == officer_id).values(active=active))
    officers.end_sessions(tx, officer_id, now)


# -- what a partner filed -----------------------------------------------------------------------

_COLUMNS = (
    grievance.c.reference, grievance.c.status, grievance.c.outcome, grievance.c.kind,
    grievance.c.received_at, grievance.c.due_at, grievance.c.closed_at, grievance.c.sensitive,
)  # fmt: skip


def filed(tx: Transaction, partner: Partner, after: str = "") -> Sequence[Any]:
    """Some of what the partner filed, the newest first; ``after`` is the last reference seen."""
    query = select(*_COLUMNS).where(grievance.c.submitter_id == partner.person_id)
    if after:
        last = select(grievance.c.id).where(
            grievance.c.reference == after, grievance.c.submitter_id == partner.person_id
        )
        query = query.where(grievance.c.id < last.scalar_subquery())
    return tx.execute(query.order_by(grievance.c.id.desc()).limit(PAGE)).all()


def find(tx: Transaction, partner: Partner, reference: str) -> int | None:
    """The id of a grievance that this very partner filed; None for anybody else's."""
    query = select(grievance.c.id).where(
        grievance.c.reference == reference, grievance.c.submitter_id == partner.person_id
    )
    found: int | None = tx.scalar(query)
    return found


def figures(tx: Transaction, partner: Partner) -> dict[str, Mapping[str, int | None]]:
    """How many it filed by status, kind and outcome; None where fewer than `FEWEST` are meant."""
    return {name: _counts(tx, partner, grievance.c[name]) for name in ("status", "kind", "outcome")}


def _counts(tx: Transaction, partner: Partner, column: Column[Any]) -> Mapping[str, int | None]:
    query = (
        select(column, func.count().label("number"))
        .where(grievance.c.submitter_id == partner.person_id, column.is_not(None))
        .group_by(column)
        .order_by(column)
    )
    return suppressed({row[0]: row.number for row in tx.execute(query)})


def suppressed(counts: Mapping[str, int]) -> dict[str, int | None]:
    """Small figures left out, and with a single one the next smallest too: it could be computed."""
    small = {name for name, number in counts.items() if 0 < number < FEWEST}
    others = sorted((number, name) for name, number in counts.items() if name not in small)
    if len(small) == 1 and others:
        small.add(others[0][1])
    return {name: None if name in small else number for name, number in counts.items()}
