"""What Twilio's webhooks share, SMS and calls alike: the signature and the parameters. Pure.

Both read the raw body, so that nothing is believed that was not signed.
https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from twilio.request_validator import RequestValidator

from channels.base import BadSignature, Request, Unparseable
from channels.fields import parsed, same, text
from config.settings import LOOPBACK

Params = Mapping[str, str]


def verify(request: Request, auth_token: str, *, any_loopback: bool = False) -> None:
    """Raise `BadSignature` unless ``request`` is signed with ``auth_token``.

    ``any_loopback``: a URL on this machine may be signed under another of its names.
    """
    if _is_json(request.body):
        # The signature covers the URL alone, and the URL the body by its hash.
        digest = hashlib.sha256(request.body).hexdigest()
        if not same(request.query.get("bodySHA256", ""), digest):
            raise BadSignature("bodySHA256 is missing or wrong")
        signed: Params = {}
    else:
        signed = _form(request.body)
    given = request.headers.get("x-twilio-signature", "")
    validator = RequestValidator(auth_token)
    for url in _spellings(request.url, any_loopback):
        if same(given, str(validator.compute_signature(url, signed))):
            return
    raise BadSignature("X-Twilio-Signature is missing or wrong")


def events(request: Request) -> list[Params]:
    """The parameters of each event in ``request``, named as in a form (``MessageSid``).

    A form is one event; a JSON body is an object of the same names, or a list of CloudEvents:
    https://www.twilio.com/docs/events/webhook-quickstart. Raises `Unparseable`.
    """
    if not _is_json(request.body):
        return [_form(request.body)]
    found = parsed(request.body)
    return [_named(item) for item in (found if isinstance(found, list) else [found])]


def _named(event: object) -> Params:
    data = event.get("data", event) if isinstance(event, dict) else None
    if not isinstance(data, dict):
        raise Unparseable("not an event")
    return {name[:1].upper() + name[1:]: text(data, name) for name in data}


def _is_json(body: bytes) -> bool:
    """By the body itself: no parameter of Twilio's begins so, and its type may not be at hand."""
    return body.lstrip()[:1] in (b"{", b"[")


def _form(body: bytes) -> Params:
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _spellings(url: str, any_loopback: bool) -> Iterator[str]:
    """``url`` as Twilio may have signed it: with or without the port."""
    yield url
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    for name in sorted(LOOPBACK) if any_loopback else [parts.hostname or ""]:
        host = f"[{name}]" if ":" in name else name
        for netloc in (host, f"{host}:{port}"):
            yield parts._replace(netloc=netloc).geturl()
