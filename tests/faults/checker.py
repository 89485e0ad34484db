"""The judge: compares what the senders know with the rows and with what reached the phones. Pure.

The promises (DESIGN: nothing lost, nothing twice) are written here a second time, apart from the
code that keeps them. Each check yields a sentence for everything that is wrong.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tests.faults.facts import Call, Case, Facts, InboxRow, Letter
from tests.faults.senders import Message

Phone = tuple[str, str]  # channel and address
REFERENCE = re.compile(r"(?<!\d)\d{8,9}(?!\d)")
CLEAN = {200, 201}
PROVIDERS = {"sms": "twilio", "telegram": "telegram"}
# A killed deliverer takes along the answers it had not written down yet: within this many seconds
# after the call, or after the return of a database that was away meanwhile.
UNWRITTEN = 1.0
PAUSED = 15.0  # what a deliverer may pause between its tries to write
CLOCKS = 0.3  # seconds by which two notes of one moment may differ
WORN_OUT = "stopped its worker"  # the reason of a message during which its worker died thrice


@dataclass(frozen=True)
class Checker:
    """Judges one run."""

    facts: Facts

    # -- what belongs together ----------------------------------------------------------------

    @cached_property
    def rows(self) -> dict[tuple[str, str], list[InboxRow]]:
        """Stored messages (not reports) by what the provider calls them."""
        found: dict[tuple[str, str], list[InboxRow]] = defaultdict(list)
        for row in self.facts.inbox:
            if row.kind != "delivery":
                found[row.channel, row.external_id].append(row)
        return found

    @cached_property
    def people(self) -> dict[Phone, list[tuple[InboxRow, Message]]]:
        """What is stored of each person, in the order in which it was stored."""
        found: dict[Phone, list[tuple[InboxRow, Message]]] = defaultdict(list)
        for message in self.readable:
            for row in self.rows.get((message.channel, message.external_id), ()):
                found[message.channel, message.address].append((row, message))
        return {phone: sorted(own, key=lambda pair: pair[0].id) for phone, own in found.items()}

    @cached_property
    def readable(self) -> list[Message]:
        return [message for message in self.facts.messages if message.readable]

    @cached_property
    def lost(self) -> list[Message]:
        """Accepted, and not there."""
        return [
            message
            for message in self.readable
            if message.accepted_at and (message.channel, message.external_id) not in self.rows
        ]

    @cached_property
    def cases(self) -> dict[int, Case]:
        return {case.id: case for case in self.facts.cases}

    @cached_property
    def own_cases(self) -> dict[Phone, set[int]]:
        """The grievances that each person's messages led to."""
        return {
            phone: {row.grievance for row, _ in own if row.grievance is not None}
            for phone, own in self.people.items()
        }

    @cached_property
    def calls(self) -> dict[tuple[str, str, str], list[Call]]:
        """Calls to send, by channel, address and text."""
        found: dict[tuple[str, str, str], list[Call]] = defaultdict(list)
        for call in self.facts.calls:
            found[call.channel, call.address, call.text].append(call)
        return found

    @cached_property
    def arrived(self) -> Counter[tuple[str, str, str]]:
        """How often each text reached a phone."""
        return Counter(self.facts.phones)

    @cached_property
    def letters(self) -> dict[tuple[str, str, str], list[Letter]]:
        found: dict[tuple[str, str, str], list[Letter]] = defaultdict(list)
        for letter in self.facts.letters:
            found[letter.channel, letter.address, letter.text].append(letter)
        return found

    @cached_property
    def acknowledgements(self) -> dict[str, list[Letter]]:
        """By reference."""
        found: dict[str, list[Letter]] = defaultdict(list)
        for letter in self.facts.letters:
            if letter.template == "ack" and letter.reference:
                found[letter.reference].append(letter)
        return found

    # -- the allowance ------------------------------------------------------------------------

    def unanswered(self, call: Call) -> bool:
        """Whether the call may have been taken without our learning of it."""
        if call.answer == 429:
            return False
        return call.answer not in CLEAN or self._spoilt(call) or self._unwritten(call)

    def _spoilt(self, call: Call) -> bool:
        """Answered with garbage, whatever the status."""
        kind = f"{PROVIDERS[call.channel]} garbage"
        return any(
            fault.kind == kind and fault.began - CLOCKS <= call.at <= fault.ended + CLOCKS
            for fault in self.facts.faults
        )

    def _unwritten(self, call: Call) -> bool:
        """Whether the deliverer was killed before it can have written the answer down."""
        end = call.at + UNWRITTEN
        for fault in self.facts.faults:
            away = fault.kind.endswith(" postgresql")
            if away and fault.began <= end and fault.ended >= call.at:
                end = fault.ended + PAUSED
        return any(
            fault.kind == "kill deliver" and call.at - CLOCKS <= fault.began <= end
            for fault in self.facts.faults
        )

    # -- the checks ---------------------------------------------------------------------------

    def violations(self) -> list[str]:
        """Everything that is wrong, in sentences."""
        checks = (
            self._accepted_is_stored, self._stored_once, self._nothing_waits, self._dead_letters,
            self._one_number, self._no_orphans, self._order, self._texts, self._one_letter,
            self._sent_once, self._reports_applied, self._trail,
        )  # fmt: skip
        return [sentence for check in checks for sentence in check()]

    def _accepted_is_stored(self) -> Iterator[str]:
        for message in self.lost:
            yield f"lost: {message.channel} {message.external_id} was accepted and is not there"

    def _stored_once(self) -> Iterator[str]:
        sent = {(message.channel, message.external_id) for message in self.facts.messages}
        for (channel, identity), rows in self.rows.items():
            if len(rows) > 1:
                yield f"twice: {channel} {identity} is there {len(rows)} times"
            if (channel, identity) not in sent and not identity.startswith("raw:"):
                yield f"unknown: nobody sent {channel} {identity}"

    def _nothing_waits(self) -> Iterator[str]:
        for row in self.facts.inbox:
            if row.state == "new":
                yield f"waiting: inbox row {row.id} was never handled"
        for letter in self.facts.letters:
            if letter.state in {"queued", "sending"}:
                yield f"waiting: {letter.template} of {letter.reference} is {letter.state}"
            if letter.state == "failed":
                yield f"given up: {letter.template} of {letter.reference}: {letter.error}"

    def _dead_letters(self) -> Iterator[str]:
        dead = [row for row in self.facts.inbox if row.state == "dead"]
        for row in dead:
            if not row.error:
                yield f"dead letter without reason: inbox row {row.id}"
        for phone, own in self.people.items():
            for row, _ in own:
                if row.state == "dead" and WORN_OUT not in row.error:
                    yield f"set aside: inbox row {row.id} of a good message on {phone[0]}"
        unreadable = {m.body for m in self.facts.messages if not m.readable and m.accepted_at}
        kept = sum(row.external_id.startswith("raw:") for row in dead)
        if kept < len(unreadable):
            yield f"lost: {len(unreadable)} unreadable events were accepted, {kept} are kept"

    def _one_number(self) -> Iterator[str]:
        texts: dict[Phone, set[str]] = defaultdict(set)
        for channel, address, text in self.facts.phones:
            texts[channel, address] |= set(REFERENCE.findall(text))
        for phone, own in self.people.items():
            ids = self.own_cases[phone]
            good = [row for row, _ in own if row.state != "dead"]
            if good and len(ids) != 1:
                yield f"numbers: {phone} has {len(ids)} grievances"
            if any(row.grievance is None for row in good):
                yield f"unheard: a message of {phone} belongs to no grievance"
            told = texts.get(phone, set())
            if told - {self.cases[id_].reference for id_ in ids if id_ in self.cases}:
                yield f"numbers: {phone} was told numbers of others"

    def _no_orphans(self) -> Iterator[str]:
        linked = set().union(*self.own_cases.values()) if self.own_cases else set()
        for case in self.facts.cases:
            if case.id not in linked:
                yield f"invented: grievance {case.reference} comes from no message"
        for id_ in linked - self.cases.keys():
            yield f"lost: grievance row {id_} is gone"
        for reference, count in Counter(case.reference for case in self.facts.cases).items():
            if count > 1:
                yield f"numbers: {reference} was given {count} times"

    def _order(self) -> Iterator[str]:
        """What was accepted before another was sent is stored before it."""
        for phone, own in self.people.items():
            for place, (_, later) in enumerate(own):
                for _, earlier in own[place + 1 :]:
                    if (earlier.accepted_at or 1e12) < (later.began_at or 0):
                        yield (
                            f"order: {phone} sent {earlier.external_id} before {later.external_id}"
                        )

    def _texts(self) -> Iterator[str]:
        """A grievance begins with the person's first words, and keeps the order of the others."""
        for phone, own in self.people.items():
            words = [message.text for row, message in own if row.state != "dead"]
            for id_ in self.own_cases[phone] & self.cases.keys():
                lines = [line for line in self.cases[id_].text.split("\n") if line in words]
                places = [words.index(line) for line in lines]
                if places[:1] != [0] or places != sorted(set(places)):
                    yield f"order: the text of {self.cases[id_].reference} holds {places}"

    def _one_letter(self) -> Iterator[str]:
        """Each grievance is acknowledged once, in one wording, to whom it belongs."""
        owners = {id_: phone for phone, ids in self.own_cases.items() for id_ in ids}
        for case in self.facts.cases:
            found = self.acknowledgements.get(case.reference, [])
            if len(found) != 1:
                yield f"acknowledgements: {case.reference} has {len(found)}"
            for letter in found:
                key = (letter.channel, letter.address, letter.text)
                if key[:2] != owners.get(case.id):
                    yield f"astray: the acknowledgement of {case.reference} went to another"
                if not self.arrived[key]:
                    yield f"unacknowledged: {case.reference} was never told to anybody"
                if case.reference not in letter.text:
                    yield f"unnumbered: the acknowledgement of {case.reference} lacks it"
            if case.status == "registered" or not case.acknowledged_at:
                yield f"unacknowledged: {case.reference} does not know that it was told"

    def _sent_once(self) -> Iterator[str]:
        """A letter arrives once, and once more at most for every call that had no answer."""
        for key, count in self.arrived.items():
            letters, calls = len(self.letters.get(key, ())), self.calls.get(key, ())
            allowed = letters + sum(self.unanswered(call) for call in calls)
            if not letters:
                yield f"unknown: {key[:2]} got a text that nobody queued"
            elif count > allowed:
                yield f"repeated: {key[:2]} got one text {count} times, {allowed} allowed"
        for key, calls in self.calls.items():
            clean = sum(not self.unanswered(call) and call.answer in CLEAN for call in calls)
            if clean > len(self.letters.get(key, ())):
                yield f"repeated: {key[:2]} was sent a text again after a clean answer"

    def _reports_applied(self) -> Iterator[str]:
        """Whatever order reports come in, a delivered letter stays delivered."""
        states = {letter.provider_id: letter for letter in self.facts.letters}
        for row in self.facts.inbox:
            letter = states.get(row.external_id.partition(":")[0])
            arrived = row.kind == "delivery" and row.choice == "delivered"
            if arrived and letter and letter.state != "delivered":
                yield f"report: {letter.template} of {letter.reference} is {letter.state}"

    def _trail(self) -> Iterator[str]:
        if self.facts.trail:
            yield f"trail: {self.facts.trail}"
        kinds: dict[int, list[str]] = defaultdict(list)
        for number, event in enumerate(sorted(self.facts.events, key=lambda e: e.seq)):
            own = kinds[event.grievance]
            own.append(event.kind)
            if event.seq != len(own):
                yield f"trail: event {number} of grievance row {event.grievance} is out of place"
        for case in self.facts.cases:
            own = kinds[case.id]
            once = own.count("registered"), own.count("acknowledged")
            if once != (1, 1) or own[:1] != ["registered"] or len(own) != case.head_seq:
                yield f"trail: {case.reference} reads {' '.join(own)}"
