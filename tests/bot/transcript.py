"""Dialogues as transcripts a person can read and correct.

``> words`` a person says, ``< words`` Hariu answers (``[1 label]`` an option of the line above),
``>> label`` a button is pressed, ``~ 30 s`` time passes, ``! command key=value …`` an officer
acts, ``@ +976…`` another phone takes over, ``# …`` a remark. ``{reference}``, ``{code}`` and
dates stand for what the run drew; ``{reference2}`` for the second grievance.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import time_machine
from sqlalchemy import select

from bot.jobs import drain
from config import clock
from store import channels, inbox
from store.db import reading, transaction
from store.inbox import Receipt
from store.messages import Capabilities, Inbound, Kind
from store.queue import PARTITIONS
from store.schema import grievance, outbox
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

FORMS = {
    "sms": Capabilities(form="sms", longest=1600, units=134, abroad=True),
    "telegram": Capabilities(buttons=8, button_label=64, media=True, abroad=True),
}
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
START = "2026-11-23T03:00:00+00:00"  # a Monday, 11:00 in Ulaanbaatar


@dataclass
class Dialogue:
    """One transcript played against the real drain."""

    channel: str
    address: str
    lines: list[str] = field(default_factory=list)
    _seen: int = 0
    _number: int = 0
    _labels: dict[str, str] = field(default_factory=dict)

    def play(self, script: list[str]) -> list[str]:
        """Say and do what ``script`` says; the whole transcript as it went."""
        with transaction() as tx:
            channels.sync(tx, {code: ("700", caps) for code, caps in FORMS.items()})
        with time_machine.travel(START, tick=False) as self.traveller:
            for line in script:
                if not line.startswith("<") and not line.startswith("["):
                    self.lines.append(line)
                    self._do(line)
                    self.lines += self._answers()
        return self.lines

    def _do(self, line: str) -> None:
        sign, _, rest = line.partition(" ")
        if sign == ">":
            self._come(self._filled(rest), Kind.TEXT, "")
        elif sign == ">>":
            self._come("", Kind.CHOICE, self._labels[rest])
        elif sign == "~":
            amount, unit = rest.split()
            self.traveller.shift(timedelta(seconds=float(amount) * UNITS[unit]))
            self._drain()
        elif sign == "@":
            self.address = rest
        elif sign == "!":
            self._act(rest)

    def _filled(self, words: str) -> str:
        """``{reference}`` and ``{code}`` in what a person types."""
        for name, value in self._drawn():
            words = words.replace(f"{{{name}}}", value)
        return words

    def _come(self, words: str, kind: Kind, choice: str) -> None:
        self._number += 1
        message = Inbound(
            self.channel, "700", str(self._number), self.address, kind, words, choice
        )
        inbox.accept(Receipt(self.channel, "700", b"raw", clock.now(), (message,)))
        self._drain()

    def _drain(self) -> None:
        for part in range(PARTITIONS):
            drain(part)

    def _act(self, rest: str) -> None:
        command, *pairs = shlex.split(rest)
        values = dict(pair.split("=", 1) for pair in pairs)
        with transaction() as tx:
            (case_id,) = tx.execute(
                select(grievance.c.id).order_by(grievance.c.id.desc()).limit(1)
            ).scalars()
            work = Casework(tx, clock.now())
            work.act(Act(command, case_id, Actor(Role.OFFICER), values))
            work.flush()

    def _answers(self) -> list[str]:
        """What was newly written to people, with what the run drew replaced by names."""
        with reading() as tx:
            rows = tx.execute(
                select(outbox).where(outbox.c.id > self._seen).order_by(outbox.c.id)
            ).all()
        lines = []
        for row in rows:
            self._seen = row.id
            lines += [f"< {part}" for part in self._named(row.text).split("\n")]
            self._labels |= {label: value for value, label in row.choices}
            if FORMS[row.channel].buttons:
                lines += [f"[{n} {label}]" for n, (_, label) in enumerate(row.choices, 1)]
        return lines

    def _named(self, words: str) -> str:
        for name, value in self._drawn():
            words = words.replace(value, f"{{{name}}}")
        return re.sub(r"\b(20\d\d\.\d\d\.\d\d|\d\d\.\d\d\.20\d\d|\d{1,2} \w{3,9} 20\d\d)\b", "{date}", words)

    def _drawn(self) -> Iterator[tuple[str, str]]:
        with reading() as tx:
            rows = tx.execute(select(grievance).order_by(grievance.c.id)).all()
        for number, row in enumerate(rows, 1):
            suffix = "" if number == 1 else str(number)
            yield f"reference{suffix}", row.reference
            yield f"code{suffix}", row.code


def read(path: Path) -> list[str]:
    """The lines of a transcript file, empty ones left out."""
    return [line for line in path.read_text("utf-8").splitlines() if line.strip()]


def play(path: Path) -> list[str]:
    """Play a transcript; its first line names channel and address (``# sms +976…: …``)."""
    script = read(path)
    match = re.match(r"# (\w+) (\S+):", script[0])
    assert match, f"{path.name} begins with '# channel address: what it shows'"
    return Dialogue(match[1], match[2]).play(script)
