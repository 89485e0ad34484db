"""An instance in this process: settings from a given environment, caches emptied."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from config import profile, settings
from store import crypto, db, migrate, queue
from workflow import trail

KEYS = {
    "HARIU_SECRET_KEY": "a secret of the tests",
    "HARIU_DATA_KEY": "k1:" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode(),
    "HARIU_METRICS_TOKEN": "a token of the tests",
}


def environment(home: Path, database_url: str = "", **more: str) -> dict[str, str]:
    """The settings of an instance in ``home``; a Redis that is not there unless ``more`` has one."""
    given = {"HARIU_HOME": str(home), "HARIU_REDIS_URL": "redis://127.0.0.1:1/0", **KEYS, **more}
    return given | ({"HARIU_DATABASE_URL": database_url} if database_url else {})


def enter(given: dict[str, str]) -> None:
    """Make this process live in the instance of ``given`` (a monkeypatched environment)."""
    os.environ.update(given)
    for name in {name for name in os.environ if name.startswith("HARIU_")} - given.keys():
        del os.environ[name]
    forget()
    while str(settings.settings().home) != given["HARIU_HOME"]:
        forget()  # a thread that lives on read its settings while they changed
    migrate.upgrade()


def forget() -> None:
    """Empty what a process remembers of its instance."""
    if db.engine.cache_info().currsize:
        db.engine().dispose()
    db.dispose()
    for cached in (
        settings.settings, profile.profile, crypto.keyring, trail.key, queue.connection,
    ):  # fmt: skip
        cached.cache_clear()
