"""SMS through Twilio: signed webhooks, status call-backs, sending and looking up by REST.

https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from channels import twilio_webhook
from channels.base import (
    Fetched,
    Problem,
    Rejected,
    Request,
    SendError,
    Unanswered,
    Unparseable,
)
from channels.fields import Json, file_kind, obj, objects, text, whole
from channels.twilio_rest import Codes, TwilioRest, moment
from channels.twilio_webhook import Params
from config.clock import now
from config.settings import Settings
from store.messages import (
    Attachment,
    Capabilities,
    DeliveryReport,
    Inbound,
    Kind,
    Outbound,
    OutboundState,
    SendResult,
)
from store.text import split_text

FOUND_WITHIN = timedelta(minutes=15)
PAGE = 200
MOST_MEDIA = 10  # https://www.twilio.com/docs/messaging/guides/webhook-request

# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
_STATES = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), OutboundState.SENT),
    **dict.fromkeys(("delivered", "read"), OutboundState.DELIVERED),
    **dict.fromkeys(("undelivered", "failed", "canceled"), OutboundState.FAILED),
}
_ARRIVED = "com.twilio.messaging.inbound-message.received"
# https://www.twilio.com/docs/api/errors: opted out; no phone number; no mobile number.
CODES = Codes(
    dead={"21610", "21211", "21217", "21614"},
    fast={"20429", "63018", "14107", "21611"},
    ours={"20003", "20005", "21603", "21606", "21659", "21660", "21701", "21703"},
)


class TwilioSms:
    """The sender ``chosen.twilio_from``, a number or a messaging service; it is ``account``."""

    code = "sms"
    capabilities = Capabilities(
        form="sms", longest=1600, units=134, media=True, per_second=10.0, abroad=True
    )

    def __init__(self, chosen: Settings) -> None:
        self.account = chosen.twilio_from
        self._token = chosen.twilio_auth_token.get_secret_value()
        self._rest = TwilioRest(self.code, chosen, CODES)
        self._on_loopback = chosen.on_loopback
        # Twilio refuses a call-back address that it can never reach (21609).
        reachable = bool(chosen.twilio_api) or not chosen.on_loopback
        self._status_url = f"{chosen.public_url}/in/sms/status" if reachable else ""

    def verify(self, request: Request) -> None:
        """https://www.twilio.com/docs/usage/webhooks/webhooks-security"""
        twilio_webhook.verify(request, self._token, any_loopback=self._on_loopback)

    def parse(self, request: Request) -> Sequence[Inbound | DeliveryReport]:
        """Messages and status reports; both routes may bring either."""
        found = (self._read(event) for event in twilio_webhook.events(request))
        return [item for item in found if item]

    def send(self, outbound: Outbound) -> SendResult:
        """https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource"""
        parts = split_text(outbound.text, self.capabilities.longest)
        if not parts:
            raise Rejected("the text is empty", code="empty")
        sender = "MessagingServiceSid" if self.account.startswith("MG") else "From"
        form = {"To": outbound.address, sender: self.account}
        if self._status_url:
            form["StatusCallback"] = self._status_url
        sid = ""
        for part in parts:
            sid = text(self._rest.call("POST", "Messages.json", form | {"Body": part}), "sid")
            if not sid:
                raise Unanswered("sms: answer without a message id", code="unreadable")
        return SendResult(sid)

    def find(self, outbound: Outbound) -> SendResult | None:
        """The newest message of this text to this number, of the last 15 minutes.

        Not filtered by ``DateSent``: a message that still waits has none.
        """
        parts = split_text(outbound.text, self.capabilities.longest)
        query = {"To": outbound.address, "PageSize": "20"}
        for message in objects(self._rest.call("GET", "Messages.json", query), "messages"):
            created = moment(text(message, "date_created"))
            same = text(message, "body").split() == parts[-1].split() if parts else False
            if same and created and now() - created <= FOUND_WITHIN:
                return SendResult(text(message, "sid"))
        return None

    def fetch(self, attachment: Attachment) -> Fetched:
        """https://www.twilio.com/docs/messaging/api/media-resource: a redirect to a file store."""
        if not self._ours(attachment.url):
            raise Rejected("the file is not at Twilio", code="foreign")
        return self._rest.file(attachment)

    def recent(self, since: datetime) -> Iterator[tuple[bytes, Sequence[Inbound]]]:
        """Messages people sent since ``since``, oldest first, to find those we missed.

        The raw event of each is a JSON object as `parse` takes it, so that it can be replayed.
        """
        for message in reversed(list(self._arrived(since))):
            params = self._as_webhook(message)
            try:
                inbound = replace(self._inbound(params), sent_at=moment(text(message, "date_sent")))
            except Unparseable:  # a withheld number
                continue
            yield json.dumps(params, ensure_ascii=False).encode(), [inbound]

    def check(self) -> Iterator[Problem]:
        """Whether Twilio lets us in."""
        try:
            self._rest.call("GET", "Messages.json", {"PageSize": "1"})
        except SendError as error:
            if error.code in ("20003", "20005", "401", "403"):
                advice = "Twilio refuses HARIU_TWILIO_ACCOUNT_SID and HARIU_TWILIO_AUTH_TOKEN"
                yield Problem("sms.credentials", f"{advice}, or the account is suspended")
            else:
                yield Problem("sms.down", f"Twilio does not answer as it should ({error.code})")

    def _arrived(self, since: datetime) -> Iterator[Json]:
        """Every inbound message of the list since ``since``, newest first, page after page."""
        query = {"DateSent>": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        if not self.account.startswith("MG"):
            query["To"] = self.account
        page = self._rest.call("GET", "Messages.json", query | {"PageSize": str(PAGE)})
        while True:
            for message in objects(page, "messages"):
                sent = moment(text(message, "date_sent"))
                if text(message, "direction") == "inbound" and sent and sent >= since:
                    yield message
            further = text(page, "next_page_uri")
            if not further:
                return
            page = self._rest.call("GET", f"{self._rest.base}{further}", {})

    def _as_webhook(self, message: Json) -> dict[str, str]:
        """A Message resource as the parameters its webhook had."""
        params = {
            "MessageSid": text(message, "sid"),
            "From": text(message, "from"),
            "To": text(message, "to"),
            "Body": text(message, "body"),
            "NumMedia": text(message, "num_media"),
        }
        if whole(message, "num_media"):
            uri = text(obj(message, "subresource_uris"), "media")
            listed = objects(self._rest.call("GET", f"{self._rest.base}{uri}", {}), "media_list")
            for number, media in enumerate(listed):
                path = text(media, "uri").removesuffix(".json")
                params[f"MediaUrl{number}"] = f"{self._rest.base}{path}"
                params[f"MediaContentType{number}"] = text(media, "content_type")
        return params

    def _read(self, event: Params) -> Inbound | DeliveryReport | None:
        """One event; None for those of other products, and for states that tell nothing."""
        if status := event.get("MessageStatus"):
            return self._report(event, status.lower())
        if "EventType" in event or event.get("EventName", _ARRIVED) != _ARRIVED:
            return None
        return self._inbound(event)

    def _report(self, event: Params, status: str) -> DeliveryReport | None:
        state = _STATES.get(status)
        if state is None:
            return None
        to, error = event.get("To", ""), event.get("ErrorCode", "")
        return DeliveryReport(self.code, self.account, _sid(event), state, to, error)

    def _inbound(self, event: Params) -> Inbound:
        # Other products of Twilio prefix the number; an SMS reaches the same phone.
        sender = re.sub(r"^(whatsapp|rcs):", "", event.get("From", "").strip())
        if not sender:
            raise Unparseable("no sender", code="unparseable.sender")
        attachments, payload = _attachments(event), event.get("ButtonPayload", "")
        kind = Kind.MEDIA if attachments else Kind.CHOICE if payload else Kind.TEXT
        return Inbound(
            self.code,
            self.account,
            _sid(event),
            sender,
            kind,
            event.get("Body") or event.get("ButtonText", ""),
            payload or event.get("OptOutType", ""),
            attachments,
        )

    def _ours(self, url: str) -> bool:
        """Whether ``url`` may see our password: our API's own host, or another one of Twilio's."""
        parts = urlsplit(url)
        twilio = parts.scheme == "https" and (parts.hostname or "").endswith(".twilio.com")
        return twilio or url.startswith(f"{self._rest.base}/")


def _sid(event: Params) -> str:
    sid = event.get("MessageSid") or event.get("SmsSid", "")
    if not sid:
        raise Unparseable("no message id", code="unparseable.id")
    return sid


def _attachments(event: Params) -> tuple[Attachment, ...]:
    number = min(whole(event, "NumMedia") or 0, MOST_MEDIA)
    found = [
        (event.get(f"MediaUrl{n}", ""), event.get(f"MediaContentType{n}", ""))
        for n in range(number)
    ]
    return tuple(Attachment(file_kind(kind), kind, url=url) for url, kind in found if url)
