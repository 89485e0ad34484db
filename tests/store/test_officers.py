"""Accounts: one-time passwords, lock-out, second factor, sessions, on a real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from store import officers, passwords
from store.db import reading, transaction
from store.officers import Officer
from store.passwords import OfficerError
from store.schema import officer, officer_session

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
OWN = "morin khuur 2026"


pytestmark = pytest.mark.usefixtures("store")


def add(login: str = "saraa", *roles: str) -> str:
    with transaction() as tx:
        return officers.create(tx, login, "Жишээ Сараа", roles or ("officer",), NOW)


def find(login: str = "saraa") -> Officer:
    with reading() as tx:
        found = officers.by_login(tx, login)
    assert found
    return found


def settle(login: str = "saraa") -> Officer:
    """Give the officer a password of their own."""
    password = add(login)
    officers.set_password(find(login), password, OWN, 0, NOW)
    return find(login)


def first(now: datetime = NOW) -> tuple[str, str] | None:
    with transaction() as tx:
        return officers.ensure_first(tx, now)


def test_the_first_officer_gets_a_new_password_until_one_is_used() -> None:
    one, two = first(), first()
    assert one
    assert two
    assert one[0] == two[0] == "officer"
    assert one[1] != two[1]
    assert officers.authenticate("officer", one[1], "", NOW) is None
    signed_in = officers.authenticate("officer", two[1], "", NOW)
    assert signed_in
    assert signed_in.must_change
    assert set(signed_in.roles) == set(officers.FIRST_ROLES) >= {"officer", "administrator"}
    three = first()
    assert three, "signing in without choosing a password leaves the officer with nothing else"
    officers.set_password(find("officer"), three[1], OWN, 0, NOW)
    assert first() is None
    with transaction() as tx:
        officers.reset(tx, find("officer").id, NOW)
    assert first() is None, "a reset is printed by the command that did it, not at every start"


def test_an_office_with_people_needs_no_first_officer() -> None:
    add("bold")
    assert first() is None


@pytest.mark.parametrize(
    ("login", "name", "roles", "code"),
    [
        ("", "А", ("officer",), "officer.login"),
        ("сараа", "А", ("officer",), "officer.login"),
        ("a b", "А", ("officer",), "officer.login"),
        ("saraa", " ", ("officer",), "officer.name"),
        ("saraa", "А", (), "officer.role"),
        ("saraa", "А", ("king",), "officer.role"),
        ("TAKEN ", "А", ("officer",), "officer.taken"),
    ],
)
def test_bad_accounts_are_refused(login: str, name: str, roles: tuple[str, ...], code: str) -> None:
    add("taken")
    with pytest.raises(OfficerError) as caught, transaction() as tx:
        officers.create(tx, login, name, roles, NOW)
    assert caught.value.code == code


def test_authenticate_needs_both_login_and_password() -> None:
    settle()
    assert officers.authenticate(" SARAA ", OWN, "", NOW)
    assert officers.authenticate("saraa", OWN + "x", "", NOW) is None
    assert officers.authenticate("nobody", OWN, "", NOW) is None


def test_an_ended_account_cannot_sign_in() -> None:
    row = settle()
    with transaction() as tx:
        token = officers.start_session(tx, row.id, "", NOW)
        officers.change(tx, row.id, active=False)
    assert officers.authenticate("saraa", OWN, "", NOW) is None
    with reading() as tx:
        assert officers.find_session(tx, token, NOW) is None


def test_failures_lock_with_growing_delay_and_success_forgives() -> None:
    settle()
    now = NOW
    waits = []
    for _ in range(12):
        assert officers.authenticate("saraa", "wrong", "", now) is None
        until = find().locked_until
        waits.append((until - now).total_seconds() if until else 0)
        now = until or now
    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]
    locked = now - timedelta(seconds=1)
    assert officers.authenticate("saraa", OWN, "", locked) is None, "the right one waits as well"
    assert officers.authenticate("saraa", OWN, "", now)
    assert find().locked_until is None
    assert officers.authenticate("saraa", "wrong", "", now) is None
    assert find().locked_until is None


def test_many_tries_at_once_gain_nothing() -> None:
    settle()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: officers.authenticate("saraa", f"guess {n}", "", NOW), range(16)))
    with reading() as tx:
        assert tx.scalar(select(officer.c.failures)) == officers.FREE_TRIES


def test_passwords_are_argon2id_and_rehashed_when_parameters_grow() -> None:
    row = settle()
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(OWN)
    with transaction() as tx:
        officers.change(tx, row.id, password_hash=weak)
    assert officers.authenticate("saraa", OWN, "", NOW)
    with reading() as tx:
        stored = tx.scalar(select(officer.c.password_hash))
    assert stored.startswith("$argon2id$")
    assert passwords.KIB >= 19 * 1024  # the floor OWASP names
    assert passwords.PASSES >= 2
    assert stored != weak
    assert officers.authenticate("saraa", OWN, "", NOW)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("wrong", "a long enough password", "officer.old"),
        (OWN, "short", "officer.short"),
        (OWN, "x" * 201, "officer.long"),
        (OWN, "aaaaaaaaaaaaaaa", "officer.simple"),
        (OWN, "Saraa saraa 2026", "officer.simple"),
        (OWN, OWN, "officer.same"),
    ],
)
def test_new_passwords_must_be_good(old: str, new: str, code: str) -> None:
    row = settle()
    with pytest.raises(OfficerError) as caught:
        officers.set_password(row, old, new, 0, NOW)
    assert caught.value.code == code
    assert officers.authenticate("saraa", OWN, "", NOW)


def test_a_code_works_once_and_for_a_slow_clock() -> None:
    row, secret = settle(), passwords.new_totp()
    code = pyotp.TOTP(secret)
    with transaction() as tx:
        assert not officers.set_totp(tx, row.id, secret, "000 00", NOW)
        assert officers.set_totp(tx, row.id, secret, code.at(NOW), NOW)
    later = NOW + timedelta(minutes=5)
    assert officers.authenticate("saraa", OWN, "", later) is None
    assert officers.authenticate("saraa", OWN, code.at(NOW), later) is None
    just_past = code.at(later - timedelta(seconds=30))
    spaced = f"{just_past[:3]} {just_past[3:]}"
    assert officers.authenticate("saraa", OWN, spaced, later)
    assert officers.authenticate("saraa", OWN, just_past, later) is None, "a replay"
    assert officers.authenticate("saraa", OWN, code.at(later), later)


def test_a_session_ends_when_idle_old_or_told_to() -> None:
    row = settle()
    with transaction() as tx:
        token, other = (officers.start_session(tx, row.id, "browser", NOW) for _ in range(2))

    def alive(now: datetime, which: str = token) -> bool:
        with reading() as tx:
            return officers.find_session(tx, which, now) is not None

    assert alive(NOW + officers.IDLE - timedelta(seconds=1))
    assert not alive(NOW + officers.IDLE)
    assert not alive(NOW, token[:-1])
    with reading() as tx:
        found = officers.find_session(tx, token, NOW)
        assert len(officers.sessions(tx, row.id, NOW)) == 2
    assert found
    for hours in range(11, 24 * 7, 11):
        with transaction() as tx:
            officers.touch(tx, found[1].id, NOW + timedelta(hours=hours))
    assert alive(NOW + officers.ABSOLUTE - timedelta(seconds=1))
    assert not alive(NOW + officers.ABSOLUTE)
    with transaction() as tx:
        officers.end_session(tx, row.id + 1, found[1].id, NOW)
    assert alive(NOW + timedelta(hours=150)), "nobody ends the session of another"
    with transaction() as tx:
        officers.end_session(tx, row.id, found[1].id, NOW)
    assert not alive(NOW + timedelta(hours=150))
    assert alive(NOW, other)


def test_a_new_password_ends_the_other_sessions() -> None:
    row = settle()
    with transaction() as tx:
        token, other = (officers.start_session(tx, row.id, "", NOW) for _ in range(2))
    with reading() as tx:
        found = officers.find_session(tx, token, NOW)
    assert found
    officers.set_password(row, OWN, "another long one", found[1].id, NOW)
    with reading() as tx:
        assert officers.find_session(tx, token, NOW)
        assert officers.find_session(tx, other, NOW) is None


def test_neither_token_nor_password_nor_secret_is_stored() -> None:
    row, secret = settle(), passwords.new_totp()
    with transaction() as tx:
        token = officers.start_session(tx, row.id, "", NOW)
        officers.set_totp(tx, row.id, secret, pyotp.TOTP(secret).at(NOW), NOW)
    with reading() as tx:
        kept = list(tx.connection.exec_driver_sql("SELECT * FROM officer").all())
        kept += tx.connection.exec_driver_sql("SELECT * FROM officer_session").all()
        assert tx.scalar(select(officer_session.c.token_hash)) is not None
    for value in (token, secret, OWN):
        assert value.encode() not in b"".join(repr(tuple(line)).encode() for line in kept)
