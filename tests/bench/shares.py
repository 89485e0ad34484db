"""Where the time goes, by looking at the stack of the main thread every other millisecond.

Far less intrusive than a tracing profiler, which makes code of many small calls look slower.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from types import FrameType, TracebackType

EVERY_SECONDS = 0.002
# The innermost frame that is one of these names the part.
_PARTS = {
    "bot/intents": "intents",
    "bot/engine": "intents",
    "bot/language": "language",
    "bot/sensitive": "sensitive",
    "bot/places": "places",
    "store/crypto": "encryption",
    "workflow/trail": "trail",
    "workflow/letters": "letters",
    "config/i18n": "letters",
    "store/fold": "folding",
    "sqlalchemy/": "database",
    "bot/jobs": "batch",
    "workflow/": "procedure",
}
_COMMIT = {"do_commit", "do_begin"}


class Sampler:
    """Use with ``with``; then `shares`. Only in a main thread."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> Sampler:
        self._before = signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, EVERY_SECONDS, EVERY_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)

    def _look(self, number: int, frame: FrameType | None) -> None:
        self.seen[_part(frame)] += 1

    def shares(self) -> Iterator[tuple[str, float]]:
        """Each part's share, the greatest first."""
        for name, count in self.seen.most_common():
            yield name, count / self.seen.total()


def _part(frame: FrameType | None) -> str:
    while frame is not None:
        if frame.f_code.co_name in _COMMIT:
            return "commit"
        path = frame.f_code.co_filename
        for fragment, name in _PARTS.items():
            if f"/{fragment}" in path:
                return name
        frame = frame.f_back
    return "other"
