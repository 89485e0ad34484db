"""SMS by Twilio: sending, finding, fetching and reconciling against its double."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from email.utils import format_datetime
from functools import partial

import pytest

from channels.base import (
    AddressBlocked,
    Channel,
    ChannelDown,
    Fetches,
    Finds,
    Rejected,
    Request,
    SendError,
    Throttled,
    Unanswered,
)
from channels.sandbox.server import SandboxServer
from channels.sms_twilio import TwilioSms
from config.clock import now
from config.settings import settings
from store.messages import Attachment, DeliveryReport, Inbound, Kind, Outbound, OutboundState
from tests.channels.conftest import ACCOUNT, NUMBER, PUBLIC_URL, SECRETS, Scripted, forget
from tests.channels.outages import Behave, OutageCases

PHONE = "+97688110001"
AUTH = SECRETS["HARIU_TWILIO_AUTH_TOKEN"]
URL = f"{PUBLIC_URL}/in/sms"
SERVICE = "MG" + "0" * 31 + "1"


def sms() -> TwilioSms:
    return TwilioSms(settings())


def outbound(text: str = "Таны гомдлыг бүртгэлээ", address: str = PHONE) -> Outbound:
    return Outbound(1, "sms", NUMBER, address, text, "key-1")


@pytest.mark.usefixtures("environment")
def test_what_it_is() -> None:
    channel = sms()
    assert (channel.code, channel.account) == ("sms", NUMBER)
    assert (channel.capabilities.form, channel.capabilities.units) == ("sms", 134)
    for protocol in (Channel, Fetches, Finds):
        assert isinstance(channel, protocol)


class TestSend:
    def test_from_our_number(self, opposite: SandboxServer) -> None:
        result = sms().send(outbound())
        call = opposite.calls("twilio")[-1]
        assert call["path"] == f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        assert call["params"] == {
            "To": PHONE,
            "From": NUMBER,
            "Body": "Таны гомдлыг бүртгэлээ",
            "StatusCallback": f"{settings().public_url}/in/sms/status",
        }
        assert opposite.messages(phone=PHONE)[-1]["sid"] == result.provider_id

    def test_through_a_messaging_service(
        self, opposite: SandboxServer, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_TWILIO_FROM", SERVICE)
        forget()
        opposite.world.settings = settings()
        sms().send(outbound())
        params = opposite.calls("twilio")[-1]["params"]
        assert params["MessagingServiceSid"] == SERVICE
        assert "From" not in params

    def test_more_than_twilio_takes_at_once(self, opposite: SandboxServer) -> None:
        words = "Худаг хаалттай байна. " * 150
        result = sms().send(outbound(words))
        shown = opposite.messages(phone=PHONE)
        assert " ".join(m["text"] for m in shown) == words.strip()
        assert len(shown) == 3
        assert shown[-1]["sid"] == result.provider_id

    def test_no_call_back_where_twilio_cannot_reach(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("HARIU_PUBLIC_URL", "http://127.0.0.1:8000")
        forget()
        assert sms()._status_url == ""

    @pytest.mark.parametrize(
        ("code", "error", "retryable"),
        [
            (21610, AddressBlocked, False),
            (21211, AddressBlocked, False),
            (21614, AddressBlocked, False),
            (21408, Rejected, False),
            (21612, Rejected, False),
            (21617, Rejected, False),
            (63018, Throttled, True),
            (20429, Throttled, True),
            (21606, ChannelDown, True),
            (99999, Rejected, False),
        ],
    )
    def test_codes(
        self, opposite: SandboxServer, code: int, error: type[SendError], retryable: bool
    ) -> None:
        opposite.behave("twilio", "error", address=PHONE, code=code)
        with pytest.raises(error) as caught:
            sms().send(outbound())
        assert (caught.value.code, caught.value.retryable) == (str(code), retryable)
        assert PHONE.strip("+") not in str(caught.value)

    def test_no_phone_number_at_all(self, opposite: SandboxServer) -> None:
        with pytest.raises(AddressBlocked) as caught:
            sms().send(outbound(address="TURSHILT"))
        assert caught.value.code == "21211"

    @pytest.mark.parametrize("text", ["", " "])
    def test_an_empty_text_is_not_sent(self, opposite: SandboxServer, text: str) -> None:
        with pytest.raises(Rejected):
            sms().send(outbound(text))
        assert opposite.calls("twilio") == []

    def test_a_wrong_token_is_for_the_operator(
        self, opposite: SandboxServer, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_TWILIO_AUTH_TOKEN", "revoked")
        forget()
        with pytest.raises(ChannelDown) as caught:
            sms().send(outbound())
        assert caught.value.code == "20003"

    def test_a_page_that_is_not_twilios_refuses_nothing(
        self, scripted: Scripted, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_TWILIO_API", scripted.url)
        forget()
        scripted.then(400, b"<html>The proxy is tired</html>")
        scripted.then(302, b"", Location="https://login.example.org/")
        for _ in range(2):
            with pytest.raises(ChannelDown):
                sms().send(outbound())


class TestOutages(OutageCases):
    secrets = (AUTH, ACCOUNT, PHONE.strip("+"))

    @pytest.fixture
    def behave(self, opposite: SandboxServer) -> Behave:
        return partial(opposite.behave, "twilio")

    def sender(self) -> Channel:
        return sms()

    def letter(self) -> Outbound:
        return outbound()


class TestTrouble:
    """An answer that does not come says nothing about the message: `find` does."""

    @pytest.mark.parametrize(
        ("mode", "switches", "taken"),
        [
            ("timeout", {"seconds": 3, "accept": True}, True),
            ("timeout", {"seconds": 3, "accept": False}, False),
            ("drop", {"accept": True}, True),
            ("drop", {"accept": False}, False),
            ("garbage", {"accept": True}, True),
            ("garbage", {"accept": False}, False),
        ],
    )
    def test_unanswered(
        self, opposite: SandboxServer, mode: str, switches: dict[str, object], taken: bool
    ) -> None:
        opposite.behave("twilio", mode, **switches)
        with pytest.raises(Unanswered) as caught:
            sms().send(outbound())
        for secret in (AUTH, ACCOUNT, PHONE.strip("+"), opposite.url):
            assert secret not in str(caught.value)
        opposite.behave("twilio", "ok")
        found = sms().find(outbound())
        assert (found is not None) == taken
        if found:
            assert found.provider_id == opposite.messages(phone=PHONE)[-1]["sid"]

    def test_an_error_of_twilios_own(self, opposite: SandboxServer) -> None:
        opposite.behave("twilio", "500")
        with pytest.raises(ChannelDown) as caught:
            sms().send(outbound())
        assert caught.value.code == "500"
        opposite.behave("twilio", "ok")
        assert sms().find(outbound()) is None

    def test_only_the_same_words_to_the_same_number_are_found(
        self, opposite: SandboxServer
    ) -> None:
        sms().send(outbound())
        assert sms().find(outbound("Өөр үг")) is None
        assert sms().find(outbound(address="+97688110002")) is None
        assert sms().find(outbound(" Таны  гомдлыг бүртгэлээ ")) is not None

    def test_a_long_text_is_found_when_its_end_was_taken(self, opposite: SandboxServer) -> None:
        words = " ".join(f"үг{number}" for number in range(500))
        sent = sms().send(outbound(words))
        assert sms().find(outbound(words)) == sent

    def test_an_old_message_is_not_this_one(
        self, scripted: Scripted, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_TWILIO_API", scripted.url)
        forget()
        for minutes, found in ((16, False), (14, True)):
            created = format_datetime(now() - timedelta(minutes=minutes))
            message = {"sid": "SM1", "body": outbound().text, "date_created": created}
            scripted.then(200, json.dumps({"messages": [message]}).encode())
            assert (sms().find(outbound()) is not None) == found


class TestFetch:
    PICTURE = base64.b64encode(b"\x89PNG picture").decode()

    def test_a_photo(self, opposite: SandboxServer) -> None:
        attachment = self.receive(opposite)
        fetched = sms().fetch(attachment)
        assert (fetched.content, fetched.content_type) == (b"\x89PNG picture", "image/png")

    def test_the_file_store_never_sees_the_password(
        self, scripted: Scripted, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_TWILIO_API", scripted.url)
        forget()
        scripted.then(307, b"", Location=f"{scripted.url}/store/1")
        scripted.then(200, b"picture", Content_Type="image/png")
        fetched = sms().fetch(Attachment("image", url=f"{scripted.url}/media/1"))
        assert (fetched.content, fetched.content_type) == (b"picture", "image/png")
        first, second = scripted.requests
        assert first["authorization"].startswith("Basic ")
        assert (second[":path"], "authorization" in second) == ("/store/1", False)

    def test_one_redirect_is_enough(
        self, scripted: Scripted, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_TWILIO_API", scripted.url)
        forget()
        for _ in range(2):
            scripted.then(307, b"", Location="/again")
        with pytest.raises(ChannelDown):
            sms().fetch(Attachment("image", url=f"{scripted.url}/media/1"))
        assert len(scripted.requests) == 2

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.org/photo.jpg",
            "https://api.twilio.com.example.org/x",
            "http://api.twilio.com/x",
            "file:///etc/passwd",
            "",
        ],
    )
    @pytest.mark.usefixtures("environment")
    def test_the_password_is_for_twilio_alone(self, url: str) -> None:
        with pytest.raises(Rejected):
            sms().fetch(Attachment("image", url=url))

    def test_a_file_that_is_not_there_yet(self, opposite: SandboxServer) -> None:
        attachment = self.receive(opposite)
        missing = Attachment("image", url=attachment.url[:-1] + "x")
        with pytest.raises(ChannelDown) as caught:
            sms().fetch(missing)
        assert caught.value.code == "404"

    def receive(self, opposite: SandboxServer) -> Attachment:
        part = {"content_type": "image/png", "base64": self.PICTURE}
        opposite.sms(PHONE, "Зураг", media=[part])
        ((_, (inbound,)),) = sms().recent(now() - timedelta(minutes=1))
        assert inbound.kind is Kind.MEDIA
        return inbound.attachments[0]


class TestRecent:
    def test_what_people_sent_oldest_first(self, opposite: SandboxServer) -> None:
        for text in ("нэг", "хоёр", "гурав"):
            opposite.sms(PHONE, text)
        sms().send(outbound())
        found = list(sms().recent(now() - timedelta(minutes=5)))
        assert [said[0].text for _, said in found] == ["нэг", "хоёр", "гурав"]
        assert all(said[0].sent_at for _, said in found)

    def test_the_same_message_has_the_same_id_by_webhook(self, opposite: SandboxServer) -> None:
        sent = opposite.sms(PHONE, "нэг")
        ((raw, (inbound,)),) = sms().recent(now() - timedelta(minutes=5))
        assert inbound.external_id == sent["sid"]
        (again,) = sms().parse(Request("POST", URL, {}, raw))
        assert isinstance(again, Inbound)
        assert (again.external_id, again.text) == (inbound.external_id, inbound.text)

    def test_page_after_page(
        self, opposite: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("channels.sms_twilio.PAGE", 2)
        for number in range(5):
            opposite.sms(PHONE, str(number))
        found = [said[0].text for _, said in sms().recent(now() - timedelta(minutes=5))]
        assert found == ["0", "1", "2", "3", "4"]
        listed = [call for call in opposite.calls("twilio") if call["method"] == "GET"]
        assert len(listed) == 3

    def test_not_before_the_outage(self, opposite: SandboxServer) -> None:
        opposite.sms(PHONE, "нэг")
        assert list(sms().recent(now() + timedelta(minutes=1))) == []

    def test_a_withheld_number_stops_nothing(
        self, scripted: Scripted, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_TWILIO_API", scripted.url)
        forget()
        moment = format_datetime(now())
        messages = [
            {
                "sid": f"SM{n}",
                "from": sender,
                "body": "x",
                "direction": "inbound",
                "date_sent": moment,
            }
            for n, sender in enumerate(["+97688110001", None, "+97688110002"])
        ]
        scripted.then(200, json.dumps({"messages": messages}).encode())
        found = [said[0].address for _, said in sms().recent(now() - timedelta(minutes=5))]
        assert found == ["+97688110002", "+97688110001"]


class TestWholeWay:
    """The double signs and posts to a real server that verifies and parses."""

    def test_reports_follow_a_message(
        self, opposite: SandboxServer, scripted: Scripted, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_PUBLIC_URL", scripted.url)
        forget()
        opposite.behave("twilio", callbacks="failed", code=30003, delay=0.01)
        sent = sms().send(outbound())
        found = [self.read(scripted, number) for number in range(3)]
        assert [report.provider_id for report in found] == [sent.provider_id] * 3
        states = [OutboundState.SENT, OutboundState.SENT, OutboundState.FAILED]
        assert [report.state for report in found] == states
        assert [report.error for report in found] == ["", "", "30003"]

    def test_a_phone_writes(
        self, opposite: SandboxServer, scripted: Scripted, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_PUBLIC_URL", scripted.url)
        forget()
        opposite.world.settings = settings()
        opposite.sms(PHONE, "Ус алга 😡 100% & more")
        request = scripted.received(0)
        sms().verify(request)
        (inbound,) = sms().parse(request)
        assert isinstance(inbound, Inbound)
        assert (inbound.address, inbound.text) == (PHONE, "Ус алга 😡 100% & more")

    @staticmethod
    def read(scripted: Scripted, number: int) -> DeliveryReport:
        request = scripted.received(number)
        sms().verify(request)
        (report,) = sms().parse(request)
        assert isinstance(report, DeliveryReport)
        return report


class TestCheck:
    def codes(self) -> list[str]:
        return [problem.code for problem in sms().check()]

    def test_all_is_well(self, opposite: SandboxServer) -> None:
        assert self.codes() == []

    def test_wrong_token(self, opposite: SandboxServer, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("HARIU_TWILIO_AUTH_TOKEN", "revoked")
        forget()
        assert self.codes() == ["sms.credentials"]

    @pytest.mark.parametrize("mode", ["500", "drop", "garbage"])
    def test_down(self, opposite: SandboxServer, mode: str) -> None:
        opposite.behave("twilio", mode)
        assert self.codes() == ["sms.down"]
