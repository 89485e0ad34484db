"""Each way to misbehave, seen by a real HTTP client."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from channels.sandbox.server import SandboxServer
from tests.channels.sandbox.conftest import ACCOUNT, AUTH, NUMBER, TOKEN

PHONE = "+97688110011"
MESSAGES = f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


def tell(sandbox: SandboxServer, text: str = "Сайн уу") -> httpx.Response:
    url = f"/telegram/bot{TOKEN}/sendMessage"
    return sandbox.http.post(url, json={"chat_id": 8001, "text": text})


def text_sms(sandbox: SandboxServer, to: str = PHONE) -> httpx.Response:
    form = {"To": to, "From": NUMBER, "Body": "Сайн уу"}
    return sandbox.http.post(MESSAGES, data=form, auth=(ACCOUNT, AUTH))


def test_ok_is_the_start(sandbox: SandboxServer) -> None:
    assert tell(sandbox).status_code == 200
    assert text_sms(sandbox).status_code == 201
    assert [call["answer"] for call in sandbox.calls()] == [200, 201]


def test_telegram_throttles_in_its_own_words(sandbox: SandboxServer) -> None:
    sandbox.behave("telegram", "429", retry_after=7)
    answer = tell(sandbox)
    assert (answer.status_code, answer.json()) == (
        429,
        {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests: retry after 7",
            "parameters": {"retry_after": 7},
        },
    )
    assert sandbox.messages(chat=8001) == []


def test_twilio_throttles_in_its_own_words(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", "429")
    answer = text_sms(sandbox)
    assert (answer.status_code, answer.json()["code"]) == (429, 20429)
    assert answer.headers["Retry-After"] == "2"
    assert sandbox.messages(phone=PHONE) == []


@pytest.mark.parametrize("accept", [False, True])
def test_500_takes_the_message_only_if_told(sandbox: SandboxServer, accept: bool) -> None:
    sandbox.behave("telegram", "500", **({"accept": True} if accept else {}))
    answer = tell(sandbox)
    assert (answer.status_code, answer.json()["error_code"]) == (500, 500)
    assert len(sandbox.messages(chat=8001)) == accept


def test_garbage_is_html_with_200(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", "garbage")
    answer = text_sms(sandbox)
    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("accept", [True, False])
def test_drop_closes_the_connection_without_an_answer(sandbox: SandboxServer, accept: bool) -> None:
    sandbox.behave("telegram", "drop", **({} if accept else {"accept": False}))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        tell(sandbox)
    assert len(sandbox.messages(chat=8001)) == accept
    assert sandbox.calls()[0]["answer"] is None


def test_timeout_answers_nothing_for_its_seconds(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", "timeout", seconds=1)
    started = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError):
        text_sms(sandbox)
    assert time.monotonic() - started >= 1
    assert sandbox.calls()[0]["answer"] is None
    assert len(sandbox.messages(phone=PHONE)) == 1


def test_a_client_gives_up_before_a_timeout_ends(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", "timeout")
    with pytest.raises(httpx.ReadTimeout):
        sandbox.http.get(MESSAGES, timeout=0.3)


def test_slow_answers_late(sandbox: SandboxServer) -> None:
    sandbox.behave("telegram", "slow", seconds=0.4)
    started = time.monotonic()
    assert tell(sandbox).status_code == 200
    assert time.monotonic() - started >= 0.4


def test_rate_spoils_a_share(sandbox: SandboxServer) -> None:
    sandbox.behave("telegram", "500", rate=0.5)
    broken = sum(tell(sandbox).status_code == 500 for _ in range(200))
    assert 60 < broken < 140


def test_modes_are_of_one_provider(sandbox: SandboxServer) -> None:
    sandbox.behave("telegram", "500")
    assert text_sms(sandbox).status_code == 201
    sandbox.behave("telegram", "ok")
    assert tell(sandbox).status_code == 200


def test_blocked_meets_one_chat_until_cleared(sandbox: SandboxServer) -> None:
    sandbox.behave("telegram", "blocked", address="8001")
    answer = tell(sandbox)
    assert answer.status_code == 403
    assert answer.json()["description"] == "Forbidden: bot was blocked by the user"
    url = f"/telegram/bot{TOKEN}/sendMessage"
    assert sandbox.http.post(url, json={"chat_id": 8002, "text": "x"}).status_code == 200
    sandbox.behave("telegram", "ok", address="8001")
    assert tell(sandbox).status_code == 200


def test_error_code_meets_one_number_until_cleared(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", "error", code=21610, address=PHONE)
    answer = text_sms(sandbox)
    assert (answer.status_code, answer.json()["code"]) == (400, 21610)
    assert text_sms(sandbox, "+97688110012").status_code == 201
    sandbox.behave("twilio", "ok")
    assert text_sms(sandbox).status_code == 201


def test_switches_are_shown(sandbox: SandboxServer) -> None:
    sandbox.behave("twilio", "slow", seconds=9, callbacks="late")
    shown = sandbox.http.get("/behave").json()
    assert shown["modes"]["twilio"]["seconds"] == 9
    assert shown["modes"]["telegram"]["mode"] == "ok"
    assert shown["callbacks"] == {"order": "late", "delay": 5.0, "code": 30003}


@pytest.mark.parametrize(
    "switch",
    [
        {"provider": "pigeon", "mode": "ok"},
        {"provider": "twilio"},
        {"provider": "twilio", "mode": "fast"},
        {"provider": "twilio", "mode": "blocked", "address": "8001"},
        {"provider": "twilio", "mode": "500", "rate": 2},
        {"provider": "twilio", "mode": "500", "rate": "many"},
        {"provider": "twilio", "mode": "error", "code": 21610},
        {"provider": "telegram", "callbacks": "late"},
        {"provider": "twilio", "callbacks": "never"},
    ],
)
def test_a_switch_without_meaning_is_refused(
    sandbox: SandboxServer, switch: dict[str, Any]
) -> None:
    before = sandbox.http.get("/behave").json()
    answer = sandbox.http.post("/behave", json=switch)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert sandbox.http.get("/behave").json() == before
