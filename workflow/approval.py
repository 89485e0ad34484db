"""Second approval: who else must say yes before a grave closure is told to anybody. Pure.

A sensitive matter, a refusal as not eligible, and whatever a committee had before it are not
closed by one person. Their ``close`` becomes ``propose_closure``; the proposal waits in the
grievance's facts until a second person lets it pass (``approve`` closes, and only then is the
complainant told) or sends it back (``return``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from store.case import Case
from store.officers import Officer
from workflow.commands import Act, Refused
from workflow.states import SECOND, STAFF, Outcome, Role

CLOSING = "closing"
COMMITTEE = 3  # from this stage on a committee decides
_ENDS = {"close", "withdraw"}


def wanted(case: Case, act: Act) -> bool:
    """Whether ``act`` ends ``case`` in a way that one person of the office may not alone.

    What a complainant ends is theirs to end; imported history (with a date of its own) was decided
    elsewhere.
    """
    if act.command not in _ENDS or act.actor.role not in STAFF or "at" in act.values:
        return False
    grave = bool(case.sensitive) or case.stage >= COMMITTEE
    return grave or act.values.get("outcome") == Outcome.NOT_ELIGIBLE


def routed(case: Case, act: Act) -> Act:
    """``act`` as it is really done: a grave closure becomes its proposal.

    `Refused` where somebody would approve what they proposed.
    """
    if wanted(case, act) and case.is_open:
        values = dict(act.values)
        if act.command == "withdraw":
            values = {"outcome": str(Outcome.WITHDRAWN), "summary": "-"} | values
        return replace(act, command="propose_closure", values=values)
    if act.command == "approve" and act.actor.role is not Role.APPROVER:
        proposed = proposal(case)
        if proposed and proposed["by"] == act.actor.officer_id:
            raise Refused("nobody approves what they proposed", code="refused.same_person")
    return act


def proposal(case: Case) -> dict[str, Any] | None:
    """The closure that waits: ``outcome``, ``summary`` and ``by`` (the officer's id)."""
    found: dict[str, Any] | None = case.facts.get(CLOSING)
    return found


def propose(case: Case, act: Act) -> None:
    """Keep what is proposed; a later proposal replaces an earlier one."""
    kept = {name: str(act.values[name]) for name in ("outcome", "summary")}
    case.facts = {**case.facts, CLOSING: {**kept, "by": act.actor.officer_id}}


def drop(case: Case) -> None:
    """Nothing waits any more: approved, sent back, or overtaken by another step."""
    case.facts = {name: value for name, value in case.facts.items() if name != CLOSING}


def is_own(case: Case, command: str, officer_id: int) -> bool:
    """Whether that would be somebody approving what they proposed."""
    found = proposal(case)
    return command == "approve" and found is not None and found["by"] == officer_id


def imagine(case: Case) -> None:
    """``case``, a copy, as it is once what is proposed has been approved."""
    if found := proposal(case):
        case.status, case.outcome, case.resolution = "closed", found["outcome"], found["summary"]


def closure(case: Case, act: Act) -> Act:
    """The closing that ``act``, an approval, lets pass."""
    found = proposal(case) or {}
    values = {name: found[name] for name in ("outcome", "summary")}
    return replace(act, command="close", values=values, version=None)


def second_persons(case: Case, staff: Iterable[Officer]) -> list[Officer]:
    """Those of ``staff`` who may let the closure of ``case`` pass that waits."""
    proposed = proposal(case) or {"by": None}
    needed = {Role.FOCAL_POINT} if case.sensitive else SECOND
    return [
        person
        for person in staff
        if person.active and person.id != proposed["by"] and needed & set(person.roles)
    ]
