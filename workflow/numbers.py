"""Drawing what new rows are called: ids in one question for many, references nobody can guess."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from config.profile import Profile
from store import grievances
from store.db import Transaction
from store.schema import grievance as grievance_table
from store.schema import person as person_table
from workflow.reference import new_reference

_TABLES = {"case": grievance_table, "person": person_table}


class Numbers:
    """What one transaction draws; everything drawn is used at most once."""

    def __init__(self, tx: Transaction, now: datetime, project: Profile) -> None:
        self._tx = tx
        self._year = now.astimezone(project.timezone).year
        self._pools: dict[str, list[Any]] = {"reference": [], "case": [], "person": []}
        self._drawn: dict[str, int] = {}
        self._references: set[str] = set()

    def draw(self, kind: str) -> Any:
        """The next ``reference``, or the next id of a ``case`` or ``person``."""
        pool = self._pools[kind]
        if not pool:
            pool.extend(reversed(self._fill(kind)))
        return pool.pop()

    def expect(self, registrations: int) -> None:
        """Make ready for this many new grievances, so that ids come in one question."""
        for kind, pool in self._pools.items():
            if registrations > len(pool):
                pool[:0] = reversed(self._fill(kind, registrations - len(pool)))

    def _fill(self, kind: str, count: int = 1) -> list[Any]:
        if kind == "reference":
            return self._free_references(count)
        ids = grievances.allocate(self._tx, _TABLES[kind], count, self._drawn.get(kind, 0))
        self._drawn[kind] = ids[-1]
        return ids

    def _free_references(self, count: int) -> list[str]:
        """Free references of this year; unique by constraint, so this only avoids the clash."""
        crowded, found = False, dict[str, None]()
        while len(found) < count:
            drawn = {new_reference(self._year, crowded=crowded) for _ in range(count + 8)}
            free = drawn - grievances.taken(self._tx, drawn) - self._references
            crowded = crowded or len(free) < len(drawn) // 2
            found |= dict.fromkeys(free)
        chosen = list(found)[:count]
        self._references.update(chosen)
        return chosen
