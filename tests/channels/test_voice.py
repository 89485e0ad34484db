"""The hotline, called: on both stores, through real requests, signed by Twilio's written rule."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import update

from bot.jobs import drain
from channels import media, poll, registry
from channels.base import Request
from channels.replay import replay
from channels.sandbox.voice_state import Recording
from channels.sandbox.webhook import twilio_signature
from channels.voice import TwilioVoice
from config import clock
from config.profile import profile
from config.prompts import spoken_date
from config.settings import settings
from store import inbox as inbox_rows
from store.db import transaction
from store.inbox import Receipt
from store.messages import OutboundState
from store.queue import PARTITIONS
from store.schema import address, attachment, case_event, grievance, inbox, outbox, raw_event, task
from tests.channels.hotline import CALLER, LANDLINE, OURS, Hotline, digits, hotline, voice
from workflow.commands import SYSTEM, Act, Actor
from workflow.handlers import Casework
from workflow.states import Role


@pytest.fixture
def line(store: str) -> Iterator[Hotline]:
    with hotline(missed="call") as found:
        yield found


def test_a_grievance_in_one_call(line: Hotline) -> None:
    caller = line.caller()
    assert caller.dial() == ["mn/hello", "mn/language", "kk/language", "en/language"]
    assert caller.press("1") == ["mn/menu", "mn/menu_more"]
    assert caller.press("1") == ["mn/notice", "mn/record"]
    assert caller.waiting == "voice"
    told = caller.speak()
    (case,) = line.rows(grievance)
    assert digits(told) == (case.reference + case.code) * 2
    assert told[0] == "mn/acknowledged"
    assert (case.channel, case.language, case.anonymous) == ("voice", "mn", True)
    assert case.acknowledged_at is not None
    caller.press("1")
    assert caller.press("1")[0] == "recording"
    caller.do("hang_up")
    line.work()
    assert [case.reference in text and case.code in text for text in line.texts()] == [True]
    assert line.rows(grievance)[0].facts["consent"] == "agree"
    assert line.rows(task) == []


def test_the_language_is_asked_once(line: Hotline) -> None:
    first = line.caller()
    first.dial()
    first.press("2")
    first.do("hang_up")
    second = line.caller()
    assert second.dial() == ["kk/menu", "kk/menu_more"]
    other = line.caller("+97688110002")
    assert other.dial()[0] == "mn/hello"


def test_it_is_recorded_after_two_failed_tries(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.press("1")
    assert caller.press("7") == ["mn/invalid", "mn/menu", "mn/menu_more"]
    assert caller.do("wait") == ["mn/notice", "mn/record"]
    assert caller.waiting == "voice"
    caller.speak()
    assert len(line.rows(grievance)) == 1


def test_silence_at_the_very_beginning_is_recorded_as_well(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.do("wait")
    heard = caller.do("wait")
    assert heard == ["mn/notice", "mn/record", "kk/notice", "kk/record"]
    assert digits(caller.speak()) != ""


def test_a_hang_up_in_mid_recording_leaves_a_grievance(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.press("1")
    caller.press("1")
    caller.speak(4.0, hang_up=True)
    assert line.rows(grievance)[0].acknowledged_at is None  # nobody heard the number
    line.work()
    (case,) = line.rows(grievance)
    assert [case.reference in text for text in line.texts()] == [True]
    assert [row.kind for row in line.rows(attachment)] == ["audio"]
    assert case.acknowledged_at is not None  # but it was sent
    media.fetch_due(registry.active())
    (sound,) = line.rows(attachment)
    assert (sound.state, sound.grievance_id, sound.content_type) == (
        "stored", case.id, "audio/x-wav",
    )  # fmt: skip


def test_the_call_back_alone_is_enough(line: Hotline) -> None:
    """The request to the action address was lost: the recording's call-back names no caller."""
    caller = line.caller()
    caller.dial()
    caller.press("1")
    caller.press("1")
    record = caller.state["answers"][-1]["body"]
    url = record.split('recordingStatusCallback="')[1].split('"')[0].replace("&amp;", "&")
    params = {
        "CallSid": caller.call, "RecordingSid": "RE" + "1" * 32, "RecordingStatus": "completed",
        "RecordingDuration": "4", "RecordingUrl": "https://api.twilio.com/x",
    }  # fmt: skip
    for _ in range(3):
        assert _post(url, params).status_code == 200
    line.work()
    (case,) = line.rows(grievance)
    assert [case.reference in text for text in line.texts(CALLER)] == [True]


def _post(url: str, params: dict[str, str], token: str = "0" * 32) -> httpx.Response:
    headers = {"X-Twilio-Signature": twilio_signature(token, url, params)}
    return httpx.post(url, data=params, headers=headers, trust_env=False)


def test_repeated_steps_sound_alike_and_change_nothing_twice(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.press("1")
    caller.press("1")
    caller.speak()
    line.work()
    before = [len(line.rows(table)) for table in (grievance, case_event, outbox, attachment, task)]
    for said in _requests(line):
        again = _post(*said["asked"])
        assert (again.status_code, again.text) == (200, said["body"])
    line.work()
    after = [len(line.rows(table)) for table in (grievance, case_event, outbox, attachment, task)]
    assert after == before
    assert len(line.texts()) == 1


def _requests(line: Hotline) -> list[dict[str, Any]]:
    """Every request that Twilio made, with its answer, as the raw events hold them."""
    kept = [dict(parse_qsl(row.body.decode())) for row in line.rows(raw_event)]
    (call,) = line.sandbox.http.get("/phone/calls", params={"phone": CALLER}).json()
    asked = [said["url"] for said in call["answers"]]
    assert len(asked) == len(kept)
    return [
        {"asked": (url, params), "body": said["body"]}
        for url, params, said in zip(asked, kept, call["answers"], strict=True)
    ]


def test_unsigned_steps_are_refused(line: Hotline) -> None:
    params = {"CallSid": "CA" + "0" * 32, "From": CALLER, "To": OURS}
    for step in ("", "/recorded", "/recording", "/status", "/code"):
        answer = _post(f"{line.url}/in/voice{step}", params, token="another")
        assert answer.status_code == 403
    assert line.rows(inbox) == []


def test_a_caller_without_number_is_served(line: Hotline) -> None:
    caller = line.caller("")
    caller.dial()
    caller.press("3")
    caller.press("1")
    told = caller.speak()
    (case,) = line.rows(grievance)
    assert digits(told) == (case.reference + case.code) * 2
    assert "en/write_down" in told
    caller.do("hang_up")
    line.work()
    assert [row.channel for row in line.rows(outbox)] == []
    assert line.caller("").dial()[0] == "mn/hello"


def test_the_status_by_keys(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.press("1")
    caller.press("1")
    told = digits(caller.speak())[:14]
    number, code = told[:8], told[8:]
    (case,) = line.rows(grievance)
    with transaction() as tx:
        work = Casework(tx, clock.now())
        due = work.act(Act("classify", case.id, SYSTEM, {"place": "khovd"})).due_at
        work.flush()
    other = line.caller("+97688110009")
    other.dial()
    other.press("2")
    assert other.press("2") == ["kk/enter_number"]
    assert other.press(f"{number}#") == ["kk/enter_code"]
    heard = other.press(f"{code}#")
    assert heard[:2] == ["kk/status-acknowledged", "kk/due"]
    assert due
    there = due.astimezone(ZoneInfo("Asia/Hovd")).date()
    assert there < due.astimezone(profile().timezone).date()
    assert heard[2:4] == [f"kk/{clip}" for clip in spoken_date(there, "kk")]
    assert heard[-2:] == ["kk/menu", "kk/menu_more"]


def _told_number(line: Hotline, phone: str = CALLER) -> tuple[str, str]:
    """Number and code of a grievance told by telephone."""
    caller = line.caller(phone)
    caller.dial()
    caller.press("1")
    caller.press("1")
    told = digits(caller.speak())[:14]
    caller.do("hang_up")
    line.work()
    return told[:8], told[8:]


def _heard_of(line: Hotline, number: str, code: str, phone: str = "+97688110009") -> list[str]:
    """What somebody hears who keys in number and code."""
    other = line.caller(phone)
    other.dial()
    other.press("1")
    other.press("2")
    other.press(f"{number}#")
    return other.press(f"{code}#")


def _act(line: Hotline, command: str, **values: str) -> None:
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act(command, line.rows(grievance)[0].id, Actor(Role.OFFICER, 1), values))
        work.flush()


def test_an_answer_is_told_of_with_the_way_it_was_sent_and_a_person(line: Hotline) -> None:
    number, code = _told_number(line)
    _act(line, "propose_redress", summary="Худгийг зассан")
    assert _heard_of(line, number, code)[-3:] == ["mn/answer_person", "mn/menu", "mn/menu_more"]
    line.work()
    heard = _heard_of(line, number, code, "+97688110008")
    assert heard[0] == "mn/status-redress_proposed"
    assert heard[-4:-2] == ["mn/answer_text", "mn/answer_person"]
    _act(line, "close", outcome="resolved", summary="Худгийг зассан")
    line.work()
    heard = _heard_of(line, number, code, "+97688110007")
    assert heard[:3] == ["mn/status-resolved", "mn/answer_text", "mn/answer_person"]


def test_who_takes_calls_alone_is_told_that_somebody_calls(line: Hotline) -> None:
    number, code = _told_number(line, LANDLINE)
    _act(line, "close", outcome="resolved", summary="Худгийг зассан")
    heard = _heard_of(line, number, code)
    assert heard[:3] == ["mn/status-resolved", "mn/answer_call", "mn/answer_person"]


def test_a_withdrawn_matter_has_no_answer_to_read(line: Hotline) -> None:
    number, code = _told_number(line)
    _act(line, "withdraw", outcome="withdrawn")
    heard = _heard_of(line, number, code)
    assert heard == ["mn/status-withdrawn", "mn/menu", "mn/menu_more"]


def test_wrong_codes_are_limited(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.press("1")
    caller.press("1")
    told = digits(caller.speak())[:14]
    guesser = line.caller("+97688110009")
    heard: list[str] = []
    for _ in range(4):
        guesser.call, guesser.state = "", {}
        guesser.dial()
        if guesser.waiting == "keys" and "mn/language" in guesser.heard[-3:]:
            guesser.press("1")
        guesser.press("2")
        for _ in range(2):
            guesser.press(f"{told[:8]}#")
            heard += guesser.press("000000#")
            if guesser.waiting != "keys":
                break
    assert "mn/not_found" in heard
    assert heard[-2:] == ["mn/locked", "mn/goodbye"]


def test_a_missed_call_is_answered_by_a_call(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.do("hang_up")
    (letter,) = line.rows(outbox)
    assert (letter.channel, letter.template) == ("voice", "callback")
    _make_due(letter.id)
    line.work()
    (_, ours) = line.sandbox.http.get("/phone/calls", params={"phone": CALLER}).json()
    back = line.caller()
    back.call = ours["call"]
    assert back.do("take")[0] == "mn/missed"
    back.press("1")
    back.press("1")
    assert digits(back.speak()) != ""
    back.do("hang_up")
    line.work()
    assert len(line.rows(grievance)) == 1
    assert line.rows(outbox)[0].state == OutboundState.DELIVERED


def _make_due(letter: int) -> None:
    with transaction() as tx:
        tx.execute(update(outbox).where(outbox.c.id == letter).values(not_before=clock.now()))


def test_a_call_nobody_takes_is_tried_again_and_then_a_task(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.do("hang_up")
    (letter,) = line.rows(outbox)
    for attempt in (1, 2, 3):
        _make_due(letter.id)
        line.work()
        ours = line.sandbox.http.get("/phone/calls", params={"phone": CALLER}).json()[-1]
        line.sandbox.call("refuse", ours["call"], status="no-answer")
        line.work()
        (row,) = line.rows(outbox)
        assert row.attempts == attempt
        assert row.state == (OutboundState.QUEUED if attempt < 3 else OutboundState.FAILED)
    assert [row.kind for row in line.rows(task)] == ["undelivered"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_missed_call_is_answered_by_a_text(store: str) -> None:
    with hotline(missed="text") as line:
        caller = line.caller()
        caller.dial()
        caller.do("hang_up")
        line.work()
        assert len(line.texts()) == 1


def test_a_person_out_of_hours_is_a_call_to_make(
    line: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "in_hours", lambda moment, profile: False)
    caller = line.caller()
    caller.dial()
    caller.press("1")
    assert caller.press("0") == ["mn/closed", "mn/notice"]
    caller.speak()
    assert [row.kind for row in line.rows(task)] == ["call"]
    assert len(line.rows(grievance)) == 1


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_person_in_office_hours(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "in_hours", lambda moment, profile: True)
    with hotline(dial=["+97670000000"]) as line:
        caller = line.caller()
        caller.dial()
        caller.press("1")
        assert caller.press("0") == ["mn/connecting"]
        assert caller.waiting == "person"
        assert caller.do("person", status="no-answer") == ["mn/callback"]
        assert caller.press("2") == ["mn/called_back", "mn/goodbye"]
        assert [row.kind for row in line.rows(task)] == ["call"]


def test_an_interrupted_call_from_a_landline_is_a_call_to_make(line: Hotline) -> None:
    caller = line.caller(LANDLINE)
    caller.dial()
    caller.press("1")
    caller.press("1")
    caller.speak(3.0, hang_up=True)
    line.work()
    (case,) = line.rows(grievance)
    assert [(row.kind, row.grievance_id) for row in line.rows(task)] == [("call", case.id)]
    assert case.acknowledged_at is None


def test_what_is_added_belongs_to_the_grievance(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.press("1")
    caller.press("1")
    caller.speak()
    caller.press("3")
    assert caller.press("3") == ["mn/record"]
    assert caller.speak()[0] == "mn/added"
    (case,) = line.rows(grievance)
    assert [row.grievance_id for row in line.rows(attachment)] == [case.id, case.id]
    assert digits(caller.press("*")) == (case.reference + case.code) * 2


def test_a_second_call_is_a_second_grievance(line: Hotline) -> None:
    for _ in range(2):
        caller = line.caller()
        if "mn/language" in caller.dial():
            caller.press("1")
        caller.press("1")
        caller.speak()
        caller.do("hang_up")
    assert len(line.rows(grievance)) == 2
    assert len(line.rows(address)) == 2  # the telephone, and the same number for texts


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_recordings_come_hours_later_behind_the_password(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.press("1")
    caller.press("1")
    caller.speak()
    kept = settings()
    line.sandbox.behave("twilio", "500")
    media.fetch_due(registry.active())
    assert line.rows(attachment)[0].state == "waiting"
    line.sandbox.behave("twilio", "ok")
    spent = sum(min(5.0 * 3**n, 6 * 3600) for n in range(media.TRIES - 1))
    assert spent > 6 * 3600
    answer = httpx.get(
        f"{kept.twilio_api}/2010-04-01/Accounts/{kept.twilio_account_sid}/Recordings/x"
    )
    assert answer.status_code == 401


def test_the_same_recording_told_at_once_by_many_is_one_grievance(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.press("1")
    caller.press("1")
    record = ElementTree.fromstring(caller.state["answers"][-1]["body"]).find("Record")
    assert record is not None
    told = {
        "CallSid": caller.call, "RecordingSid": "RE" + "2" * 32, "RecordingDuration": "5",
        "RecordingUrl": "https://api.twilio.com/x", "RecordingStatus": "completed",
    }  # fmt: skip
    action = told | {"From": CALLER, "To": OURS, "Direction": "inbound", "Digits": "hangup"}
    asked = [
        (str(record.get("action")), action),
        (str(record.get("recordingStatusCallback")), told),
    ] * 6
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda each: _post(*each), asked))
    assert {answer.status_code for answer in answers} == {200}
    line.work()
    (case,) = line.rows(grievance)
    assert len(line.rows(attachment)) == 1
    assert [case.reference in text for text in line.texts()] == [True]


def test_the_end_told_again_calls_nobody_twice(line: Hotline) -> None:
    caller = line.caller()
    caller.dial()
    caller.do("hang_up")
    over = {
        "CallSid": caller.call, "From": CALLER, "To": OURS, "Direction": "inbound",
        "CallStatus": "completed",
    }  # fmt: skip
    for _ in range(3):
        assert _post(f"{line.url}/in/voice/status", over).status_code == 200
    assert len(line.rows(outbox)) == 1


def test_an_end_that_its_request_did_not_live_to_handle_calls_back(line: Hotline) -> None:
    """The web process died right after the row was written: whoever handles it calls back."""
    caller = line.caller()
    caller.dial()
    body = f"CallSid={caller.call}&From=%2B97688110001&Direction=inbound&CallStatus=completed"
    path, kind = "/in/voice/status", "application/x-www-form-urlencoded"
    channel = registry.active()["voice"]
    request = Request("POST", f"{line.url}{path}", {"content-type": kind}, body.encode(),
                      form=dict(parse_qsl(body)), path=path)  # fmt: skip
    ended = tuple(channel.parse(request))
    receipt = Receipt("voice", channel.account, request.body, clock.now(), ended, kind, path=path)
    inbox_rows.accept(receipt)
    assert line.rows(outbox) == []
    for partition in range(PARTITIONS):
        drain(partition)
    (letter,) = line.rows(outbox)
    assert letter.key.startswith("callback:")
    over = {"CallSid": caller.call, "From": CALLER, "To": OURS, "Direction": "inbound",
            "CallStatus": "completed"}  # fmt: skip
    assert _post(f"{line.url}{path}", over).status_code == 200
    assert len(line.rows(outbox)) == 1


def test_a_dead_step_is_replayed_where_it_was_sent(line: Hotline) -> None:
    body = b"From=%2B97688110001&To=%2B97675000000&Direction=inbound&Digits=1"
    path = "/in/voice/language"
    form = dict(parse_qsl(body.decode()))
    assert _post(f"{line.url}{path}?turn=1", form).status_code == 200
    (dead,) = line.rows(inbox)
    assert (dead.state, dead.error.split(":")[0]) == ("dead", "unparseable.id")
    (raw,) = line.rows(raw_event)
    assert raw.path == path
    with transaction() as tx:  # what was missing is mended by hand
        tx.execute(update(raw_event).values(body=body + b"&CallSid=CA" + b"1" * 32))
    assert "1 messages" in replay(dead.id)
    (_, found) = line.rows(inbox)
    assert found.details["answers"]["do"] == "language"
    assert found.external_id.split(":")[1] == "language"


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_recording_that_was_never_told_of_is_found(line: Hotline) -> None:
    """We were away for both the request and the call-back; Twilio has it nevertheless."""
    caller = line.caller()
    caller.dial()
    caller.press("1")
    caller.press("1")
    exchange = line.sandbox.exchange
    sid = "RE" + "3" * 32
    long_ago = clock.now() - timedelta(hours=2)
    exchange.recordings[sid] = Recording(sid, voice(4.0), caller.call, long_ago)
    channel = registry.active()["voice"]
    assert isinstance(channel, TwilioVoice)
    for _ in range(2):
        poll.reconcile(channel)
        line.work()
    (case,) = line.rows(grievance)
    assert [case.reference in text for text in line.texts()] == [True]
    media.fetch_due(registry.active())
    assert [row.state for row in line.rows(attachment)] == ["stored"]
