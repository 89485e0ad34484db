"""What the Telegram double remembers: chats, messages, files, the webhook, waiting updates."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Condition
from typing import Any

from channels.sandbox.bounded import Bounded
from channels.sandbox.history import Entry
from channels.sandbox.webhook import Answer, post, telegram_request
from channels.sandbox.world import World
from config.clock import now

Json = dict[str, Any]

# Updates are offered again for a day at most: https://core.telegram.org/bots/api#getting-updates
RETRIES = (1, 2, 4, 8, 16, 32, *([60] * 1440))
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


class Refusal(Exception):
    """The Bot API says no: HTTP ``status``, ``description`` and perhaps ``parameters``."""

    def __init__(self, status: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


def bad(description: str) -> Refusal:
    """A 400 in Telegram's words."""
    return Refusal(400, f"Bad Request: {description}")


@dataclass(frozen=True)
class Webhook:
    """Where updates go; an empty ``url`` means they wait for ``getUpdates``."""

    url: str = ""
    secret: str = ""
    allowed: tuple[str, ...] = ()
    connections: int = 40


@dataclass(frozen=True)
class File:
    """A file that somebody sent."""

    id: str
    path: str
    content_type: str
    content: bytes


@dataclass
class Telegram:
    """All of Telegram, as far as one bot sees it. ``lock`` guards every field."""

    world: World
    lock: Condition = field(default_factory=Condition)
    messages: Bounded[tuple[int, int], Json] = field(default_factory=Bounded)
    entries: Bounded[tuple[int, int], Entry] = field(default_factory=Bounded)
    names: dict[int, str] = field(default_factory=dict)
    files: Bounded[str, File] = field(default_factory=lambda: Bounded(2_000))
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    pending: list[Json] = field(default_factory=list)
    failing: set[int] = field(default_factory=set)
    last_error: tuple[int, str] | None = None
    poller: int = 0
    _set: Webhook | None = None
    _last: int = 0

    @property
    def webhook(self) -> Webhook:
        """The webhook set by the bot; until it says otherwise, our own with the derived secret."""
        settings = self.world.settings
        default = Webhook(f"{settings.public_url}/in/telegram", settings.telegram_webhook_secret)
        return default if self._set is None else self._set

    @webhook.setter
    def webhook(self, chosen: Webhook) -> None:
        self._set = chosen
        self.allowed = chosen.allowed or self.allowed
        self.last_error = None

    @property
    def bot(self) -> Json:
        """The bot as a User."""
        head = self.world.settings.telegram_token.get_secret_value().partition(":")[0]
        return {
            "id": int(head) if head.isdigit() else 7_000_000_000,
            "is_bot": True,
            "first_name": "Hariu",
            "username": "hariu_sandbox_bot",
        }

    def number(self) -> int:
        """A fresh id, larger than all before, also after a restart (a repeated one is a repeat)."""
        with self.lock:
            self._last = max(self._last + 1, int((now().timestamp() - _EPOCH) * 1000))
            return self._last

    def chat(self, chat_id: int) -> Json:
        """A private chat; Telegram gives chat and person the same id."""
        name = self.names.get(chat_id, "Sandbox")
        return {"id": chat_id, "type": "private", "first_name": name}

    def say(self, chat_id: int, content: Json, **shown: Any) -> Json:
        """The bot's message with ``content``; ``shown`` are fields of the phone's `Entry`."""
        message = {
            "message_id": self.number(),
            "from": self.bot,
            "chat": self.chat(chat_id),
            "date": int(time.time()),
            **content,
        }
        key = (chat_id, message["message_id"])
        entry = self.world.history.add(
            "telegram", str(chat_id), "out", message_id=message["message_id"], **shown
        )
        with self.lock:
            self.messages[key] = message
            self.entries[key] = entry
        return message

    def keep(self, content: bytes, content_type: str, path: str) -> File:
        """Remember a file under a fresh id; ``path`` is a folder and a name."""
        folder, _, name = path.rpartition("/")
        number = self.number()
        file = File(secrets.token_urlsafe(40), f"{folder}/{number}_{name}", content_type, content)
        with self.lock:
            self.files[file.id] = file
        return file

    def deliver(
        self, update: Json, entry: Entry, *, poll: bool = False, retry: bool = True
    ) -> Answer:
        """Give an update to the bot: post it, or let it wait for ``getUpdates``."""
        kind = next(name for name in update if name != "update_id")
        if self.allowed and kind not in self.allowed:
            self.world.history.change(entry, status="dropped", error="not in allowed_updates")
            return Answer(None, "not in allowed_updates")
        if poll or not self.webhook.url:
            with self.lock:
                self.pending.append(update)
                self.lock.notify_all()
            self.world.history.change(entry, status="queued")
            return Answer(None, "queued for getUpdates")
        return self._post(update, entry, RETRIES if retry else ())

    def _post(self, update: Json, entry: Entry, retries: tuple[int, ...]) -> Answer:
        webhook = self.webhook
        if not webhook.url:  # deleted since the last try
            return self.deliver(update, entry)
        http = self.world.http
        answer = post(http, telegram_request(http, webhook.url, webhook.secret, update))
        if answer.ok:
            self.failing.discard(update["update_id"])
            self.world.history.change(entry, status="delivered", error=None)
            return answer
        reason = f"Wrong response from the webhook: {answer.status or answer.body}"
        self.last_error = (int(time.time()), reason)
        self.world.history.change(entry, status="retrying" if retries else "failed", error=reason)
        if retries:
            self.failing.add(update["update_id"])
            self.world.later.run(retries[0], lambda: self._post(update, entry, retries[1:]))
        return answer

    def poll(self, offset: int, limit: int, timeout: float) -> list[Json]:
        """The waiting updates from ``offset`` on; those before it are confirmed and forgotten."""
        if self.webhook.url:
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        end = time.monotonic() + timeout
        with self.lock:
            self.poller += 1
            mine = self.poller
            self.lock.notify_all()
            if offset < 0:
                self.pending = self.pending[offset:]
            self.pending = [u for u in self.pending if u["update_id"] >= offset]
            while not self.pending and (left := end - time.monotonic()) > 0:
                # In slices, so that a server that is closing need not wait for its pollers.
                self.lock.wait(min(left, 0.5))
                if self.world.behaviour.closing.is_set():
                    break
                if mine != self.poller:
                    raise Refusal(
                        409,
                        "Conflict: terminated by other getUpdates request; "
                        "make sure that only one bot instance is running",
                    )
            return self.pending[:limit]
