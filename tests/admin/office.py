"""A real instance in a folder of its own: database, keys, officers and grievances."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.profile import profile
from config.settings import settings
from store import db
from store.crypto import keyring
from store.schema import metadata
from workflow import trail

METRICS_TOKEN = "token-of-the-metrics-test"
_CACHES = (settings, profile, keyring, trail.key)


def _forget() -> None:
    db.dispose()
    for cached in _CACHES:
        cached.cache_clear()


@contextmanager
def instance(home: Path, **more: str) -> Iterator[Path]:
    """Point every setting at ``home``, make the tables, and forget it all afterwards."""
    given = {
        "HARIU_HOME": str(home),
        "HARIU_SECRET_KEY": "a secret of the tests alone",
        "HARIU_DATA_KEY": "k1:" + base64.b64encode(bytes(range(32))).decode(),
        "HARIU_METRICS_TOKEN": METRICS_TOKEN,
        **more,
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    _forget()
    metadata.create_all(db.engine())
    try:
        yield home
    finally:
        _forget()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
