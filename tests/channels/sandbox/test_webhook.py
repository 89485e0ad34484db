"""Signatures by the vendors' written rules, checked against the vendors' own code."""

from __future__ import annotations

from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator

from channels.sandbox.server import SandboxServer
from channels.sandbox.webhook import twilio_signature
from config.settings import Settings
from tests.channels.sandbox.conftest import AUTH, Endpoint


def test_the_published_example() -> None:
    """https://www.twilio.com/docs/usage/security#validating-requests"""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    signature = twilio_signature("12345", url, params)
    assert signature == "GvWf1cFY/Q7PnoempGyD5oXAezc="
    assert RequestValidator("12345").validate(url, params, signature)


def test_an_sms_passes_the_vendors_check(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sandbox.sms("+97688110011", "Манай сумын худаг ширгэсэн, ус алга")
    (received,) = endpoint.received
    assert received.path == "/in/sms"
    params = dict(parse_qsl(received.body.decode(), keep_blank_values=True))
    signature = received.headers["X-Twilio-Signature"]
    check = RequestValidator(AUTH).validate
    assert check(endpoint.url + "/in/sms", params, signature)
    assert not check(endpoint.url + "/in/sms", params | {"Body": "other"}, signature)
    assert not check(endpoint.url + "/in/other", params, signature)


def test_an_update_carries_the_secret(
    sandbox: SandboxServer, endpoint: Endpoint, chosen: Settings
) -> None:
    sandbox.telegram(8001, text="Сайн уу")
    (received,) = endpoint.received
    assert received.path == "/in/telegram"
    secret = received.headers["X-Telegram-Bot-Api-Secret-Token"]
    assert secret == chosen.telegram_webhook_secret
