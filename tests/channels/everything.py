"""Every channel of one instance opposite to its double, in this process, over real HTTP.

Providers call the public app on a real port; `go` is what worker, poller and deliverer do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.jobs import drain
from channels import jobs, registry
from channels.base import Polls
from channels.poll import poll
from channels.release import release
from channels.sandbox.server import SandboxServer
from config.settings import settings
from store.db import reading
from store.queue import PARTITIONS
from store.schema import conversation, inbox, outbox
from tests import instance
from tests.channels.conftest import SECRETS
from tests.channels.website import served
from tests.house import free_port, until

GATEWAYS = ("kannel", "operator", "aggregator")
MAIL = "gomdol@hariu.example.mn"


@dataclass
class Everything:
    """The doubles, and our own processes' work on demand."""

    sandbox: SandboxServer
    url: str

    def go(self) -> None:
        """Drain what came, deliver what waits, and drain what that brought."""
        for _ in range(2):
            for part in range(PARTITIONS):
                drain(part)
            jobs.deliver()

    def fetch(self) -> None:
        """One round of the poller at the mailbox, which holds something new."""
        channel = registry.channel("email")
        assert isinstance(channel, Polls)
        poll(channel)

    def until_said(self, words: str, seconds: float = 5, **whose: Any) -> str:
        """Work until somebody's phone shows a text of ours with ``words``; the text."""

        def look() -> str:
            self.go()
            return next((text for text in self.said(**whose) if words in text), "")

        found: str = until(look, seconds, f"a text with {words!r}")
        return found

    def settle(self) -> None:
        """Work until nothing waits: no message, no letter, no question after a burst."""

        def done() -> bool:
            self.go()
            waiting = (
                select(inbox.c.id).where(inbox.c.state == "new"),
                select(outbox.c.id).where(outbox.c.state.in_(("queued", "sending"))),
                select(conversation.c.address_id).where(conversation.c.wake_at.is_not(None)),
            )
            with reading() as tx:
                return all(tx.execute(query.limit(1)).first() is None for query in waiting)

        until(done, 10, "silence")

    def said(self, **whose: Any) -> list[str]:
        """What we told one phone, chat or mailbox, in order."""
        shown = self.sandbox.messages(**whose)
        return [entry["text"] for entry in shown if entry["direction"] == "out"]


def _secrets(folder: Path) -> dict[str, str]:
    ports = [free_port(), free_port()]
    return instance.environment(folder) | SECRETS | {
        "HARIU_IMAP_URL": f"imap://hariu:mail-test@127.0.0.1:{ports[0]}/INBOX",
        "HARIU_SMTP_URL": f"smtp://hariu:mail-test@127.0.0.1:{ports[1]}",
        "HARIU_MAIL_ADDRESS": MAIL,
        "HARIU_PROVIDER_TIMEOUT": "5",
        "HARIU_BURST_SECONDS": "0.2",
    }  # fmt: skip


def forget() -> None:
    """Read settings anew and make the channels of them."""
    settings.cache_clear()
    registry.active.cache_clear()
    jobs.lanes.cache_clear()


@contextmanager
def everything(folder: Path, **more: str) -> Iterator[Everything]:
    """An instance in ``folder`` with all its channels, on SQLite."""
    before = dict(os.environ)
    instance.enter(_secrets(folder) | more)
    forget()
    try:
        with served() as url, SandboxServer(settings()) as sandbox:
            point_at(sandbox, url)
            release()
            yield Everything(sandbox, url)
    finally:
        instance.forget()
        os.environ.clear()
        os.environ.update(before)
        forget()


def point_at(sandbox: SandboxServer, url: str) -> None:
    """Settings that name the doubles, and our own address for them to call."""
    os.environ |= {
        "HARIU_PUBLIC_URL": url,
        "HARIU_TELEGRAM_API": f"{sandbox.url}/telegram/bot",
        "HARIU_MESSENGER_API": f"{sandbox.url}/graph",
        "HARIU_TWILIO_API": f"{sandbox.url}/twilio",
    } | {f"HARIU_GATEWAY_{name.upper()}_URL": f"{sandbox.url}/gateway/{name}" for name in GATEWAYS}
    forget()
    sandbox.world.settings = settings()
