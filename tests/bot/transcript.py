"""Dialogues as transcripts a person can read and correct.

``> words`` a person says, ``< words`` Hariu answers (lines that follow in the same message begin
with two spaces, ``[1 label]`` is a button under it), ``>> label`` a button is pressed, ``>+ image
words`` something else is sent (image, voice, location, contact, sticker, automatic), ``>x 35 words`` the
same many times, ``~ 30 s`` time passes, ``! command key=value …`` an officer acts (``#1`` on the
first grievance, else on the last; ``as=role:id`` another; ``ask rate`` and ``ask solved`` put the
clock's questions),
``@ +976…`` another phone takes over, ``# …`` a remark. ``{reference}``, ``{code}`` and dates stand
for what the run drew, ``{reference2}`` for the second grievance. ``<(+976…)`` goes to another phone.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from sqlalchemy import select

from bot.jobs import drain
from config import clock
from store import channels, inbox, people
from store.db import reading, transaction
from store.inbox import Receipt
from store.messages import Attachment, Capabilities, Contact, Inbound, Kind, Location
from store.outbox import Letter, enqueue
from store.schema import address as address_table
from store.schema import grievance, outbox
from store.text import measure
from workflow import letters
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

FORMS = {
    "sms": Capabilities(form="sms", longest=1600, units=134, abroad=True),
    "gateway": Capabilities(form="sms", longest=670, units=134, latin=True),
    "mail": Capabilities(longest=100_000, media=True),
    "telegram": Capabilities(buttons=8, button_label=64, media=True, abroad=True),
}
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
START = "2026-11-23 11:00"  # a Monday, in Ulaanbaatar
TWO_PARTS = 134
# The clock's questions, with the values and labels of their answers.
ASKED = {
    "rate": tuple((str(n), f"choice.rate.{n}") for n in (1, 2, 3)),
    "solved": (("yes", "choice.yes"), ("no", "choice.no")),
}
# What an officer wrote may be longer, and what is said in two languages at once.
MAY_BE_LONGER = {"reply"}

_HEAD = re.compile(r"# (\w+) (\S+?)(?: from (\d{4}-\d\d-\d\d \d\d:\d\d))?:")
_DATE = re.compile(r"\b(20\d\d\.\d\d\.\d\d|\d\d\.\d\d\.20\d\d|\d{1,2} \w{3,9} 20\d\d)\b")


@dataclass
class Dialogue:
    """One transcript played against the real drain."""

    channel: str
    address: str
    start: str = START
    lines: list[str] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)
    _seen: int = 0
    _number: int = 0
    _labels: dict[str, str] = field(default_factory=dict)
    _partitions: set[int] = field(default_factory=set)

    def play(self, script: list[str]) -> list[str]:
        """Say and do what ``script`` says; the whole transcript as it went."""
        with transaction() as tx:
            channels.sync(tx, {code: ("700", caps) for code, caps in FORMS.items()})
        began = datetime.fromisoformat(f"{self.start}+08:00")
        with time_machine.travel(began, tick=False) as self.traveller:
            for line in script:
                if not line.startswith(("<", "[", " ")):
                    self.lines.append(line)
                    self._do(line)
                    self.lines += self._answers()
        return self.lines

    def _do(self, line: str) -> None:
        sign, _, rest = line.partition(" ")
        if sign == ">":
            self._come(text=self._filled(rest))
        elif sign == ">>":
            self._come(kind=Kind.CHOICE, choice=self._labels[rest])
        elif sign == ">+":
            self._send(*(f"{rest} ".split(" ", 1)))
        elif sign == ">x":
            count, _, words = rest.partition(" ")
            for _ in range(int(count)):
                self._come(text=words)
        elif sign == "~":
            amount, unit = rest.split()
            self.traveller.shift(timedelta(seconds=float(amount) * UNITS[unit]))
            self._drain()
        elif sign == "@":
            *channel, self.address = rest.split()
            self.channel = channel[0] if channel else self.channel
        elif sign == "!":
            self._act(rest)

    def _filled(self, words: str) -> str:
        """``{reference}`` and ``{code}`` in what a person types."""
        for name, value in self._drawn():
            words = words.replace(f"{{{name}}}", value)
        return words

    def _send(self, what: str, words: str) -> None:
        words = words.strip()
        if what == "image":
            photo = Attachment("image", "image/jpeg", 1000, handle=f"photo{self._number}")
            self._come(kind=Kind.MEDIA, text=words, attachments=(photo,))
        elif what == "voice":
            voice = Attachment("audio", "audio/ogg", 1000, handle=f"voice{self._number}")
            self._come(kind=Kind.MEDIA, text=words, attachments=(voice,))
        elif what == "location":
            self._come(kind=Kind.LOCATION, text=words, location=Location(48.97, 89.96))
        elif what == "contact":
            self._come(kind=Kind.CONTACT, contact=Contact(phone=words))
        elif what == "sticker":
            self._come(kind=Kind.OTHER, text=words)
        elif what == "automatic":
            self._come(kind=Kind.OTHER, text=words, choice="automatic")

    def _come(self, **values: Any) -> None:
        self._number += 1
        message = Inbound(self.channel, "700", str(self._number), self.address, **values)
        index = people.address_index(self.channel, self.address)
        self._partitions.add(people.partition_of(index))
        inbox.accept(Receipt(self.channel, "700", b"raw", clock.now(), (message,)))
        self._drain()

    def _drain(self) -> None:
        for part in self._partitions:
            drain(part)

    def _act(self, rest: str) -> None:
        command, *pairs = shlex.split(rest)
        which = int(pairs.pop(0)[1:]) - 1 if pairs and pairs[0].startswith("#") else -1
        with reading() as tx:
            ids = list(tx.execute(select(grievance.c.id).order_by(grievance.c.id)).scalars())
        if command == "ask":
            self._ask(pairs[0], ids[which])
            return
        values: dict[str, Any] = dict(pair.split("=", 1) for pair in pairs)
        role, _, number = values.pop("as", "officer:1").partition(":")
        if values.get("held_at") == "now":
            values["held_at"] = clock.now()
        with transaction() as tx:
            work = Casework(tx, clock.now())
            work.act(Act(command, ids[which], Actor(Role(role), int(number)), values))
            work.flush()

    def _ask(self, name: str, case_id: int) -> None:
        """Put a question of the clock about one grievance."""
        with transaction() as tx:
            work = Casework(tx, clock.now())
            case = work.case(case_id)
            (row,) = people.by_ids(tx, [case.address_id or 0]).values()
            options = tuple((f"{name}:{case_id}:{end}", label) for end, label in ASKED[name])
            values = letters.case_values(case, work.profile, work.zone(case), {})
            text = letters.write(f"{name}.ask", row.language, FORMS[row.channel], values, options)
            letter = Letter(
                f"{name}:{case_id}", row.id, row.channel, row.account, text.key, text.language,
                text.text, text.parts, case_id, text.choices,
            )  # fmt: skip
            enqueue(tx, [letter], clock.now())

    def _answers(self) -> list[str]:
        """What was newly written to people, with what the run drew replaced by names."""
        with reading() as tx:
            rows = tx.execute(
                select(outbox, address_table.c.value.label("to"))
                .join(address_table, address_table.c.id == outbox.c.address_id)
                .where(outbox.c.id > self._seen)
                .order_by(outbox.c.id)
            ).all()
        lines: list[str] = []
        for row in rows:
            self._seen = row.id
            self.sent.append(row)
            sign = "<" if row.to == self.address else f"<({row.to})"
            lines.append(f"{sign} " + self._named(row.text).replace("\n", "\n  "))
            self._labels |= {label: value for value, label in row.choices}
            if FORMS[row.channel].buttons:
                lines += [f"[{n} {label}]" for n, (_, label) in enumerate(row.choices, 1)]
        return [part for line in lines for part in line.split("\n") if part.strip()]

    def _named(self, words: str) -> str:
        for name, value in self._drawn():
            words = words.replace(value, f"{{{name}}}")
        return _DATE.sub("{date}", words)

    def _drawn(self) -> Iterator[tuple[str, str]]:
        with reading() as tx:
            rows = tx.execute(select(grievance).order_by(grievance.c.id)).all()
        for number, row in enumerate(rows, 1):
            suffix = "" if number == 1 else str(number)
            yield f"reference{suffix}", row.reference
            yield f"code{suffix}", row.code


def too_long(row: Any) -> bool:
    """Whether an SMS of ours takes more than two parts without leave."""
    bound = FORMS[row.channel].units is not None and row.language != "both"
    return (
        bound and row.template not in MAY_BE_LONGER and measure(row.text).units > _bound(row.text)
    )


def _bound(text: str) -> int:
    return TWO_PARTS if measure(text).encoding == "UCS-2" else 2 * 153


def read(path: Path) -> list[str]:
    """The lines of a transcript file, empty ones left out."""
    return [line for line in path.read_text("utf-8").splitlines() if line.strip()]


def play(path: Path) -> Dialogue:
    """Play a transcript; its first line names channel, address and, where it matters, the time.

    ``# sms +976… from 2026-11-22 11:00: …``
    """
    script = read(path)
    match = _HEAD.match(script[0])
    assert match, f"{path.name} begins with '# channel address: what it shows'"
    dialogue = Dialogue(match[1], match[2], match[3] or START)
    dialogue.play(script)
    return dialogue
