"""What the simulated phones send: parsed by the vendors' own code, byte by byte where it counts."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from telegram import Update

from channels.sandbox.server import SandboxServer
from config.settings import Settings
from tests.channels.sandbox.conftest import ACCOUNT, AUTH, NUMBER, TOKEN, Endpoint, Received

PHONE = "+97688110011"
CHAT = 8001


def form(received: Received) -> dict[str, str]:
    return dict(parse_qsl(received.body.decode(), keep_blank_values=True))


def update(received: Received) -> Update:
    """The update as python-telegram-bot reads it."""
    found = Update.de_json(json.loads(received.body), None)
    assert found is not None
    return found


def test_an_sms_is_twilios_form(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    text = "Манай сумын худаг ширгэсэн, ус алга. " * 3
    answer = sandbox.sms(PHONE, text)
    assert (answer["status"], answer["answer"]) == (200, "ok")
    assert form(endpoint.received[0]) == {
        "MessageSid": answer["sid"],
        "SmsMessageSid": answer["sid"],
        "SmsSid": answer["sid"],
        "SmsStatus": "received",
        "AccountSid": ACCOUNT,
        "From": PHONE,
        "To": NUMBER,
        "Body": text,
        "NumMedia": "0",
        "NumSegments": "2",
        "FromCountry": "MN",
        "ApiVersion": "2010-04-01",
    }


def test_a_repeated_sms_keeps_its_sid(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sid = "SM" + "a" * 32
    for _ in range(2):
        sandbox.sms(PHONE, "x", sid=sid, to="+97677000002", params={"FromCity": "Дархан"})
    first, second = (form(received) for received in endpoint.received)
    assert first == second
    assert (first["MessageSid"], first["To"], first["FromCity"]) == (sid, "+97677000002", "Дархан")


def test_through_a_service(chosen: Settings, endpoint: Endpoint) -> None:
    service = "MG" + "0" * 32
    with SandboxServer(chosen.model_copy(update={"twilio_from": service})) as sandbox:
        sandbox.sms(PHONE, "x")
    sent = form(endpoint.received[0])
    assert (sent["MessagingServiceSid"], sent["To"]) == (service, "+15005550006")


def test_a_picture_is_fetched_with_the_password_after_a_redirect(
    sandbox: SandboxServer, endpoint: Endpoint
) -> None:
    content = bytes(range(256))
    part = {"content_type": "image/png", "base64": base64.b64encode(content).decode()}
    answer = sandbox.sms(PHONE, "", media=[part])
    sent = form(endpoint.received[0])
    assert (sent["NumMedia"], sent["MediaContentType0"]) == ("1", "image/png")
    assert answer["sid"].startswith("MM")
    url = sent["MediaUrl0"]
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, auth=(ACCOUNT, AUTH)).status_code == 307
    fetched = httpx.get(url, auth=(ACCOUNT, AUTH), follow_redirects=True)
    assert (fetched.content, fetched.headers["Content-Type"]) == (content, "image/png")
    listed = httpx.get(f"{url.rpartition('/')[0]}.json", auth=(ACCOUNT, AUTH)).json()
    assert listed["media_list"][0]["content_type"] == "image/png"
    assert httpx.get(url + "0", auth=(ACCOUNT, AUTH)).status_code == 404


def test_media_are_named_by_the_channels_own_api(chosen: Settings, endpoint: Endpoint) -> None:
    known = chosen.model_copy(update={"twilio_api": "http://localhost:8002/twilio"})
    with SandboxServer(known) as sandbox:
        sandbox.sms(PHONE, "", media=[{"content_type": "image/png", "base64": "AA=="}])
    assert form(endpoint.received[0])["MediaUrl0"].startswith("http://localhost:8002/twilio/2010")


def test_a_failed_sms_is_logged_and_nothing_more(
    sandbox: SandboxServer, endpoint: Endpoint
) -> None:
    endpoint.script = [503]
    assert sandbox.sms(PHONE, "x")["status"] == 503
    (shown,) = sandbox.messages(phone=PHONE)
    assert (shown["status"], "503" in shown["error"]) == ("failed", True)
    assert len(endpoint.received) == 1


def test_an_endpoint_that_is_away(chosen: Settings) -> None:
    away = chosen.model_copy(update={"public_url": "http://127.0.0.1:9"})
    with SandboxServer(away) as sandbox:
        assert sandbox.sms(PHONE, "x")["status"] is None
        assert sandbox.telegram(CHAT, text="x", retry=False)["status"] is None
        assert {m["status"] for m in sandbox.messages()} == {"failed"}


def test_a_text_in_telegram(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sandbox.telegram(CHAT, text="Сайн уу", first_name="Жишээ", language_code="mn", update_id=77)
    found = update(endpoint.received[0])
    assert found.update_id == 77
    assert found.message is not None
    assert found.message.from_user is not None
    person = found.message.from_user
    assert (found.message.text, found.message.chat.id, found.message.chat.type) == (
        "Сайн уу",
        CHAT,
        "private",
    )
    assert (person.first_name, person.language_code, person.is_bot) == ("Жишээ", "mn", False)


def test_a_command_is_marked(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sandbox.telegram(CHAT, text="/start poster7")
    message = update(endpoint.received[0]).message
    assert message is not None
    assert list(message.parse_entities().values()) == ["/start"]


def test_a_place_and_a_contact(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sandbox.telegram(CHAT, location={"lat": 49.5, "lon": 106})
    sandbox.telegram(CHAT, contact={"phone_number": PHONE, "first_name": "Жишээ"})
    place, contact = (update(received).message for received in endpoint.received)
    assert place is not None
    assert contact is not None
    assert place.location is not None
    assert (place.location.latitude, place.location.longitude) == (49.5, 106.0)
    assert contact.contact is not None
    assert (contact.contact.phone_number, contact.contact.user_id) == (PHONE, CHAT)


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("photo", b"\xff\xd8\xff"),
        ("voice", b"OggS"),
        ("document", b"%PDF"),
        ("sticker", b"RIFF"),
    ],
)
def test_a_sample_file(sandbox: SandboxServer, endpoint: Endpoint, kind: str, start: bytes) -> None:
    sandbox.telegram(CHAT, **{kind: True})
    found = update(endpoint.received[0]).message
    assert found is not None
    file = getattr(found, kind)
    file = file[-1] if kind == "photo" else file
    root = f"{sandbox.url}/telegram"
    path = httpx.get(f"{root}/bot{TOKEN}/getFile?file_id={file.file_id}").json()["result"][
        "file_path"
    ]
    content = httpx.get(f"{root}/file/bot{TOKEN}/{path}").content
    assert content.startswith(start)
    assert len(content) == file.file_size


def test_a_file_of_ones_own(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    video = {"base64": base64.b64encode(b"moving").decode(), "content_type": "video/mp4"}
    sandbox.telegram(CHAT, video={**video, "caption": "Үер"})
    message = update(endpoint.received[0]).message
    assert message is not None
    assert message.video is not None
    assert (message.caption, message.video.mime_type) == ("Үер", "video/mp4")
    shown = sandbox.messages(chat=CHAT)[0]["media"][0]
    assert sandbox.http.get(shown["url"]).content == b"moving"


def test_a_file_too_large_for_get_file(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    big = base64.b64encode(bytes(20 * 1024 * 1024 + 1)).decode()
    sandbox.telegram(CHAT, document={"base64": big, "name": "big.bin"})
    message = update(endpoint.received[0]).message
    assert message is not None
    assert message.document is not None
    url = f"/telegram/bot{TOKEN}/getFile?file_id={message.document.file_id}"
    assert sandbox.http.get(url).json()["description"] == "Bad Request: file is too big"


def test_a_pressed_button_brings_its_message(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    markup = {"inline_keyboard": [[{"text": "Тийм", "callback_data": "yes"}]]}
    said = {"chat_id": CHAT, "text": "Тийм үү?", "reply_markup": markup}
    sent = sandbox.http.post(f"/telegram/bot{TOKEN}/sendMessage", json=said).json()["result"]
    sandbox.telegram(CHAT, callback={"message_id": sent["message_id"], "data": "yes"})
    query = update(endpoint.received[0]).callback_query
    assert query is not None
    assert query.message is not None
    assert (query.data, query.message.message_id) == ("yes", sent["message_id"])
    assert query.message.is_accessible
    assert sandbox.messages(chat=CHAT)[-1]["text"] == "Тийм"


def test_a_button_of_a_forgotten_message(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sandbox.telegram(CHAT, callback={"message_id": 5, "data": "yes"})
    query = update(endpoint.received[0]).callback_query
    assert query is not None
    assert query.message is not None
    assert (query.message.message_id, query.message.is_accessible) == (5, False)


def test_an_edit(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sent = sandbox.telegram(CHAT, text="Худаг ширгсэн")
    sandbox.telegram(CHAT, edit={"message_id": sent["message_id"], "text": "Худаг ширгэсэн"})
    edited = update(endpoint.received[1]).edited_message
    assert edited is not None
    assert (edited.message_id, edited.text) == (sent["message_id"], "Худаг ширгэсэн")
    assert edited.edit_date is not None


def test_blocking_is_told_and_kept(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    url = f"/telegram/bot{TOKEN}/sendMessage"
    sandbox.telegram(CHAT, block=True)
    change = update(endpoint.received[0]).my_chat_member
    assert change is not None
    assert (change.old_chat_member.status, change.new_chat_member.status) == ("member", "kicked")
    assert sandbox.http.post(url, json={"chat_id": CHAT, "text": "x"}).status_code == 403
    sandbox.telegram(CHAT, block=False)
    assert sandbox.http.post(url, json={"chat_id": CHAT, "text": "x"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sms", {"text": "x"}),
        ("sms", {"from": PHONE}),
        ("sms", {"from": PHONE, "media": [{"content_type": "image/png", "base64": "%"}]}),
        ("telegram", {"text": "x"}),
        ("telegram", {"chat_id": "someone", "text": "x"}),
        ("telegram", {"chat_id": CHAT}),
        ("telegram", {"chat_id": CHAT, "edit": {"message_id": 5, "text": "x"}}),
        ("telegram", {"chat_id": CHAT, "callback": {"data": "x"}}),
        ("telegram", {"chat_id": CHAT, "location": {"lat": "north"}}),
        ("telegram", {"chat_id": CHAT, "photo": {"base64": "%"}}),
        ("telegram", {"chat_id": CHAT, "video": True}),
    ],
)
def test_what_no_phone_can_do(
    sandbox: SandboxServer, endpoint: Endpoint, path: str, body: dict[str, Any]
) -> None:
    answer = sandbox.http.post(f"/phone/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert endpoint.received == []


def test_history_since(sandbox: SandboxServer) -> None:
    sandbox.sms(PHONE, "нэг")
    seen = max(message["n"] for message in sandbox.messages(phone=PHONE))
    sandbox.sms(PHONE, "хоёр")
    sandbox.sms("+97688110012", "өөр хүн")
    assert [m["text"] for m in sandbox.messages(phone=PHONE, since=seen)] == ["хоёр"]
    assert len(sandbox.messages()) == 3


def test_an_unknown_file(sandbox: SandboxServer) -> None:
    assert sandbox.http.get("/phone/file/none").status_code == 404
