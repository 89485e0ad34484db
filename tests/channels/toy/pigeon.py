"""Pigeon post: signed JSON in, JSON out. No such platform exists."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence

from channels import http
from channels.base import (
    BadSignature,
    ChannelDown,
    Problem,
    Rejected,
    Request,
    Unanswered,
    Unparseable,
)
from channels.fields import Json, moment, obj, parsed, same, text
from store.messages import (
    Capabilities,
    DeliveryReport,
    Inbound,
    Outbound,
    OutboundState,
    SendResult,
)
from store.text import split_text

_STATES = {"landed": OutboundState.DELIVERED, "lost": OutboundState.FAILED}


class Pigeon:
    """The loft at ``url``; it signs with ``secret`` and knows us as ``account``."""

    code = "pigeon"
    account = "loft-1"
    capabilities = Capabilities(form="chat", longest=500, per_second=5.0)

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret

    def verify(self, request: Request) -> None:
        signature = hmac.new(self._secret.encode(), request.body, "sha256").hexdigest()
        if not same(request.headers.get("x-pigeon-signature", ""), signature):
            raise BadSignature("X-Pigeon-Signature is missing or wrong")

    def parse(self, request: Request) -> Sequence[Inbound | DeliveryReport]:
        event = parsed(request.body)
        if not isinstance(event, dict):
            raise Unparseable("not an event")
        found = self._message(obj(event, "note")) or self._report(obj(event, "ring"))
        return [found] if found else []

    def send(self, outbound: Outbound) -> SendResult:
        parts = split_text(outbound.text, self.capabilities.longest)
        if not parts:
            raise Rejected("the text is empty", code="empty")
        return SendResult([self._fly(outbound, part) for part in parts][-1])

    def check(self) -> Iterator[Problem]:
        if not self._secret:
            yield Problem("pigeon.secret", "set the secret of the loft")

    def _message(self, note: Json) -> Inbound | None:
        if not note:
            return None
        number, sender = text(note, "id"), text(note, "from")
        if not (number and sender):
            raise Unparseable("note without id or sender", code="unparseable.sender")
        return Inbound(
            self.code,
            self.account,
            number,
            sender,
            text=text(note, "text"),
            sent_at=moment(note, "at"),
        )

    def _report(self, ring: Json) -> DeliveryReport | None:
        state = _STATES.get(text(ring, "state"))
        return DeliveryReport(self.code, self.account, text(ring, "id"), state) if state else None

    def _fly(self, outbound: Outbound, part: str) -> str:
        letter = {"to": outbound.address, "text": part}
        answer = http.call("POST", self._url, code=self.code, json=letter)
        found = http.object_in(answer) or {}
        if answer.is_success:
            if not text(found, "id"):
                raise Unanswered("pigeon: unreadable answer", code="unreadable")
            return text(found, "id")
        if text(found, "error"):
            raise Rejected("pigeon: refused", code=text(found, "error"))
        raise ChannelDown("pigeon: unreadable refusal", code=str(answer.status_code))
