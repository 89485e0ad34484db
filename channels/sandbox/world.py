"""The state that the parts of one sandbox share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from channels.sandbox.behave import Behaviour
from channels.sandbox.calls import CallLog
from channels.sandbox.history import History
from channels.sandbox.later import Later
from channels.sandbox.mailbox import Mailbox
from channels.sandbox.webhook import client
from config.settings import Settings


@dataclass
class World:
    """One sandbox: its switches, its memory, and its way to call Hariu."""

    settings: Settings
    calls: CallLog = field(default_factory=CallLog)
    behaviour: Behaviour = field(default_factory=Behaviour)
    history: History = field(default_factory=History)
    mailbox: Mailbox = field(default_factory=Mailbox)
    later: Later = field(default_factory=Later)
    http: httpx.Client = field(default_factory=client)
    at_close: list[Callable[[], object]] = field(default_factory=list)

    def close(self) -> None:
        """End what waits in the background."""
        self.behaviour.closing.set()
        for end in self.at_close:
            end()
        self.later.close()
        self.http.close()
