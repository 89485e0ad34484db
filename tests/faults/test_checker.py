"""A checker that cannot fail is a defect: a good run passes, every tampering is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.chaos import Fault
from tests.faults.checker import Checker
from tests.faults.counts import counts
from tests.faults.facts import Call, Case, Event, Facts, InboxRow, Letter
from tests.faults.senders import Attempt, Message, unreadable

SMS, CHAT = "+97688000001", "710000002"
TEXTS = {SMS: "Дугаар 26000001", CHAT: "Дугаар 26000002"}


def message(channel: str, address: str, number: int, moment: float) -> Message:
    sent = Message(channel, address, f"{address}:{number}", f"үг {number}", b"", {})
    sent.attempts = [Attempt(moment, moment + 0.1, None), Attempt(moment + 1, moment + 1.1, 200)]
    return sent


def row(id_: int, channel: str, address: str, number: int, case: int) -> InboxRow:
    return InboxRow(id_, channel, f"{address}:{number}", "text", "", "done", "", case)


def letter(channel: str, address: str, case: int) -> Letter:
    return Letter(
        channel, address, "ack", TEXTS[address], "delivered", f"P{case}", 1, "", f"2600000{case}"
    )


def good() -> Facts:
    """Two people with two messages each, an unreadable event, one grievance for each person."""
    strange = unreadable(1, "http://127.0.0.1:1").messages[0]
    strange.attempts = [Attempt(50.0, 50.1, 200)]
    return Facts(
        messages=(
            message("sms", SMS, 1, 10.0), message("sms", SMS, 2, 20.0),
            message("telegram", CHAT, 1, 10.0), message("telegram", CHAT, 2, 20.0), strange,
        ),
        inbox=(
            row(1, "sms", SMS, 1, 1), row(2, "telegram", CHAT, 1, 2), row(3, "sms", SMS, 2, 1),
            row(4, "telegram", CHAT, 2, 2),
            InboxRow(5, "telegram", "raw:1", "other", "", "dead", "unparseable", None),
            InboxRow(6, "sms", "P1:delivered", "delivery", "delivered", "done", "", None),
        ),
        cases=tuple(
            Case(number, f"2600000{number}", "acknowledged", "үг 1\nүг 2", 2, "a moment")
            for number in (1, 2)
        ),
        events=tuple(
            Event(case, seq, kind)
            for seq, kind in ((1, "registered"), (2, "acknowledged"))
            for case in (1, 2)
        ),
        letters=(letter("sms", SMS, 1), letter("telegram", CHAT, 2)),
        calls=(
            Call("sms", SMS, TEXTS[SMS], 201, 12.0),
            Call("telegram", CHAT, TEXTS[CHAT], 200, 12.0),
        ),
        phones=(("sms", SMS, TEXTS[SMS]), ("telegram", CHAT, TEXTS[CHAT])),
        faults=(Fault("stop redis", 5.0, 15.0),),
    )  # fmt: skip


def again(facts: Facts, answer: int | None, *faults: Fault) -> Facts:
    """The first acknowledgement arrives twice; its first call was answered so."""
    first = replace(facts.calls[0], answer=answer)
    calls = (first, *facts.calls[1:], replace(first, answer=201, at=22.0))
    return replace(facts, calls=calls, phones=(*facts.phones, facts.phones[0]), faults=faults)


def with_row(facts: Facts, place: int, **changes: object) -> Facts:
    rows = list(facts.inbox)
    rows[place] = replace(rows[place], **changes)  # type: ignore[arg-type]
    return replace(facts, inbox=tuple(rows))


def with_case(facts: Facts, **changes: object) -> Facts:
    return replace(facts, cases=(replace(facts.cases[0], **changes), facts.cases[1]))  # type: ignore[arg-type]


def with_letter(facts: Facts, **changes: object) -> Facts:
    return replace(facts, letters=(replace(facts.letters[0], **changes), facts.letters[1]))  # type: ignore[arg-type]


def swapped(facts: Facts) -> Facts:
    one, other = facts.inbox[0], facts.inbox[2]
    return with_row(with_row(facts, 0, id=other.id), 2, id=one.id)


def test_a_good_run_passes() -> None:
    assert Checker(good()).violations() == []


TAMPERED: dict[str, tuple[str, Callable[[Facts], Facts]]] = {
    "a lost message": ("lost", lambda f: replace(f, inbox=f.inbox[:3] + f.inbox[4:])),
    "a lost unreadable event": ("lost", lambda f: replace(f, inbox=f.inbox[:4])),
    "a message stored twice": (
        "twice",
        lambda f: replace(f, inbox=(*f.inbox, replace(f.inbox[0], id=9))),
    ),
    "a message nobody sent": (
        "unknown",
        lambda f: replace(f, inbox=(*f.inbox, row(9, "sms", "+97688999999", 1, 1))),
    ),
    "a message never handled": ("waiting", lambda f: with_row(f, 2, state="new")),
    "a letter never sent": ("waiting", lambda f: with_letter(f, state="sending")),
    "a letter given up": ("given up", lambda f: with_letter(f, state="failed")),
    "a dead letter without reason": ("without reason", lambda f: with_row(f, 4, error="")),
    "a good message set aside": (
        "set aside",
        lambda f: with_row(f, 2, state="dead", error="could not be handled: KeyError"),
    ),
    "a doubled grievance": (
        "numbers",
        lambda f: replace(
            with_row(f, 2, grievance=3), cases=(*f.cases, replace(f.cases[0], id=3, reference="x"))
        ),
    ),
    "a number given twice": ("given 2 times", lambda f: with_case(f, reference="26000002")),
    "a grievance out of nothing": (
        "invented",
        lambda f: replace(f, cases=(*f.cases, replace(f.cases[0], id=3, reference="x"))),
    ),
    "a message without grievance": ("unheard", lambda f: with_row(f, 2, grievance=None)),
    "a grievance that is gone": ("is gone", lambda f: replace(f, cases=f.cases[1:])),
    "another person's number": (
        "numbers of others",
        lambda f: replace(f, phones=(*f.phones, ("sms", SMS, TEXTS[CHAT]))),
    ),
    "a swapped order": ("order", swapped),
    "swapped words": ("order", lambda f: with_case(f, text="үг 2\nүг 1")),
    "doubled words": ("order", lambda f: with_case(f, text="үг 1\nүг 2\nүг 2")),
    "missing first words": ("order", lambda f: with_case(f, text="үг 2")),
    "no acknowledgement": ("acknowledgements", lambda f: replace(f, letters=f.letters[1:])),
    "a second acknowledgement": (
        "acknowledgements",
        lambda f: replace(f, letters=(*f.letters, f.letters[0])),
    ),
    "an acknowledgement astray": ("astray", lambda f: with_letter(f, address=CHAT)),
    "one that never arrived": ("never told", lambda f: replace(f, phones=f.phones[1:])),
    "one without its number": ("unnumbered", lambda f: with_letter(f, text="Дугаар")),
    "one that is not noted": ("does not know", lambda f: with_case(f, status="registered")),
    "a text repeated after a clean answer": ("clean answer", lambda f: again(f, 201)),
    "a text repeated after a refusal": ("repeated", lambda f: again(f, 429)),
    "a text nobody queued": (
        "nobody queued",
        lambda f: replace(f, phones=(*f.phones, ("sms", SMS, "Өөр үг"))),
    ),
    "a report forgotten": ("report", lambda f: with_letter(f, state="sent")),
    "a broken chain": ("trail", lambda f: replace(f, trail="event 2 was changed")),
    "an event out of place": (
        "trail",
        lambda f: replace(f, events=(replace(f.events[0], seq=3), *f.events[1:])),
    ),
    "a trail cut short": ("trail", lambda f: replace(f, events=f.events[:-1])),
    "acknowledged twice in the trail": (
        "trail",
        lambda f: with_case(replace(f, events=(*f.events, Event(1, 3, "acknowledged"))), head_seq=3),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_is_seen(name: str) -> None:
    word, tamper = TAMPERED[name]
    found = Checker(tamper(good())).violations()
    assert any(word in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (None, Fault("stop redis", 0.0, 1.0)),
        (500, Fault("stop redis", 0.0, 1.0)),
        (201, Fault("twilio garbage", 11.0, 13.0)),
        (201, Fault("kill deliver", 12.2, 12.2)),
    ],
)
def test_one_repeat_is_allowed_for_a_call_without_answer(answer: int | None, fault: Fault) -> None:
    assert Checker(again(good(), answer, fault)).violations() == []


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (201, Fault("telegram garbage", 11.0, 13.0)),
        (201, Fault("twilio garbage", 14.0, 16.0)),
        (201, Fault("kill deliver", 18.0, 18.0)),
        (201, Fault("kill worker", 12.2, 12.2)),
    ],
)
def test_faults_of_others_excuse_nothing(answer: int, fault: Fault) -> None:
    assert Checker(again(good(), answer, fault)).violations()


def test_a_second_repeat_is_not_allowed() -> None:
    facts = again(good(), None)
    third = replace(facts, phones=(*facts.phones, facts.phones[0]))
    assert any("repeated" in sentence for sentence in Checker(third).violations())


def test_a_late_kill_is_excused_while_the_database_was_away() -> None:
    away = Fault("stop postgresql", 12.3, 18.0)
    facts = again(good(), 201, away, Fault("kill deliver", 19.0, 19.0))
    assert Checker(facts).violations() == []


def test_the_numbers_of_a_run() -> None:
    found = counts(Checker(again(good(), None)))
    assert (found["messages"], found["accepted"], found["lost"]) == (5, 5, 0)
    assert (found["acknowledged"], found["repeated"], found["taken without answer"]) == (2, 1, 1)
    assert found["slowest acknowledgement, s"] == pytest.approx(10.9)
