"""Faults on purpose: a seeded schedule in threads, every fault noted with its time."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import psutil
from redis import Redis
from redis.exceptions import RedisError

from config import embedded
from tests.house import House, until
from tests.postgres import Postgres

KILLED = ("worker", "deliver", "web")
AGE_SECONDS = 3.0  # by then a process is ready, where nobody can be asked
# A turn of a provider's bad luck; timeouts outlast HARIU_PROVIDER_TIMEOUT of `run`.
MODES: tuple[dict[str, Any], ...] = (
    {"mode": "500", "rate": 0.5},
    {"mode": "500", "rate": 0.2, "accept": True},
    {"mode": "429", "rate": 0.4, "retry_after": 1},
    {"mode": "timeout", "rate": 0.2, "seconds": 4},
    {"mode": "garbage", "rate": 0.3, "accept": False},
    {"mode": "garbage", "rate": 0.2, "accept": True},
    {"mode": "drop", "rate": 0.3, "accept": True},
)
CALLBACKS: tuple[dict[str, Any], ...] = (
    {"callbacks": "shuffled", "delay": 0.2},
    {"callbacks": "late", "delay": 2.0},
)


class OwnRedis:
    """A Redis of our own behind ``HARIU_REDIS_URL``, so that it can be away for a while."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = embedded.url(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.client = Redis.from_url(self.url, socket_timeout=2)

    def __enter__(self) -> OwnRedis:
        self.start()
        return self

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._process = subprocess.Popen(
            embedded.command(self._folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(lambda: embedded.answers(self._folder), 20, "Redis")

    def stop(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def pids(self) -> set[int]:
        """The processes that registered as rq workers and are ready for jobs."""
        try:
            names = self.client.smembers("rq:workers")
            pids = {self.client.hget(name, "pid") for name in names}
        except RedisError:
            return set()
        return {int(pid) for pid in pids if pid}

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self.client.close()


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done to whom; moments are Unix time, equal for what takes no time."""

    kind: str
    began: float
    ended: float


class Chaos:
    """Runs every kind of fault side by side inside ``with``; leaving it heals all."""

    def __init__(
        self, house: House, redis: OwnRedis, postgres: Postgres | None, seed: int, away: float
    ) -> None:
        self.house, self.redis, self.postgres = house, redis, postgres
        self._seed, self._away = seed, away
        self._over = threading.Event()
        self._log: list[Fault] = []
        self._jobs: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(8, "chaos")

    @property
    def log(self) -> tuple[Fault, ...]:
        """The faults so far, by the time they began."""
        return tuple(sorted(self._log, key=lambda fault: fault.began))

    def counts(self) -> Counter[str]:
        """How often each kind of fault befell us."""
        return Counter(fault.kind for fault in self._log)

    def __enter__(self) -> Chaos:
        kinds: list[tuple[str, Callable[[random.Random], None]]] = [
            (f"kill {name}", lambda dice, name=name: self._kills(name, dice))  # type: ignore[misc]
            for name in KILLED
        ]
        kinds += [
            (name, lambda dice, name=name: self._provider(name, dice))  # type: ignore[misc]
            for name in ("twilio", "telegram")
        ]
        kinds += [("redis", self._redis)]
        kinds += [("postgres", self._postgres)] if self.postgres else []
        for name, job in kinds:
            self._jobs.append(self._pool.submit(job, random.Random(f"{self._seed} {name}")))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for job in self._jobs:
            job.result(120)
        self._pool.shutdown()

    @contextmanager
    def _noted(self, kind: str) -> Iterator[None]:
        began = time.time()
        yield
        self._log.append(Fault(kind, began, time.time()))

    def _calm(self, dice: random.Random, least: float, most: float) -> bool:
        """A pause; False when it is all over."""
        return not self._over.wait(dice.uniform(least, most))

    # -- processes ----------------------------------------------------------------------------

    def _kills(self, name: str, dice: random.Random) -> None:
        """Pairs of kill -9, each half a second to three after the process is ready.

        Between pairs there is time to work, or the other faults would meet nobody.
        """
        while self._ready(name) and self._calm(dice, 0.5, 3.0):
            self._kill(name)
            if not (self._ready(name) and self._calm(dice, 0.5, 3.0)):
                return
            self._kill(name)
            if not (self._ready(name) and self._calm(dice, 8.0, 14.0)):
                return

    def _ready(self, name: str) -> bool:
        """Wait until the process is ready for work; False when it is all over."""
        while not self._over.is_set() and not self._is_ready(name):
            time.sleep(0.05)
        return not self._over.is_set()

    def _kill(self, name: str) -> None:
        for process in self.house.processes(name)[:1]:
            with self._noted(f"kill {name}"):
                process.kill()

    def _is_ready(self, name: str) -> bool:
        if name == "web":
            return answers(f"{self.house.url('web')}/healthz")
        registered = self.redis.pids()
        return any(
            process.pid in registered or _age(process) > AGE_SECONDS
            for process in self.house.processes(name)
        )

    # -- servers ------------------------------------------------------------------------------

    def _redis(self, dice: random.Random) -> None:
        while self._calm(dice, 2.0, 2.0 + self._away):
            with self._noted("flush redis"):
                self.redis.client.flushall()
            if not self._calm(dice, 2.0, 2.0 + self._away):
                return
            with self._noted("stop redis"):
                self.redis.stop()
                self._over.wait(self._away)
                self.redis.start()

    def _postgres(self, dice: random.Random) -> None:
        """In turns a fast shutdown, a standstill, and a crash after which it must recover."""
        turns = itertools.cycle((signal.SIGINT, signal.SIGSTOP, signal.SIGQUIT))
        for how in turns:
            if not self._calm(dice, 2 * self._away, 4 * self._away):
                return
            if how == signal.SIGSTOP:
                self._freeze()
                continue
            with self._noted("stop postgresql"):
                assert self.postgres is not None
                self.postgres.stop(how)
                self._over.wait(self._away)
                self.postgres.start()

    def _freeze(self) -> None:
        """Connections stay open and nobody answers, as when a disk or a host hangs."""
        assert self.postgres is not None
        data = str(self.postgres.folder / "data")
        server = next(p for p in psutil.process_iter() if data in _cmdline(p))
        with self._noted("freeze postgresql"):
            frozen = [server, *server.children(recursive=True)]
            for process in frozen:
                _signal(process, signal.SIGSTOP)
            self._over.wait(self._away)
            for process in frozen:
                _signal(process, signal.SIGCONT)

    # -- providers ----------------------------------------------------------------------------

    def _provider(self, name: str, dice: random.Random) -> None:
        turns: list[dict[str, Any]] = []
        while self._calm(dice, 0.5, 2.0):
            turns = turns or dice.sample(MODES, len(MODES))
            mode = turns.pop()
            with self._noted(f"{name} {mode['mode']}"):
                self.house.behave(name, **mode)
                if name == "twilio":
                    self._reports(dice.choice(CALLBACKS))
                self._calm(dice, 2.0, 4.0)
                self.house.behave(name, "ok")
        if name == "twilio":
            self._reports({"callbacks": "ordered"})

    def _reports(self, how: dict[str, Any]) -> None:
        url = f"{self.house.url('sandbox')}/behave"
        self.house.http.post(url, json={"provider": "twilio", **how}).raise_for_status()


def answers(url: str) -> bool:
    """Whether ``url`` answers 200."""
    try:
        return httpx.get(url, timeout=1, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _age(process: psutil.Process) -> float:
    try:
        return time.time() - float(process.create_time())
    except psutil.Error:
        return 0.0


def _cmdline(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []


def _signal(process: psutil.Process, number: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
