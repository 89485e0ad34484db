"""The public app as `channels.wsgi` serves it, but storing nothing: the baseline of `accept`."""

from __future__ import annotations

from channels import wsgi
from store import inbox
from store.inbox import Receipt


def _forget(receipt: Receipt, timeout: float = 0.0) -> None:
    """Verified and parsed, and that was all."""


if __name__ == "__main__":
    inbox.accept = _forget
    wsgi.main()
