"""What each request of a call says: bodies as Twilio posts them, beside what we make of them."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from channels.base import BadSignature, Request, Unparseable
from channels.sandbox.webhook import twilio_signature
from channels.voice import TwilioVoice
from config import clock
from config.settings import settings
from tests.channels.cases import payloads, plain
from tests.channels.conftest import PUBLIC_URL, SECRETS

BODIES = payloads("voice")


@pytest.fixture
def channel(environment: pytest.MonkeyPatch) -> TwilioVoice:
    environment.setattr(clock, "in_hours", lambda moment, profile: False)
    return TwilioVoice(settings())


def request(path: str, body: bytes, token: str = SECRETS["HARIU_TWILIO_AUTH_TOKEN"]) -> Request:
    url = f"{PUBLIC_URL}{path}"
    params = dict(parse_qsl(body.decode(), keep_blank_values=True))
    signature = twilio_signature(token, url, params)
    query = dict(parse_qsl(urlsplit(url).query))
    headers = {"x-twilio-signature": signature}
    return Request("POST", url, headers, body, query, params, urlsplit(url).path)


@pytest.mark.parametrize("body", BODIES, ids=lambda path: path.stem)
def test_payload(channel: TwilioVoice, body: Path) -> None:
    expected = json.loads(body.with_name(f"{body.stem}.expected.json").read_text("utf-8"))
    incoming = request(expected["path"], body.read_bytes())
    channel.verify(incoming)
    if "unparseable" in expected:
        with pytest.raises(Unparseable) as caught:
            channel.parse(incoming)
        assert caught.value.code == expected["unparseable"]
    else:
        assert plain(channel.parse(incoming)) == expected["says"]
        assert channel.parse(incoming) == channel.parse(incoming)


def test_every_kind_of_request_has_a_payload() -> None:
    kinds = {body.stem.split("__")[0] for body in BODIES}
    assert kinds == {"ring", "key", "recorded", "recording", "status", "person", "broken"}


@pytest.mark.parametrize("body", BODIES, ids=lambda path: path.stem)
def test_each_must_be_signed(channel: TwilioVoice, body: Path) -> None:
    expected = json.loads(body.with_name(f"{body.stem}.expected.json").read_text("utf-8"))
    with pytest.raises(BadSignature):
        channel.verify(request(expected["path"], body.read_bytes(), "another token"))
    moved = request(expected["path"], body.read_bytes())
    with pytest.raises(BadSignature):
        channel.verify(Request("POST", f"{PUBLIC_URL}/in/voice/other", moved.headers, moved.body))
