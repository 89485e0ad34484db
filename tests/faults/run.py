"""One run: start everything, send under faults, let it come to rest, judge."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.chaos import Chaos, OwnRedis, answers
from tests.faults.checker import Checker
from tests.faults.counts import counts
from tests.faults.facts import Database, gather
from tests.faults.senders import (
    TELEGRAM_SECRET,
    TELEGRAM_TOKEN,
    TWILIO_ACCOUNT,
    TWILIO_FROM,
    TWILIO_TOKEN,
    Senders,
    people,
    unreadable,
)
from tests.house import ROOT, House
from tests.postgres import Postgres

REST_SECONDS = 3.0  # nothing may move for so long before a run is over
UNREADABLE = 0.01  # share of events that nobody can read


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: ``rate`` in messages a second, the rest in seconds.

    ``away`` is how long Redis and PostgreSQL stay stopped, ``patience`` how long a provider calls
    again, ``settle`` how long everything may take to come to rest afterwards.
    """

    store: str
    messages: int
    seed: int
    rate: float
    away: float
    patience: float
    settle: float


def short(store: str, seed: int = 1) -> Plan:
    """What ``make test`` can afford."""
    return Plan(store, 500, seed, rate=14.0, away=3.0, patience=60.0, settle=90.0)


def long(store: str, messages: int, seed: int) -> Plan:
    """What ``make faults`` does."""
    return Plan(store, messages, seed, rate=30.0, away=10.0, patience=120.0, settle=240.0)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run."""

    plan: Plan
    violations: list[str]
    numbers: dict[str, float]
    faults: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Scene:
    """A running house with servers of its own that can be stopped."""

    house: House
    redis: OwnRedis
    postgres: Postgres | None
    database: Database

    def is_up(self) -> bool:
        """Whether the public app answers."""
        return answers(f"{self.house.url('web')}/healthz")


@contextmanager
def scene(store: str, folder: Path) -> Iterator[Scene]:
    """Everything up, on ``sqlite`` or ``postgresql``, in ``folder``."""
    with ExitStack() as stack:
        redis = stack.enter_context(OwnRedis(folder / "r"))
        postgres = stack.enter_context(Postgres()) if store == "postgresql" else None
        url = postgres.database() if postgres else ""
        house = House(folder / "home", _procfile(folder), **_settings(redis, url))
        doubles = house.url("sandbox")
        house.environment |= {
            "HARIU_TELEGRAM_API": f"{doubles}/telegram/bot",
            "HARIU_TWILIO_API": f"{doubles}/twilio",
        }
        stack.enter_context(house)
        yield Scene(house, redis, postgres, Database(house.home, url))


def _settings(redis: OwnRedis, database_url: str) -> dict[str, str]:
    found = {
        "HARIU_REDIS_URL": redis.url,
        "HARIU_PROVIDER_TIMEOUT": "2",
        "HARIU_BURST_SECONDS": "4",  # so that some words join and others are added
        "HARIU_TELEGRAM_TOKEN": TELEGRAM_TOKEN,
        "HARIU_TELEGRAM_SECRET": TELEGRAM_SECRET,
        "HARIU_TWILIO_ACCOUNT_SID": TWILIO_ACCOUNT,
        "HARIU_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
        "HARIU_TWILIO_FROM": TWILIO_FROM,
    }
    return found | ({"HARIU_DATABASE_URL": database_url} if database_url else {})


def _procfile(folder: Path) -> Path:
    """The real one without the desk, which takes no part in this."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines(keepends=True)
    path = folder / "Procfile"
    path.write_text("".join(line for line in lines if not line.startswith("desk:")), "utf-8")
    return path


def run(plan: Plan, folder: Path) -> Report:
    """Carry out ``plan`` in ``folder``; what the senders know is left there as ``journal.jsonl``."""
    with scene(plan.store, folder) as there:
        url = there.house.url("web")
        strange = [unreadable(n, url) for n in range(max(2, int(plan.messages * UNREADABLE)))]
        crowd = people(plan.messages - len(strange), url, plan.seed) + strange
        senders = Senders(crowd, url, plan.rate, plan.seed, plan.patience)
        with Chaos(there.house, there.redis, there.postgres, plan.seed, plan.away) as chaos:
            senders.run()
        began = time.monotonic()
        settle(there.database, senders, plan.settle)
        quiet = time.monotonic() - began
        checker = Checker(gather(there.house, there.database, senders.messages(), chaos.log))
    numbers = counts(checker) | {"time to quiet, s": round(quiet, 1)}
    journal = "".join(f"{message.journal()}\n" for message in senders.messages())
    (folder / "journal.jsonl").write_text(journal, "utf-8")
    return Report(plan, checker.violations(), numbers, chaos.counts())


def settle(database: Database, senders: Senders, seconds: float) -> None:
    """Wait until all that was accepted is stored and nothing waits or moves; at most ``seconds``.

    Whether it came to rest is for the checker to say.
    """
    accepted = {
        (m.channel, m.external_id) for m in senders.messages() if m.accepted_at and m.readable
    }
    end, still, before = time.monotonic() + seconds, time.monotonic(), -1
    while time.monotonic() < end:
        stored = database.stored()
        if database.waiting() or accepted - stored or len(stored) != before:
            still, before = time.monotonic(), len(stored)
        elif time.monotonic() - still > REST_SECONDS:
            return
        time.sleep(0.25)
    sys.stderr.write("it did not come to rest\n")
