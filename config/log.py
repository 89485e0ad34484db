"""Log lines: one JSON object each, with anything that looks personal masked.

Callers log codes and row numbers, never message text; the mask is the second line of defence.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import MutableMapping
from traceback import extract_tb
from types import TracebackType
from typing import Any

import structlog

from config import observe
from config.errors import HariuError

# Phones, chat ids and references (5 digits or more), e-mail addresses, and tokens inside URLs.
_MASKS = (
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), "<mail>"),
    (re.compile(r"bot\d+:[\w-]+"), "bot<token>"),
    (re.compile(r"\+?\d(?:[ -]?\d){4,}"), "<number>"),
)
# Our own keys whose numbers are row ids, times or measures, never personal.
_PLAIN = {"timestamp", "row", "rows", "partition", "ms", "seconds", "pid", "port", "count", "bytes"}


def mask(text: str) -> str:
    """``text`` with phone numbers, references, addresses and tokens replaced."""
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


def _redact(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key not in _PLAIN and not isinstance(value, int | float | bool | None):
            event[key] = mask(value if isinstance(value, str) else repr(value))
    return event


def _report(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """An error that is logged is told to Sentry: the one in ``exc_info``, else the one at hand."""
    error = event.pop("exc_info", None)
    error = sys.exc_info()[1] if error in (None, True) else error
    if method in ("error", "critical") and isinstance(error, BaseException):
        observe.report(error)
    return event


class _Json(logging.Handler):
    """Libraries' records (waitress, rq, alembic): the pattern alone, never what was put into it.

    rq puts in whole tracebacks, and those quote what was worked on; Flask puts in paths.
    """

    # What carries our reports does not report that it cannot.
    _CARRIERS = frozenset({"sentry_sdk", "opentelemetry", "urllib3", "requests"})

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else sys.exc_info()[1]
        carrier = record.name.partition(".")[0] in self._CARRIERS
        more: dict[str, Any] = {"exc_info": False if carrier else error}
        if error:
            more |= {"error": type(error).__name__}
        write = getattr(get(), record.levelname.lower(), get().warning)
        write(str(record.msg).partition("\n")[0], logger=record.name, **more)


def _ended(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Nothing caught it. A traceback on stderr would quote what the error quotes."""
    if error is None or issubclass(kind, SystemExit | KeyboardInterrupt):
        return
    frames = extract_tb(trace)
    where = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    words = {"words": str(error)} if isinstance(error, HariuError) else {}
    get().critical("ended by an error", error=kind.__name__, where=where, exc_info=error, **words)


def set_up(process: str, level: str = "info") -> None:
    """Send this process' log to stdout as JSON lines; ``process`` is named in each."""
    number = logging.getLevelName(level.upper())
    structlog.configure(
        processors=[
            lambda logger, method, event: {"process": process, **event},
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _report,
            _redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Json()], level=logging.WARNING, force=True)
    sys.excepthook = _ended
    threading.excepthook = lambda hook: _ended(hook.exc_type, hook.exc_value, hook.exc_traceback)


def get() -> Any:
    """The logger of this process."""
    return structlog.get_logger()
