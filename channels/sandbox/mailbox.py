"""What lies in the simulated inbox, and who waits for more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock

from channels.sandbox.history import Entry

SEEN = "\\Seen"


@dataclass
class Stored:
    """One mail in the mailbox."""

    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)
    entry: Entry | None = None


class Mailbox:
    """The inbox, as IMAP sees it; ``validity`` is another one after each start."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.mails: list[Stored] = []
        self.validity = int(time.time())
        self.next_uid = 1
        self.listeners: set[Callable[[], None]] = set()

    def add(self, raw: bytes, entry: Entry | None = None) -> Stored:
        """Deliver a mail and tell who waits."""
        with self.lock:
            mail = Stored(self.next_uid, raw, entry=entry)
            self.next_uid += 1
            self.mails.append(mail)
            waiting = list(self.listeners)
        for tell in waiting:
            tell()
        return mail

    def find(self, uid: int) -> Stored | None:
        """The mail of that UID."""
        with self.lock:
            return next((mail for mail in self.mails if mail.uid == uid), None)
