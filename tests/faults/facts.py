"""What is true after a run: rows by plain SQL, what the doubles saw, what the senders know.

Encrypted columns (addresses, texts of letters) come from ``hariu dump``; all else is read past
Hariu's own code.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.chaos import Fault
from tests.faults.senders import Message
from tests.house import House

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One stored message or delivery report."""

    id: int
    channel: str
    external_id: str
    kind: str
    choice: str
    state: str
    error: str
    grievance: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """One registered grievance."""

    id: int
    reference: str
    status: str
    text: str
    head_seq: int
    acknowledged_at: object


@dataclass(frozen=True, slots=True)
class Event:
    """One link of a grievance's trail."""

    grievance: int
    seq: int
    kind: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to send, as ``hariu dump outbox`` shows it."""

    channel: str
    address: str
    template: str
    text: str
    state: str
    provider_id: str | None
    attempts: int
    error: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """A double was asked to send ``text``; ``answer`` None: it gave none. ``at`` is Unix time."""

    channel: str
    address: str
    text: str
    answer: int | None
    at: float


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the checker judges. ``phones``: (channel, address, text) of all that arrived."""

    messages: tuple[Message, ...]
    inbox: tuple[InboxRow, ...]
    cases: tuple[Case, ...]
    events: tuple[Event, ...]
    letters: tuple[Letter, ...]
    calls: tuple[Call, ...]
    phones: tuple[tuple[str, str, str], ...]
    faults: tuple[Fault, ...]
    trail: str = ""  # what `hariu verify` found wrong


class Database:
    """Plain SQL against the store of an instance, from outside of it."""

    def __init__(self, home: Path, url: str) -> None:
        self._home, self._url = home, url

    def rows(self, query: str) -> list[Row]:
        """The rows of a SELECT."""
        if self._url:
            with psycopg.connect(self._url.replace("+psycopg", "")) as connection:
                return list(connection.execute(query))
        path = f"file:{self._home / 'hariu.db'}?mode=ro"
        with closing(sqlite3.connect(path, uri=True, timeout=10)) as connection:
            return list(connection.execute(query))

    def waiting(self) -> int:
        """How many rows still have to be worked on: taken in, or sent."""
        ((taken, sent),) = self.rows(
            "SELECT (SELECT count(*) FROM inbox WHERE state = 'new'),"
            " (SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending'))"
        )
        return int(taken) + int(sent)

    def stored(self) -> set[tuple[str, str]]:
        """(channel, external id) of everything taken in."""
        return {(row[0], row[1]) for row in self.rows("SELECT channel, external_id FROM inbox")}


def gather(
    house: House, database: Database, messages: Iterator[Message], faults: tuple[Fault, ...]
) -> Facts:
    """Read it all."""
    inbox = database.rows(
        "SELECT id, channel, external_id, kind, choice, state, error, grievance_id FROM inbox"
        " ORDER BY id"
    )
    cases = database.rows(
        "SELECT id, reference, status, text, head_seq, acknowledged_at FROM grievance"
    )
    events = database.rows("SELECT grievance_id, seq, kind FROM case_event ORDER BY id")
    verified = house.hariu("verify")
    return Facts(
        tuple(messages),
        tuple(InboxRow(*row) for row in inbox),
        tuple(Case(*row) for row in cases),
        tuple(Event(*row) for row in events),
        tuple(_letter(row) for row in house.dump("outbox")),
        tuple(_calls(house)),
        tuple(_phones(house)),
        faults,
        verified.stderr.strip() if verified.returncode else "",
    )


def _letter(row: dict[str, Any]) -> Letter:
    names = (
        "channel", "address", "template", "text", "state", "provider_id", "attempts", "error",
        "grievance",
    )  # fmt: skip
    return Letter(*(row[name] for name in names))


def _calls(house: House) -> Iterator[Call]:
    """The calls that ask to send something, not those that ask what was sent."""
    for call in house.calls():
        params, at = call["params"], datetime.fromisoformat(call["at"]).timestamp()
        if call["provider"] == "twilio" and call["method"] == "POST":
            yield Call("sms", params["To"], params["Body"], call["answer"], at)
        elif call["path"].endswith("/sendMessage"):
            address = str(params["chat_id"])
            yield Call("telegram", address, params["text"], call["answer"], at)


def _phones(house: House) -> Iterator[tuple[str, str, str]]:
    entries = house.http.get(f"{house.url('sandbox')}/phone/messages").json()
    for entry in entries:
        if entry["direction"] == "out":
            yield entry["channel"], entry["address"], entry["text"]
