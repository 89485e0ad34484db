"""The table itself: every command in every status by every role, allowed or refused as it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest

from config.profile import load
from store.case import Case
from workflow.commands import GUARDS, Act, Actor, Refused, permitted
from workflow.states import COMMANDS, TRANSITIONS, Role, Status, Transition

NOW = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
PROJECT = load("smart-government-2")
# What an act may say so that nothing it says stands against it.
WORDS = dict.fromkeys(
    (
        "summary", "text", "reason", "agenda", "participants", "decision", "court", "number",
        "organisation", "recipient",
    ),
    "үг",
)  # fmt: skip
VALUES: dict[str, Any] = {
    **WORDS, "assignee_id": 1, "outcome": "resolved", "days": 5, "held_at": NOW,
    "filed_on": date(2026, 9, 1), "until": NOW, "severity": "serious", "told_at": NOW,
}  # fmt: skip
# How to fail each condition: what to leave out or change in the act, or in the grievance.
FAILING: dict[str, Callable[[Case, dict[str, Any]], None]] = {
    "assignee": lambda case, values: values.pop("assignee_id"),
    "assigned": lambda case, values: setattr(case, "assignee_id", None),
    "summary": lambda case, values: values.update(summary="  "),
    "text": lambda case, values: values.pop("text"),
    "reason": lambda case, values: values.pop("reason"),
    "outcome": lambda case, values: values.update(outcome="fine"),
    "days": lambda case, values: values.update(days=31),
    "dated": lambda case, values: setattr(case, "due_at", None),
    "not_extended": lambda case, values: case.clock.update(extended=1),
    "not_delayed": lambda case, values: case.clock.update(delayed=1),
    "awaited": lambda case, values: setattr(case, "waiting_on", "us"),
    "committee": lambda case, values: setattr(case, "stage", 2),
    "meeting": lambda case, values: values.update(held_at="2026-09-01"),
    "convened": lambda case, values: case.clock.pop("meeting"),
    "decision": lambda case, values: values.pop("decision"),
    "decided": lambda case, values: setattr(case, "decided_at", None),
    "court": lambda case, values: values.pop("number"),
    "petition": lambda case, values: values.update(track="petition", anonymous=True),
    "paused": lambda case, values: setattr(case, "paused_at", None),
    "not_paused": lambda case, values: setattr(case, "paused_at", NOW),
    "proposed": lambda case, values: case.facts.pop("closing"),
    "organisation": lambda case, values: values.pop("organisation"),
    "recipient": lambda case, values: values.pop("recipient"),
    "severity": lambda case, values: values.update(severity="bad"),
    "until": lambda case, values: values.pop("until"),
    "told_at": lambda case, values: values.pop("told_at"),
    "later_stage": lambda case, values: setattr(case, "stage", 4),
}


def a_case(status: Status, row: Transition | None = None) -> Case:
    """A grievance about which nothing stands against ``row``."""
    guards = row.guards if row else ()
    return Case(
        1, "26000010", "123456", "complaint", "sms", "Ус", str(status), 3, NOW, NOW, b"", b"",
        due_at=NOW, decided_at=NOW, waiting_on="them", clock={"meeting": NOW.isoformat()},
        assignee_id=1, facts={"closing": {}}, paused_at=NOW if "paused" in guards else None,
    )  # fmt: skip


def attempt(case: Case, command: str, role: Role, values: dict[str, Any]) -> str:
    """ "" where it is permitted, else the code of the refusal."""
    try:
        permitted(case, Act(command, 1, Actor(role), values), PROJECT)
    except Refused as refusal:
        return refusal.code
    return ""


def test_every_command_in_every_status_by_every_role() -> None:
    counts = {"": 0, "refused.status": 0, "refused.role": 0}
    for command, status, role in product(COMMANDS, Status, Role):
        rows = [row for row in TRANSITIONS if row.command == command and status in row.sources]
        expected = "refused.status"
        if rows:
            expected = "" if role in rows[0].who else "refused.role"
        found = attempt(a_case(status, rows[0] if rows else None), command, role, dict(VALUES))
        assert found == expected, (command, status, role)
        counts[found] += 1
    assert sum(counts.values()) == len(COMMANDS) * len(Status) * len(Role)
    assert min(counts.values()) > 300


def test_each_condition_of_each_row_refuses_by_its_own_name() -> None:
    checked = set()
    for row in TRANSITIONS:
        for status, guard in product(row.sources, row.guards):
            case, values = a_case(status, row), dict(VALUES)
            FAILING[guard](case, values)
            found = attempt(case, row.command, next(iter(row.who)), values)
            assert found == f"refused.{guard}", (row.command, status)
            checked.add(guard)
    assert checked == set(GUARDS)


@pytest.mark.parametrize("version", [1, 2, 99])
def test_an_act_on_an_older_version_is_refused(version: int) -> None:
    act = Act("note", 1, Actor(Role.OFFICER), {"text": "үг"}, version)
    case = a_case(Status.REGISTERED)
    if version == case.version:
        assert permitted(case, act, PROJECT).command == "note"
    else:
        with pytest.raises(Refused, match="somebody else"):
            permitted(case, act, PROJECT)
