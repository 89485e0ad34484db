"""SMS by Twilio: who may call us, and what captured events say."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest

from channels.base import (
    BadSignature,
    Channel,
    Request,
)
from channels.sandbox.webhook import twilio_signature
from channels.sms_twilio import TwilioSms
from config.settings import settings
from store.messages import Inbound
from tests.channels.cases import SignedBodyCases, changed, payloads
from tests.channels.conftest import NUMBER, PUBLIC_URL, SECRETS, forget

PHONE = "+97688110001"
AUTH = SECRETS["HARIU_TWILIO_AUTH_TOKEN"]
URL = f"{PUBLIC_URL}/in/sms"


def sms() -> TwilioSms:
    return TwilioSms(settings())


def signed(body: bytes, url: str = URL, secret: str = AUTH, signed_url: str = "") -> Request:
    """``body`` posted to ``url``, signed by Twilio's written rule for ``signed_url``."""
    if body[:1] in (b"{", b"["):
        url += f"?bodySHA256={hashlib.sha256(body).hexdigest()}"
        params = {}
    else:
        params = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    signature = twilio_signature(secret, signed_url or url, params)
    query = dict(parse_qsl(url.partition("?")[2]))
    return Request("POST", url, {"x-twilio-signature": signature}, body, query, params, "/in/sms")


@pytest.mark.usefixtures("environment")
class TestWebhook(SignedBodyCases):
    code = "sms"

    @pytest.fixture
    def channel(self) -> Channel:
        return sms()

    def request(self, body: bytes, *, secret: str | None = None) -> Request:
        return signed(body, secret=AUTH if secret is None else secret)

    def unsigned(self, request: Request) -> Request:
        return changed(request, headers={})

    def message(self, text: str) -> bytes:
        form = {"MessageSid": "SM1", "From": PHONE, "To": NUMBER, "Body": text, "NumMedia": "0"}
        return urlencode(form).encode()

    def unknown_event(self) -> bytes:
        return b"EventType=onHologramAdded&AccountSid=AC1"

    def test_all_captured_events_differ(self, channel: Channel) -> None:
        found = set()
        for path in payloads("sms"):
            expected = json.loads(path.with_name(f"{path.stem}.expected.json").read_text())
            if isinstance(expected, list):
                found |= {
                    item.external_id
                    if isinstance(item, Inbound)
                    else (item.provider_id, item.state)
                    for item in self.take(channel, path.read_bytes())
                }
        assert len(found) > 40

    @pytest.mark.parametrize(
        ("url", "signed_url"),
        [
            ("https://hariu.example.org/in/sms", "https://hariu.example.org:443/in/sms"),
            ("https://hariu.example.org:8443/in/sms", "https://hariu.example.org/in/sms"),
            ("https://hariu.example.org/in/sms?a=1&b=%20", "https://hariu.example.org:443/in/sms?a=1&b=%20"),
            ("http://192.0.2.7/in/sms", "http://192.0.2.7:80/in/sms"),
        ],
    )  # fmt: skip
    def test_signed_with_or_without_the_port(
        self, channel: Channel, url: str, signed_url: str
    ) -> None:
        channel.verify(signed(self.message("Ус алга"), url, signed_url=signed_url))

    @pytest.mark.parametrize(
        "signed_url",
        [
            "https://hariu.example.org/in/sms/status",
            "http://hariu.example.org/in/sms",
            "https://hariu.example.org.evil.example/in/sms",
            "https://hariu.example.org/in/sms?a=1",
            "http://127.0.0.1/in/sms",
        ],
    )
    def test_signed_for_another_address(self, channel: Channel, signed_url: str) -> None:
        with pytest.raises(BadSignature):
            channel.verify(signed(self.message("Ус алга"), signed_url=signed_url))

    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
    def test_this_machine_by_any_name(self, environment: pytest.MonkeyPatch, host: str) -> None:
        environment.setenv("HARIU_PUBLIC_URL", "http://127.0.0.1:8000")
        forget()
        here = "http://127.0.0.1:8000/in/sms"
        sms().verify(signed(self.message("Ус алга"), here, signed_url=f"http://{host}/in/sms"))
        other = f"http://{host}/in/sms".replace("8000", "8001")
        with pytest.raises(BadSignature):
            sms().verify(signed(self.message("Ус алга"), here, signed_url=other))

    def test_a_json_body_needs_its_hash(self, channel: Channel) -> None:
        body = b'{"MessageSid": "SM1", "From": "+97688110001", "Body": "x"}'
        good = signed(body)
        channel.verify(good)
        with pytest.raises(BadSignature):
            channel.verify(changed(good, body=body.replace(b'"x"', b'"y"')))
        bare = twilio_signature(AUTH, URL, {})
        with pytest.raises(BadSignature):
            channel.verify(changed(good, url=URL, query={}, headers={"x-twilio-signature": bare}))

    def test_a_parameter_given_twice(self, channel: Channel) -> None:
        body = self.message("Ус алга")
        request = signed(body)
        with pytest.raises(BadSignature):
            channel.verify(changed(request, body=body + b"&Body=" + quote_plus("Худал").encode()))
