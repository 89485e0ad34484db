"""The public app's server: ``python -m channels.wsgi``.

waitress buffers requests before a thread sees them, so slow clients do not hold threads; with
``connection_limit`` 1000 a hundred dripping connections leave good requests alone.
"""

from __future__ import annotations

import waitress

from channels.web import create_app
from config import log
from config.settings import settings


def main() -> None:
    """Serve until SIGTERM."""
    log.set_up("web", settings().log_level)
    waitress.serve(
        create_app(),
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
