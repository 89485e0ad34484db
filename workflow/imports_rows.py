"""A plan becomes grievances: all of them or none, in the one transaction of the caller.

History (a log kept elsewhere) keeps its dates and is marked; it has no address, so nothing is ever
sent about it. Lines of the field form are new matters: whoever left a phone is acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from itertools import pairwise
from typing import Any

from config.errors import HariuError
from config.profile import profile
from store import imported, officers, people
from store.case import Case
from store.db import Transaction
from store.fold import fold
from workflow import uptake
from workflow.commands import Act, Actor, Register
from workflow.handlers import Casework
from workflow.imports import Plan, Record
from workflow.imports_plan import row_digest
from workflow.states import Status

_NOON = time(12)
# What leads to a status, from acknowledged on; the log tells no more than where a case stands.
_WAY: dict[str, tuple[str, ...]] = {
    Status.REGISTERED: (),
    Status.ACKNOWLEDGED: (),
    Status.SCREENED: ("screen",),
    Status.ASSIGNED: ("screen",),
    Status.UNDER_INVESTIGATION: ("screen", "investigate"),
    Status.REDRESS_PROPOSED: ("screen", "investigate"),
    Status.CLOSED: (),
}
_KEPT = ("behalf", "gender", "group")


class HasFaults(HariuError):
    """Nothing was taken over: rows are wrong, or known already."""

    code = "import.faults"


def write(
    tx: Transaction,
    plan: Plan,
    actor: Actor,
    now: datetime,
    told: Callable[[int], None] = lambda _: None,
) -> list[Case]:
    """Take every row of ``plan`` over. `HasFaults` where one is wrong; the caller commits."""
    if plan.faults:
        raise HasFaults(f"{len(plan.faults)} cells are wrong; nothing was taken over")
    work = Casework(tx, now)
    work.expect(len(plan.records))
    staff = {fold(item.name): item.id for item in officers.everyone(tx)}
    made = []
    for record in plan.records:
        made.append(_case(work, plan, record, actor, staff))
        told(1)
    work.flush()
    _identify(tx, plan, made)
    _remember(tx, plan, made, now)
    return made


def _case(work: Casework, plan: Plan, record: Record, actor: Actor, staff: dict[str, int]) -> Case:
    case = work.register(_command(work, plan, record, actor))
    if plan.is_history:
        _relive(work, case, record, actor, staff)
        case.unread = False
    return case


def _moment(day: date) -> datetime:
    return datetime.combine(day, _NOON, profile().timezone)


def _command(work: Casework, plan: Plan, record: Record, actor: Actor) -> Register:
    values, received = record.values, record.received
    if received is None:
        raise HasFaults("a row without date was not told of")
    return Register(
        channel=values.get("channel") or ("meeting" if not plan.is_history else "visit"),
        text=values["text"],
        received_at=min(_moment(received), work.now),
        address_id=_address(work, plan, values),
        language=values.get("language") or None,
        kind=values.get("kind") or profile().kinds[0],
        category=values.get("category") or None,
        place=values.get("place"),
        anonymous=not values.get("name"),
        sensitive=values["sensitive"],
        quiet=plan.is_history,
        actor=actor,
        facts=_facts(plan, record),
    )


def _address(work: Casework, plan: Plan, values: dict[str, Any]) -> int | None:
    """Where letters go: for lines of the field form whose person left a phone."""
    if plan.is_history or not values.get("phone"):
        return None
    found = uptake.texting_address(work.tx, values["phone"], work.now)
    return found.id if found else None


def _facts(plan: Plan, record: Record) -> dict[str, Any]:
    values = record.values
    facts: dict[str, Any] = {
        "imported": {"file": plan.digest.hex()[:12], "row": record.row, "history": plan.is_history},
        "consent": "agree" if values.get("consent") == "yes" else "anonymous",
    }
    facts |= {name: values[name] for name in _KEPT if values.get(name)}
    if values.get("assigned"):
        facts["assigned"] = values["assigned"]
    return facts


# -- history ------------------------------------------------------------------------------------


def _relive(
    work: Casework, case: Case, record: Record, actor: Actor, staff: dict[str, int]
) -> None:
    """The steps that a log tells of, with their dates; the trail says when they were entered."""
    values = record.values
    _do(work, case, "acknowledge", actor, at=case.received_at)
    for before, ended in pairwise([None, *record.closures]):
        if before is not None:
            _do(work, case, "appeal", actor)
        _close(work, case, actor, ended)
    if values["status"] != Status.CLOSED:
        _stand(work, case, values, actor, staff)
    elif assignee := staff.get(fold(values["assigned"])):
        case.assignee_id = assignee


def _do(work: Casework, case: Case, command: str, actor: Actor, **values: Any) -> None:
    if case.status == Status.CLOSED and command != "appeal":
        return
    work.act(Act(command, case.id, actor, values))


def _close(work: Casework, case: Case, actor: Actor, ended: Any) -> None:
    at = _moment(ended.on)
    case.decided_at = at  # a committee's meeting lies before our time
    _do(
        work, case, "close", actor, outcome=ended.outcome, summary=ended.words or "-",
        at=min(at, work.now),
    )  # fmt: skip


def _stand(
    work: Casework, case: Case, values: dict[str, Any], actor: Actor, staff: dict[str, int]
) -> None:
    """An open one as far as the log says; one that ended and is open again was appealed."""
    if case.status == Status.CLOSED:
        _do(work, case, "appeal", actor)
        _do(work, case, "acknowledge", actor, at=work.now)
    for command in _WAY[values["status"]]:
        _do(work, case, command, actor)
    if assignee := staff.get(fold(values["assigned"])):
        _do(work, case, "assign", actor, assignee_id=assignee, name=values["assigned"])


# -- beside the grievances ----------------------------------------------------------------------


def _identify(tx: Transaction, plan: Plan, made: Sequence[Case]) -> None:
    """Names and phones go to the encrypted records of people."""
    for record, case in zip(plan.records, made, strict=True):
        if case.complainant_id is None:
            continue
        if record.values.get("name"):
            people.name_person(tx, case.complainant_id, record.values["name"])
        if record.values.get("phone"):
            people.keep_details(tx, case.complainant_id, {"phone": record.values["phone"]})


def _remember(tx: Transaction, plan: Plan, made: Sequence[Case], now: datetime) -> None:
    rows = {
        row_digest(record): {
            "digest": row_digest(record),
            "file": plan.digest,
            "number": record.row,
            "grievance_id": case.id,
            "at": now,
        }
        for record, case in zip(plan.records, made, strict=True)
    }
    before = imported.known(tx, rows.keys())
    imported.keep(tx, [row for digest, row in rows.items() if digest not in before])
