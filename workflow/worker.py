"""The worker process: ``python -m workflow.worker QUEUE`` serves ``drain`` or ``deliver``.

Bells wake it through rq; while Redis is away a lookout thread looks for work every second, so
rows wait for nothing but the database. (Not ``rq worker`` on the command line: that appends the
working directory to ``sys.path``, so a foreign package named ``bot`` would win.)
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty
from rq.utils import import_attribute

from config import log, observe
from config.errors import HariuError
from config.settings import settings
from store import queue

LOOK_SECONDS = 1.0


class _NoPenalty(BaseDeathPenalty):
    """Jobs bound their own time; an alarm in the middle of a commit would help nobody."""

    def setup_death_penalty(self) -> None:
        return

    def cancel_death_penalty(self) -> None:
        return


class Worker(SimpleWorker):
    """Works in this process: a fork for each job costs more than the job."""

    death_penalty_class = _NoPenalty
    max_connection_wait_time = 1


class Lookout(threading.Thread):
    """Does the work itself while no bell can ring."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__(name="lookout", daemon=True)
        self._look = look
        self._stop_asked = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.wait(LOOK_SECONDS):
            try:
                queue.connection().ping()
            except RedisError as error:
                log.get().warning("no bell can ring, looking", error=type(error).__name__)
                self._work()

    def _work(self) -> None:
        try:
            self._look()
        except HariuError as error:
            log.get().error("look failed", code=error.code)


def look(name: str) -> None:
    """Do by hand what the bells of queue ``name`` would have asked for."""
    job = import_attribute(queue.JOBS[name])
    for part in queue.parts(name):
        job(part)


def main(name: str) -> None:
    """Serve one queue until SIGTERM; the job in hand is finished first."""
    log.set_up(name, settings().log_level)
    observe.set_up({queue.DRAIN: "worker"}.get(name, name))
    import_attribute(queue.JOBS[name])  # pay for the imports before the first message
    Lookout(lambda: look(name)).start()
    queues = [Queue(name, connection=queue.connection(), serializer=JSONSerializer)]
    worker = Worker(queues, connection=queue.connection(), serializer=JSONSerializer)
    worker.log_job_description = False
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    main(sys.argv[1])
