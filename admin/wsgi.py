"""``python -m admin.wsgi``: the desk on its port."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import waitress

from admin import office
from admin.app import create_app
from config import log, observe
from config.errors import HariuError
from config.settings import settings
from store.db import DatabaseAway, transaction


def _stop(number: int, frame: FrameType | None) -> None:
    """SIGTERM: waitress finishes what it has begun."""
    raise SystemExit(0)


def _settle() -> None:
    """Replies at hand to begin with; an absent database has them at the next start."""
    try:
        with transaction() as tx:
            office.seed(tx)
    except DatabaseAway:
        log.get().warning("replies at hand wait", error="database")


def main() -> None:
    """Serve until told to stop."""
    log.set_up("desk", settings().log_level)
    observe.set_up("desk")
    app = create_app()
    _settle()
    signal.signal(signal.SIGTERM, _stop)
    log.get().info("desk starts", port=settings().desk_port)
    waitress.serve(
        observe.traced(app),
        host=settings().bind,
        port=settings().desk_port,
        threads=8,
        connection_limit=1000,  # slow ones must not keep the others out
        channel_timeout=30,
        max_request_body_size=128 << 20,  # scans and recordings; `admin.app` bounds each page
        ident="",
    )


if __name__ == "__main__":
    try:
        main()
    except HariuError as error:
        sys.exit(f"desk: {error}")
