"""Log lines: one JSON object each, with anything that looks personal masked.

Callers log codes and row numbers, never message text; the mask is the second line of defence.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

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


class _Json(logging.Handler):
    """Libraries' records (waitress, rq, alembic), through the same mask."""

    def emit(self, record: logging.LogRecord) -> None:
        name = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        logger = structlog.get_logger().bind(logger=record.name)
        if name:
            logger = logger.bind(error=name)
        getattr(logger, record.levelname.lower(), logger.warning)(record.getMessage())


def set_up(process: str, level: str = "info") -> None:
    """Send this process' log to stdout as JSON lines; ``process`` is named in each."""
    number = logging.getLevelName(level.upper())
    structlog.configure(
        processors=[
            lambda logger, method, event: {"process": process, **event},
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Json()], level=logging.WARNING, force=True)


def get() -> Any:
    """The logger of this process."""
    return structlog.get_logger()
