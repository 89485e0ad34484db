"""The only way to change a grievance: load, decide by the table, write all of it together.

`Casework` collects what one transaction does, for one act of an officer as for a batch of two
hundred first messages, and `flush` writes it with one statement per table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from config.profile import Profile, profile
from store import corrections, grievances, hooks, people, sealed, tasks, veil
from store.case import Case
from store.db import Transaction
from store.fold import search_key
from store.outbox import LATER
from store.people import AddressRow
from store.schema import person as person_table
from workflow import approval, attention, care, committee, post, standing, trail, winding
from workflow.commands import SYSTEM, Act, Actor, Refused, Register, permitted
from workflow.hooks import News
from workflow.numbers import Numbers
from workflow.post import Pending, extra_of
from workflow.reference import new_code
from workflow.states import STAFF, Clock, Role, Status, Transition, find

EVENT = {
    "register": "registered", "acknowledge": "acknowledged", "append": "appended",
    "screen": "screened", "assign": "assigned", "investigate": "investigated",
    "propose_redress": "redress_proposed", "close": "closed", "withdraw": "withdrawn",
    "extend": "extended", "pause": "paused", "resume": "resumed", "appeal": "appealed",
    "escalate": "escalated", "reopen": "reopened", "note": "noted", "reply": "replied",
    "classify": "classified", "seal": "sealed", "unseal": "unsealed", "delay": "delayed",
    "convene": "convened", "decide": "decided", "record_court": "court_recorded",
    "remind": "reminded", "proceed": "proceeded", "ask_rating": "rating_asked",
    "ask_solved": "solved_asked", "propose_closure": "closure_proposed", "approve": "approved",
    "return": "returned", "hand_off": "handed_off", "hand_back": "handed_back",
    "take_back": "taken_back", "notify_bank": "bank_notified", "redact": "redacted",
    "erase": "erased", "unsend": "unsent", "merge": "merged", "split": "split",
    "unassign": "unassigned",
}  # fmt: skip
# What a row may set on the grievance besides status and clock, by name in the act's values.
_SETTABLE = ("category", "kind", "track", "place", "bag", "language", "anonymous", "gist")
# What makes known of which kind, about what and from where a grievance is.
_TELLING = {"classify", "screen", "seal", "unseal"}
# What leaves open whose turn it is; and what makes it ours whoever does it.
_ASIDE = {
    "note", "pause", "classify", "acknowledge", "remind", "delay", "extend", "convene", "merge",
    "split", "unassign",
} | care.ASIDE  # fmt: skip
_OURS = {"resume", "proceed", "hand_back"}
# Words of people: kept where they can be erased, never in the trail.
_WORDS = {"text", "gist", "joins", "agenda", "participants", "decision"}


class Casework:
    """The changes of one transaction to grievances, their trail and their letters."""

    def __init__(self, tx: Transaction, now: datetime, project: Profile | None = None) -> None:
        corrections.fresh(tx)
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
        self._to_seal: list[tuple[int, str]] = []
        self._veiled: dict[int, dict[str, dict[str, Any]]] = {}
        self._notes: list[tuple[int, int | None, str]] = []
        self._meetings: list[tuple[Case, str, Mapping[str, Any]]] = []
        self._care: list[tuple[Case, Act]] = []
        self._relieved: set[int] = set()
        self.news = News(lambda: hooks.wanted(tx), now, self.profile)
        self.undo = timedelta(0)  # how long a reply may still be taken back before it goes
        self.tokens: dict[int, str] = {}  # of links made at flush, to be shown once
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
        payload = {"kind": case.kind, **winding.for_trail(case, row)}
        if command.sensitive:
            self._sealed.setdefault(case.id, []).append(command.text)
        else:
            payload |= {"channel": case.channel, **standing.counted(case)}
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
            stage=self.profile.first_stage(command.place),
            category=command.category,
            place=command.place,
            bag=command.bag,
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
        winding.start(case, command.received_at, self.profile)
        return case

    def act(self, act: Act) -> Case:
        """Do one act by the table; `Refused` says why not."""
        case = self.case(act.grievance_id)
        act = approval.routed(case, act)
        row = permitted(case, act, self.profile)
        answers = case.paused_at is not None and case.waiting_on == "them"
        promised = winding.last_day(case, self.profile)
        rewound = self._apply(case, row, act)
        payload = self._payload(case, row, act, rewound=rewound)
        self._record(case, row, act.actor, payload, extra_of(act.values))
        # In the dialogue the next question would drown in it.
        by_us = act.actor.role in STAFF and not case.sensitive
        if rewound and by_us and winding.is_later(case, promised, self.profile):
            self.tell(case, "redated")
        if answers and row.command == "append":  # what we waited for is here
            self.act(Act("resume", case.id, SYSTEM))
        if row.command == "approve":
            self._close(case, approval.closure(case, act))
        return case

    def _close(self, case: Case, act: Act) -> None:
        """The closure that a second person let pass."""
        row = find(act.command, Status(case.status))
        assert row is not None, "whatever is open can be closed: see workflow.states.check"
        self._apply(case, row, act)
        payload = self._payload(case, row, act, rewound=False)
        self._record(case, row, act.actor, payload, extra_of(act.values))

    def touch(self, case: Case) -> None:
        """Write what the clock keeps of ``case`` for itself; no step of the procedure."""
        self._changed.add(case.id)

    def _apply(self, case: Case, row: Transition, act: Act) -> bool:
        """Change the grievance; whether other terms hold for its clock from now on."""
        late = attention.escalated(case)
        if row.to is not None:
            case.status = str(row.to)
        if row.command == "propose_closure":
            approval.propose(case, act)
        else:
            _set(case, act.values)
        if row.to is not None or row.command == "return":
            approval.drop(case)
        if row.command in care.KEPT:
            self._care.append((case, act))
            care.change(case, act)
        self._change(case, row, act)
        self._represented(case, act.values)
        self._appended(case, row, act)
        winding.wind(case, row, act.values, self.now, self.profile)
        rewound = row.command in _TELLING and winding.reclassified(
            case, self.now, self.profile, sealed=row.command == "seal"
        )
        if late and attention.relieved(case):
            self._relieved.add(case.id)
        return rewound

    def _change(self, case: Case, row: Transition, act: Act) -> None:
        """What this command alone does."""
        if row.command == "assign":
            case.assignee_id = int(act.values["assignee_id"])
        elif row.command == "unassign":
            case.assignee_id = None
        elif row.command == "seal":
            self._seal(case, str(act.values.get("sensitive") or "sea"))
        elif row.command == "unseal":
            case.sensitive = ""
        elif row.command == "acknowledge":
            case.acknowledged_at = case.acknowledged_at or act.values.get("at") or self.now
        elif row.command == "note":
            self._notes.append((case.id, act.actor.officer_id, str(act.values["text"])))
        elif row.command in committee.KEPT:
            committee.change(case, row.command, act.values, self.now)
            self._meetings.append((case, row.command, act.values))

    def _seal(self, case: Case, kind: str) -> None:
        """From here on its words are in one place alone, and nobody but focal points sees it."""
        self._to_seal.append((case.id, case.text))
        case.sensitive, case.text, case.folded, case.gist = kind, "", "", ""
        approval.drop(case)  # proposed by who may not know of it any more

    def _represented(self, case: Case, values: Mapping[str, Any]) -> None:
        """Who writes for somebody else is the submitter; the one affected is a person too."""
        behalf = values.get("facts", {}).get("behalf")
        if behalf in {"other", "organisation"} and case.submitter_id is None:
            case.submitter_id = case.complainant_id
            case.complainant_id = self._somebody(case.language)
        elif behalf == "self" and case.submitter_id is not None:
            case.complainant_id, case.submitter_id = case.submitter_id, None

    def _appended(self, case: Case, row: Transition, act: Act) -> None:
        """Whose turn it is: what a person adds waits on us, an answer waits on them."""
        if row.command == "append":
            case.unread = True
            self._turn(case, "us")
            more = str(act.values.get("text", ""))
            if case.sensitive and more:
                self._sealed.setdefault(case.id, []).append(more)
                return
            if more and act.values.get("joins"):
                case.text = f"{case.text}\n{more}" if case.text else more
            if more:
                case.folded = f"{case.folded} {search_key(more)}".strip()
        elif row.command in {"reply", "propose_redress"}:
            self._turn(case, "them")
        elif row.command not in _ASIDE and (act.actor.officer_id or row.command in _OURS):
            self._turn(case, "us")

    def _turn(self, case: Case, whose: str) -> None:
        case.waiting_on = whose
        case.waiting_since = self.now if whose == "them" else None

    def zone(self, case: Case) -> ZoneInfo:
        """The local time the complainant reads dates in."""
        return winding.zone(case, self.profile)

    # -- recording ----------------------------------------------------------------------------

    def _payload(self, case: Case, row: Transition, act: Act, *, rewound: bool) -> dict[str, Any]:
        """What the trail keeps of an act: facts, not the words of people."""
        kept = {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in act.values.items()
            if name not in _WORDS
        }
        if row.clock is not Clock.KEEP or rewound:
            kept |= winding.for_trail(case, row)
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
        if case.sensitive or row.command == "unseal":
            payload, words = veil.parted_event(payload)
            self._veiled.setdefault(case.id, {}).update({str(seq): words} if words else {})
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
        self.news.add(case, kind, moved=row.to is not None)
        if row.letter:
            self._letters.append(self._pending(case, row, seq, actor, extra))

    def _pending(
        self, case: Case, row: Transition, seq: int, actor: Actor, extra: Mapping[str, object]
    ) -> Pending:
        """What the clock sends by itself waits for the morning and lets answers pass."""
        item = Pending(case, row.letter, seq, extra)
        if actor.role is Role.SYSTEM and row.letter != "ack":
            item.priority = LATER
            item.not_before = attention.awake(self.now, self.zone(case), self.profile)
        elif row.command == "reply" and self.undo:
            item.not_before = self.now + self.undo
        return item

    def tell(self, case: Case, letter: str, **extra: object) -> None:
        """Send the complainant a letter that no transition asks for by itself."""
        self._letters.append(Pending(case, letter, case.head_seq, extra))

    # -- drawing ids --------------------------------------------------------------------------

    def expect(self, registrations: int) -> None:
        """Make ready for this many new grievances, so that ids come in one question."""
        self._numbers.expect(registrations)

    def _person(self, command: Register) -> int:
        """A new complainant, whose address this is from now on."""
        person_id = self._somebody(command.language)
        if command.address_id is not None:
            self._links[command.address_id] = person_id
        return person_id

    def _somebody(self, language: str | None) -> int:
        person_id: int = self._numbers.draw("person")
        row = {"id": person_id, "language": language, "created_at": self.now}
        self._persons.append(row)
        return person_id

    # -- writing ------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write everything; the caller's transaction commits it together with its own rows."""
        if self._persons:
            self.tx.execute(person_table.insert(), self._persons)
            people.link(self.tx, self._links)
        for item in self._changed:
            self.cases[item].attend_at = attention.next_look(self.cases[item], self.profile)
        grievances.insert(self.tx, list(self._new.values()))
        changed = sorted(self._changed - set(self._new))
        grievances.save(self.tx, [self.cases[item] for item in changed])
        grievances.add_events(self.tx, self._events)
        hooks.queue(self.tx, self.news.calls, self.now)  # before sealing, which takes them back
        for grievance_id, words in self._sealed.items():
            sealed.add(self.tx, grievance_id, words)
        for grievance_id, own in self._to_seal:
            sealed.seal(self.tx, grievance_id, own)
        for grievance_id, said in self._veiled.items():
            veil.keep(self.tx, grievance_id, veil.EVENTS, said)
        for grievance_id, officer_id, note in self._notes:
            grievances.add_note(self.tx, grievance_id, officer_id, note, self.now)
        for case, command, values in self._meetings:
            committee.keep(self.tx, case, command, values, self.now)
        for case, act in self._care:
            token = care.keep(self.tx, case, act, self.now, self.profile)
            self.tokens |= {case.id: token} if token else {}
        if self._relieved:
            tasks.settle(self.tx, self._relieved, tasks.OVERDUE, self.now)
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
