"""Messenger: who may call us, and what captured events say."""

from __future__ import annotations

import hmac
import json

import pytest

from channels.base import BadSignature, Channel, Request, Responds
from channels.messenger import Messenger
from channels.sandbox.webhook import messenger_signature
from config.settings import settings
from store.messages import Inbound
from tests.channels.cases import SignedBodyCases, changed, payloads
from tests.channels.conftest import PUBLIC_URL, SECRETS

HEADER = "x-hub-signature-256"
APP_SECRET = SECRETS["HARIU_MESSENGER_APP_SECRET"]
PAGE = "102030405060708"
PERSON = "9900000000000001"
NOTHING = {"message__without_id", "message__without_sender", "object__missing"}


def messenger() -> Messenger:
    return Messenger(settings())


@pytest.mark.usefixtures("environment")
class TestWebhook(SignedBodyCases):
    code = "messenger"

    @pytest.fixture
    def channel(self) -> Channel:
        return messenger()

    def request(self, body: bytes, *, secret: str | None = None) -> Request:
        signature = messenger_signature(APP_SECRET if secret is None else secret, body)
        headers = {HEADER: signature, "content-type": "application/json"}
        return Request("POST", f"{PUBLIC_URL}/in/messenger", headers, body, path="/in/messenger")

    def unsigned(self, request: Request) -> Request:
        return changed(request, headers={"content-type": "application/json"})

    def message(self, text: str) -> bytes:
        event = {
            "sender": {"id": PERSON},
            "recipient": {"id": PAGE},
            "timestamp": 1795000000123,
            "message": {"mid": "m_1", "text": text},
        }
        entry = {"id": PAGE, "time": 1795000000500, "messaging": [event]}
        return json.dumps({"object": "page", "entry": [entry]}, ensure_ascii=False).encode()

    def unknown_event(self) -> bytes:
        event = {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "hologram": {"id": "1"}}
        return json.dumps(
            {"object": "page", "entry": [{"id": PAGE, "messaging": [event]}]}
        ).encode()

    def test_a_body_with_every_letter_escaped(self, channel: Channel) -> None:
        body = json.dumps(json.loads(self.message("Ус алга"))).encode()
        assert [self.text_of(item) for item in self.take(channel, body)] == ["Ус алга"]

    def test_the_older_signature_is_not_enough(self, channel: Channel) -> None:
        body = self.message("Ус алга")
        sha1 = hmac.new(APP_SECRET.encode(), body, "sha1").hexdigest()
        headers = {"x-hub-signature": f"sha1={sha1}", HEADER: f"sha1={sha1}"}
        with pytest.raises(BadSignature):
            channel.verify(Request("POST", "", headers, body))

    def test_all_captured_messages_differ(self, channel: Channel) -> None:
        found = []
        for path in payloads("messenger"):
            if path.stem not in NOTHING:
                said = self.take(channel, path.read_bytes())
                found += [item.external_id for item in said if isinstance(item, Inbound)]
        assert len(found) == len(set(found)) > 35

    def test_a_message_is_answered_with_nothing(self, channel: Channel) -> None:
        assert isinstance(channel, Responds)
        assert channel.respond(self.request(self.message("x"))) is None


@pytest.mark.usefixtures("environment")
class TestHandshake:
    """https://developers.facebook.com/docs/graph-api/webhooks/getting-started"""

    def ask(self, **changes: str) -> Request:
        query = {
            "hub.mode": "subscribe",
            "hub.challenge": "1158201444",
            "hub.verify_token": SECRETS["HARIU_MESSENGER_VERIFY_TOKEN"],
        }
        return Request("GET", f"{PUBLIC_URL}/in/messenger", {}, b"", query | changes)

    def test_the_challenge_comes_back_alone(self) -> None:
        channel = messenger()
        channel.verify(self.ask())
        answer = channel.respond(self.ask())
        assert answer is not None
        assert (answer.status, answer.body) == (200, "1158201444")
        assert answer.content_type.startswith("text/plain")  # never run by a browser

    @pytest.mark.parametrize("token", ["", "another", "нууц", "\udcff", "channel-test-verify "])
    def test_a_wrong_token(self, token: str) -> None:
        with pytest.raises(BadSignature):
            messenger().verify(self.ask(**{"hub.verify_token": token}))

    def test_another_mode(self) -> None:
        with pytest.raises(BadSignature):
            messenger().verify(self.ask(**{"hub.mode": "unsubscribe"}))

    def test_a_signature_is_no_verify_token(self) -> None:
        request = Request("GET", "", {HEADER: messenger_signature(APP_SECRET, b"")}, b"")
        with pytest.raises(BadSignature):
            messenger().verify(request)
