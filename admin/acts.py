"""What an officer may do next, as forms; what a form says, as an act; what it will send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, get_args

from admin import care, committee
from admin.dossier import Dossier, held
from bot import places
from bot.sensitive import SensitiveKind
from config.profile import profile
from store.case import Case
from store.db import Transaction
from store.messages import Capabilities
from store.officers import Officer
from store.text import measure
from workflow import approval, post
from workflow.commands import GUARDS, SEVERITIES, Act, Actor, Refused
from workflow.handlers import Casework
from workflow.hooks import News
from workflow.letters import Written
from workflow.states import HANDLERS, Outcome, Role, Status, Transition, find, legal

# Which fields a command's form has; a command that is not here is not offered.
FIELDS: dict[str, tuple[str, ...]] = {
    "screen": ("kind", "category"),
    "assign": ("assignee",),
    "unassign": (),
    "investigate": (),
    "propose_redress": ("summary",),
    "close": ("outcome", "summary"),
    "acknowledge": (),
    "extend": ("days", "reason"),
    "pause": ("reason",),
    "resume": (),
    "escalate": ("reason",),
    "classify": ("kind", "category", "place", "language", "gist", "track"),
    "seal": ("sensitive",),
    "unseal": ("reason",),
    "withdraw": (),
    "appeal": (),
    "reopen": (),
    "note": ("text",),
    "reply": ("text",),
    "approve": (),
    "return": ("reason",),
    "hand_off": ("organisation", "text", "until"),
    "take_back": ("link",),
    "notify_bank": ("recipient", "severity", "told_at"),
    "redact": ("text",),
    **committee.FIELDS,
}
# Their forms stand where what they are about is shown: see care.html.
_ELSEWHERE = {"take_back", "redact"}
_ICONS = {
    "screen": "check2", "assign": "person-check", "unassign": "x-circle", "investigate": "search",
    "propose_redress": "hand-thumbs-up", "close": "archive", "acknowledge": "check2-all",
    "extend": "calendar-plus", "pause": "pause-circle", "resume": "play-circle",
    "escalate": "arrow-up-circle", "classify": "tag", "seal": "shield-lock",
    "unseal": "shield-exclamation", "withdraw": "x-circle", "appeal": "arrow-up-circle",
    "reopen": "arrow-counterclockwise", "note": "sticky", "reply": "send",
    "approve": "check2-all", "return": "arrow-counterclockwise", "hand_off": "building",
    "take_back": "x-circle", "notify_bank": "flag", "redact": "pencil-square",
    **committee.ICONS,
}  # fmt: skip
_HANDLERS = {Role.OFFICER, Role.ASSIGNEE, Role.COORDINATOR, Role.PSC_SECRETARY, Role.FOCAL_POINT}
# Conditions that the grievance itself decides: while they fail there is nothing to offer.
_STANDING = (
    "paused", "not_paused", "proposed", "later_stage", "dated", "not_extended", "committee",
    "convened", "assigned",
)  # fmt: skip
# A form has the fields of its letter before there is anything to preview.
_TYPED = {"summary", "reason", "text", "held_at"}
# How a matter is sensitive, the gravest first; `bot.sensitive` recognises the same.
SENSITIVE = get_args(SensitiveKind)
_LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Preview:
    """What will be sent: the words, by which channel, and what they cost as SMS."""

    written: Written
    channel: str
    sms: bool
    units: int


@dataclass(frozen=True, slots=True)
class Form:
    """One thing the officer may do now."""

    row: Transition
    fields: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    preview: Preview | None = None
    problem: str = ""

    @property
    def command(self) -> str:
        return self.row.command

    @property
    def icon(self) -> str:
        return _ICONS[self.row.command]

    @property
    def is_open(self) -> bool:
        """Whether the officer is at work in it."""
        return bool(self.problem or self.values)


def forms(dossier: Dossier, officer: Officer) -> list[Form]:
    """What may be done by this officer now, in the procedure's order."""
    case = dossier.case
    rows = legal(Status(case.status), held(officer, case))
    return [
        Form(row, FIELDS[row.command])
        for row in rows
        if row.command in FIELDS and row.command not in _ELSEWHERE and _stands(case, row)
        if not approval.is_own(case, row.command, officer.id)
    ]


def may_handle(dossier: Dossier, officer: Officer) -> bool:
    """Whether this officer works on the grievance, and does not look on alone."""
    return bool(HANDLERS & held(officer, dossier.case))


def may(command: str, dossier: Dossier, officer: Officer) -> bool:
    """Whether the procedure lets this officer do ``command`` now."""
    case = dossier.case
    return any(row.command == command for row in legal(Status(case.status), held(officer, case)))


def done_as(command: str, case: Case) -> str:
    """Which words tell that ``command`` was done: a closure may have become its proposal."""
    waits = command in {"close", "withdraw"} and approval.proposal(case) is not None
    return "propose_closure" if waits else command


def _stands(case: Case, row: Transition) -> bool:
    pointless = {
        "acknowledge": case.acknowledged_at is not None,
        "seal": bool(case.sensitive),
        "unseal": not case.sensitive,
    }
    if pointless.get(row.command):
        return False
    return all(GUARDS[name](case, {}, profile()) for name in row.guards if name in _STANDING)


def assignees(dossier: Dossier) -> list[Officer]:
    """Who can be given a grievance: active people who handle them."""
    sealed = bool(dossier.case.sensitive)
    return [
        person
        for person in dossier.staff.values()
        if person.active
        and _HANDLERS & set(person.roles)
        and (not sealed or Role.FOCAL_POINT in person.roles)
    ]


def read(dossier: Dossier, officer: Officer, command: str, form: Mapping[str, str]) -> Act:
    """The act a form asks for; `Refused` where the form makes no sense."""
    if command not in FIELDS:
        raise Refused(f"{command} is not done at the desk", code="refused.status")
    values: dict[str, Any] = {}
    for name in FIELDS[command]:
        values |= _READERS[name](dossier, form.get(name, "").strip()[:_LONGEST_TEXT])
    return Act(
        command, dossier.case.id, _actor(dossier.case, officer, command), values,
        _whole(form.get("version", "")),
    )  # fmt: skip


def _actor(case: Case, officer: Officer, command: str) -> Actor:
    """In which of the officer's roles: the first the table allows."""
    row = find(command, Status(case.status))
    roles = held(officer, case)
    fitting = [role for role in Role if role in roles and (row is None or role in row.who)]
    return Actor((fitting or sorted(roles) or [Role.AUDITOR])[0], officer.id)


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _assignee(dossier: Dossier, text: str) -> dict[str, Any]:
    chosen = [person for person in assignees(dossier) if person.id == _whole(text)]
    return {"assignee_id": chosen[0].id, "name": chosen[0].name} if chosen else {}


def _place(dossier: Dossier, text: str) -> dict[str, Any]:
    """The place as intake would read it; nothing where none is named or it is the known one."""
    if not text:
        return {}
    found = places.find(text, answer=True)
    if len(found) != 1 or found[0].ambiguous:
        raise Refused("no place, or several, of that name", code="refused.place")
    changed = found[0].code != dossier.case.place
    return {"place": found[0].code, "bag": str(found[0].bag or "")} if changed else {}


def _among(
    name: str, codes: Callable[[], tuple[str, ...]]
) -> Callable[[Dossier, str], dict[str, Any]]:
    return lambda dossier, text: {name: text} if text in codes() else {}


def _text(name: str) -> Callable[[Dossier, str], dict[str, Any]]:
    return lambda dossier, text: {name: text}


def kinds() -> tuple[str, ...]:
    """The profile's kinds of grievance."""
    return profile().kinds


def categories() -> tuple[str, ...]:
    """The profile's categories."""
    return tuple(item.code for item in profile().categories)


def languages() -> tuple[str, ...]:
    """The profile's languages."""
    return profile().languages


_READERS: dict[str, Callable[[Dossier, str], dict[str, Any]]] = {
    "assignee": _assignee,
    "kind": _among("kind", kinds),
    "category": _among("category", categories),
    "place": _place,
    "language": _among("language", languages),
    "sensitive": _among("sensitive", lambda: SENSITIVE),
    "outcome": _among("outcome", lambda: tuple(Outcome)),
    "days": lambda dossier, text: {"days": _whole(text)},
    "link": lambda dossier, text: {"link_id": _whole(text)},
    "severity": _among("severity", lambda: SEVERITIES),
    "organisation": _text("organisation"),
    "recipient": _text("recipient"),
    "until": care.until,
    "told_at": care.told_at,
    "track": _among("track", lambda: profile().tracks),
    "held_at": committee.held_at,
    "filed_on": committee.filed_on,
    "agenda": _text("agenda"),
    "participants": _text("participants"),
    "decision": _text("decision"),
    "court": _text("court"),
    "number": _text("number"),
    "summary": _text("summary"),
    # The words of a sealed matter are in one place alone, and a summary of them too.
    "gist": lambda dossier, text: {"gist": text} if text and not dossier.case.sensitive else {},
    "reason": _text("reason"),
    "text": _text("text"),
}


def preview(tx: Transaction, dossier: Dossier, act: Act, now: datetime) -> Preview | None:
    """The letter ``act`` will send, by doing it on a copy; None where nobody is told.

    `Refused` where the procedure does not allow the act.
    """
    work = Casework(tx, now)
    work.news = News(dict, now, work.profile)  # nobody is told of what does not happen
    case = work.cases[act.grievance_id] = replace(dossier.case)
    row = find(act.command, Status(case.status))
    work.act(act)  # never flushed
    if not row or not row.letter:
        return None
    approval.imagine(case)  # where a second person must approve, what is sent once they have
    address = dossier.address
    if address is None:
        return None
    can = dossier.capabilities or Capabilities()
    written = post.compose(case, row.letter, act.values, address, can, profile())
    sms = can.units is not None
    return Preview(written, address.channel, sms, measure(written.text).units if sms else 0)


def with_previews(
    tx: Transaction, dossier: Dossier, officer: Officer, found: list[Form], now: datetime
) -> list[Form]:
    """Forms whose letter needs no words of the officer show it at once."""
    return [
        replace(form, preview=_at_once(tx, dossier, officer, form, now))
        if form.row.letter and not _TYPED & set(form.fields)
        else form
        for form in found
    ]


def _at_once(
    tx: Transaction, dossier: Dossier, officer: Officer, form: Form, now: datetime
) -> Preview | None:
    mine = {"assignee": str(officer.id)} if "assignee" in form.fields else {}
    try:
        return preview(tx, dossier, read(dossier, officer, form.command, mine), now)
    except Refused:
        return None
