"""`python -m channels.sandbox`: serve the doubles and the simulated phones."""

from __future__ import annotations

import sys

from channels.sandbox.server import build
from config.errors import HariuError
from config.log import set_up
from config.settings import settings


def main() -> int:
    """Serve until stopped; 1 where a sandbox has no business."""
    try:
        chosen = settings()
    except HariuError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if not chosen.sandbox_on:
        print(  # noqa: T201
            "The sandbox runs only while HARIU_PUBLIC_URL is on loopback and HARIU_SANDBOX is"
            " not off.",
            file=sys.stderr,
        )
        return 1
    set_up("sandbox", chosen.log_level)
    server, world = build(chosen, chosen.sandbox_port)
    try:
        server.serve_forever()
    finally:
        world.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
