"""``hariu doctor``: is everything as it must be, and what to do where it is not.

Every finding is one line: how bad, what about, and the next step in words. Nothing is changed.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from redis.exceptions import RedisError
from sqlalchemy import func, select, text

from channels import registry
from config import clock, i18n, prompts
from config.errors import HariuError
from config.profile import profile
from config.settings import settings
from store import channels as channel_rows
from store import hooks, hooks_calls, migrate, officers, queue, spool
from store.db import reading
from store.messages import InboundState, OutboundState
from store.schema import inbox, outbox, task
from workflow import keys
from workflow.states import SECOND, Role

LEAST_FREE = 1 << 30  # bytes
WRONG_CLOCK = 2.0  # seconds
PERSONS = 2  # nobody approves what they proposed themselves
VOICE, RECORDED = "voice", "recorded"
LATE = timedelta(minutes=5)
# Two connections that write and checkpoint at once could corrupt a database with an older one;
# our gate keeps them apart, a foreign program does not. https://sqlite.org/wal.html#walresetbug
SOUND_SQLITE = (3, 51, 3)


class Grade(StrEnum):
    """How bad it is: fine, worth a look, or something does not work."""

    OK = "ok"
    LOOK = "look"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, and what to do about it."""

    grade: Grade
    about: str
    words: str


Findings = Iterator[Finding]


def _ok(about: str, words: str) -> Finding:
    return Finding(Grade.OK, about, words)


def _look(about: str, words: str) -> Finding:
    return Finding(Grade.LOOK, about, words)


def _wrong(about: str, words: str) -> Finding:
    return Finding(Grade.WRONG, about, words)


def examine() -> Findings:
    """Look at one thing after the other; what breaks on the way is a finding, not an end."""
    for about, look in CHECKS.items():
        try:
            yield from look()
        except HariuError as error:
            yield _wrong(about, str(error))


def _settings() -> Findings:
    chosen = settings()
    if chosen.on_loopback:
        words = "HARIU_PUBLIC_URL is this machine alone: fine for a try, no provider reaches it"
        yield _look("settings", words)
    elif not chosen.public_url.startswith("https://"):
        yield _wrong("settings", "HARIU_PUBLIC_URL must begin with https://: providers insist")
    else:
        yield _ok("settings", f"{chosen.public_url}, profile {profile().code}")
    for name in ("secret_key", "data_key"):
        if not getattr(chosen, name).get_secret_value():
            yield _wrong(
                "settings", f"HARIU_{name.upper()} is missing: put keys.env back into HOME"
            )


def _disk() -> Findings:
    free = shutil.disk_usage(settings().home).free
    words = f"{free >> 20} MB free for HARIU_HOME"
    yield _ok("disk", words) if free > LEAST_FREE else _wrong("disk", f"{words}: make room")


def _database() -> Findings:
    with reading() as tx:
        tx.execute(text("SELECT 1"))
        yield from _sqlite() if tx.on_sqlite else _postgresql(tx.scalar)
    here, wanted = migrate.current(), migrate.newest()
    if here == wanted:
        yield _ok("database", f"at revision {here}")
    else:
        yield _wrong("database", f"at revision {here}, not {wanted}: run `hariu release`")


def _keys() -> Findings:
    with reading() as tx:
        keys.check(tx)
    yield _ok("keys", "open what is in the database")


def _sqlite() -> Findings:
    words = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info >= SOUND_SQLITE:
        yield _ok("database", words)
    else:
        more = "safe behind our write gate; let no other program write to hariu.db"
        yield _look("database", f"{words} has a known fault with several writers: {more}")


def _postgresql(ask: Callable[..., object]) -> Findings:
    version, encoding = ask(text("SHOW server_version")), ask(text("SHOW server_encoding"))
    if encoding == "UTF8":
        yield _ok("database", f"PostgreSQL {version}")
    else:
        yield _wrong("database", f"its encoding is {encoding}: make it anew with ENCODING UTF8")
    query = text("SELECT datcollate FROM pg_database WHERE datname = current_database()")
    if ask(query) in ("C", "POSIX"):
        words = (
            "its locale is C: capital Cyrillic letters sort apart; prefer C.UTF-8 or mn_MN.UTF-8"
        )
        yield _look("database", words)


def _clock() -> Findings:
    with reading() as tx:
        if tx.on_sqlite:
            return
        away = float(tx.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))) - time.time()
    if abs(away) < WRONG_CLOCK:
        yield _ok("clock", "this machine and the database agree")
    else:
        yield _wrong(
            "clock", f"the database's clock is {away:+.1f} s off: run NTP on both machines"
        )


def _redis() -> Findings:
    try:
        queue.connection().ping()
        kept = queue.connection().config_get("appendonly").get("appendonly")
    except RedisError as error:
        words = f"no answer ({type(error).__name__}): messages wait up to a second longer; start it"
        yield _look("redis", words)
    else:
        yield _ok(
            "redis", "answers" + ("" if kept == "yes" else "; keeps nothing, which is enough")
        )


def _channels() -> Findings:
    for code, channel in registry.active().items():
        problems = list(channel.check())
        yield from (_wrong(code, problem.advice) for problem in problems)
        if not problems:
            yield _ok(code, f"answers as {channel.account}")
    with reading() as tx:
        rows = channel_rows.health(tx)
    known = {row.code for row in rows if row.active}
    for code in registry.active().keys() - known:
        yield _wrong(code, "is configured but not known to the database: run `hariu release`")
    since = clock.now() - timedelta(days=channel_rows.SILENT_DAYS)
    for row in rows:
        if row.active and row.last_in_at and row.last_in_at < since:
            yield _look(row.code, f"silent since {row.last_in_at:%Y-%m-%d}: send it a test message")


def _waiting() -> Findings:
    with reading() as tx:
        late = clock.now() - LATE
        waits = (inbox.c.state == InboundState.NEW) & (inbox.c.received_at < late)
        unsent = (outbox.c.state == OutboundState.QUEUED) & (outbox.c.not_before < late)
        dead = inbox.c.state == InboundState.DEAD
        undone = task.c.done_at.is_(None)
        found = [
            int(tx.scalar(select(func.count()).where(condition)))
            for condition in (waits, unsent, dead, undone)
        ]
    advice = (
        "messages wait for more than five minutes: is the worker running?",
        "messages should have been sent: is the deliverer running, does the provider answer?",
        "messages could not be handled: see Health in the desk",
        "calls and checks wait for an officer: see Health in the desk",
    )
    for count, words in zip(found, advice, strict=True):
        if count:
            yield (_look if "officer" in words else _wrong)("queue", f"{count} {words}")
    if not any(found):
        yield _ok("queue", "nothing waits")
    if spool.holds():
        yield _wrong("queue", "messages lie in the spool: the database was away; is it back?")


def _texts() -> Findings:
    counts = i18n.statuses_count()
    drafts = {
        tongue: sum(n for s, n in each.items() if s != "approved")
        for tongue, each in counts.items()
    }
    if unread := ", ".join(f"{tongue} {number}" for tongue, number in drafts.items() if number):
        yield _look("texts", f"no native reader has approved these drafts: {unread}")
    else:
        yield _ok("texts", "all approved")


def _approvals() -> Findings:
    """A grave closure waits for somebody else's yes: is there anybody?"""
    if profile().approver:
        yield _ok("approval", "the profile names an approver from outside the office")
        return
    with reading() as tx:
        staff = [set(person.roles) for person in officers.everyone(tx) if person.active]
    lanes = (("refusals and stage 3", SECOND), ("sensitive matters", {Role.FOCAL_POINT}))
    for what, roles in lanes:
        count = sum(bool(roles & held) for held in staff)
        if count < PERSONS:
            advice = f"name a second one, or an approver in the profile: {', '.join(sorted(roles))}"
            yield _look("approval", f"{count} may let closures of {what} pass: {advice}")
        else:
            yield _ok("approval", f"{count} may let closures of {what} pass")


def _clips() -> Findings:
    if VOICE not in registry.active():
        return
    for language in i18n.LANGUAGES:
        unspoken = [name for name in prompts.names() if prompts.source(name, language) != RECORDED]
        words = f"{language}: {len(unspoken)} of {len(prompts.names())} clips"
        if unspoken:
            yield _look("clips", f"{words} were not spoken by a person: see guides/hotline.md")
        else:
            yield _ok("clips", f"{language}: every clip was spoken by a person")


def _hooks() -> Findings:
    """Other systems that are told: by name, never by address."""
    with reading() as tx:
        found, untold = hooks.everyone(tx), len(hooks.dead(tx))
    for row in found:
        if not row.active:
            yield _look("webhooks", f"{row.label} is off: turn it on in the desk if it should work")
        elif row.failures:
            words = f"{row.label} does not get through ({row.last_error}): see Webhooks in the desk"
            yield (_wrong if row.failures >= hooks_calls.TROUBLE else _look)("webhooks", words)
        else:
            yield _ok("webhooks", f"{row.label} told {row.sent} times")
    if untold:
        yield _wrong("webhooks", f"{untold} events were given up: see Health in the desk")


CHECKS: dict[str, Callable[[], Findings]] = {
    "settings": _settings,
    "disk": _disk,
    "database": _database,
    "keys": _keys,
    "clock": _clock,
    "redis": _redis,
    "channels": _channels,
    "queue": _waiting,
    "texts": _texts,
    "approval": _approvals,
    "clips": _clips,
    "webhooks": _hooks,
}
