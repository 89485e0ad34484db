"""Messenger: sending, fetching and set-up against the Graph API's double."""

from __future__ import annotations

import hashlib
import hmac
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
    Responds,
    SendError,
    SetsUp,
    Throttled,
    Unanswered,
    WindowClosed,
)
from channels.messenger import Messenger
from channels.sandbox.server import SandboxServer
from config.settings import settings
from store.messages import Attachment, Choice, Outbound
from tests.channels.conftest import PUBLIC_URL, SECRETS, Scripted, forget
from tests.channels.outages import Behave, OutageCases

APP_SECRET = SECRETS["HARIU_MESSENGER_APP_SECRET"]
PAGE_TOKEN = SECRETS["HARIU_MESSENGER_PAGE_TOKEN"]
PAGE = "102030405060708"
PERSON = "9900000000000001"


def messenger() -> Messenger:
    return Messenger(settings())


def outbound(text: str = "Сайн байна уу", *choices: Choice, address: str = PERSON) -> Outbound:
    return Outbound(1, "messenger", PAGE, address, text, "key-1", choices)


@pytest.mark.usefixtures("environment")
def test_what_it_is() -> None:
    channel = messenger()
    assert (channel.code, channel.account) == ("messenger", "me")
    for protocol in (Channel, Fetches, Responds, SetsUp):
        assert isinstance(channel, protocol)
    for protocol in (Finds, Polls):
        assert not isinstance(channel, protocol)


class TestOutages(OutageCases):
    secrets = (PAGE_TOKEN, APP_SECRET, PERSON, "Сайн")

    @pytest.fixture
    def behave(self, opposite: SandboxServer) -> Behave:
        return partial(opposite.behave, "graph")

    def sender(self) -> Channel:
        return messenger()

    def letter(self) -> Outbound:
        return outbound()


class TestSend:
    def test_a_text_as_a_response(self, opposite: SandboxServer) -> None:
        result = messenger().send(outbound("Дугаар: 12345674"))
        call = opposite.calls("graph")[-1]
        proof = hmac.new(APP_SECRET.encode(), PAGE_TOKEN.encode(), hashlib.sha256).hexdigest()
        assert call["path"] == "/graph/me/messages"
        assert call["params"] == {
            "appsecret_proof": proof,
            "recipient": {"id": PERSON},
            "messaging_type": "RESPONSE",
            "message": {"text": "Дугаар: 12345674"},
        }
        shown = opposite.messages(psid=PERSON)
        assert result.provider_id == shown[-1]["sid"]

    def test_choices_are_quick_replies(self, opposite: SandboxServer) -> None:
        long = "Нэргүй үргэлжлүүлэхийг хүсэж байна"
        messenger().send(outbound("Зөвшөөрөх үү?", Choice("yes", "Тийм"), Choice("no", long)))
        ((yes, no),) = opposite.messages(psid=PERSON)[-1]["buttons"]
        assert yes == {"text": "Тийм", "data": "yes"}
        assert no["data"] == "no"
        assert len(no["text"]) <= 20
        assert no["text"].endswith("…")

    def test_thirteen_choices_fit(self, opposite: SandboxServer) -> None:
        choices = [Choice(str(number), f"Сонголт {number}") for number in range(13)]
        messenger().send(outbound("Аль нь вэ?", *choices))
        ((*row,),) = opposite.messages(psid=PERSON)[-1]["buttons"]
        assert len(row) == messenger().capabilities.buttons == 13

    def test_a_long_text_is_split_and_the_choices_come_last(self, opposite: SandboxServer) -> None:
        words = "Худаг хаалттай байна. " * 200
        result = messenger().send(outbound(words, Choice("yes", "Тийм")))
        shown = opposite.messages(psid=PERSON)
        assert [len(m["text"]) <= 2000 for m in shown] == [True, True, True]
        assert " ".join(m["text"] for m in shown) == words.strip()
        assert [bool(m["buttons"]) for m in shown] == [False, False, True]
        assert result.provider_id == shown[-1]["sid"]

    @pytest.mark.parametrize("address", [PERSON, "comment:77_1"])
    @pytest.mark.parametrize("text", ["", " \n "])
    def test_an_empty_text_is_not_sent(
        self, opposite: SandboxServer, text: str, address: str
    ) -> None:
        with pytest.raises(Rejected):
            messenger().send(outbound(text, address=address))
        assert opposite.calls("graph") == []

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            (1, ChannelDown),
            (2, ChannelDown),
            (4, Throttled),
            (10, WindowClosed),
            (32, Throttled),
            (100, Rejected),
            (190, ChannelDown),
            (200, ChannelDown),
            (551, AddressBlocked),
            (613, Throttled),
            (1200, ChannelDown),
            (10900, WindowClosed),
            (36009, Throttled),
        ],
    )
    def test_meta_says_no(self, opposite: SandboxServer, code: int, error: type[SendError]) -> None:
        opposite.behave("graph", "error", address=PERSON, code=code)
        with pytest.raises(error) as caught:
            messenger().send(outbound())
        # http.py answers for a 500, by its status
        assert caught.value.code == ("500" if code in (1, 2) else str(code))
        assert PERSON not in str(caught.value)
        opposite.behave("graph", "ok", address=PERSON)
        assert messenger().send(outbound()).provider_id

    @pytest.mark.parametrize(
        ("code", "subcode", "error"),
        [
            (10, 2018065, WindowClosed),
            (10, 2534022, WindowClosed),
            (10, 2018300, ChannelDown),
            (10, None, ChannelDown),  # the app lacks a permission
            (200, 1545041, AddressBlocked),
            (200, 2018028, ChannelDown),  # the app is not public yet
            (100, 2018001, AddressBlocked),
            (10, 2018108, AddressBlocked),
        ],
    )
    def test_a_subcode_tells_whose_fault_it_is(
        self,
        scripted: Scripted,
        environment: pytest.MonkeyPatch,
        code: int,
        subcode: int | None,
        error: type[SendError],
    ) -> None:
        environment.setenv("HARIU_MESSENGER_API", scripted.url)
        forget()
        told = {"message": f"about {PERSON}", "code": code, "error_subcode": subcode}
        scripted.then(400, json.dumps({"error": told}).encode())
        with pytest.raises(error) as caught:
            messenger().send(outbound())
        assert PERSON not in str(caught.value)

    def test_after_a_day_the_window_is_shut_until_the_person_writes(
        self, opposite: SandboxServer
    ) -> None:
        opposite.messenger(PERSON, text="Сайн уу", retry=False)
        assert messenger().send(outbound()).provider_id
        opposite.behave("graph", "window", seconds=0)
        with pytest.raises(WindowClosed) as caught:
            messenger().send(outbound())
        assert (caught.value.code, caught.value.retryable) == ("10", False)
        opposite.behave("graph", "window", seconds=3600)
        assert messenger().send(outbound()).provider_id

    def test_a_comment_is_answered_once_in_private(self, opposite: SandboxServer) -> None:
        comment = opposite.messenger(PERSON, comment="Ус алга", retry=False)["mid"]
        address = f"comment:{comment}"
        messenger().send(outbound("Дугаар: 12345674. " * 200, address=address))
        call = opposite.calls("graph")[-1]
        assert call["params"]["recipient"] == {"comment_id": comment}
        (public, private) = opposite.messages(psid=PERSON)
        assert (public["kind"], private["direction"]) == ("comment", "out")
        assert len(private["text"]) <= 2000
        with pytest.raises(WindowClosed) as caught:
            messenger().send(outbound(address=address))
        assert caught.value.code == "10900"

    def test_a_post_is_answered_in_private(self, opposite: SandboxServer) -> None:
        messenger().send(outbound(address=f"post:{PAGE}_88"))
        sent = opposite.calls("graph")[-1]["params"]
        assert sent["recipient"] == {"post_id": f"{PAGE}_88"}

    def test_a_wrong_token_is_for_the_operator(
        self, opposite: SandboxServer, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_MESSENGER_PAGE_TOKEN", "EAAexpired")
        forget()
        with pytest.raises(ChannelDown) as caught:
            messenger().send(outbound())
        assert (caught.value.code, caught.value.retryable) == ("190", True)

    def test_the_token_is_in_no_address(
        self, scripted: Scripted, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_MESSENGER_API", scripted.url)
        forget()
        scripted.then(200, b'{"recipient_id": "1", "message_id": "m_1"}')
        assert messenger().send(outbound()).provider_id == "m_1"
        assert PAGE_TOKEN not in scripted.requests[0][":path"]
        assert scripted.requests[0]["authorization"] == f"Bearer {PAGE_TOKEN}"

    @pytest.mark.parametrize("answer", [b"{}", b"[]", b'{"message_id": ""}'])
    def test_an_answer_without_an_id(
        self, scripted: Scripted, environment: pytest.MonkeyPatch, answer: bytes
    ) -> None:
        environment.setenv("HARIU_MESSENGER_API", scripted.url)
        forget()
        scripted.then(200, answer)
        with pytest.raises(Unanswered):
            messenger().send(outbound())

    def test_a_refusal_nobody_can_read(
        self, scripted: Scripted, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_MESSENGER_API", scripted.url)
        forget()
        scripted.then(403, b"<html>")
        with pytest.raises(ChannelDown) as caught:
            messenger().send(outbound())
        assert caught.value.code == "403"

    def test_nobody_at_home(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("HARIU_MESSENGER_API", "http://127.0.0.1:9")
        forget()
        with pytest.raises(ChannelDown):
            messenger().send(outbound())


class TestFetch:
    def receive(self, sandbox: SandboxServer, **what: object) -> Attachment:
        """The address of a file that a person sends, as the double tells it."""
        sandbox.messenger(PERSON, **what, retry=False)
        shown = sandbox.messages(psid=PERSON)[-1]["media"][0]
        return Attachment("image", url=f"{sandbox.url}{shown['url']}")

    def test_a_picture_comes_as_it_was_sent(self, opposite: SandboxServer) -> None:
        fetched = messenger().fetch(self.receive(opposite, image={"base64": "aGVsbG8="}))
        assert (fetched.content, fetched.content_type) == (b"hello", "image/jpeg")

    def test_a_lapsed_address(self, opposite: SandboxServer) -> None:
        with pytest.raises(Rejected) as caught:
            messenger().fetch(Attachment("image", url=f"{opposite.url}/graph/cdn/x/y.jpg"))
        assert caught.value.code == "403"

    def test_trouble_is_repeated_later(self, opposite: SandboxServer) -> None:
        wanted = self.receive(opposite, image={"base64": "aGVsbG8="})
        opposite.behave("graph", "500")
        with pytest.raises(ChannelDown):
            messenger().fetch(wanted)

    @pytest.mark.usefixtures("environment")
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "http://127.0.0.1:8001/metrics",
            "http://scontent.xx.fbcdn.net/a.jpg",
            "https://evilfbcdn.net/a.jpg",
            "https://scontent.fbcdn.net.example/a.jpg",
            "file:///etc/passwd",
        ],
    )
    def test_a_file_elsewhere_is_left_there(self, url: str) -> None:
        with pytest.raises(Rejected) as caught:
            messenger().fetch(Attachment("image", url=url))
        assert caught.value.code == "foreign"


class TestSetUp:
    def test_profile_in_three_languages(self, opposite: SandboxServer) -> None:
        lines = list(messenger().set_up(PUBLIC_URL))
        assert f"{PUBLIC_URL}/in/messenger" in lines[-1]
        assert "feed" in lines[-1]
        call = opposite.calls("graph")[-1]["params"]
        assert call["get_started"] == {"payload": "/start"}
        assert [item["locale"] for item in call["greeting"]] == ["default", "kk_KZ", "en_US"]
        menus = call["persistent_menu"]
        assert [menu["locale"] for menu in menus] == ["default", "kk_KZ", "en_US"]
        for menu in menus:
            payloads = [item["payload"] for item in menu["call_to_actions"]]
            assert payloads == ["/help", "/status", "/language"]
        titles = [[item["title"] for item in menu["call_to_actions"]] for menu in menus]
        assert titles == [
            ["Тусламж", "Гомдлын явц", "Хэл солих"],
            ["Көмек", "Шағымның барысы", "Тілді ауыстыру"],
            ["Help", "Where my grievance stands", "Change language"],
        ]
        assert [item["text"].split("!")[0] for item in call["greeting"]] == [
            "Сайн байна уу", "Сәлеметсіз бе", "Hello",
        ]  # fmt: skip
        assert list(messenger().check()) == []

    def test_get_started_comes_back_as_the_command(self, opposite: SandboxServer) -> None:
        list(messenger().set_up(PUBLIC_URL))
        opposite.messenger(PERSON, get_started={}, retry=False)
        assert opposite.messages(psid=PERSON)[-1]["text"] == "Get Started"


class TestCheck:
    def codes(self) -> list[str]:
        return [problem.code for problem in messenger().check()]

    def test_not_set_up(self, opposite: SandboxServer) -> None:
        assert self.codes() == ["messenger.profile"]

    def test_wrong_token(self, opposite: SandboxServer, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("HARIU_MESSENGER_PAGE_TOKEN", "EAAexpired")
        forget()
        assert self.codes() == ["messenger.token"]

    def test_down(self, opposite: SandboxServer) -> None:
        opposite.behave("graph", "500")
        assert self.codes() == ["messenger.down"]
