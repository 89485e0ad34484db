"""What the simulated phones sent and got, for the page and for tests."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from config.clock import now


@dataclass
class Entry:
    """One message on a phone.

    ``n`` grows with every change, so that a reader asks for what is new *or* changed; ``direction``
    is "in" (phone to Hariu) or "out"; ``parts`` are SMS parts; ``status`` is the provider's word;
    ``message_id`` is Telegram's; ``buttons`` are rows of ``{"text", "data"}``.
    """

    id: int
    n: int
    channel: str
    address: str
    direction: str
    kind: str
    text: str
    status: str
    at: str
    parts: int | None = None
    error: str | None = None
    sid: str | None = None
    message_id: int | None = None
    buttons: list[list[dict[str, str]]] = field(default_factory=list)
    media: list[dict[str, str]] = field(default_factory=list)


class History:
    """The messages of all phones."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: list[Entry] = []
        self._of: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._last = 0

    def add(self, channel: str, address: str, direction: str, **rest: Any) -> Entry:
        """Append a message; ``rest`` are fields of `Entry`."""
        fields: dict[str, Any] = {"kind": "text", "text": "", "status": "delivered", **rest}
        with self._lock:
            self._last += 1
            at = now().isoformat(timespec="seconds")
            entry = Entry(self._last, self._last, channel, address, direction, at=at, **fields)
            self._entries.append(entry)
            self._of[channel, address].append(entry)
        return entry

    def change(self, entry: Entry, **fields: Any) -> None:
        """Change an entry, so that readers see it again."""
        with self._lock:
            self._last += 1
            entry.n = self._last
            for name, value in fields.items():
                setattr(entry, name, value)

    def list(self, channel: str = "", address: str = "", since: int = 0) -> list[dict[str, Any]]:
        """Messages in order of arrival that are new or changed after ``since``."""
        with self._lock:
            known = self._of.get((channel, address), []) if address else self._entries
            chosen = [e for e in known if e.n > since and channel in ("", e.channel)]
            return [dict(vars(entry)) for entry in chosen]
