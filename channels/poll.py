"""The poller: ``python -m channels.poll`` asks the providers that do not call us.

Telegram is asked only where no webhook can reach us (``hariu channel set-up telegram`` decides).
"""

from __future__ import annotations

import signal
import threading
from urllib.parse import urlsplit

from channels import registry
from channels.base import Channel, Polls, SendError
from config import clock, log
from config.errors import HariuError
from config.settings import LOOPBACK, settings
from store import inbox
from store.inbox import Receipt

PAUSE_SECONDS = 5.0
POLL_SECONDS = 20.0


def poll(channel: Channel, stop: threading.Event) -> None:
    """Ask one channel again and again until told to stop."""
    if not isinstance(channel, Polls):
        return
    while not stop.is_set():
        try:
            for body, messages in channel.poll(POLL_SECONDS):
                inbox.accept(
                    Receipt(channel.code, channel.account, body, clock.now(), tuple(messages))
                )
        except SendError as error:
            log.get().warning("poll failed", channel=channel.code, code=error.code)
            stop.wait(PAUSE_SECONDS)
        except HariuError as error:
            log.get().error("not stored", channel=channel.code, code=error.code)
            stop.wait(PAUSE_SECONDS)


def wanted() -> list[Channel]:
    """The channels to poll: all that can be, but Telegram only where webhooks cannot come."""
    return [
        channel
        for channel in registry.active().values()
        if isinstance(channel, Polls) and _unreachable(channel)
    ]


def _unreachable(channel: Channel) -> bool:
    """Telegram calls https addresses alone; the sandbox calls loopback as well."""
    own = settings()
    return channel.code != "telegram" or not (
        own.public_url.startswith("https://") or urlsplit(own.telegram_api).hostname in LOOPBACK
    )


def main() -> None:
    """Poll until SIGTERM."""
    log.set_up("poll", settings().log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    for channel in wanted():
        threading.Thread(target=poll, args=(channel, stop), daemon=True).start()
    stop.wait()


if __name__ == "__main__":
    main()
