"""What can be asked of a grievance, and whether it may be done. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from config.errors import HariuError
from config.profile import Profile
from store.case import Case
from workflow.states import Outcome, Role, Status, Transition, find


class Refused(HariuError):
    """The procedure does not allow it; ``code`` says why (``refused.reason`` …)."""

    code = "refused"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a role, and the officer's id where a person of the office does."""

    role: Role
    officer_id: int | None = None

    def __str__(self) -> str:
        return f"{self.role}:{self.officer_id}" if self.officer_id else str(self.role)


SYSTEM = Actor(Role.SYSTEM)
CITIZEN = Actor(Role.CITIZEN)


@dataclass(frozen=True, slots=True)
class Register:
    """Take up a new grievance. ``facts`` holds what else is known of it.

    ``sensitive`` seals it from the first moment; ``quiet`` sends no acknowledgement, because
    something else tells the person. ``submitter_id`` is who filed it for somebody else.
    """

    channel: str
    text: str
    received_at: datetime
    address_id: int | None = None
    person_id: int | None = None
    submitter_id: int | None = None
    language: str | None = None
    kind: str = "complaint"
    category: str | None = None
    place: str | None = None
    bag: str = ""
    anonymous: bool = True
    sensitive: str = ""
    quiet: bool = False
    actor: Actor = CITIZEN
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Act:
    """Do ``command`` on a grievance. ``version`` refuses what somebody else changed meanwhile."""

    command: str
    grievance_id: int
    actor: Actor
    values: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None


COMMITTEE_STAGE = 3
# How grave an incident is, as the World Bank's Environment and Social Incident Response Toolkit
# sorts them (https://documents.worldbank.org, ESIRT).
SEVERITIES = ("indicative", "serious", "severe")
Guard = Callable[[Case, Mapping[str, Any], Profile], bool]

GUARDS: dict[str, Guard] = {
    "assignee": lambda case, values, profile: bool(values.get("assignee_id")),
    "assigned": lambda case, values, profile: case.assignee_id is not None,
    "summary": lambda case, values, profile: bool(str(values.get("summary", "")).strip()),
    "text": lambda case, values, profile: bool(str(values.get("text", "")).strip()),
    "reason": lambda case, values, profile: bool(str(values.get("reason", "")).strip()),
    "outcome": lambda case, values, profile: values.get("outcome") in set(Outcome),
    "days": lambda case, values, profile: (
        0 < int(values.get("days", 0)) <= profile.extension.amount
    ),
    "dated": lambda case, values, profile: case.due_at is not None,
    "not_extended": lambda case, values, profile: (
        case.clock.get("extended", 0) < profile.extensions
    ),
    "not_delayed": lambda case, values, profile: not case.clock.get("delayed"),
    "awaited": lambda case, values, profile: case.waiting_on == "them",
    "committee": lambda case, values, profile: case.stage == COMMITTEE_STAGE,
    "meeting": lambda case, values, profile: (
        isinstance(values.get("held_at"), datetime)
        and all(str(values.get(name, "")).strip() for name in ("agenda", "participants"))
    ),
    "convened": lambda case, values, profile: "meeting" in case.clock,
    "decision": lambda case, values, profile: bool(str(values.get("decision", "")).strip()),
    "decided": lambda case, values, profile: (
        case.stage != COMMITTEE_STAGE or case.decided_at is not None
    ),
    "court": lambda case, values, profile: (
        isinstance(values.get("filed_on"), date)
        and all(str(values.get(name, "")).strip() for name in ("court", "number"))
    ),
    "petition": lambda case, values, profile: (
        values.get("track") != "petition" or not values.get("anonymous", case.anonymous)
    ),
    "paused": lambda case, values, profile: case.paused_at is not None,
    "not_paused": lambda case, values, profile: case.paused_at is None,
    "proposed": lambda case, values, profile: "closing" in case.facts,
    "organisation": lambda case, values, profile: bool(str(values.get("organisation", "")).strip()),
    "recipient": lambda case, values, profile: bool(str(values.get("recipient", "")).strip()),
    "severity": lambda case, values, profile: values.get("severity") in SEVERITIES,
    "until": lambda case, values, profile: isinstance(values.get("until"), datetime),
    "told_at": lambda case, values, profile: isinstance(values.get("told_at"), datetime),
    "later_stage": lambda case, values, profile: profile.next_stage(case.stage) is not None,
}


def permitted(case: Case, act: Act, profile: Profile) -> Transition:
    """The row of the table for this act; `Refused` naming what stands against it."""
    row = find(act.command, Status(case.status))
    if row is None:
        raise Refused(f"{act.command} is not possible while {case.status}", code="refused.status")
    if act.actor.role not in row.who:
        raise Refused(f"{act.actor.role} may not {act.command}", code="refused.role")
    if act.version is not None and act.version != case.version:
        raise Refused("somebody else changed this grievance", code="refused.stale")
    for guard in row.guards:
        if not GUARDS[guard](case, act.values, profile):
            raise Refused(f"{act.command} needs: {guard}", code=f"refused.{guard}")
    return row
