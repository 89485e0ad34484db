"""Passwords and codes of officers: hashing, rules, the second factor. No database."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from config.errors import HariuError

SHORTEST, LONGEST = 12, 200
_STEP = 30  # seconds a code lives, RFC 6238
# No 0, o, 1, l, i: a one-time password is read from a terminal or a slip of paper.
_LEGIBLE = "abcdefghjkmnpqrstuvwxyz23456789"
# OWASP's floor is 19 MiB and two passes; a dozen officers may sign in at once.
PASSES, KIB = 3, 32 * 1024
_hasher = PasswordHasher(time_cost=PASSES, memory_cost=KIB, parallelism=1)


class OfficerError(HariuError):
    """What was asked of an account cannot be done; ``code`` says why (``officer.login`` …)."""

    code = "officer"


def one_time() -> str:
    """A password to be used once: 78 bits in four legible groups."""
    groups = ("".join(secrets.choice(_LEGIBLE) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def hashed(password: str) -> str:
    """The argon2id hash to keep."""
    return _hasher.hash(password)


def matches(stored: str, password: str) -> bool:
    """Whether ``password`` is the one behind ``stored``."""
    try:
        return _hasher.verify(stored, password[: LONGEST + 1])
    except (VerifyMismatchError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Whether ``stored`` was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@cache
def decoy() -> str:
    """A hash that no password has, so that unknown logins cost the same work."""
    return _hasher.hash(secrets.token_urlsafe(32))


def check(login: str, password: str) -> None:
    """`OfficerError` where ``password`` is too short, too long or too simple."""
    if len(password) < SHORTEST:
        raise OfficerError("the password is too short", code="officer.short")
    if len(password) > LONGEST:
        raise OfficerError("the password is too long", code="officer.long")
    if len(set(password)) < 5 or login in password.lower():
        raise OfficerError("the password is too simple", code="officer.simple")


def new_totp() -> str:
    """A fresh secret of the second factor, base32."""
    return pyotp.random_base32()


def usable_totp(secret: str) -> str:
    """``secret`` if an authenticator app can use it (base32, long enough), else a fresh one."""
    try:
        pyotp.TOTP(secret)
    except ValueError:
        return new_totp()
    return secret


def totp_uri(login: str, secret: str, issuer: str) -> str:
    """What the authenticator app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def code_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step ``code`` belongs to: the present one, or a neighbour for slow clocks."""
    digits = "".join(filter(str.isdecimal, code)).encode()
    present = int(now.timestamp()) // _STEP
    try:
        totp = pyotp.TOTP(secret)
        codes = {step: totp.generate_otp(step) for step in (present, present - 1, present + 1)}
    except ValueError:  # the secret is not base32, or too short
        return None
    good = [step for step, known in codes.items() if hmac.compare_digest(known.encode(), digits)]
    return good[0] if good else None
