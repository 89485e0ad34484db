"""What the Graph API double remembers: people who wrote, comments, files, the page's profile."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import httpx

from channels.sandbox.bounded import Bounded
from channels.sandbox.history import Entry
from channels.sandbox.webhook import Answer, messenger_request, post
from channels.sandbox.world import World

Json = dict[str, Any]

PAGE = "102030405060708"  # visibly invented
# Meta tries again with falling frequency, for 36 hours in all.
# https://developers.facebook.com/docs/graph-api/webhooks/getting-started
RETRIES = (1, 2, 4, 8, 16, 32, *([60] * 30), *([600] * 210))
DELIVERED_AFTER = 0.3


class Refusal(Exception):
    """The Graph API says no: HTTP ``status``, ``code`` and perhaps ``subcode``."""

    def __init__(self, status: int, code: int, message: str, subcode: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.subcode = subcode


def bad(message: str, subcode: int | None = None) -> Refusal:
    """An invalid parameter, in Meta's form."""
    return Refusal(400, 100, f"(#100) {message}", subcode)


@dataclass(frozen=True)
class File:
    """A file that a person sent to the page."""

    content: bytes
    content_type: str


@dataclass
class Graph:
    """All of Messenger, as far as one page sees it. ``lock`` guards every field."""

    world: World
    lock: Lock = field(default_factory=Lock)
    wrote_at: Bounded[str, float] = field(default_factory=Bounded)
    authors: Bounded[str, str] = field(default_factory=Bounded)
    replied: set[str] = field(default_factory=set)
    files: Bounded[str, File] = field(default_factory=lambda: Bounded(2_000))
    profile: Json = field(default_factory=dict)

    @property
    def webhook(self) -> str:
        """Where events go."""
        return f"{self.world.settings.public_url}/in/messenger"

    def wrote(self, psid: str) -> None:
        """A person did something that opens the window for a day."""
        with self.lock:
            self.wrote_at[psid] = time.time()

    def window_open(self, psid: str) -> bool:
        """Whether the page may write; always to those who wrote before this double started."""
        with self.lock:
            at = self.wrote_at.get(psid)
        return at is None or time.time() - at < self.world.behaviour.window

    def reply_once(self, handle: str) -> bool:
        """Note a private reply to a comment or post; False if there was one already."""
        with self.lock:
            new = handle not in self.replied
            self.replied.add(handle)
        return new

    def keep(self, content: bytes, content_type: str, name: str) -> str:
        """Remember a file; its path, under a secret part as Meta's addresses have."""
        path = f"{secrets.token_urlsafe(24)}/{name}"
        with self.lock:
            self.files[path] = File(content, content_type)
        return path

    def say(self, psid: str, text: str, buttons: list[list[dict[str, str]]]) -> str:
        """The page's message to a person; its id. A receipt of delivery follows."""
        mid = new_mid()
        entry = self.world.history.add(
            "messenger", psid, "out", text=text, status="sent", sid=mid, buttons=buttons
        )
        self.world.later.run(DELIVERED_AFTER, lambda: self._delivered(psid, mid, entry))
        return mid

    def _delivered(self, psid: str, mid: str, entry: Entry) -> None:
        self.world.history.change(entry, status="delivered")
        receipt = {"delivery": {"mids": [mid], "watermark": milliseconds()}}
        http = self.world.http
        post(http, self._request([entry_of(messaging(psid, receipt))]))

    def deliver(self, part: Json, entry: Entry | None = None, *, retry: bool = True) -> Answer:
        """Post one entry of an event; not taken, it comes again."""
        return self._post(part, entry, RETRIES if retry else ())

    def _post(self, part: Json, entry: Entry | None, retries: tuple[int, ...]) -> Answer:
        answer = post(self.world.http, self._request([part]))
        error = None if answer.ok else f"Hariu's endpoint answered {answer.status or answer.body}"
        status = "delivered" if answer.ok else "retrying" if retries else "failed"
        if entry:
            self.world.history.change(entry, status=status, error=error)
        if retries and not answer.ok:
            self.world.later.run(retries[0], lambda: self._post(part, entry, retries[1:]))
        return answer

    def _request(self, entries: list[Json]) -> httpx.Request:
        secret = self.world.settings.messenger_app_secret.get_secret_value()
        event: Json = {"object": "page", "entry": entries}
        return messenger_request(self.world.http, self.webhook, secret, event)

    def verify(self) -> Answer:
        """What the dashboard's "Verify and save" does."""
        challenge = str(secrets.randbelow(10**9))
        params = {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": self.world.settings.messenger_verify_token.get_secret_value(),
        }
        http = self.world.http
        answer = post(http, http.build_request("GET", self.webhook, params=params))
        return (
            answer if answer.body == challenge else Answer(None, "the challenge did not come back")
        )


def new_mid() -> str:
    """A message id in Meta's form."""
    return f"m_{secrets.token_urlsafe(64)}"


def milliseconds() -> int:
    """Now, as Messenger counts time."""
    return int(time.time() * 1000)


def messaging(psid: str, what: Json) -> Json:
    """One event of a chat."""
    ends = {"sender": {"id": psid}, "recipient": {"id": PAGE}}
    return {**ends, "timestamp": milliseconds(), **what}


def entry_of(*events: Json) -> Json:
    """An entry of chat events."""
    return {"id": PAGE, "time": milliseconds(), "messaging": list(events)}
