"""The only way to change a grievance: load, decide by the table, write all of it together.

`Casework` collects what one transaction does, for one act of an officer as for a batch of two
hundred first messages, and `flush` writes it with one statement per table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from config.profile import Profile, profile
from store import grievances, people, sealed
from store.case import Case
from store.db import Transaction
from store.fold import search_key
from store.people import AddressRow
from store.schema import person as person_table
from workflow import post, trail, winding
from workflow.commands import Act, Actor, Refused, Register, permitted
from workflow.numbers import Numbers
from workflow.post import Pending, extra_of
from workflow.reference import new_code
from workflow.states import Clock, Transition, find

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


class Casework:
    """The changes of one transaction to grievances, their trail and their letters."""

    def __init__(self, tx: Transaction, now: datetime, project: Profile | None = None) -> None:
        self.tx, self.now, self.profile = tx, now, project or profile()
        self.cases: dict[int, Case] = {}
        self.addresses: dict[int, AddressRow] = {}
        self._new: dict[int, Case] = {}
        self._changed: set[int] = set()
        self._events: list[dict[str, Any]] = []
        self._letters: list[Pending] = []
        self._persons: list[dict[str, Any]] = []
        self._links: dict[int, int] = {}
        self._sealed: dict[int, list[str]] = {}
        self._to_seal: list[int] = []
        self._notes: list[tuple[int, int | None, str]] = []
        self._numbers = Numbers(tx, now, self.profile)

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
        case = Case(
            id=self._numbers.draw("case"),
            reference=self._numbers.draw("reference"),
            code=new_code(),
            kind=command.kind,
            channel=command.channel,
            text="" if command.sensitive else command.text,
            folded="" if command.sensitive else search_key(command.text),
            sensitive=command.sensitive,
            status=str(row.to),
            stage=self.profile.start_stage,
            category=command.category,
            place=command.place,
            language=command.language,
            address_id=command.address_id,
            complainant_id=command.person_id or self._person(command),
            submitter_id=command.submitter_id,
            anonymous=command.anonymous,
            received_at=command.received_at,
            registered_at=self.now,
            head_hash=trail.GENESIS,
            head_mac=b"",
            facts=dict(command.facts),
        )
        case.due_at = winding.first_due(case, command.received_at, self.profile)
        return case

    def act(self, act: Act) -> Case:
        """Do one act by the table; `Refused` says why not."""
        case = self.case(act.grievance_id)
        row = permitted(case, act, self.profile)
        self._apply(case, row, act)
        self._record(case, row, act.actor, self._payload(case, row, act), extra_of(act.values))
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
        winding.wind(case, row, act.values, self.now, self.profile)

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

    def zone(self, case: Case) -> ZoneInfo:
        """The local time the complainant reads dates in."""
        return winding.zone(case, self.profile)

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
            self._letters.append(Pending(case, row.letter, seq, extra))

    def tell(self, case: Case, letter: str, **extra: object) -> None:
        """Send the complainant a letter that no transition asks for by itself."""
        self._letters.append(Pending(case, letter, case.head_seq, extra))

    # -- drawing ids --------------------------------------------------------------------------

    def expect(self, registrations: int) -> None:
        """Make ready for this many new grievances, so that ids come in one question."""
        self._numbers.expect(registrations)

    def _person(self, command: Register) -> int:
        """A new complainant, whose address this is from now on."""
        person_id: int = self._numbers.draw("person")
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
        post.queue(self.tx, self._letters, self.addresses, self.profile, self.now)

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
        item = Pending(case, letter, seq, words)
        post.queue_again(self.tx, item, address, key, self.profile, self.now)


def _set(case: Case, values: Mapping[str, Any]) -> None:
    """What an act's values say of the grievance itself."""
    for name in _SETTABLE:
        if name in values:
            setattr(case, name, values[name])
    if "facts" in values:
        case.facts = {**case.facts, **values["facts"]}
    if "summary" in values:
        case.resolution = str(values["summary"])


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _is_moment(value: object) -> bool:
    return isinstance(value, datetime)
