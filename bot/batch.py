"""One transaction's worth of messages: loaded in bulk, decided one by one, written in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot import engine, hung_up
from bot.engine import Conversation, Knowledge, Turn
from bot.steps import Tell
from config import clock, i18n, log
from config.profile import Profile
from config.settings import settings
from store import attempts, channels, conversations, grievances, inbox, outbox, people, tasks
from store.case import Case
from store.db import Transaction
from store.inbox import Waiting
from store.messages import Capabilities
from store.outbox import Letter
from store.people import AddressRow, Endpoint
from workflow import letters, uptake
from workflow.commands import Act, Refused, Register
from workflow.handlers import Casework

ONE_ANSWER_HOURS = 7 * 24


@dataclass(slots=True)
class _Person:
    """What a batch holds of one address while its messages go through."""

    address: AddressRow
    conversation: Conversation
    own: list[Case] = field(default_factory=list)
    options: tuple[str, ...] = ()
    locked: bool = False
    touched: bool = False
    wake_at: datetime | None = None


class Batch:
    """One transaction's worth of messages: loaded in bulk, decided one by one, written in bulk."""

    def __init__(
        self, tx: Transaction, waiting: Sequence[Waiting], wakes: Sequence[int] = ()
    ) -> None:
        self.tx, self.now = tx, clock.now()
        self.casework = Casework(tx, self.now)
        self.project: Profile = self.casework.profile
        self.messages = [item for item in waiting if item.report is None]
        self.reports = [item for item in waiting if item.report is not None]
        self.wakes = wakes
        self.people: dict[int, _Person] = {}
        self.address_ids: dict[tuple[str, bytes], int] = {}
        self.named: dict[str, Case] = {}
        self.threads: dict[tuple[str, str], tuple[int, int]] = {}
        self.capabilities: Mapping[str, Capabilities] = {}
        self.done: list[tuple[int, int | None, int | None]] = []
        self.letters: list[Letter] = []
        self.changes: dict[int, dict[str, Any]] = {}
        self.kept: list[tuple[Waiting, int | None]] = []
        self.identities: list[tuple[_Person, Mapping[str, str], Case | None]] = []
        self.private: list[int] = []
        self.sealed: list[tuple[int, int]] = []

    def run(self) -> None:
        """Decide and write; the caller commits."""
        # First: who delivers locks letters before grievances, and so must we.
        uptake.apply_reports(self.tx, [item.report for item in self.reports], self.now)
        if self.messages or self.wakes:
            self._load()
            self.casework.expect(len(self.messages))
            for item in self.messages:
                self._take_in(item)
            for address_id in self.wakes:
                self._wake(self.people[address_id])
        self.done += [(item.id, None, None) for item in self.reports]
        self._write()

    # -- loading ------------------------------------------------------------------------------

    def _load(self) -> None:
        found = people.resolve(self.tx, self._endpoints(), self.now) if self.messages else {}
        self.address_ids = {key: row.id for key, row in found.items()}
        rows = {row.id: row for row in found.values()}
        rows |= people.by_ids(self.tx, set(self.wakes) - rows.keys()) if self.wakes else {}
        ids = sorted(rows)
        states = conversations.load(self.tx, ids)
        options = outbox.last_options(self.tx, ids)
        locked = attempts.locked(self.tx, ids, self.now)
        self.capabilities = channels.capabilities(self.tx)
        for row in rows.values():
            state, wake_at = states.get(row.id, (None, None))
            self.people[row.id] = _Person(
                row,
                _spoken(Conversation.from_state(state), row),
                options=options.get(row.id, ()),
                locked=row.id in locked,
                wake_at=wake_at,
            )
            self.casework.addresses[row.id] = row
        self._load_cases(ids)
        self._load_threads()

    def _endpoints(self) -> Iterable[Endpoint]:
        return (
            Endpoint(item.message.channel, item.message.account, item.message.address, item.index)
            for item in self.messages
        )

    def _load_cases(self, address_ids: Sequence[int]) -> None:
        """Own and proven grievances are locked, for they may change; named ones only looked at."""
        own = grievances.ids_of_addresses(self.tx, address_ids)
        proven = {item for person in self.people.values() for item in person.conversation.proven}
        written = outbox.written_about(self.tx, address_ids)
        self.casework.load({*own, *proven}.union(*written.values()))
        for person in self.people.values():
            mine = {*person.conversation.proven, *written.get(person.address.id, ())}
            person.own = [
                case
                for _, case in sorted(self.casework.cases.items())
                if case.address_id == person.address.id or case.id in mine
            ]
        wanted = {name for item in self.messages for name in engine.references(item.message)}
        wanted |= {person.conversation.number for person in self.people.values()} - {""}
        if wanted:
            self.named = grievances.by_references(self.tx, wanted)
            shut = attempts.reference_locked(self.tx, list(wanted), self.now)
            self.named = {name: case for name, case in self.named.items() if name not in shut}

    def _load_threads(self) -> None:
        """The letters that messages answer, by channel."""
        asked: dict[str, list[str]] = {}
        for item in self.messages:
            if item.message.thread:
                asked.setdefault(item.message.channel, []).append(item.message.thread)
        for channel, threads in asked.items():
            found = outbox.threads(self.tx, channel, threads)
            self.threads |= {(channel, thread): about for thread, about in found.items()}

    # -- deciding -----------------------------------------------------------------------------

    def _take_in(self, item: Waiting) -> None:
        person = self.people[self.address_ids[item.message.channel, item.index]]
        knowledge = self._knowledge(person)
        self._open_window(person, item.received_at)
        self._turn_to_thread(person, item)
        turn = engine.advance(person.conversation, item.message, item.received_at, knowledge)
        case = self._follow(person, turn, f"reply:{item.id}")
        case_id = case.id if case else self._lane(person)
        self.done.append((item.id, person.address.id, case_id))
        self.kept.append((item, case_id))
        if case is not None and case.sensitive:
            self.sealed.append((item.id, case.id))
        elif turn.private:
            self.private.append(item.id)

    def _turn_to_thread(self, person: _Person, item: Waiting) -> None:
        """An answer to one of our letters is about its grievance, if it went to this address."""
        found = self.threads.get((item.message.channel, item.message.thread))
        if found and found[0] == person.address.id:
            person.conversation = engine.about(person.conversation, found[1])

    def _open_window(self, person: _Person, at: datetime) -> None:
        """Some platforms let us write only for a while after the person did."""
        hours = self.capabilities.get(person.address.channel, Capabilities()).window_hours
        if hours and _one_answer(person.address):
            hours = ONE_ANSWER_HOURS
        if hours:
            until = at + timedelta(hours=hours)
            self.changes.setdefault(person.address.id, {})["window_until"] = until

    def _wake(self, person: _Person) -> None:
        """The dialogue goes on by itself."""
        person.wake_at = None
        turn = engine.wake(person.conversation, self.now, self._knowledge(person))
        self._follow(person, turn, f"wake:{person.address.id}:{self.now.timestamp():.3f}")

    def _follow(self, person: _Person, turn: Turn, key: str) -> Case | None:
        """Carry one turn out; the grievance it made or changed."""
        case = self._obey(person, turn)
        person.conversation, person.touched = turn.conversation, True
        person.wake_at = turn.wake_at or person.wake_at
        if case is not None:
            person.conversation = engine.about(person.conversation, case.id)
        if turn.identity:
            about = self.casework.cases.get(person.conversation.grievance_id or 0)
            self.identities.append((person, turn.identity, about))
        self._change_address(person, turn)
        self._speak(person, turn, key)
        return case

    def _knowledge(self, person: _Person) -> Knowledge:
        return Knowledge(
            own=tuple(person.own),
            named=self.named,
            options=person.options,
            locked=person.locked,
            stopped=person.address.stopped,
            in_hours=clock.in_hours(self.now, self.project),
            hours=clock.hours_text(self.project),
            burst_seconds=settings().burst_seconds,
            capabilities=self.capabilities.get(person.address.channel, Capabilities()),
            profile=None if _one_answer(person.address) else self.project,
            has_phone=person.address.value.startswith("+"),
            channel=person.address.channel,
        )

    def _obey(self, person: _Person, turn: Turn) -> Case | None:
        case = None
        for command in turn.commands:
            if isinstance(command, Register):
                case = self.casework.register(
                    uptake.completed(command, person.address, turn.conversation.language)
                )
                person.address = replace(person.address, person_id=case.complainant_id)
                person.own.append(case)
            else:
                case = self._act(command)
        return case

    def _act(self, command: Act) -> Case | None:
        try:
            return self.casework.act(command)
        except Refused as refusal:
            log.get().info("command refused", code=refusal.code)
            return None

    def _change_address(self, person: _Person, turn: Turn) -> None:
        changes: dict[str, Any] = {}
        spoken, before = turn.conversation, person.address
        if (spoken.language, spoken.chosen) != (before.language, before.language_chosen):
            changes |= {"language": spoken.language, "language_chosen": spoken.chosen}
        if spoken.script != before.script:
            changes["script"] = spoken.script
        if turn.stopped is not None:
            changes["stopped_at"] = self.now if turn.stopped else None
        if turn.blocked is not None or before.blocked:
            changes["blocked_at"] = self.now if turn.blocked else None
        if changes:
            person.address = people.changed(before, changes)
            self.casework.addresses[before.id] = person.address
            self.changes.setdefault(before.id, {}).update(changes)
        if turn.wrong_code:
            attempts.count(self.tx, before.id, turn.wrong_code, self.now)
        if turn.wants_person:
            tasks.add(self.tx, f"person:{before.id}:{self.now.date()}", "call", self.now, before.id)

    # -- speaking -----------------------------------------------------------------------------

    def _speak(self, person: _Person, turn: Turn, key: str) -> None:
        for number, tell in enumerate(turn.replies):
            self.letters.append(self._letter(person, tell, f"{key}:{number}"))
            if tell.options:
                person.options = tuple(value for value, _ in tell.options)

    def _letter(self, person: _Person, tell: Tell, key: str) -> Letter:
        address = person.address
        carried = self.capabilities.get(address.channel, Capabilities())
        capabilities = letters.lettered(carried, address.script)
        case = self.casework.cases.get(tell.case_id or 0)
        case = case or next((c for c in self.named.values() if c.id == tell.case_id), None)
        values = self._values(case, tell, letters.spoken(person.conversation.language))
        written = letters.write(
            tell.key, person.conversation.language, capabilities, values, tell.options
        )
        return Letter(
            key, address.id, address.channel, address.account, tell.key, written.language,
            written.text, written.parts, case.id if case else self._lane(person), written.choices,
        )  # fmt: skip

    def _lane(self, person: _Person) -> int | None:
        """What is said around a sealed matter belongs to it: nobody else may read of it."""
        about = self.casework.cases.get(person.conversation.grievance_id or 0)
        return about.id if about and about.sensitive else None

    def _values(
        self, case: Case | None, tell: Tell, tongues: tuple[str, ...]
    ) -> Mapping[str, Mapping[str, str]]:
        if case is not None:
            zone = self.casework.zone(case)
            return letters.case_values(case, self.project, zone, tell.values, tongues)
        shared = letters.project_values(self.project)
        return {language: shared[language] | dict(tell.values) for language in i18n.LANGUAGES}

    # -- writing ------------------------------------------------------------------------------

    def _write(self) -> None:
        self.casework.flush()
        people.save(self.tx, self.changes)
        uptake.keep_attachments(self.tx, self.kept)
        for person, identity, about in self.identities:
            uptake.identify(self.tx, person.address, identity, self.now, about)
        outbox.enqueue(self.tx, self.letters, self.now)
        states = {
            address_id: (person.address.partition, person.conversation.to_state(), person.wake_at)
            for address_id, person in self.people.items()
            if person.touched
        }
        conversations.save(self.tx, states, self.now)
        inbox.finish(self.tx, self.done, self.now)
        for item in filter(hung_up.is_end, self.messages):
            person = self.people[self.address_ids[item.message.channel, item.index]]
            hung_up.follow(self.tx, item, person.address)
        inbox.conceal(self.tx, self.private)
        inbox.seal(self.tx, [inbox_id for inbox_id, _ in self.sealed])
        seen = {item.message.channel: item.received_at for item in self.messages}
        channels.note_in(self.tx, seen)


def _one_answer(address: AddressRow) -> bool:
    """A comment on the page may be answered in private once, so it is asked nothing more.

    https://developers.facebook.com/docs/messenger-platform/discovery/private-replies
    """
    return address.value.startswith(("comment:", "post:"))


def _spoken(conversation: Conversation, row: AddressRow) -> Conversation:
    """The letters kept with the address, and its language where the conversation has none."""
    if conversation.script != row.script:
        conversation = replace(conversation, script=row.script)
    if conversation.language or not row.language:
        return conversation
    return replace(conversation, language=row.language, chosen=row.language_chosen)
