"""Officers: accounts, passwords, second factor, lock-out and sessions as rows.

A failure is counted before a password is looked at and taken back when it was right, so that many
tries at once gain nothing. Passwords are hashed outside transactions: argon2 takes its time, and
nobody else should wait for it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, select, update

from store import passwords
from store.db import Transaction, reading, transaction
from store.passwords import OfficerError
from store.schema import officer as table
from store.schema import officer_session as session_table

FIRST = "officer"
# Until another focal point is named, sensitive matters must not go unseen.
FIRST_ROLES = ("officer", "administrator", "focal_point")
# Roles of people who sign in at the desk; partners and contractors have doors of their own.
ROLES: Final = (
    "officer", "assignee", "coordinator", "psc_secretary", "focal_point", "auditor",
    "administrator",
)  # fmt: skip
# Who signs in at the partners' door, and nowhere else; never together with a role of the desk.
PARTNER: Final = "cso"
LANGUAGES: Final = ("mn", "en")
IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=7)
FREE_TRIES = 5
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
_TOUCH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Officer:
    """One account as the desk needs it."""

    id: int
    login: str
    name: str
    roles: tuple[str, ...]
    language: str
    must_change: bool
    has_totp: bool
    active: bool
    locked_until: datetime | None
    last_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser."""

    id: int
    agent: str
    created_at: datetime
    seen_at: datetime


def _officer(row: Any) -> Officer:
    return Officer(
        row.id, row.login, row.name, tuple(row.roles), row.language, row.must_change,
        row.totp is not None, row.active, row.locked_until, row.last_in_at,
    )  # fmt: skip


_COLUMNS = (
    table.c.id, table.c.login, table.c.name, table.c.roles, table.c.language,
    table.c.must_change, table.c.totp, table.c.active, table.c.locked_until, table.c.last_in_at,
)  # fmt: skip


# -- accounts ---------------------------------------------------------------------------------


def ensure_first(tx: Transaction, now: datetime) -> tuple[str, str] | None:
    """Make the first officer where there is none; login and one-time password to print.

    Until that password has been replaced by the officer's own, each call makes a new one; None
    afterwards.
    """
    first = tx.execute(
        select(table.c.id, table.c.login, table.c.must_change, table.c.last_in_at)
        .order_by(table.c.id)
        .limit(1)
    ).first()
    if first is None:
        return FIRST, create(tx, FIRST, "Officer", FIRST_ROLES, now)
    if first.login == FIRST and first.must_change and first.last_in_at is None:
        return FIRST, reset(tx, first.id, now)
    return None


def create(
    tx: Transaction,
    login: str,
    name: str,
    roles: Iterable[str],
    now: datetime,
    language: str = "mn",
) -> str:
    """Add an account; its one-time password. `OfficerError` for a bad or taken login, or role."""
    login, name = normal(login), name.strip()
    if not (login.isascii() and 1 < len(login) <= 64 and login.replace(".", "").isalnum()):
        raise OfficerError("a login is 2 to 64 Latin letters, digits, dots", code="officer.login")
    if not 0 < len(name) <= 200:
        raise OfficerError("a name is 1 to 200 characters", code="officer.name")
    if by_login(tx, login):
        raise OfficerError("that login exists already", code="officer.taken")
    password = passwords.one_time()
    row = {
        "login": login,
        "name": name,
        "roles": known_roles(roles),
        "language": language,
        "password_hash": passwords.hashed(password),
        "must_change": True,
        "created_at": now,
    }
    tx.execute(table.insert(), [row])
    return password


def known_roles(roles: Iterable[str]) -> list[str]:
    """``roles`` in the order of `ROLES`; `OfficerError` for none or an unknown one."""
    wanted = set(roles)
    if wanted == {PARTNER}:
        return [PARTNER]
    if not wanted or wanted - set(ROLES):
        raise OfficerError(f"roles are {', '.join(ROLES)}", code="officer.role")
    return [role for role in ROLES if role in wanted]


def normal(login: str) -> str:
    """The one spelling of a login."""
    return login.strip().lower()


def by_login(tx: Transaction, login: str) -> Officer | None:
    """The account of that login, active or not."""
    row = tx.execute(select(*_COLUMNS).where(table.c.login == normal(login))).first()
    return _officer(row) if row else None


def everyone(tx: Transaction, *, active_only: bool = False) -> list[Officer]:
    """All accounts of the desk by name; partners are none of them."""
    query = select(*_COLUMNS).order_by(table.c.name, table.c.id)
    if active_only:
        query = query.where(table.c.active)
    return [found for row in tx.execute(query) if not is_partner(found := _officer(row))]


def is_partner(account: Officer) -> bool:
    """Whether this account belongs to a partner, for whom the desk is shut."""
    return PARTNER in account.roles


def change(tx: Transaction, officer_id: int, **values: Any) -> None:
    """Set columns of one account (name, roles, language, active …)."""
    tx.execute(update(table).where(table.c.id == officer_id).values(**values))


def reset(tx: Transaction, officer_id: int, now: datetime) -> str:
    """Give a new one-time password, lift the lock-out, end every session; the password."""
    password = passwords.one_time()
    change(
        tx, officer_id, password_hash=passwords.hashed(password), must_change=True, failures=0,
        locked_until=None,
    )  # fmt: skip
    end_sessions(tx, officer_id, now)
    return password


# -- passwords and lock-out -------------------------------------------------------------------


def authenticate(
    login: str, password: str, code: str, now: datetime, *, partner: bool = False
) -> Officer | None:
    """The officer, if login, password and (where set) the code of the moment are right.

    With ``partner`` an account of the partners' door, without it one of the desk's. None without
    saying which of them was wrong, or that the account is locked, ended or unknown;
    each case costs the same work. Opens transactions of its own.
    """
    with transaction() as tx:
        row = _count_failure(tx, normal(login), now)
    right = passwords.matches(row.password_hash if row else passwords.decoy(), password)
    if row is None or not right or (PARTNER in row.roles) != partner:
        return None
    with transaction() as tx:
        if row.totp is not None and not _use_code(tx, row.id, row.totp, code, now):
            return None
        # Two equal codes at once end here: the second finds the step used.
        values: dict[str, Any] = {"failures": 0, "locked_until": None}
        if not row.must_change:
            values["last_in_at"] = now
        change(tx, row.id, **values)
    _rehash(row.id, row.password_hash, password)
    return _officer(row)


def _count_failure(tx: Transaction, login: str, now: datetime) -> Any:
    """Count a failure in advance; None where the account may not try now."""
    query = select(*_COLUMNS, table.c.password_hash, table.c.failures)
    query = query.where(table.c.login == login, table.c.active)
    row = tx.execute(query if tx.on_sqlite else query.with_for_update()).first()
    if row is None or (row.locked_until and row.locked_until > now):
        return None
    failures = row.failures + 1
    change(tx, row.id, failures=failures, locked_until=_locked_until(failures, now))
    return row


def _locked_until(failures: int, now: datetime) -> datetime | None:
    """Free tries first, then 30 s, doubled at each failure up to 15 minutes."""
    if failures < FREE_TRIES:
        return None
    doublings = min(failures - FREE_TRIES, 10)
    return now + min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def _rehash(officer_id: int, stored: str, password: str) -> None:
    """Bring an old hash up to today's parameters, unless the password changed meanwhile."""
    if not passwords.outdated(stored):
        return
    fresh = passwords.hashed(password)
    same = and_(table.c.id == officer_id, table.c.password_hash == stored)
    with transaction() as tx:
        tx.execute(update(table).where(same).values(password_hash=fresh))


def knows_password(officer_id: int, password: str) -> bool:
    """Whether that is the officer's password, asked again before a grave step."""
    with reading() as tx:
        stored = tx.scalar(select(table.c.password_hash).where(table.c.id == officer_id))
    return passwords.matches(stored or passwords.decoy(), password)


def set_password(officer: Officer, old: str, new: str, session_id: int, now: datetime) -> None:
    """Replace a password that is known; every other session ends.

    Raises `OfficerError` ``officer.old`` (wrong), ``officer.short``, ``officer.long``,
    ``officer.simple`` or ``officer.same``. Opens transactions of its own.
    """
    passwords.check(officer.login, new)
    if not knows_password(officer.id, old):
        raise OfficerError("the present password is wrong", code="officer.old")
    if hmac.compare_digest(old.encode(), new.encode()):
        raise OfficerError("the new password must differ", code="officer.same")
    fresh = passwords.hashed(new)
    with transaction() as tx:
        change(tx, officer.id, password_hash=fresh, must_change=False, last_in_at=now)
        end_sessions(tx, officer.id, now, but=session_id)


# -- second factor ----------------------------------------------------------------------------


def set_totp(tx: Transaction, officer_id: int, secret: str, code: str, now: datetime) -> bool:
    """Turn the second factor on; False where ``code`` is not the secret's code of the moment."""
    step = passwords.code_step(secret, code, now)
    if step is None:
        return False
    change(tx, officer_id, totp=secret, totp_used=step)
    return True


def _use_code(tx: Transaction, officer_id: int, secret: str, code: str, now: datetime) -> bool:
    """Take the code of the moment, once: a step used before is refused."""
    step = passwords.code_step(secret, code, now)
    if step is None:
        return False
    unused = and_(table.c.id == officer_id, table.c.totp_used < step)
    taken = update(table).where(unused).values(totp_used=step).returning(table.c.id)
    return tx.execute(taken).first() is not None


# -- sessions ---------------------------------------------------------------------------------


def start_session(tx: Transaction, officer_id: int, agent: str, now: datetime) -> str:
    """Open a session; its token, of which only the hash is kept."""
    token = secrets.token_urlsafe(32)
    row = {
        "officer_id": officer_id,
        "token_hash": _hash(token),
        "agent": agent[:200],
        "created_at": now,
        "seen_at": now,
    }
    tx.execute(session_table.insert(), [row])
    return token


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _alive(now: datetime) -> Any:
    return and_(
        session_table.c.ended_at.is_(None),
        session_table.c.seen_at > now - IDLE,
        session_table.c.created_at > now - ABSOLUTE,
    )


def find_session(
    tx: Transaction, token: str, now: datetime, *, partner: bool = False
) -> tuple[Officer, Session] | None:
    """Who holds ``token``, if the session is alive, the account active and this their door."""
    query = (
        select(*_COLUMNS, *_SESSION)
        .join(session_table, session_table.c.officer_id == table.c.id)
        .where(session_table.c.token_hash == _hash(token), table.c.active, _alive(now))
    )
    row = tx.execute(query).first()
    here = row is not None and (PARTNER in row.roles) == partner
    return (_officer(row), _session(row)) if row is not None and here else None


_SESSION = (
    session_table.c.id.label("session_id"), session_table.c.agent,
    session_table.c.created_at.label("started_at"), session_table.c.seen_at,
)  # fmt: skip


def _session(row: Any) -> Session:
    return Session(row.session_id, row.agent, row.started_at, row.seen_at)


def wants_touch(session: Session, now: datetime) -> bool:
    """Whether the time a session was last seen is stale enough to be written."""
    return session.seen_at < now - _TOUCH


def touch(tx: Transaction, session_id: int, now: datetime) -> None:
    """Remember that the session is in use."""
    tx.execute(update(session_table).where(session_table.c.id == session_id).values(seen_at=now))


def sessions(tx: Transaction, officer_id: int, now: datetime) -> Sequence[Session]:
    """The live sessions of an officer, the latest used first."""
    query = select(*_SESSION).where(session_table.c.officer_id == officer_id, _alive(now))
    return [_session(row) for row in tx.execute(query.order_by(session_table.c.seen_at.desc()))]


def end_session(tx: Transaction, officer_id: int, session_id: int, now: datetime) -> None:
    """End one session of this officer."""
    one = and_(session_table.c.id == session_id, session_table.c.officer_id == officer_id)
    tx.execute(update(session_table).where(one).values(ended_at=now))


def end_sessions(tx: Transaction, officer_id: int, now: datetime, but: int | None = None) -> None:
    """End every session of this officer, except perhaps one."""
    query = update(session_table).where(
        session_table.c.officer_id == officer_id, session_table.c.ended_at.is_(None)
    )
    if but is not None:
        query = query.where(session_table.c.id != but)
    tx.execute(query.values(ended_at=now))
