"""Telegram: payloads, and sending, fetching, polling and set-up against its double."""

from __future__ import annotations

import json
from functools import partial

import pytest

from channels.base import (
    AddressBlocked,
    Channel,
    ChannelDown,
    Fetches,
    Finds,
    Polls,
    Rejected,
    Request,
    Responds,
    SetsUp,
)
from channels.sandbox.server import SandboxServer
from channels.telegram import Telegram
from config.settings import settings
from store.messages import Attachment, Choice, Inbound, Kind, Outbound
from tests.channels.cases import PAYLOADS, WebhookCases, changed, payloads
from tests.channels.conftest import PUBLIC_URL, SECRETS, Scripted, forget
from tests.channels.outages import Behave, OutageCases

HEADER = "x-telegram-bot-api-secret-token"
CHAT = "990000001"
PERSON = {"id": int(CHAT), "is_bot": False, "first_name": "Туршилт"}


def telegram() -> Telegram:
    return Telegram(settings())


def outbound(text: str = "Сайн байна уу", *choices: Choice, address: str = CHAT) -> Outbound:
    return Outbound(1, "telegram", "7000000001", address, text, "key-1", choices)


class TestOutages(OutageCases):
    secrets = (SECRETS["HARIU_TELEGRAM_TOKEN"], CHAT, "Сайн")

    @pytest.fixture
    def behave(self, opposite: SandboxServer) -> Behave:
        return partial(opposite.behave, "telegram")

    def sender(self) -> Channel:
        return telegram()

    def letter(self) -> Outbound:
        return outbound()


@pytest.mark.usefixtures("environment")
class TestWebhook(WebhookCases):
    code = "telegram"

    @pytest.fixture
    def channel(self) -> Channel:
        return telegram()

    def request(self, body: bytes, *, secret: str | None = None) -> Request:
        value = settings().telegram_webhook_secret if secret is None else secret
        headers = {HEADER: value, "content-type": "application/json"}
        return Request("POST", f"{PUBLIC_URL}/in/telegram", headers, body, path="/in/telegram")

    def unsigned(self, request: Request) -> Request:
        return changed(request, headers={"content-type": "application/json"})

    def message(self, text: str) -> bytes:
        chat = {"id": int(CHAT), "type": "private"}
        message = {"message_id": 1, "date": 1795000000, "chat": chat, "from": PERSON, "text": text}
        return json.dumps({"update_id": 1, "message": message}, ensure_ascii=False).encode()

    def unknown_event(self) -> bytes:
        return b'{"update_id": 1, "hologram": {"id": "1"}}'

    def test_the_secret_may_be_set(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("HARIU_TELEGRAM_SECRET", "chosen-by-the-operator")
        forget()
        request = self.request(self.message("x"), secret="chosen-by-the-operator")
        telegram().verify(request)

    def test_half_a_surrogate_pair(self, channel: Channel) -> None:
        body = self.message("x").replace(b'"x"', rb'"\ud83d x"')
        assert [self.text_of(item) for item in self.take(channel, body)] == ["\ud83d x"]

    def test_all_captured_updates_differ(self, channel: Channel) -> None:
        found = []
        for path in payloads("telegram"):
            if path.stem != "message__without_chat":
                said = self.take(channel, path.read_bytes())
                found += [item.external_id for item in said if isinstance(item, Inbound)]
        assert len(found) == len(set(found)) > 30

    def test_a_pressed_button_stops_spinning(self, channel: Channel) -> None:
        assert isinstance(channel, Responds)
        press = {"id": "77", "from": PERSON, "data": "yes"}
        body = json.dumps({"update_id": 1, "callback_query": press}).encode()
        answer = channel.respond(self.request(body))
        assert answer is not None
        assert answer.content_type == "application/json"
        assert json.loads(answer.body) == {
            "method": "answerCallbackQuery",
            "callback_query_id": "77",
        }

    def test_a_message_is_answered_with_nothing(self, channel: Channel) -> None:
        assert isinstance(channel, Responds)
        assert channel.respond(self.request(self.message("x"))) is None


@pytest.mark.usefixtures("environment")
def test_what_it_is() -> None:
    channel = telegram()
    assert (channel.code, channel.account) == ("telegram", "7000000001")
    for protocol in (Channel, Fetches, Polls, Responds, SetsUp):
        assert isinstance(channel, protocol)
    assert not isinstance(channel, Finds)


class TestSend:
    def test_a_text_without_preview(self, opposite: SandboxServer) -> None:
        result = telegram().send(outbound("Дугаар: 12345674. https://hariu.example.org"))
        call = opposite.calls("telegram")[-1]
        assert call["path"] == "/telegram/sendMessage"
        assert call["params"] == {
            "chat_id": CHAT,
            "text": "Дугаар: 12345674. https://hariu.example.org",
            "link_preview_options": {"is_disabled": True},
        }
        shown = opposite.messages(chat=CHAT)
        assert result.provider_id == f"{CHAT}:{shown[-1]['message_id']}"

    def test_choices_are_buttons_one_a_row(self, opposite: SandboxServer) -> None:
        long = "Хувийн мэдээллийг боловсруулахыг зөвшөөрч байна гэж би хариулж байна шүү дээ"
        telegram().send(outbound("Зөвшөөрөх үү?", Choice("yes", "Тийм"), Choice("no", long)))
        rows = opposite.messages(chat=CHAT)[-1]["buttons"]
        assert rows[0] == [{"text": "Тийм", "data": "yes"}]
        assert rows[1][0]["data"] == "no"
        assert len(rows[1][0]["text"]) <= 64
        assert rows[1][0]["text"].endswith("…")

    def test_a_long_text_is_split_and_the_buttons_come_last(self, opposite: SandboxServer) -> None:
        words = "Худаг хаалттай байна. " * 400
        result = telegram().send(outbound(words, Choice("yes", "Тийм")))
        shown = opposite.messages(chat=CHAT)
        assert [len(m["text"]) <= 4096 for m in shown] == [True, True, True]
        assert " ".join(m["text"] for m in shown) == words.strip()
        assert [bool(m["buttons"]) for m in shown] == [False, False, True]
        assert result.provider_id == f"{CHAT}:{shown[-1]['message_id']}"

    @pytest.mark.parametrize("text", ["", " \n "])
    def test_an_empty_text_is_not_sent(self, opposite: SandboxServer, text: str) -> None:
        with pytest.raises(Rejected):
            telegram().send(outbound(text))
        assert opposite.calls("telegram") == []

    def test_blocked_by_the_person(self, opposite: SandboxServer) -> None:
        opposite.behave("telegram", "blocked", address=CHAT)
        with pytest.raises(AddressBlocked) as caught:
            telegram().send(outbound())
        assert (caught.value.code, caught.value.retryable) == ("403", False)

    def test_no_such_chat(self, opposite: SandboxServer) -> None:
        with pytest.raises(AddressBlocked):
            telegram().send(outbound(address="0"))

    def test_a_bad_request_is_never_repeated(self, opposite: SandboxServer) -> None:
        with pytest.raises(Rejected) as caught:
            telegram().send(outbound("?", Choice("x" * 65, "Урт")))
        assert (caught.value.code, caught.value.retryable) == ("400", False)
        assert "BUTTON_DATA_INVALID" in str(caught.value)

    def test_a_wrong_token_is_for_the_operator(
        self, opposite: SandboxServer, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_TELEGRAM_TOKEN", "7000000001:revoked")
        forget()
        with pytest.raises(ChannelDown) as caught:
            telegram().send(outbound())
        assert (caught.value.code, caught.value.retryable) == ("401", True)

    def test_nobody_at_home(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("HARIU_TELEGRAM_API", "http://127.0.0.1:9/bot")
        forget()
        with pytest.raises(ChannelDown):
            telegram().send(outbound())


class TestFetch:
    def test_a_photo_comes_as_it_was_sent(self, opposite: SandboxServer) -> None:
        received = self.receive(opposite, photo={"base64": "aGVsbG8="})
        fetched = telegram().fetch(received.attachments[0])
        assert (fetched.content, fetched.content_type) == (b"hello", "image/jpeg")

    def test_a_document_keeps_its_name(self, opposite: SandboxServer) -> None:
        given = {"base64": "aGVsbG8=", "content_type": "application/pdf", "name": "өргөдөл.pdf"}
        received = self.receive(opposite, document=given)
        fetched = telegram().fetch(received.attachments[0])
        assert (fetched.content_type, fetched.name) == ("application/pdf", "өргөдөл.pdf")

    def test_an_unknown_file(self, opposite: SandboxServer) -> None:
        with pytest.raises(Rejected):
            telegram().fetch(Attachment("image", handle="AgAC-of-another-bot"))

    def test_trouble_is_repeated_later(self, opposite: SandboxServer) -> None:
        received = self.receive(opposite, photo={"base64": "aGVsbG8="})
        opposite.behave("telegram", "500")
        with pytest.raises(ChannelDown):
            telegram().fetch(received.attachments[0])

    @staticmethod
    def receive(sandbox: SandboxServer, **what: object) -> Inbound:
        """What we are told when a person sends something."""
        telegram()._call("deleteWebhook")
        sandbox.telegram(int(CHAT), **what)
        ((_, (inbound,)),) = telegram().poll(0)
        return inbound


class TestPoll:
    @pytest.fixture(autouse=True)
    def _quiet_endpoint(self, opposite: SandboxServer) -> None:
        """No webhook, so that updates wait."""
        telegram()._call("deleteWebhook")

    def test_each_message_once(self, opposite: SandboxServer) -> None:
        for text in ("нэг", "хоёр", "гурав"):
            opposite.telegram(int(CHAT), text=text)
        channel = telegram()
        found = [(json.loads(raw), said) for raw, said in channel.poll(0)]
        assert [said[0].text for _, said in found] == ["нэг", "хоёр", "гурав"]
        assert [raw["message"]["text"] for raw, _ in found] == ["нэг", "хоёр", "гурав"]
        assert list(channel.poll(0)) == []

    def test_what_was_not_stored_comes_again(self, opposite: SandboxServer) -> None:
        for text in ("нэг", "хоёр"):
            opposite.telegram(int(CHAT), text=text)
        channel = telegram()
        polled = channel.poll(0)
        next(polled)
        next(polled)  # the caller breaks down with the second in its hands
        del polled
        assert [said[0].text for _, said in channel.poll(0)] == ["хоёр"]

    def test_the_same_message_has_the_same_id_by_webhook(self, opposite: SandboxServer) -> None:
        opposite.telegram(int(CHAT), text="нэг")
        channel = telegram()
        ((raw, said),) = channel.poll(0)
        request = Request("POST", "", {}, raw)
        assert list(channel.parse(request)) == list(said)

    def test_a_press_is_answered_after_it_was_taken(self, opposite: SandboxServer) -> None:
        message = telegram().send(outbound("?", Choice("yes", "Тийм"))).provider_id.split(":")[1]
        opposite.telegram(int(CHAT), callback={"message_id": message, "data": "yes"})
        polled = telegram().poll(0)
        _, (pressed,) = next(polled)
        assert (pressed.kind, pressed.choice) == (Kind.CHOICE, "yes")
        assert opposite.calls("telegram")[-1]["path"] == "/telegram/getUpdates"
        assert list(polled) == []
        assert opposite.calls("telegram")[-1]["path"] == "/telegram/answerCallbackQuery"

    def test_a_webhook_gives_way(self, opposite: SandboxServer) -> None:
        telegram()._call("setWebhook", {"url": f"{opposite.url}/healthz"})
        opposite.telegram(int(CHAT), text="нэг", poll=True)
        assert [said[0].text for _, said in telegram().poll(0)] == ["нэг"]

    def test_it_waits_for_the_next_message(self, opposite: SandboxServer) -> None:
        assert list(telegram().poll(2)) == []  # longer than the provider's usual time-out


def test_an_update_nobody_can_read_stops_nothing(
    scripted: Scripted, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HARIU_TELEGRAM_API", f"{scripted.url}/bot")
    forget()
    good = json.loads((PAYLOADS / "telegram/message__voice.json").read_text())
    updates = [{"update_id": 1, "message": {"text": "x"}}, {**good, "update_id": 2}, "nonsense"]
    scripted.then(200, json.dumps({"ok": True, "result": updates}).encode())
    assert [len(said) for _, said in telegram().poll(0)] == [0, 1]


class TestSetUp:
    def test_webhook_and_menu(self, opposite: SandboxServer) -> None:
        lines = list(telegram().set_up(settings().public_url))
        assert any(f"{settings().public_url}/in/telegram" in line for line in lines)
        first, *menus = opposite.calls("telegram")
        assert first["path"] == "/telegram/setWebhook"
        assert first["params"]["url"] == f"{settings().public_url}/in/telegram"
        assert first["params"]["secret_token"] == settings().telegram_webhook_secret
        assert first["params"]["allowed_updates"] == [
            "message", "edited_message", "callback_query", "my_chat_member",
        ]  # fmt: skip
        assert [call["params"]["language_code"] for call in menus] == ["", "mn", "kk", "en"]
        for call in menus:
            names = [item["command"] for item in call["params"]["commands"]]
            assert names == ["help", "status", "language"]
        first_words = [call["params"]["commands"][0]["description"] for call in menus]
        assert first_words == ["Тусламж", "Тусламж", "Көмек", "Help"]
        assert list(telegram().check()) == []

    def test_without_a_public_address_it_polls(
        self, opposite: SandboxServer, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_PUBLIC_URL", "http://192.0.2.7:8000")
        forget()
        channel = telegram()
        assert not channel.polled  # one beside us takes plain http
        channel.polled = True
        lines = list(channel.set_up("http://192.0.2.7:8000"))
        assert "polling" in lines[0]
        assert opposite.calls("telegram")[0]["path"] == "/telegram/deleteWebhook"
        assert list(channel.check()) == []

    @pytest.mark.parametrize(
        ("url", "polled"), [("https://hariu.example.org", False), ("http://192.0.2.7", True)]
    )
    def test_telegram_itself_wants_https(
        self, environment: pytest.MonkeyPatch, url: str, polled: bool
    ) -> None:
        environment.setenv("HARIU_PUBLIC_URL", url)
        forget()
        assert telegram().polled is polled


class TestCheck:
    def codes(self) -> list[str]:
        return [problem.code for problem in telegram().check()]

    def test_all_is_well(self, opposite: SandboxServer) -> None:
        assert self.codes() == []

    def test_webhook_elsewhere(self, opposite: SandboxServer) -> None:
        telegram()._call("setWebhook", {"url": "https://elsewhere.example.org/"})
        assert self.codes() == ["telegram.webhook"]

    def test_delivery_fails(self, opposite: SandboxServer) -> None:
        telegram()._call("setWebhook", {"url": f"{opposite.url}/nowhere"})
        opposite.telegram(int(CHAT), text="x", retry=False)
        assert self.codes() == ["telegram.webhook", "telegram.delivery"]

    def test_much_waits(self, opposite: SandboxServer) -> None:
        for _ in range(101):
            opposite.telegram(int(CHAT), text="x", poll=True)
        assert self.codes() == ["telegram.pending"]

    def test_wrong_token(self, opposite: SandboxServer, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("HARIU_TELEGRAM_TOKEN", "7000000001:revoked")
        forget()
        assert self.codes() == ["telegram.token"]

    def test_down(self, opposite: SandboxServer) -> None:
        opposite.behave("telegram", "500")
        assert self.codes() == ["telegram.down"]
