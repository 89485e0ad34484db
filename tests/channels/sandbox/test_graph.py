"""The Graph API double: what it refuses, and what its people send."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from channels.sandbox.graph_state import PAGE
from channels.sandbox.server import SandboxServer
from tests.channels.sandbox.conftest import (
    APP_SECRET,
    PAGE_TOKEN,
    VERIFY_TOKEN,
    Endpoint,
    Received,
    wait_for,
)

PSID = "9900000000000011"
HEADERS = {"Authorization": f"Bearer {PAGE_TOKEN}"}


def send(sandbox: SandboxServer, **changes: Any) -> httpx.Response:
    body = {
        "recipient": {"id": PSID},
        "messaging_type": "RESPONSE",
        "message": {"text": "Сайн уу"},
        **changes,
    }
    return sandbox.http.post("/graph/v25.0/me/messages", json=body, headers=HEADERS)


def event(received: Received) -> dict[str, Any]:
    """The one event of a post, whose signature is right."""
    digest = hmac.new(APP_SECRET.encode(), received.body, hashlib.sha256).hexdigest()
    assert received.headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert received.body.isascii()
    found = json.loads(received.body)
    assert (found["object"], len(found["entry"])) == ("page", 1)
    entry = found["entry"][0]
    assert entry["id"] == PAGE
    (only,) = entry.get("messaging") or entry["changes"]
    assert isinstance(only, dict)
    return only


def test_a_message_is_shown_and_its_delivery_reported(
    sandbox: SandboxServer, endpoint: Endpoint
) -> None:
    answer = send(sandbox).json()
    assert answer["recipient_id"] == PSID
    (shown,) = sandbox.messages(psid=PSID)
    assert (shown["text"], shown["sid"]) == ("Сайн уу", answer["message_id"])
    told = event(endpoint.wait(1)[0])
    assert told["delivery"]["mids"] == [answer["message_id"]]
    wait_for(lambda: sandbox.messages(psid=PSID)[0]["status"] == "delivered")


def test_the_token_may_be_a_parameter(sandbox: SandboxServer) -> None:
    assert sandbox.http.get("/graph/me", params={"access_token": PAGE_TOKEN}).json()["id"] == PAGE
    for wrong in ({}, {"access_token": "EAAother"}):
        answer = sandbox.http.get("/graph/me", params=wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 190)


def test_a_wrong_proof(sandbox: SandboxServer) -> None:
    answer = sandbox.http.get("/graph/me?appsecret_proof=00", headers=HEADERS)
    assert answer.json()["error"]["code"] == 100


@pytest.mark.parametrize(
    "wrong",
    [
        {"message": {"text": "x" * 2001}},
        {"message": {"text": "😀" * 1001}},
        {"message": {"text": " "}},
        {"message": {}},
        {"message": None},
        {"message": {"text": "x", "metadata": "y"}},
        {"message": {"text": "x", "quick_replies": []}},
        {"message": {"text": "x", "quick_replies": [{"content_type": "location"}]}},
        {"messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"},
        {"messaging_type": "UPDATE"},
        {"recipient": {}},
        {"recipient": {"id": "no number"}},
        {"recipient": {"id": "1", "comment_id": "2"}},
        {"notification_type": "REGULAR"},
    ],
)
def test_mistakes_are_refused(sandbox: SandboxServer, wrong: dict[str, Any]) -> None:
    answer = send(sandbox, **wrong)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
    assert sandbox.messages(psid=PSID) == []


@pytest.mark.parametrize(
    "reply", [{"title": "x" * 21}, {"title": ""}, {"payload": "x" * 1001}, {"image": "x"}]
)
def test_quick_replies_have_limits(sandbox: SandboxServer, reply: dict[str, str]) -> None:
    good = {"content_type": "text", "title": "Тийм", "payload": "yes"}
    assert send(sandbox, message={"text": "?", "quick_replies": [good] * 13}).status_code == 200
    assert send(sandbox, message={"text": "?", "quick_replies": [good] * 14}).status_code == 400
    wrong = {"text": "?", "quick_replies": [{**good, **reply}]}
    assert send(sandbox, message=wrong).status_code == 400


def test_an_unknown_path(sandbox: SandboxServer) -> None:
    answer = sandbox.http.get("/graph/v25.0/me/pigeons", headers=HEADERS)
    assert answer.json()["error"]["code"] == 2500


@pytest.mark.parametrize(
    "wrong",
    [
        {"persistent_menu": [{"locale": "default", "call_to_actions": []}]},
        {"get_started": {"payload": "x"}, "greeting": [{"locale": "en_US", "text": "x"}]},
        {"greeting": [{"locale": "default", "text": "x" * 161}]},
        {"whitelisted_domains": []},
    ],
)
def test_a_wrong_profile(sandbox: SandboxServer, wrong: dict[str, Any]) -> None:
    answer = sandbox.http.post("/graph/me/messenger_profile", json=wrong, headers=HEADERS)
    assert answer.status_code == 400


def test_switches(sandbox: SandboxServer) -> None:
    sandbox.behave("graph", "error", address="*", code=190)
    assert send(sandbox).json()["error"]["code"] == 190
    sandbox.behave("graph", "ok")
    sandbox.behave("graph", "blocked", address=PSID)
    assert send(sandbox).json()["error"] == {
        "message": "(#551) This person isn't available right now.",
        "type": "OAuthException",
        "code": 551,
        "error_subcode": 1545041,
        "fbtrace_id": "ASandboxOfHariu",
    }
    sandbox.behave("graph", "ok", address=PSID)
    assert send(sandbox).status_code == 200
    sandbox.behave("graph", "429", retry_after=7)
    throttled = send(sandbox)
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "7")
    sandbox.behave("graph", "500")
    assert send(sandbox).json()["error"]["code"] == 2


def test_the_window_is_a_persons_own(sandbox: SandboxServer) -> None:
    sandbox.messenger(PSID, text="Сайн уу")
    sandbox.behave("graph", "window", seconds=0)
    assert send(sandbox).json()["error"]["error_subcode"] == 2018278
    assert send(sandbox, recipient={"id": "9900000000000012"}).status_code == 200
    sandbox.behave("graph", "ok")
    assert send(sandbox).status_code == 200


def test_a_private_reply_reaches_the_author_once(sandbox: SandboxServer) -> None:
    comment = sandbox.messenger(PSID, comment="Ус алга")["mid"]
    answer = send(sandbox, recipient={"comment_id": comment})
    assert answer.json()["recipient_id"] == PSID
    again = send(sandbox, recipient={"comment_id": comment})
    assert again.json()["error"]["code"] == 10900


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        ({"text": "Ус алга"}, {"text": "Ус алга"}),
        (
            {"quick_reply": {"title": "Тийм", "payload": "yes"}},
            {"text": "Тийм", "quick_reply": {"payload": "yes"}},
        ),
    ],
)
def test_a_message(
    sandbox: SandboxServer, endpoint: Endpoint, deed: dict[str, Any], says: dict[str, Any]
) -> None:
    answer = sandbox.messenger(PSID, **deed)
    told = event(endpoint.received[0])
    assert told["sender"] == {"id": PSID}
    assert told["message"] == {"mid": answer["mid"], **says}


def test_buttons_files_and_the_rest(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sandbox.messenger(PSID, postback={"title": "Тусламж", "payload": "/help"})
    sandbox.messenger(PSID, get_started={})
    sandbox.messenger(PSID, sticker={})
    sandbox.messenger(PSID, edit={"mid": "m_1", "text": "Ус бий"})
    sandbox.messenger(PSID, referral="soum-poster")
    sandbox.messenger(PSID, comment="Ус алга", name="Бат")
    sandbox.messenger(PSID, image={"base64": "aGVsbG8=", "text": "Худаг"})
    help_, start, sticker, edit, referral, comment, image = map(event, endpoint.received)
    assert help_["postback"]["payload"] == "/help"
    assert start["postback"]["payload"] == "/start"
    assert sticker["message"]["attachments"][0]["type"] == "sticker"
    assert edit["message_edit"] == {"mid": "m_1", "text": "Ус бий", "num_edit": 1}
    assert referral["referral"]["ref"] == "soum-poster"
    assert (comment["field"], comment["value"]["from"]["name"]) == ("feed", "Бат")
    (part,) = image["message"]["attachments"]
    assert httpx.get(part["payload"]["url"]).content == b"hello"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"psid": "Бат", "text": "x"},
        {"psid": PSID, "quick_reply": {}},
        {"psid": PSID, "video": {}},
    ],
)
def test_what_no_phone_can_do(sandbox: SandboxServer, wrong: dict[str, Any]) -> None:
    assert sandbox.http.post("/phone/messenger", json=wrong).status_code == 400


def test_an_event_not_taken_comes_again(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    endpoint.script = [503]
    sandbox.messenger(PSID, text="Ус алга")
    first, second = endpoint.wait(2)
    assert first.body == second.body
    wait_for(lambda: sandbox.messages(psid=PSID)[0]["status"] == "delivered")


def test_the_dashboard_verifies(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    answer = sandbox.messenger(PSID, verify=True)
    asked = dict(httpx.QueryParams(endpoint.received[0].path.partition("?")[2]))
    assert (asked["hub.mode"], asked["hub.verify_token"]) == ("subscribe", VERIFY_TOKEN)
    assert answer["answer"] == "the challenge did not come back"  # this endpoint knows none


def test_on_the_page_without_javascript(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    send(sandbox, message={"text": "?", "quick_replies": [
        {"content_type": "text", "title": "Тийм", "payload": "yes"}]})  # fmt: skip
    page = sandbox.http.get("/", params={"psid": PSID}).text
    assert "Тийм" in page
    press = json.dumps({"quick_reply": {"title": "Тийм", "payload": "yes"}})
    form = {"psid": PSID, "press": press}
    assert sandbox.http.post("/page/messenger", data=form).status_code == 303
    for do, text in (("comment", "Ус алга"), ("image", ""), ("", "Сайн уу")):
        form = {"psid": PSID, "do": do, "text": text}
        assert sandbox.http.post("/page/messenger", data=form).status_code == 303
    kinds = [shown["kind"] for shown in sandbox.messages(psid=PSID) if shown["direction"] == "in"]
    assert kinds == ["button", "comment", "media", "text"]
    empty = {"psid": PSID, "do": "comment"}
    assert sandbox.http.post("/page/messenger", data=empty).status_code == 400
    assert "Public comment" in sandbox.http.get("/page/thread", params={"psid": PSID}).text
