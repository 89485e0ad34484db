"""Signed webhooks of Twilio, ready to be written to a socket."""

from __future__ import annotations

import base64
import hmac
from urllib.parse import urlencode, urlsplit

# https://www.twilio.com/docs/usage/webhooks/webhooks-security
TEXTS = (
    "Манай сумын худаг ширгэсэн, малчид холоос ус зөөж байна",
    "Біздің ауылда интернет жоқ, балалар сабаққа қатыса алмайды",
    "Сургуулийн цахим систем гурав хоног ажиллахгүй байна",
    "Камер миний хашаа руу харж байна, үүнийг эргүүлж өгнө үү",
)
OURS = "+97670000000"


def number(of: int) -> str:
    """The phone of the person ``of``; none of these numbers is given to anybody."""
    return f"+97600{of:06d}"


def form(of: int) -> dict[str, str]:
    """The first message of the person ``of``."""
    return {
        "MessageSid": f"SM{of:032x}",
        "AccountSid": "AC" + "0" * 32,
        "From": number(of),
        "To": OURS,
        "Body": TEXTS[of % len(TEXTS)],
        "NumMedia": "0",
    }


def body(of: int) -> bytes:
    """`form` as it comes over the wire."""
    return urlencode(form(of)).encode()


def signature(token: str, url: str, params: dict[str, str]) -> str:
    """By the vendor's rule: HMAC-SHA1 over the URL and the sorted parameters."""
    signed = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def request(url: str, token: str, of: int) -> bytes:
    """One whole HTTP request on a kept-alive connection."""
    content = body(of)
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nUser-Agent: TwilioProxy/1.1\r\n"
        f"X-Twilio-Signature: {signature(token, url, form(of))}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
