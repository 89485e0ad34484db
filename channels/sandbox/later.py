"""Things to do after a while, in the background: status reports and repeated webhooks."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Condition, Thread


class Later:
    """Runs functions after a delay on a few threads; what waits when it closes is dropped."""

    def __init__(self, threads: int = 4) -> None:
        self._waiting: list[tuple[float, int, Callable[[], object]]] = []
        self._number = count()
        self._changed = Condition()
        self._open = True
        self._pool = ThreadPoolExecutor(threads, "sandbox")
        Thread(target=self._watch, name="sandbox-later", daemon=True).start()

    def run(self, seconds: float, job: Callable[[], object]) -> None:
        """Call ``job`` about ``seconds`` from now."""
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._number), job))
            self._changed.notify()

    def close(self) -> None:
        """Stop; jobs that run already come to their end."""
        with self._changed:
            self._open = False
            self._changed.notify()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _watch(self) -> None:
        with self._changed:
            while self._open:
                due = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if due is None or due > 0:
                    self._changed.wait(due)
                else:
                    self._pool.submit(heapq.heappop(self._waiting)[2])
