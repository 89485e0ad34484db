"""Draining: the job a bell starts. Read a batch of one partition, decide purely, commit once.

When a batch fails it is halved until the culprit stands alone; its tries are counted before it is
processed again, and after the third it is set aside as a dead letter with the reason. After a
holder that died, messages go one at a time, so that the one that kills workers is found.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot import engine
from bot.engine import Conversation, Knowledge, Turn
from bot.steps import Tell
from config import clock, i18n, log
from config.errors import HariuError
from config.profile import Profile, profile
from config.settings import settings
from store import (
    attempts,
    channels,
    conversations,
    grievances,
    inbox,
    leases,
    outbox,
    people,
    tasks,
)
from store.case import Case
from store.db import DatabaseAway, Transaction, reading, transaction
from store.inbox import Waiting
from store.messages import Capabilities
from store.outbox import Letter
from store.people import AddressRow, Endpoint, partition_of
from store.queue import DRAIN, Bell, answered
from workflow import letters, uptake
from workflow.commands import Act, Refused, Register
from workflow.handlers import Casework

BATCH = 100
TRIES = 3
RENEW_SECONDS = 3.0


def drain(partition: int) -> int:
    """Handle all that waits in ``partition``; the number of messages handled."""
    lease = _take(partition)
    if lease is None:
        return 0
    handled, taken_at = 0, time.monotonic()
    try:
        while True:
            answered(Bell(DRAIN, partition))
            count = _step(partition, lease)
            handled += count
            if count == 0:
                return handled
            if time.monotonic() - taken_at > RENEW_SECONDS:
                lease, taken_at = _take(partition), time.monotonic()
                if lease is None:
                    return handled
    except LeaseLost:
        lease = None
        return handled
    finally:
        if lease is not None:
            _give_back(lease)


def _take(partition: int) -> leases.Lease | None:
    with transaction() as tx:
        return leases.take(tx, f"drain:{partition}")


def _give_back(lease: leases.Lease) -> None:
    try:
        with transaction() as tx:
            leases.release(tx, lease)
    except DatabaseAway:
        log.get().warning("lease not given back")


class LeaseLost(HariuError):
    """Somebody else drains this partition now; they go on where we stopped."""

    code = "lease.lost"
    retryable = True


def _step(partition: int, lease: leases.Lease) -> int:
    """One batch; when it fails, the same messages in halves."""
    with reading() as tx:
        ids = inbox.waiting_ids(tx, partition, 1 if lease.crashed else BATCH)
    if ids and (not lease.crashed or _try_left(ids[0])):
        _handle(ids, lease)
    return len(ids)


def _still_ours(tx: Transaction, lease: leases.Lease) -> None:
    if not leases.fenced(tx, lease):
        raise LeaseLost


def _handle(ids: Sequence[int], lease: leases.Lease) -> None:
    try:
        with transaction() as tx:
            _still_ours(tx, lease)
            Batch(tx, inbox.load(tx, ids)).run()
    except (DatabaseAway, LeaseLost):
        raise
    except Exception as error:  # noqa: BLE001 - the inbound job is one of the four edges
        if len(ids) > 1:
            middle = len(ids) // 2
            _handle(ids[:middle], lease)
            _handle(ids[middle:], lease)
        else:
            _failed(ids[0], error, counted=lease.crashed)


def _try_left(inbox_id: int) -> bool:
    """Count the try before it is made; without one left the message is set aside."""
    with transaction() as tx:
        tries = inbox.count_try(tx, inbox_id)
        if tries > TRIES:
            inbox.set_aside(tx, inbox_id, "stopped its worker three times", clock.now())
    return tries <= TRIES


def _failed(inbox_id: int, error: Exception, *, counted: bool) -> None:
    code = error.code if isinstance(error, HariuError) else type(error).__name__
    log.get().error("message failed", row=inbox_id, code=code)
    if counted or _try_left(inbox_id):
        with transaction() as tx:
            if inbox.tries(tx, inbox_id) >= TRIES:
                inbox.set_aside(tx, inbox_id, f"could not be handled: {code}", clock.now())


@dataclass(slots=True)
class _Person:
    """What a batch holds of one address while its messages go through."""

    address: AddressRow
    conversation: Conversation
    own: list[Case] = field(default_factory=list)
    options: tuple[str, ...] = ()
    locked: bool = False
    touched: bool = False


class Batch:
    """One transaction's worth of messages: loaded in bulk, decided one by one, written in bulk."""

    def __init__(self, tx: Transaction, waiting: Sequence[Waiting]) -> None:
        self.tx, self.now = tx, clock.now()
        self.project: Profile = profile()
        self.casework = Casework(tx, self.now, self.project)
        self.messages = [item for item in waiting if item.report is None]
        self.reports = [item for item in waiting if item.report is not None]
        self.people: dict[tuple[str, bytes], _Person] = {}
        self.named: dict[str, Case] = {}
        self.capabilities: Mapping[str, Capabilities] = {}
        self.done: list[tuple[int, int | None, int | None]] = []
        self.letters: list[Letter] = []
        self.changes: dict[int, dict[str, Any]] = {}
        self.kept: list[tuple[Waiting, int | None]] = []
        self.phones: dict[str, _Person] = {}

    def run(self) -> None:
        """Decide and write; the caller commits."""
        if self.messages:
            self._load()
            self.casework.expect(len(self.messages))
            for item in self.messages:
                self._take_in(item)
        uptake.apply_reports(self.tx, [item.report for item in self.reports], self.now)
        self.done += [(item.id, None, None) for item in self.reports]
        self._write()

    # -- loading ------------------------------------------------------------------------------

    def _load(self) -> None:
        found = people.resolve(self.tx, self._endpoints(), self.now)
        ids = [row.id for row in found.values()]
        states = conversations.load(self.tx, ids)
        options = outbox.last_options(self.tx, ids)
        locked = attempts.locked(self.tx, ids, self.now)
        self.capabilities = channels.capabilities(self.tx)
        for key, row in found.items():
            conversation = Conversation.from_state(states.get(row.id))
            if row.language and not conversation.language:
                conversation = _spoken(conversation, row)
            self.people[key] = _Person(
                row, conversation, options=options.get(row.id, ()), locked=row.id in locked
            )
            self.casework.addresses[row.id] = row
        self._load_cases(ids)

    def _endpoints(self) -> Iterable[Endpoint]:
        return (
            Endpoint(item.message.channel, item.message.account, item.message.address, item.index)
            for item in self.messages
        )

    def _load_cases(self, address_ids: Sequence[int]) -> None:
        """Own grievances are locked, for they may change; named ones are only looked at."""
        own = grievances.ids_of_addresses(self.tx, address_ids)
        self.casework.load(own)
        by_address: dict[int, list[Case]] = {}
        for case_id in own:
            case = self.casework.cases[case_id]
            by_address.setdefault(case.address_id or 0, []).append(case)
        for person in self.people.values():
            person.own = by_address.get(person.address.id, [])
        wanted = {name for item in self.messages for name in engine.references(item.message)}
        if wanted:
            self.named = grievances.by_references(self.tx, wanted)

    # -- deciding -----------------------------------------------------------------------------

    def _take_in(self, item: Waiting) -> None:
        person = self.people[item.message.channel, item.index]
        turn = engine.advance(
            person.conversation, item.message, item.received_at, self._knowledge(person)
        )
        case = self._obey(person, turn, item)
        person.conversation, person.touched = turn.conversation, True
        if case is not None:
            person.conversation = engine.about(person.conversation, case.id)
        self._change_address(person, turn)
        self._speak(person, turn, item)
        case_id = case.id if case else None
        self.done.append((item.id, person.address.id, case_id))
        self.kept.append((item, case_id))
        if item.message.contact and item.message.contact.phone:
            self.phones[item.message.contact.phone] = person

    def _knowledge(self, person: _Person) -> Knowledge:
        return Knowledge(
            own=tuple(person.own),
            named=self.named,
            options=person.options,
            locked=person.locked,
            in_hours=clock.in_hours(self.now, self.project),
            hours=clock.hours_text(self.project),
            burst_seconds=settings().burst_seconds,
        )

    def _obey(self, person: _Person, turn: Turn, item: Waiting) -> Case | None:
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

    def _speak(self, person: _Person, turn: Turn, item: Waiting) -> None:
        for number, tell in enumerate(turn.replies):
            self.letters.append(self._letter(person, tell, f"reply:{item.id}:{number}"))
            if tell.options:
                person.options = tuple(value for value, _ in tell.options)

    def _letter(self, person: _Person, tell: Tell, key: str) -> Letter:
        address = person.address
        capabilities = self.capabilities.get(address.channel, Capabilities())
        case = next((case for case in person.own if case.id == tell.case_id), None)
        case = case or next((c for c in self.named.values() if c.id == tell.case_id), None)
        values = self._values(case, tell)
        written = letters.write(
            tell.key, person.conversation.language, capabilities, values, tell.options
        )
        return Letter(
            key, address.id, address.channel, address.account, tell.key, written.language,
            written.text, written.parts, case.id if case else None, written.choices,
        )  # fmt: skip

    def _values(self, case: Case | None, tell: Tell) -> Mapping[str, Mapping[str, str]]:
        if case is not None:
            return letters.case_values(case, self.project, self.casework.zone(case), tell.values)
        shared = letters.project_values(self.project)
        return {language: shared[language] | dict(tell.values) for language in i18n.LANGUAGES}

    # -- writing ------------------------------------------------------------------------------

    def _write(self) -> None:
        self.casework.flush()
        people.save(self.tx, self.changes)
        uptake.keep_attachments(self.tx, self.kept)
        for phone, person in self.phones.items():
            uptake.add_phone(self.tx, phone, person.address, self.now)
        outbox.enqueue(self.tx, self.letters, self.now)
        states = {
            person.address.id: (
                partition_of(key[1]), person.conversation.to_state(), None,
            )
            for key, person in self.people.items()
            if person.touched
        }  # fmt: skip
        conversations.save(self.tx, states, self.now)
        inbox.finish(self.tx, self.done, self.now)
        seen = {item.message.channel: item.received_at for item in self.messages}
        channels.note_in(self.tx, seen)


def _spoken(conversation: Conversation, row: AddressRow) -> Conversation:
    state = conversation.to_state() | {"language": row.language, "chosen": row.language_chosen}
    return Conversation.from_state(state)
