"""Bells: short rq jobs that say "look at your rows". Rows are the truth, so a lost bell costs time.

A bell is rung once until it is answered (``SET … NX PX``) and carries integers only. rq's own
``unique=True`` would swallow a bell rung during the drain, so each job has a fresh id.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from config import embedded, log
from config.settings import settings

PARTITIONS = 8
DRAIN, DELIVER = "drain", "deliver"
BELL_MS = 3_000
JOBS = {DRAIN: "bot.jobs.drain", DELIVER: "channels.jobs.deliver"}


def parts(queue: str) -> range:
    """The parts a queue is divided into."""
    return range(PARTITIONS if queue == DRAIN else 1)


@dataclass(frozen=True, order=True)
class Bell:
    """Which queue to wake, and which part of it."""

    queue: str
    part: int = 0

    @property
    def flag(self) -> str:
        return f"hariu:bell:{self.queue}:{self.part}"


@cache
def connection() -> Redis:
    """Redis with short time-outs: a dead bell must not hold anybody up."""
    return Redis.from_url(
        settings().redis_url or embedded.url(settings().home),  # a command beside `hariu up`
        socket_connect_timeout=1,
        socket_timeout=2,
        retry=Retry(NoBackoff(), 0),
    )


def ring(bells: Iterable[Bell]) -> None:
    """Ring now; a Redis that is away is no error, the tick rings again."""
    try:
        for bell in sorted(set(bells)):
            if connection().set(bell.flag, 1, nx=True, px=BELL_MS):
                Queue(bell.queue, connection=connection(), serializer=JSONSerializer).enqueue(
                    JOBS[bell.queue], bell.part, job_timeout=300, result_ttl=0, failure_ttl=300
                )
    except RedisError as error:
        log.get().warning("bell not rung", error=type(error).__name__)


def answered(bell: Bell) -> None:
    """Clear the flag: from here on a new bell makes a new job. Call before the last look."""
    try:
        connection().delete(bell.flag)
    except RedisError as error:
        log.get().warning("bell not cleared", error=type(error).__name__)


class _Ringer(threading.Thread):
    """Rings in the background, so that no provider waits for Redis."""

    def __init__(self) -> None:
        super().__init__(name="ringer", daemon=True)
        self._wanted: set[Bell] = set()
        self._condition = threading.Condition()

    def want(self, bell: Bell) -> None:
        with self._condition:
            self._wanted.add(bell)
            self._condition.notify()

    def run(self) -> None:
        while True:
            with self._condition:
                while not self._wanted:
                    self._condition.wait()
                bells, self._wanted = self._wanted, set()
            ring(bells)


@cache
def _ringer() -> _Ringer:
    ringer = _Ringer()
    ringer.start()
    return ringer


def ring_soon(bell: Bell) -> None:
    """Ring from a thread of its own; returns at once."""
    _ringer().want(bell)
