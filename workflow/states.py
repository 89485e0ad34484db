"""The procedure as data: what may happen to a grievance, by whom, and what it sets going.

The table is checked when it is imported. The worker, the desk's buttons, ``hariu procedure`` and
the README's diagram are drawn from it; there is no other way to change a status.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from config.errors import HariuError


class Status(StrEnum):
    """Where in its stage a grievance is."""

    REGISTERED = "registered"
    ACKNOWLEDGED = "acknowledged"
    SCREENED = "screened"
    ASSIGNED = "assigned"
    UNDER_INVESTIGATION = "under_investigation"
    REDRESS_PROPOSED = "redress_proposed"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a grievance was closed, honestly."""

    RESOLVED = "resolved"
    PARTLY = "partly"
    NOT_ELIGIBLE = "not_eligible"
    REFERRED = "referred"
    NO_EVIDENCE = "no_evidence"
    WITHDRAWN = "withdrawn"
    UNREACHABLE = "unreachable"


class Role(StrEnum):
    """Who acts. A person of the office may hold several."""

    SYSTEM = "system"
    CITIZEN = "citizen"
    OFFICER = "officer"
    ASSIGNEE = "assignee"
    COORDINATOR = "coordinator"
    PSC_SECRETARY = "psc_secretary"
    FOCAL_POINT = "focal_point"
    CSO = "cso"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    CONTRACTOR = "contractor"
    APPROVER = "approver"


class Clock(StrEnum):
    """What a transition does to the deadline."""

    KEEP = "keep"
    START = "start"
    NEXT_STAGE = "next_stage"
    EXTEND = "extend"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    COURTS = "courts"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: in any status of ``sources``, ``command`` leads to ``to`` (None: it stays).

    ``guards`` name conditions of `workflow.commands.GUARDS`; ``letter`` the text sent to the
    complainant; ``step`` says whether the desk offers it as one of the ordinary next steps.
    """

    command: str
    sources: frozenset[Status]
    to: Status | None
    who: frozenset[Role]
    guards: tuple[str, ...] = ()
    clock: Clock = Clock.KEEP
    letter: str = ""
    step: bool = False


class ProcedureError(HariuError):
    """The table contradicts itself; found at import, never at run time."""

    code = "procedure"


START = frozenset[Status]()
OPEN = frozenset(Status) - {Status.CLOSED}
CLOSED = frozenset({Status.CLOSED})
ANY = frozenset(Status)
_S = Status

STAFF = frozenset({Role.OFFICER, Role.COORDINATOR, Role.PSC_SECRETARY, Role.FOCAL_POINT})
HANDLERS = STAFF | {Role.ASSIGNEE}
CITIZENS = frozenset({Role.CITIZEN, Role.CSO, Role.OFFICER})
COMMITTEE = frozenset({Role.PSC_SECRETARY, Role.COORDINATOR, Role.OFFICER})
UPTAKE = CITIZENS | {Role.SYSTEM}
SYSTEM = frozenset({Role.SYSTEM})
# A second person, who lets a grave closure pass; APPROVER is one from outside the office.
SECOND = frozenset(
    {Role.COORDINATOR, Role.PSC_SECRETARY, Role.FOCAL_POINT, Role.ADMINISTRATOR, Role.APPROVER}
)

_BEFORE_ASSIGNED = frozenset({_S.REGISTERED, _S.ACKNOWLEDGED, _S.SCREENED})
_BEFORE_INVESTIGATION = _BEFORE_ASSIGNED | {_S.ASSIGNED}
_BEFORE_REDRESS = _BEFORE_INVESTIGATION | {_S.UNDER_INVESTIGATION}

TRANSITIONS: tuple[Transition, ...] = (
    Transition("register", START, _S.REGISTERED, UPTAKE, clock=Clock.START, letter="ack"),
    Transition("acknowledge", frozenset({_S.REGISTERED}), _S.ACKNOWLEDGED, STAFF | SYSTEM),
    Transition("acknowledge", OPEN - {_S.REGISTERED}, None, STAFF | SYSTEM),
    Transition("append", ANY, None, UPTAKE),
    Transition(
        "screen", frozenset({_S.REGISTERED, _S.ACKNOWLEDGED}), _S.SCREENED, STAFF, ("petition",),
        step=True,
    ),
    Transition(
        "assign", _BEFORE_ASSIGNED, _S.ASSIGNED, STAFF, ("assignee",), letter="assigned", step=True
    ),
    Transition("assign", OPEN - _BEFORE_ASSIGNED, None, STAFF, ("assignee",)),
    Transition("unassign", frozenset({_S.ASSIGNED}), _S.SCREENED, STAFF, ("assigned",)),
    Transition("unassign", OPEN - {_S.ASSIGNED}, None, STAFF, ("assigned",)),
    Transition(
        "investigate", _BEFORE_INVESTIGATION, _S.UNDER_INVESTIGATION, HANDLERS,
        letter="investigation", step=True,
    ),
    Transition(
        "propose_redress", _BEFORE_REDRESS, _S.REDRESS_PROPOSED, HANDLERS, ("summary",),
        letter="redress_proposed", step=True,
    ),
    Transition(
        "propose_redress", frozenset({_S.REDRESS_PROPOSED}), None, HANDLERS, ("summary",),
        letter="redress_proposed",
    ),
    Transition(
        "close", OPEN, _S.CLOSED, STAFF, ("outcome", "summary", "decided"), clock=Clock.STOP,
        letter="closed", step=True,
    ),
    Transition(
        "withdraw", OPEN, _S.CLOSED, CITIZENS, clock=Clock.STOP, letter="withdrawn"
    ),
    Transition(
        "extend", OPEN, None, STAFF, ("dated", "reason", "days", "not_extended"),
        clock=Clock.EXTEND, letter="extended",
    ),
    Transition(
        "delay", OPEN, None, SYSTEM, ("dated", "not_paused", "not_delayed"),
        clock=Clock.EXTEND, letter="late",
    ),
    Transition(
        "pause", OPEN, None, STAFF, ("reason", "not_paused"), clock=Clock.PAUSE, letter="paused"
    ),
    Transition(
        "resume", OPEN, None, STAFF | SYSTEM, ("paused",), clock=Clock.RESUME, letter="resumed"
    ),
    Transition(
        "appeal", CLOSED | {_S.REDRESS_PROPOSED}, _S.REGISTERED, CITIZENS, ("later_stage",),
        clock=Clock.NEXT_STAGE, letter="appealed",
    ),
    Transition(
        "escalate", OPEN, _S.REGISTERED, STAFF | SYSTEM, ("later_stage", "reason"),
        clock=Clock.NEXT_STAGE, letter="escalated",
    ),
    Transition("convene", OPEN, None, COMMITTEE, ("committee", "meeting"), letter="convened"),
    Transition("decide", OPEN, None, COMMITTEE, ("committee", "convened", "decision")),
    Transition("record_court", ANY, None, STAFF, ("court",), clock=Clock.COURTS),
    Transition("remind", OPEN, None, SYSTEM, ("awaited",), letter="reminder_citizen"),
    Transition("proceed", OPEN, None, SYSTEM, ("awaited", "not_paused")),
    Transition("ask_rating", CLOSED, None, SYSTEM, letter="rate"),
    Transition("ask_solved", CLOSED, None, SYSTEM, letter="solved"),
    Transition(
        "reopen", CLOSED, _S.REGISTERED, CITIZENS | STAFF, clock=Clock.START, letter="reopened"
    ),
    # Where `workflow.approval` wants a second person, ``close`` becomes its proposal.
    Transition("propose_closure", OPEN, None, STAFF, ("outcome", "summary", "decided")),
    Transition("approve", OPEN, None, SECOND, ("proposed",), step=True),
    Transition("return", OPEN, None, SECOND, ("proposed", "reason"), step=True),
    Transition("hand_off", OPEN, None, HANDLERS, ("organisation", "text", "until")),
    Transition("hand_back", ANY, None, frozenset({Role.CONTRACTOR}), ("text",)),
    Transition("take_back", ANY, None, HANDLERS),
    Transition("notify_bank", ANY, None, STAFF, ("recipient", "severity", "told_at")),
    Transition("redact", ANY, None, STAFF, ("text",)),
    Transition("erase", CLOSED, None, SYSTEM | {Role.ADMINISTRATOR}, ("reason",)),
    Transition(
        "erase", OPEN, _S.CLOSED, SYSTEM | {Role.ADMINISTRATOR}, ("reason",), clock=Clock.STOP
    ),
    Transition("note", ANY, None, HANDLERS | {Role.AUDITOR}, ("text",)),
    Transition("reply", ANY, None, HANDLERS, ("text",), letter="reply"),
    Transition("unsend", ANY, None, HANDLERS),
    Transition("merge", ANY, None, STAFF, ("reason",)),
    Transition("split", ANY, None, STAFF, ("reason",)),
    Transition("seal", ANY, None, STAFF | SYSTEM | {Role.CITIZEN}),
    Transition("unseal", ANY, None, frozenset({Role.FOCAL_POINT}), ("reason",)),
    Transition("classify", ANY, None, STAFF | SYSTEM | {Role.CITIZEN}, ("petition",)),
)  # fmt: skip

# Letters that tell the person "we have it, this is your number": accepted by a provider, they
# acknowledge the grievance.
ACKNOWLEDGING = frozenset({"ack", "appealed", "reopened", "escalated"})
COMMANDS = tuple(dict.fromkeys(row.command for row in TRANSITIONS))


def find(command: str, status: Status | None) -> Transition | None:
    """The row for ``command`` in ``status`` (None: not registered yet), or None."""
    return _INDEX.get((command, status))


def legal(status: Status, roles: Iterable[Role]) -> list[Transition]:
    """What holders of ``roles`` may do now, in the table's order."""
    held = set(roles)
    return [row for row in TRANSITIONS if status in row.sources and row.who & held]


def _build(rows: Iterable[Transition]) -> dict[tuple[str, Status | None], Transition]:
    index: dict[tuple[str, Status | None], Transition] = {}
    for row in rows:
        for source in row.sources or {None}:
            if (row.command, source) in index:
                raise ProcedureError(f"{row.command} from {source} stands twice")
            index[row.command, source] = row
    return index


def check(rows: tuple[Transition, ...]) -> None:
    """One start, everything reachable, a way to closure from everywhere, somebody to act."""
    starts = [row for row in rows if not row.sources]
    if len(starts) != 1 or starts[0].to is None:
        raise ProcedureError("the procedure needs exactly one start")
    if idle := [row.command for row in rows if not row.who]:
        raise ProcedureError(f"nobody may do {', '.join(idle)}")
    # Erasing closes as well, and is nobody's way out of a trap.
    led = [row for row in rows if row.command != "erase"]
    moves = [(source, row.to) for row in led if row.to for source in row.sources]
    forward = {(source, to) for source, to in moves}
    if missing := set(Status) - _closure({starts[0].to}, forward):
        raise ProcedureError(f"cannot be reached: {', '.join(sorted(missing))}")
    backward = {(to, source) for source, to in moves}
    if trapped := set(Status) - _closure({Status.CLOSED}, backward):
        raise ProcedureError(f"cannot be closed: {', '.join(sorted(trapped))}")


def _closure(start: set[Status], edges: set[tuple[Status, Status]]) -> set[Status]:
    reached = set(start)
    while more := {to for source, to in edges if source in reached} - reached:
        reached |= more
    return reached


check(TRANSITIONS)
_INDEX = _build(TRANSITIONS)
