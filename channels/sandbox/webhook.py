"""Calling Hariu's endpoints as the providers do, signed by their written rules.

Written from the vendors' pages alone, apart from the adapters and the vendors' packages, so that
a mistake there is not repeated here.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass

import httpx

TELEGRAM_HEADER = "X-Telegram-Bot-Api-Secret-Token"
TWILIO_SECONDS = 15.0  # https://www.twilio.com/docs/messaging/guides/webhook-request


@dataclass(frozen=True)
class Answer:
    """How our endpoint answered; ``status`` is None when it did not."""

    status: int | None
    body: str

    @property
    def ok(self) -> bool:
        """Whether a provider takes this for success."""
        return self.status is not None and 200 <= self.status < 300


def client() -> httpx.Client:
    """The client that plays the providers' own: no proxy, no redirect followed."""
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
    return httpx.Client(timeout=TWILIO_SECONDS, trust_env=False, limits=limits)


def post(http: httpx.Client, request: httpx.Request) -> Answer:
    """Send ``request``; a broken connection is an answer too."""
    try:
        response = http.send(request)
    except httpx.HTTPError as error:
        return Answer(None, type(error).__name__)
    return Answer(response.status_code, response.text[:10_000])


def twilio_signature(auth_token: str, url: str, params: dict[str, str]) -> str:
    """``X-Twilio-Signature`` of a form POST: https://www.twilio.com/docs/usage/security."""
    signed = url + "".join(name + params[name] for name in sorted(params))
    digest = hmac.new(auth_token.encode(), signed.encode(), "sha1").digest()
    return base64.b64encode(digest).decode()


def twilio_request(
    http: httpx.Client, auth_token: str, url: str, params: dict[str, str]
) -> httpx.Request:
    """A signed form POST as Twilio sends it."""
    headers = {
        "X-Twilio-Signature": twilio_signature(auth_token, url, params),
        "User-Agent": "TwilioProxy/1.1",
    }
    return http.build_request("POST", url, data=params, headers=headers)


def telegram_request(
    http: httpx.Client, url: str, secret: str, update: dict[str, object]
) -> httpx.Request:
    """An update with the webhook's secret: https://core.telegram.org/bots/api#setwebhook."""
    headers = {TELEGRAM_HEADER: secret} if secret else {}
    return http.build_request("POST", url, json=update, headers=headers)


def messenger_signature(app_secret: str, body: bytes) -> str:
    """``X-Hub-Signature-256``: https://developers.facebook.com/docs/graph-api/webhooks/getting-started."""
    return "sha256=" + hmac.new(app_secret.encode(), body, "sha256").hexdigest()


def messenger_request(
    http: httpx.Client, url: str, app_secret: str, event: dict[str, object]
) -> httpx.Request:
    """A signed event as Meta posts it: every letter beyond ASCII escaped."""
    body = json.dumps(event).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Hub-Signature-256": messenger_signature(app_secret, body),
        "User-Agent": "facebookexternalua",
    }
    return http.build_request("POST", url, content=body, headers=headers)
