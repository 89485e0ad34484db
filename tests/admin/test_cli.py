"""``hariu staff`` as it is called."""

from __future__ import annotations

import subprocess
import sys

import pytest

from config import clock
from store import notices, officers
from store.db import reading
from store.officers import Officer
from tests.admin import town

# One store is enough here: what asks the database is tried on both by its own tests.
pytestmark = [
    pytest.mark.usefixtures("store"),
    pytest.mark.parametrize("store", ["sqlite"], indirect=True),
]
COMMAND = [sys.executable, "-c", "from config.cli import main; main()", "staff"]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)


def find(login: str) -> Officer:
    with reading() as tx:
        found = officers.by_login(tx, login)
    assert found
    return found


def test_an_account_is_added_listed_and_signs_in() -> None:
    done = run("add", "Bold", "--name", "Жишээ Болд", "--role", "officer", "--role", "focal_point")
    assert done.returncode == 0, done.stderr
    password = done.stdout.split()[-1]
    person = officers.authenticate("bold", password, "", clock.now())
    assert person
    assert person.must_change
    assert person.roles == ("officer", "focal_point")
    listed = run("list")
    assert listed.stdout.split("\t")[:2] == ["bold", "one-time"]
    assert password not in listed.stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "saraa", "--name", "А"), 1),
        (("add", "б", "--name", "А"), 1),
        (("add", "bold", "--name", "А", "--role", "king"), 1),
        (("add", "bold"), 2),
        (("reset", "nobody"), 1),
        (("totp", "nobody"), 1),
        (("access", "nobody"), 1),
        (("roles", "saraa"), 2),
        (("roles", "saraa", "king"), 1),
        (("roles", "nobody", "officer"), 1),
    ],
)
def test_mistakes_are_one_sentence_on_stderr(words: tuple[str, ...], code: int) -> None:
    town.join()
    done = run(*words)
    assert done.returncode == code
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    if code == 1:
        assert len(done.stderr.strip().splitlines()) == 1
        assert done.stderr.startswith("hariu: ")


def test_reset_gives_a_new_password_and_lifts_the_lock_out() -> None:
    town.join()
    for _ in range(officers.FREE_TRIES):
        officers.authenticate("saraa", "wrong", "", clock.now())
    assert "locked" in run("list").stdout
    password = run("reset", "saraa").stdout.split()[-1]
    assert officers.authenticate("saraa", password, "", clock.now())


def test_roles_and_access_change() -> None:
    town.join()
    assert run("roles", "saraa", "focal_point", "officer").returncode == 0
    assert find("saraa").roles == ("officer", "focal_point")
    assert run("access", "saraa", "--off").returncode == 0
    assert officers.authenticate("saraa", town.PASSWORD, "", clock.now()) is None
    assert "ended" in run("list").stdout
    assert run("access", "saraa", "--on").returncode == 0
    assert officers.authenticate("saraa", town.PASSWORD, "", clock.now())


def test_the_second_factor_is_given_and_taken() -> None:
    town.join()
    done = run("totp", "saraa")
    assert done.returncode == 0
    assert "otpauth://totp/" in done.stdout
    assert find("saraa").has_totp
    assert run("totp", "saraa", "--off").returncode == 0
    assert not find("saraa").has_totp


def test_an_address_for_mail_is_set_and_taken_away() -> None:
    officer_id = town.join()

    def mailed() -> dict[int, str]:
        with reading() as tx:
            return notices.mails(tx, [officer_id])

    assert run("email", "saraa", "saraa@example.invalid").returncode == 0
    assert mailed() == {officer_id: "saraa@example.invalid"}
    assert run("email", "saraa", "not one").returncode == 2
    assert run("email", "saraa").returncode == 0
    assert mailed() == {}
