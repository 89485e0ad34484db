"""The only way to change a grievance: load, decide by the table, write all of it together.

`Casework` collects what one transaction does, for one act of an officer as for a batch of two
hundred first messages, and `flush` writes it with one statement per table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from config.clock import is_holiday
from config.profile import Profile, profile
from store import channels, grievances, people, sealed
from store.case import Case
from store.db import Transaction
from store.fold import search_key
from store.messages import Capabilities
from store.outbox import FIRST, NORMAL, Letter, enqueue
from store.people import AddressRow
from store.schema import grievance as grievance_table
from store.schema import person as person_table
from workflow import deadlines, letters, trail
from workflow.commands import Act, Actor, Refused, Register, permitted
from workflow.reference import new_code, new_reference
from workflow.states import Clock, Transition, find

_POOL = 32
EVENT = {
    "register": "registered", "acknowledge": "acknowledged", "append": "appended",
    "screen": "screened", "assign": "assigned", "investigate": "investigated",
    "propose_redress": "redress_proposed", "close": "closed", "withdraw": "withdrawn",
    "extend": "extended", "pause": "paused", "resume": "resumed", "appeal": "appealed",
    "escalate": "escalated", "reopen": "reopened", "note": "noted", "reply": "replied",
    "classify": "classified", "seal": "sealed", "unseal": "unsealed",
}  # fmt: skip
# What a row may set on the grievance besides status and clock, by name in the act's values.
_SETTABLE = ("category", "kind", "place", "bag", "language", "anonymous", "gist")


@dataclass(slots=True)
class _Pending:
    """A letter asked for; written at flush, when addresses and capabilities are known."""

    case: Case
    letter: str
    seq: int
    extra: Mapping[str, object]


class Casework:
    """The changes of one transaction to grievances, their trail and their letters."""

    def __init__(self, tx: Transaction, now: datetime, project: Profile | None = None) -> None:
        self.tx, self.now, self.profile = tx, now, project or profile()
        self.cases: dict[int, Case] = {}
        self.addresses: dict[int, AddressRow] = {}
        self._new: dict[int, Case] = {}
        self._changed: set[int] = set()
        self._events: list[dict[str, Any]] = []
        self._letters: list[_Pending] = []
        self._persons: list[dict[str, Any]] = []
        self._links: dict[int, int] = {}
        self._sealed: dict[int, list[str]] = {}
        self._to_seal: list[int] = []
        self._notes: list[tuple[int, int | None, str]] = []
        self._pools: dict[str, list[Any]] = {"reference": [], "case": [], "person": []}
        self._drawn: dict[str, int] = {}

    # -- loading ------------------------------------------------------------------------------

    def load(self, ids: Iterable[int]) -> None:
        """Lock these grievances; the ones this transaction already holds stay as they are."""
        missing = set(ids) - set(self.cases)
        if missing:
            self.cases |= grievances.lock(self.tx, missing)

    def case(self, grievance_id: int) -> Case:
        """One loaded grievance; `Refused` when there is none."""
        self.load([grievance_id])
        if grievance_id not in self.cases:
            raise Refused("no such grievance", code="refused.unknown")
        return self.cases[grievance_id]

    # -- deciding -----------------------------------------------------------------------------

    def register(self, command: Register) -> Case:
        """Take up a new grievance: number, code, clock, first event, acknowledgement."""
        row = find("register", None)
        if row is None or command.actor.role not in row.who:
            raise Refused(f"{command.actor.role} may not register", code="refused.role")
        case = self._open(command, row)
        self.cases[case.id] = self._new[case.id] = case
        payload = {"channel": case.channel, "kind": case.kind, "due_at": _iso(case.due_at)}
        if command.sensitive:
            self._sealed.setdefault(case.id, []).append(command.text)
            payload = {"kind": case.kind, "due_at": _iso(case.due_at)}
        silent = replace(row, letter="") if command.quiet else row
        self._record(case, silent, command.actor, payload)
        return case

    def _open(self, command: Register, row: Transition) -> Case:
        stage = self.profile.start_stage
        return Case(
            id=self._draw("case"),
            reference=self._draw("reference"),
            code=new_code(),
            kind=command.kind,
            channel=command.channel,
            text="" if command.sensitive else command.text,
            folded="" if command.sensitive else search_key(command.text),
            sensitive=command.sensitive,
            status=str(row.to),
            stage=stage,
            category=command.category,
            place=command.place,
            language=command.language,
            address_id=command.address_id,
            complainant_id=command.person_id or self._person(command),
            anonymous=command.anonymous,
            received_at=command.received_at,
            registered_at=self.now,
            due_at=self._due(command.received_at, stage, command.category, command.kind),
            head_hash=trail.GENESIS,
            head_mac=b"",
            facts=dict(command.facts),
        )

    def act(self, act: Act) -> Case:
        """Do one act by the table; `Refused` says why not."""
        case = self.case(act.grievance_id)
        row = permitted(case, act, self.profile)
        self._apply(case, row, act)
        self._record(case, row, act.actor, self._payload(case, row, act), _extra(act.values))
        return case

    def _apply(self, case: Case, row: Transition, act: Act) -> None:
        if row.to is not None:
            case.status = str(row.to)
        _set(case, act.values)
        if row.command == "assign":
            case.assignee_id = int(act.values["assignee_id"])
        elif row.command == "seal":
            self._seal(case, str(act.values.get("sensitive") or "sea"))
        elif row.command == "unseal":
            case.sensitive = ""
        elif row.command == "acknowledge":
            case.acknowledged_at = case.acknowledged_at or act.values.get("at") or self.now
        elif row.command == "note":
            self._notes.append((case.id, act.actor.officer_id, str(act.values["text"])))
        self._appended(case, row, act)
        self._wind(case, row, act.values)

    def _seal(self, case: Case, kind: str) -> None:
        """From here on its words are in one place alone, and nobody but focal points sees it."""
        case.sensitive, case.text, case.folded, case.gist = kind, "", "", ""
        self._to_seal.append(case.id)

    def _appended(self, case: Case, row: Transition, act: Act) -> None:
        """Whose turn it is: what a person adds waits on us, an answer waits on them."""
        if row.command == "append":
            case.unread, case.waiting_on = True, "us"
            more = str(act.values.get("text", ""))
            if case.sensitive and more:
                self._sealed.setdefault(case.id, []).append(more)
                return
            if more and act.values.get("joins"):
                case.text = f"{case.text}\n{more}" if case.text else more
            if more:
                case.folded = f"{case.folded} {search_key(more)}".strip()
        elif row.command in {"reply", "propose_redress"}:
            case.waiting_on = "them"
        elif act.actor.officer_id:
            case.waiting_on = "us"

    def _wind(self, case: Case, row: Transition, values: Mapping[str, Any]) -> None:
        """What the transition does to the clock."""
        if row.clock is Clock.STOP:
            case.closed_at = self.now
            case.outcome = str(values.get("outcome") or "withdrawn")
        elif row.clock in {Clock.START, Clock.NEXT_STAGE}:
            if row.clock is Clock.NEXT_STAGE:
                later = self.profile.next_stage(case.stage)
                case.stage = later.number if later else case.stage
            case.outcome = case.closed_at = case.paused_at = None
            case.due_at = self._due(self.now, case.stage, case.category, case.kind)
        elif row.clock is Clock.EXTEND and case.due_at:
            day = case.due_at.astimezone(self.zone(case)).date()
            case.due_at = deadlines.end_of(_plus(day, int(values["days"])), self.zone(case))
        elif row.clock is Clock.PAUSE:
            case.paused_at = self.now
        elif row.clock is Clock.RESUME and case.paused_at and case.due_at:
            case.due_at += self.now - case.paused_at
            case.paused_at = None

    def _due(self, start: datetime, stage: int, category: str | None, kind: str) -> datetime | None:
        span = self.profile.span(stage, category, kind)
        if span is None:
            return None
        return deadlines.due(start, span, self.profile.timezone, self.is_holiday)

    def is_holiday(self, day: date) -> bool:
        """Public holidays of Mongolia and the project's own extra days."""
        return day in self.profile.extra_holidays or is_holiday(day)

    def zone(self, case: Case) -> ZoneInfo:
        """The local time the complainant reads dates in."""
        return self.profile.timezone

    # -- recording ----------------------------------------------------------------------------

    def _payload(self, case: Case, row: Transition, act: Act) -> dict[str, Any]:
        """What the trail keeps of an act: facts, not the words of people."""
        kept = {
            name: value
            for name, value in act.values.items()
            if name not in {"text", "joins"} and not isinstance(value, datetime)
        }
        kept |= {name: _iso(value) for name, value in act.values.items() if _is_moment(value)}
        if row.clock is not Clock.KEEP:
            kept["due_at"] = _iso(case.due_at)
        if row.clock is Clock.NEXT_STAGE:
            kept["stage"] = case.stage
        if case.outcome and row.clock is Clock.STOP:
            kept["outcome"] = case.outcome
        return kept

    def _record(
        self,
        case: Case,
        row: Transition,
        actor: Actor,
        payload: dict[str, Any],
        extra: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        seq, kind, who = case.head_seq + 1, EVENT[row.command], str(actor)
        link = trail.link(case.head_hash, case.id, seq, kind, self.now, who, payload)
        case.head_seq, case.head_hash = seq, link.hash
        case.head_mac = trail.head_mac(case.id, seq, link.hash)
        case.version += 1
        self._events.append(
            {
                "grievance_id": case.id, "seq": seq, "kind": kind, "at": self.now, "actor": who,
                "payload": payload, "salt": link.salt, "commitment": link.commitment,
                "hash": link.hash,
            }
        )  # fmt: skip
        self._changed.add(case.id)
        if row.letter:
            self._letters.append(_Pending(case, row.letter, seq, extra))

    def tell(self, case: Case, letter: str, **extra: object) -> None:
        """Send the complainant a letter that no transition asks for by itself."""
        self._letters.append(_Pending(case, letter, case.head_seq, extra))

    # -- drawing ids --------------------------------------------------------------------------

    def _draw(self, kind: str) -> Any:
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
            return self._references(max(count, 1))
        table = grievance_table if kind == "case" else person_table
        ids = grievances.allocate(self.tx, table, count, self._drawn.get(kind, 0))
        self._drawn[kind] = ids[-1]
        return ids

    def _references(self, count: int) -> list[str]:
        """Free references of this year; unique by constraint, so this only avoids the clash."""
        year = self.now.astimezone(self.profile.timezone).year
        crowded, found = False, dict[str, None]()
        while len(found) < count:
            drawn = {new_reference(year, crowded=crowded) for _ in range(count + 8)}
            free = (
                drawn - grievances.taken(self.tx, drawn) - {c.reference for c in self._new.values()}
            )
            crowded = crowded or len(free) < len(drawn) // 2
            found |= dict.fromkeys(free)
        return list(found)[:count]

    def _person(self, command: Register) -> int:
        """A new complainant, whose address this is from now on."""
        person_id: int = self._draw("person")
        row = {"id": person_id, "language": command.language, "created_at": self.now}
        self._persons.append(row)
        if command.address_id is not None:
            self._links[command.address_id] = person_id
        return person_id

    # -- writing ------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write everything; the caller's transaction commits it together with its own rows."""
        if self._persons:
            self.tx.execute(person_table.insert(), self._persons)
            people.link(self.tx, self._links)
        grievances.insert(self.tx, list(self._new.values()))
        changed = sorted(self._changed - set(self._new))
        grievances.save(self.tx, [self.cases[item] for item in changed])
        grievances.add_events(self.tx, self._events)
        for grievance_id, words in self._sealed.items():
            sealed.add(self.tx, grievance_id, words)
        for grievance_id in self._to_seal:
            sealed.seal(self.tx, grievance_id)
        for grievance_id, officer_id, note in self._notes:
            grievances.add_note(self.tx, grievance_id, officer_id, note, self.now)
        enqueue(self.tx, self._written(), self.now)

    def send_again(
        self,
        case: Case,
        letter: str,
        seq: int,
        address: AddressRow,
        key: str,
        words: Mapping[str, object],
    ) -> None:
        """Queue an earlier letter of ``case`` for another address, under a key of its own.

        ``words`` are what the trail does not keep: the text of a reply.
        """
        extra = _extra(grievances.payload(self.tx, case.id, seq)) | dict(words)
        item = _Pending(case, letter, seq, extra)
        known = channels.capabilities(self.tx)
        enqueue(self.tx, [replace(self._addressed(item, address, known), key=key)], self.now)

    def _written(self) -> list[Letter]:
        wanted = {item.case.address_id for item in self._letters if item.case.address_id}
        missing = wanted - set(self.addresses)
        if missing:
            self.addresses |= people.by_ids(self.tx, missing)
        known = channels.capabilities(self.tx) if wanted else {}
        return [
            letter for item in self._letters if (letter := self._letter(item, known)) is not None
        ]

    def _letter(self, item: _Pending, known: Mapping[str, Capabilities]) -> Letter | None:
        """None without an address, or where the person asked us to stop writing."""
        address = self.addresses.get(item.case.address_id or 0)
        if address is None or address.stopped:
            return None
        return self._addressed(item, address, known)

    def _addressed(
        self, item: _Pending, address: AddressRow, known: Mapping[str, Capabilities]
    ) -> Letter:
        case = item.case
        language = address.language or case.language
        key = letters.letter_key(item.letter, case, language)
        values = letters.case_values(case, self.profile, self.zone(case), item.extra)
        capabilities = known.get(address.channel, Capabilities())
        written = letters.write(
            key, language, capabilities, values,
            letters.choices_of(key, case),
        )  # fmt: skip
        if item.letter == "ack" and language and not case.sensitive:
            written = letters.with_routes(written, self.profile, capabilities)
        return Letter(
            key=f"case:{case.id}:{item.seq}:{item.letter}",
            address_id=address.id,
            channel=address.channel,
            account=address.account,
            template=item.letter,
            language=written.language,
            text=written.text,
            parts=written.parts,
            grievance_id=case.id,
            choices=written.choices,
            priority=FIRST if item.letter == "ack" else NORMAL,
        )


def _set(case: Case, values: Mapping[str, Any]) -> None:
    """What an act's values say of the grievance itself."""
    for name in _SETTABLE:
        if name in values:
            setattr(case, name, values[name])
    if "facts" in values:
        case.facts = {**case.facts, **values["facts"]}
    if "summary" in values:
        case.resolution = str(values["summary"])


def _extra(payload: Mapping[str, Any]) -> dict[str, object]:
    """What a letter takes from its event."""
    names = ("reason", "summary", "name", "text", "question", "organisation")
    return {name: payload[name] for name in names if name in payload}


def _plus(day: date, days: int) -> date:
    return date.fromordinal(day.toordinal() + days)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _is_moment(value: object) -> bool:
    return isinstance(value, datetime)
