"""Calls of ours: results for people who asked to be called, at hours when people can be called."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bot.jobs import drain
from channels import registry
from channels.base import Rejected, Throttled, WindowClosed
from channels.sandbox.voice import CREATE
from channels.sandbox.voice_state import Call, resource
from channels.voice import TwilioVoice
from config import clock
from config.voice import Voice, Window
from store import inbox
from store.db import transaction
from store.messages import Outbound, OutboundState
from store.queue import PARTITIONS
from store.schema import grievance, outbox, task
from tests.channels.hotline import CALLER, LANDLINE, OURS, Hotline, digits, hotline
from tests.channels.sandbox.test_specs import spec
from tests.store.test_spool import come_back, go_away
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

HOVD = ZoneInfo("Asia/Ulaanbaatar")
ALWAYS = [{"opens": "00:00:00", "closes": "23:59:59"}]


@pytest.fixture
def line(store: str) -> Iterator[Hotline]:
    with hotline() as found:
        yield found


@pytest.fixture(autouse=True)
def at_any_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evening comes when a test wants it."""
    monkeypatch.setattr(Voice, "callable_from", lambda self, moment, zone: moment)


def leave_a_grievance(line: Hotline, number: str, wish: str) -> None:
    caller = line.caller(number)
    caller.dial()
    caller.press("1")
    caller.press("1")
    caller.speak()
    caller.press(wish)
    caller.do("hang_up")
    line.work()


def decide(line: Hotline) -> None:
    """The officer closes the only grievance."""
    (case,) = line.rows(grievance)
    with transaction() as tx:
        work = Casework(tx, clock.now())
        values = {"outcome": "resolved", "summary": "Худгийг зассан"}
        work.act(Act("close", case.id, Actor(Role.OFFICER), values))
        work.flush()
    line.work()


def calls_to(line: Hotline, number: str) -> list[str]:
    found = line.sandbox.http.get("/phone/calls", params={"phone": number}).json()
    return [call["call"] for call in found if call["direction"] == "outbound-api"]


def test_who_asked_for_a_call_hears_the_result(line: Hotline) -> None:
    leave_a_grievance(line, CALLER, "2")
    decide(line)
    (call,) = calls_to(line, CALLER)
    listener = line.caller()
    listener.call = call
    heard = listener.do("take")
    (case,) = line.rows(grievance)
    assert heard[0] == "mn/news"
    assert digits(heard) == case.reference
    assert "mn/status-resolved" in heard
    assert heard[-2:] == ["mn/menu", "mn/menu_more"]
    listener.do("hang_up")
    line.work()
    assert line.rows(outbox)[-1].state == OutboundState.DELIVERED
    assert len(line.texts()) == 1  # the number, after the first call


def test_who_asked_for_a_text_reads_the_result(line: Hotline) -> None:
    leave_a_grievance(line, CALLER, "1")
    decide(line)
    assert calls_to(line, CALLER) == []
    assert len(line.texts()) == 2


def test_a_worker_that_is_faster_changes_nothing(
    line: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step was handled by a worker already when its request comes to it."""
    accept = inbox.accept

    def and_drain(receipt: inbox.Receipt) -> None:
        accept(receipt)
        for part in range(PARTITIONS):
            drain(part)

    monkeypatch.setattr(inbox, "accept", and_drain)
    leave_a_grievance(line, CALLER, "1")
    decide(line)
    assert calls_to(line, CALLER) == []
    assert len(line.texts()) == 2


def test_a_landline_is_called(line: Hotline) -> None:
    leave_a_grievance(line, LANDLINE, "1")
    decide(line)
    assert len(calls_to(line, LANDLINE)) == 1


def test_words_that_no_clip_holds_are_for_the_officer_to_say(line: Hotline) -> None:
    leave_a_grievance(line, LANDLINE, "2")
    (case,) = line.rows(grievance)
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act("reply", case.id, Actor(Role.OFFICER), {"text": "Бид ирнэ"}))
        work.flush()
    line.work()
    assert calls_to(line, LANDLINE) == []
    assert [row.kind for row in line.rows(task)] == ["undelivered"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_channel_says_what_it_cannot_do(line: Hotline, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = registry.active()["voice"]
    assert isinstance(channel, TwilioVoice)

    def letter(key: str, address: str = CALLER) -> Outbound:
        return Outbound(1, "voice", OURS, address, "", key)

    with pytest.raises(Rejected):
        channel.send(letter("case:1:2:closed", "withheld:CA1"))
    with pytest.raises(WindowClosed):
        channel.send(letter("case:1:2:reply"))
    late = datetime(2099, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(Voice, "callable_from", lambda self, moment, zone: late)
    with pytest.raises(Throttled):
        channel.send(letter("case:1:2:closed"))
    assert channel.send(letter("callback:1:2026")).provider_id
    found = channel.find(letter("callback:1:2026"))
    assert found is not None
    assert found.provider_id.startswith("CA")
    codes = [problem.code for problem in channel.check()]
    assert codes == ["voice.placeholders", "voice.url"]
    assert list(channel.set_up(line.url))
    assert [problem.code for problem in channel.check()] == ["voice.placeholders"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_hours_of_the_season(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    voice = Voice()

    def first(*moment: int) -> str:
        at = voice.callable_from(datetime(*moment, tzinfo=HOVD), HOVD)  # type: ignore[arg-type, misc]
        return f"{at.astimezone(HOVD):%m-%d %H:%M}"

    assert first(2026, 1, 15, 9, 0) == "01-15 17:30"
    assert first(2026, 7, 15, 9, 0) == "07-15 19:00"
    assert first(2026, 7, 15, 20, 15) == "07-15 20:15"
    assert first(2026, 7, 15, 22, 0) == "07-16 19:00"
    assert first(2026, 9, 30, 23, 0) == "10-01 17:30"
    bare = Voice(windows=(Window(months=(1,), opens=time(9), closes=time(10)),))
    assert bare.callable_from(datetime(2026, 5, 5, 7, 0, tzinfo=HOVD), HOVD).hour == 10


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_numbers_that_take_texts(store: str) -> None:
    takes = Voice().takes_texts
    assert all(map(takes, ("+97688110001", "+97699112233", "+97660112233", "+4915112345678")))
    assert not any(map(takes, ("+97670110001", "+97611312345", "withheld:CA1", "sip:x@y", "")))


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_who_speaks_while_the_database_is_away_is_registered_later(
    line: Hotline, store: str
) -> None:
    caller = line.caller()
    caller.dial()
    caller.press("1")
    caller.press("1")
    url = go_away()
    try:
        assert caller.speak() == ["mn/kept", "mn/goodbye"]
    finally:
        come_back(url)
    inbox.drain_spool()
    line.work()
    assert len(line.rows(grievance)) == 1


def test_the_double_takes_what_the_vendor_describes() -> None:
    described = spec("twilio-api-v2010.json")
    path = described["paths"]["/2010-04-01/Accounts/{AccountSid}/Calls.json"]["post"]
    form = path["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert set(CREATE) <= set(form["properties"])
    schemas = described["components"]["schemas"]
    made = resource("AC1", Call("CA1", "outbound-api", CALLER, OURS))
    assert made.keys() == schemas["api.v2010.account.call"]["properties"].keys()
    assert made["status"] in schemas["call_enum_status"]["enum"]
