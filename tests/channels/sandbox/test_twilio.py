"""Twilio's double, through Twilio's own client where it can say it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from pydantic import SecretStr
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from channels.sandbox.server import SandboxServer
from config.settings import Settings
from tests.channels.sandbox.conftest import ACCOUNT, AUTH, NUMBER, Endpoint, wait_for

PHONE = "+97688110011"
BASE = f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages"
LONG = "Манай сумын худаг ширгэсэн, ус алга. " * 5


def client(sandbox: SandboxServer, auth: str = AUTH) -> Client:
    found = Client(ACCOUNT, auth)
    found.api.base_url = f"{sandbox.url}/twilio"
    return found


def create(sandbox: SandboxServer, **form: Any) -> httpx.Response:
    return sandbox.http.post(f"{BASE}.json", data=form, auth=(ACCOUNT, AUTH))


def reports(endpoint: Endpoint, count: int) -> list[dict[str, str]]:
    """The first status reports, each checked for its signature."""
    found = []
    for received in endpoint.wait(count):
        params = dict(parse_qsl(received.body.decode()))
        signature = received.headers["X-Twilio-Signature"]
        assert RequestValidator(AUTH).validate(endpoint.url + received.path, params, signature)
        found.append(params)
    return found


def test_the_vendors_client_sends(sandbox: SandboxServer) -> None:
    message = client(sandbox).messages.create(to=PHONE, from_=NUMBER, body=LONG)
    assert message.sid.startswith("SM")
    assert (message.status, message.direction) == ("queued", "outbound-api")
    assert message.num_segments == "3"
    (shown,) = sandbox.messages(phone=PHONE)
    assert (shown["text"], shown["parts"], shown["sid"]) == (LONG, 3, message.sid)


def test_a_messaging_service_hides_the_number(chosen: Settings) -> None:
    service = "MG" + "0" * 32
    with SandboxServer(chosen.model_copy(update={"twilio_from": service})) as sandbox:
        message = client(sandbox).messages.create(to=PHONE, messaging_service_sid=service, body="x")
        assert (message.from_, message.messaging_service_sid) == (None, service)
        assert message.num_segments == "0"
        assert (
            create(sandbox, To=PHONE, MessagingServiceSid="MGx", Body="x").json()["code"] == 21701
        )


def test_wrong_credentials(sandbox: SandboxServer, chosen: Settings) -> None:
    with pytest.raises(TwilioRestException) as raised:
        client(sandbox, "wrong").messages.create(to=PHONE, from_=NUMBER, body="x")
    assert (raised.value.status, raised.value.code) == (401, 20003)
    assert sandbox.http.get(f"{BASE}.json").status_code == 401
    other = f"/twilio/2010-04-01/Accounts/AC{'1' * 32}/Messages.json"
    assert sandbox.http.get(other, auth=(ACCOUNT, AUTH)).status_code == 401
    unset = chosen.model_copy(
        update={"twilio_account_sid": "", "twilio_auth_token": SecretStr(""), "twilio_from": ""}
    )
    with SandboxServer(unset) as bare:
        assert bare.http.get(f"{BASE}.json", auth=("", "")).status_code == 401


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"From": NUMBER, "Body": "x"}, 400, 21604),
        ({"To": "123", "From": NUMBER, "Body": "x"}, 400, 21211),
        ({"To": "88110011", "From": NUMBER, "Body": "x"}, 400, 21211),
        ({"To": PHONE, "Body": "x"}, 400, 21603),
        ({"To": PHONE, "From": "+97677000009", "Body": "x"}, 400, 21606),
        ({"To": PHONE, "From": NUMBER}, 400, 21602),
        ({"To": PHONE, "From": NUMBER, "Body": "ү" * 1601}, 400, 21617),
        ({"To": PHONE, "From": NUMBER, "Body": "x", "Text": "y"}, 400, 20001),
        ({"To": PHONE, "From": NUMBER, "MediaUrl": ["https://example.org/a"] * 11}, 400, 21623),
    ],
)
def test_mistakes_are_refused(
    sandbox: SandboxServer, form: dict[str, str], status: int, code: int
) -> None:
    answer = create(sandbox, **form)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert sandbox.messages(phone=PHONE) == []


def test_the_longest_body_passes(sandbox: SandboxServer) -> None:
    assert create(sandbox, To=PHONE, From=NUMBER, Body="ү" * 1600).status_code == 201


def test_an_unknown_resource(sandbox: SandboxServer) -> None:
    for path in (f"{BASE}/SM{'0' * 32}.json", "/twilio/2010-04-01/Nothing.json"):
        answer = sandbox.http.get(path, auth=(ACCOUNT, AUTH))
        assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_reports_come_in_order_and_signed(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sandbox.behave("twilio", callbacks="ordered", delay=0.02)
    url = f"{endpoint.url}/in/sms/status"
    message = client(sandbox).messages.create(to=PHONE, from_=NUMBER, body="x", status_callback=url)
    found = reports(endpoint, 3)
    assert [report["MessageStatus"] for report in found] == ["queued", "sent", "delivered"]
    assert found[0] == {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "MessageStatus": "queued",
        "SmsStatus": "queued",
        "To": PHONE,
        "From": NUMBER,
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
    }
    assert client(sandbox).messages(message.sid).fetch().status == "delivered"
    assert sandbox.messages(phone=PHONE)[0]["status"] == "delivered"


def test_shuffled_reports_never_take_the_resource_back(
    sandbox: SandboxServer, endpoint: Endpoint
) -> None:
    sandbox.behave("twilio", callbacks="shuffled", delay=0.02)
    sid = create(
        sandbox, To=PHONE, From=NUMBER, Body="x", StatusCallback=f"{endpoint.url}/status"
    ).json()["sid"]
    order = [report["MessageStatus"] for report in reports(endpoint, 3)]
    assert sorted(order) == ["delivered", "queued", "sent"]
    assert order != ["queued", "sent", "delivered"]
    assert client(sandbox).messages(sid).fetch().status == "delivered"


def test_a_failed_message_says_why(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sandbox.behave("twilio", callbacks="failed", delay=0.02, code=30005)
    sid = create(
        sandbox, To=PHONE, From=NUMBER, Body="x", StatusCallback=f"{endpoint.url}/status"
    ).json()["sid"]
    last = reports(endpoint, 3)[-1]
    assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", "30005")
    fetched = client(sandbox).messages(sid).fetch()
    assert (fetched.status, fetched.error_code) == ("undelivered", 30005)
    assert sandbox.messages(phone=PHONE)[0]["error"] == "error 30005"


def test_without_reports_the_message_arrives_all_the_same(
    sandbox: SandboxServer, endpoint: Endpoint
) -> None:
    sandbox.behave("twilio", callbacks="none", delay=0.02)
    create(sandbox, To=PHONE, From=NUMBER, Body="x", StatusCallback=f"{endpoint.url}/status")
    wait_for(lambda: sandbox.messages(phone=PHONE)[0]["status"] == "delivered")
    assert endpoint.received == []


def test_the_list_is_filtered_and_paged(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    for text in ("нэг", "хоёр", "гурав"):
        sandbox.sms(PHONE, text)
    endpoint.script = [500]
    sandbox.sms("+97688110012", "бүтэлгүй")
    create(sandbox, To=PHONE, From=NUMBER, Body="хариу")
    messages = client(sandbox).messages
    assert [m.body for m in messages.list(from_=PHONE, page_size=2)] == ["гурав", "хоёр", "нэг"]
    assert [m.body for m in messages.list(to=PHONE)] == ["хариу"]
    failed = messages.list(from_="+97688110012")
    assert [(m.body, m.direction) for m in failed] == [("бүтэлгүй", "inbound")]
    assert len(messages.list()) == 5


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("DateSent>=2026-01-01", 1),
        ("DateSent>=2999-01-01T00:00:00Z", 0),
        ("DateSent<=2999-01-01", 1),
        ("DateSent<=2026-01-01", 0),
        ("DateSent=2026-01-01", 0),
    ],
)
def test_the_list_by_date(sandbox: SandboxServer, query: str, count: int) -> None:
    sandbox.sms(PHONE, "нэг")
    answer = sandbox.http.get(f"{BASE}.json?{query}", auth=(ACCOUNT, AUTH))
    assert len(answer.json()["messages"]) == count


@pytest.mark.parametrize("query", ["DateSent=yesterday", "Sender=x"])
def test_a_list_of_nonsense_is_refused(sandbox: SandboxServer, query: str) -> None:
    answer = sandbox.http.get(f"{BASE}.json?{query}", auth=(ACCOUNT, AUTH))
    assert answer.status_code == 400


def test_outgoing_media_are_counted(sandbox: SandboxServer) -> None:
    message = client(sandbox).messages.create(
        to=PHONE, from_=NUMBER, media_url=["https://example.org/a.jpg"]
    )
    assert message.sid.startswith("MM")
    assert message.num_media == "1"
