"""What the Twilio double remembers: messages with their media, and how it reports on them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from itertools import permutations
from threading import Lock
from typing import Any

from channels.sandbox.bounded import Bounded
from channels.sandbox.history import Entry
from channels.sandbox.webhook import Answer, post, twilio_request
from channels.sandbox.world import World
from config.clock import now
from store.text import measure

Json = dict[str, Any]

API = "2010-04-01"
OWN_NUMBER = "+15005550006"  # Twilio's own test number, where a service hides which number sends
_ORDER = ("queued", "sent", "delivered")


class Refusal(Exception):
    """Twilio says no: HTTP ``status``, its error ``code`` and message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Media:
    """One file of an MMS; ``content`` is empty where only a URL was given."""

    sid: str
    content_type: str
    content: bytes


@dataclass
class Sms:
    """One message, either way; ``status_url`` is where its fate is reported."""

    sid: str
    direction: str
    sender: str
    to: str
    body: str
    status: str
    created: datetime
    service: str | None = None
    status_url: str = ""
    error_code: int | None = None
    media: list[Media] = field(default_factory=list)
    entry: Entry | None = None

    @property
    def parts(self) -> int:
        """SMS parts; a message of media alone counts one."""
        return max(1, measure(self.body).parts)


def new_sid(kind: str) -> str:
    """A Twilio id: two letters and 32 hexadecimal digits."""
    return kind + secrets.token_hex(16)


@dataclass
class Twilio:
    """All of Twilio, as far as one account sees it."""

    world: World
    messages: Bounded[str, Sms] = field(default_factory=Bounded)
    lock: Lock = field(default_factory=Lock)

    @property
    def account(self) -> str:
        """The account SID the channel is configured with."""
        return self.world.settings.twilio_account_sid

    @property
    def token(self) -> str:
        """The auth token, which signs."""
        return self.world.settings.twilio_auth_token.get_secret_value()

    @property
    def number(self) -> str:
        """The number people see and write to."""
        sender = self.world.settings.twilio_from
        return sender if sender.startswith("+") else OWN_NUMBER

    @property
    def service(self) -> str | None:
        """The messaging service, if the channel sends through one."""
        sender = self.world.settings.twilio_from
        return sender if sender.startswith("MG") else None

    def add(self, sms: Sms) -> None:
        """Remember a message; ``GET …/Messages.json`` lists it from now on."""
        with self.lock:
            self.messages[sms.sid] = sms

    def all(self) -> list[Sms]:
        """Every message, newest first, as Twilio lists them."""
        with self.lock:
            return list(reversed(self.messages.values()))

    def accept(self, sms: Sms) -> None:
        """Take an outgoing message: it reaches the phone, and its fate is reported."""
        media = [{"url": "", "content_type": m.content_type} for m in sms.media]
        sms.entry = self.world.history.add(
            "sms",
            sms.to,
            "out",
            text=sms.body,
            status="queued",
            parts=sms.parts,
            sid=sms.sid,
            media=media,
            kind="media" if media else "text",
        )
        self.add(sms)
        callbacks = self.world.behaviour.callbacks
        reports = list(_ORDER)
        if callbacks.order == "failed":
            reports[-1] = "undelivered"
        elif callbacks.order == "shuffled":
            reports = list(secrets.choice([p for p in permutations(_ORDER) if p != _ORDER]))
        code = callbacks.code if callbacks.order == "failed" else None
        silent = callbacks.order == "none"
        self._report(sms, reports, callbacks.delay, code, silent=silent)

    def _report(
        self, sms: Sms, reports: list[str], delay: float, code: int | None, *, silent: bool
    ) -> None:
        """Send the next report after ``delay``, then the others, each after the one before."""

        def step() -> None:
            status, *rest = reports
            self._change(sms, status, code if status == "undelivered" else None)
            if sms.status_url and not silent:
                self._call_back(sms, status)
            if rest:
                self._report(sms, rest, delay, code, silent=silent)

        self.world.later.run(delay, step)

    def _change(self, sms: Sms, status: str, code: int | None) -> None:
        """The resource itself never goes back, whatever order the reports take."""
        if status in _ORDER and _ORDER.index(status) < _ORDER.index(sms.status):
            return
        sms.status, sms.error_code = status, code
        if status != "queued":  # a service has chosen its number by now
            sms.sender = sms.sender or self.number
        if sms.entry is not None:
            error = f"error {code}" if code else None
            self.world.history.change(sms.entry, status=status, error=error)

    def _call_back(self, sms: Sms, status: str) -> None:
        """https://www.twilio.com/docs/messaging/guides/track-outbound-message-status"""
        params = {
            "MessageSid": sms.sid,
            "MessageStatus": status,
            "To": sms.to,
            "From": sms.sender or self.number,
            "AccountSid": self.account,
            "ApiVersion": API,
            "SmsSid": sms.sid,
            "SmsStatus": status,
        }
        if sms.service:
            params["MessagingServiceSid"] = sms.service
        if status == "undelivered" and sms.error_code:
            params["ErrorCode"] = str(sms.error_code)
        http = self.world.http
        post(http, twilio_request(http, self.token, sms.status_url, params))

    def receive(self, sms: Sms, base: str, extra: dict[str, str]) -> Answer:
        """Bring a phone's message to our endpoint; if that fails it stays listed, nothing more.

        https://www.twilio.com/docs/messaging/guides/webhook-request
        """
        self.add(sms)
        params = {
            "MessageSid": sms.sid,
            "SmsMessageSid": sms.sid,
            "SmsSid": sms.sid,
            "SmsStatus": "received",
            "AccountSid": self.account,
            "From": sms.sender,
            "To": sms.to,
            "Body": sms.body,
            "NumMedia": str(len(sms.media)),
            "NumSegments": str(sms.parts),
            "FromCountry": "MN",
            "ApiVersion": API,
        }
        if sms.service:
            params["MessagingServiceSid"] = sms.service
        for index, media in enumerate(sms.media):
            params[f"MediaUrl{index}"] = base + media_uri(self.account, sms, media)
            params[f"MediaContentType{index}"] = media.content_type
        url = f"{self.world.settings.public_url}/in/sms"
        http = self.world.http
        return post(http, twilio_request(http, self.token, url, params | extra))


def new_sms(**fields: Any) -> Sms:
    """A message of this moment; ``fields`` are those of `Sms` but ``sid`` and ``created``."""
    kind = "MM" if fields.get("media") else "SM"
    sid = fields.pop("sid", None) or new_sid(kind)
    return Sms(sid=sid, created=now().replace(microsecond=0), **fields)


def media_uri(account: str, sms: Sms, media: Media) -> str:
    """The path of a media file."""
    return f"/{API}/Accounts/{account}/Messages/{sms.sid}/Media/{media.sid}"


def resource(account: str, sms: Sms) -> Json:
    """``sms`` as Twilio's Message resource; numbers of parts and files are texts there."""
    uri = f"/{API}/Accounts/{account}/Messages/{sms.sid}"
    date = format_datetime(sms.created)
    sent = None if sms.status == "queued" else date
    return {
        "sid": sms.sid,
        "account_sid": account,
        "messaging_service_sid": sms.service,
        "api_version": API,
        "direction": sms.direction,
        "from": sms.sender or None,
        "to": sms.to,
        "body": sms.body,
        "status": sms.status,
        "num_segments": str(sms.parts if sms.sender else 0),
        "num_media": str(len(sms.media)),
        "error_code": sms.error_code,
        "error_message": f"Error {sms.error_code}" if sms.error_code else None,
        "price": None,
        "price_unit": "USD",
        "date_created": date,
        "date_updated": date,
        "date_sent": sent,
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }
