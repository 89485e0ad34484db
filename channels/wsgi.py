"""The public app's server: ``python -m channels.wsgi``.

waitress buffers requests before a thread sees them, so slow clients do not hold threads; with
``connection_limit`` 1000 a hundred dripping connections leave good requests alone.
"""

from __future__ import annotations

import signal
from types import FrameType

import waitress

from channels.web import create_app
from config import log, observe
from config.settings import settings


def _stop(number: int, frame: FrameType | None) -> None:
    """SIGTERM: waitress finishes what it has begun, and those who watch hear the last of it."""
    raise SystemExit(0)


def main() -> None:
    """Serve until SIGTERM."""
    log.set_up("web", settings().log_level)
    observe.set_up("web")
    signal.signal(signal.SIGTERM, _stop)
    waitress.serve(
        observe.traced(create_app()),
        host=settings().bind,
        port=settings().port,
        threads=32,
        connection_limit=1000,
        channel_timeout=30,
        ident=None,
        clear_untrusted_proxy_headers=False,  # waitress knows one proxy; `channels.proxies` several
    )


if __name__ == "__main__":
    main()
