"""``hariu import`` and the desk's page: a file read, shown, and taken over whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot import places
from bot.sensitive import assess
from config import clock
from config.profile import profile
from store.case import Case
from store.db import reading, transaction
from workflow import imports_rows
from workflow.commands import Actor
from workflow.imports import Plan
from workflow.imports_plan import Knowledge, plan, without

# What is done with rows that seem to be known already.
Duplicates = Literal["stop", "skip", "keep"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import came to: the plan, and the grievances it made (none in a dry run)."""

    plan: Plan
    made: tuple[Case, ...] = ()


def look(content: bytes) -> Plan:
    """Read a file and say what is wrong with it. Changes nothing."""
    with reading() as tx:
        return plan(tx, content, _knowledge(clock.now()))


def take_over(
    content: bytes,
    actor: Actor,
    duplicates: Duplicates = "stop",
    told: Callable[[int], None] = lambda _: None,
) -> Taken:
    """Take a file over in one transaction: every row, or none where one is wrong or known."""
    with transaction() as tx:
        found = plan(tx, content, _knowledge(clock.now()))
        if duplicates == "skip":
            without(found, [item.row for item in found.duplicates])
        blocked = bool(found.duplicates) and duplicates == "stop"
        if found.faults or blocked or not found.records:
            return Taken(found)
        return Taken(found, tuple(imports_rows.write(tx, found, actor, clock.now(), told)))


def _knowledge(now: datetime) -> Knowledge:
    zone = profile().timezone
    return Knowledge(
        place=_place,
        sensitive=lambda text: assess(text).kind or "",
        today=now.astimezone(zone).date(),
        day_of=lambda moment: moment.astimezone(zone).date(),
    )


def _place(words: str) -> str | None:
    found = places.find(words, answer=True)
    return found[0].code if len(found) == 1 else None
