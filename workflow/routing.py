"""Who could take a grievance: a suggestion by stage, place, unit, language and load.

`suggest` is pure; the officer decides. Where one person does everything, that person is suggested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from config.profile import Profile, Unit, within
from store import officers
from store.case import Case
from store.db import Transaction
from store.schema import grievance
from workflow.commands import COMMITTEE_STAGE
from workflow.states import OPEN, Role

HANDLERS = frozenset(
    {Role.OFFICER, Role.ASSIGNEE, Role.COORDINATOR, Role.PSC_SECRETARY, Role.FOCAL_POINT}
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One active person of the office and how many open grievances they have in hand."""

    id: int
    login: str
    roles: frozenset[str]
    load: int = 0


def suggest(case: Case, people: Iterable[Candidate], project: Profile) -> int | None:
    """The id of who could best take ``case``; None where nobody may.

    Each rule narrows the choice, unless nobody is left by it: sensitive matters are for focal
    points alone; then the stage's own people, the unit of the category, the place, the language;
    of those left whoever has least in hand.
    """
    able = [person for person in people if person.roles & HANDLERS]
    if case.sensitive:
        able = [person for person in able if Role.FOCAL_POINT in person.roles]
    for rule in (_of_stage, _of_unit, _of_place, _of_language):
        able = _narrowed(able, rule(case, project))
    chosen = min(able, key=lambda person: (person.load, person.id), default=None)
    return chosen.id if chosen else None


Test = Callable[[Candidate], bool]


def _narrowed(able: list[Candidate], fits: Test) -> list[Candidate]:
    return [person for person in able if fits(person)] or able


def _of_stage(case: Case, project: Profile) -> Test:
    """Stage 1 has its local resolver, stage 3 the committee's secretary."""
    if case.stage < project.start_stage:
        resolver = project.resolver(case.place)
        return lambda person: person.login == resolver
    if case.stage >= COMMITTEE_STAGE:
        return lambda person: Role.PSC_SECRETARY in person.roles
    return lambda person: True


def _of_unit(case: Case, project: Profile) -> Test:
    found = project.category(case.category)
    units = [unit for unit in project.units if found and unit.code == found.unit]
    return _in(_members(units, case))


def _of_place(case: Case, project: Profile) -> Test:
    """Units that look after a place, whatever the category."""
    return _in(_members([unit for unit in project.units if unit.places], case))


def _members(units: Iterable[Unit], case: Case) -> set[str]:
    return {
        login
        for unit in units
        if not unit.places or any(within(case.place, area) for area in unit.places)
        for login in unit.officers
    }


def _of_language(case: Case, project: Profile) -> Test:
    return _in(set(project.speakers.get(case.language or "", ())))


def _in(logins: set[str]) -> Test:
    return lambda person: person.login in logins


def candidates(tx: Transaction) -> list[Candidate]:
    """Everybody active, with what they have in hand: two questions."""
    query = (
        select(grievance.c.assignee_id, func.count())
        .where(grievance.c.status.in_(sorted(OPEN)), grievance.c.assignee_id.is_not(None))
        .group_by(grievance.c.assignee_id)
    )
    rows: Any = tx.execute(query).all()
    held = dict(rows)
    return [
        Candidate(person.id, person.login, frozenset(person.roles), held.get(person.id, 0))
        for person in officers.everyone(tx, active_only=True)
    ]
