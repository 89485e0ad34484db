"""How an operator's or aggregator's SMS gateway is spoken to: a table ``[gateways.<name>]``.

Addresses, passwords and keys are settings, ``HARIU_GATEWAY_<NAME>_<KEY>``; the table says what
goes where. ``params`` and ``headers`` are templates: ``{to}``, ``{text}``, ``{id}`` (ours),
``{coding}`` (0 or 2) and ``{report_url}`` are the message's, any other word is the setting of
that key: ``{sender}``, ``{user}``, ``{password}``, ``{key}`` …

Kannel's own configuration needs ``mo-recode = true`` and ``http-request-retry`` (smsbox), and::

    group = sms-service
    keyword = default
    catch-all = true
    omit-empty = true
    max-messages = 0
    get-url = ".../in/gateway/NAME?token=...&from=%p&to=%P&text=%b&time=%T&id=%I&charset=%C"
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

OF_THE_MESSAGE: Final = frozenset({"to", "text", "id", "coding", "report_url"})
PLACE: Final = re.compile(r"\{(\w+)\}")

# Kannel 1.4.5, user guide: "Using the HTTP interface to send SMS messages" and "Delivery reports".
# Without coding and charset it sends "????" for Cyrillic. Mask 31 asks for every report.
_KANNEL: Final[dict[str, Any]] = {
    "method": "GET",
    "params": {
        "username": "{user}",
        "password": "{password}",
        "from": "{sender}",
        "to": "{to}",
        "text": "{text}",
        "coding": "{coding}",
        "charset": "UTF-8",
        "dlr-mask": "31",
        "dlr-url": "{report_url}&id={id}&state=%d",
    },
    "accepted": r"^[03]:",
    # The names in the get-url above.
    "inbound": {name: name for name in ("from", "to", "text", "time", "id", "charset")},
    "report": {"id": "id", "state": "state"},
    # 1 delivered, 2 not, 4 waits at the operator, 8 operator took it, 16 refused it, 34 expired.
    "delivered": r"^1$",
    "sent": r"^(4|8)$",
    "failed": r"^(2|16|34)$",
    "per_second": 20.0,
}

Role = Literal["from", "to", "text", "time", "id", "charset"]
Pattern = re.Pattern[str]


class Gateway(BaseModel):
    """One gateway, whether or not this instance has its settings; patterns are searched.

    ``accepted`` finds in an answer that the message was taken, ``refused`` that it never will be;
    their groups ``id`` and ``code`` are the provider's id and error code. ``number`` is how phones
    are written to it: +97688110001, 97688110001 or 88110001. ``inbound`` and ``report`` name the
    fields it calls us with. ``latin`` is for one that carries GSM-7 alone: texts go out in Latin
    letters.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["http", "kannel"] = "http"
    method: Literal["GET", "POST"] = "GET"
    body: Literal["form", "json"] = "form"
    params: dict[str, str]
    headers: dict[str, str] = {}
    accepted: Pattern
    refused: Pattern | None = None
    number: Literal["plus", "plain", "national"] = "plus"
    longest: int = Field(default=670, ge=70, le=1600)
    per_second: float = Field(default=5.0, gt=0)
    latin: bool = False
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    inbound: dict[Role, str] = {"from": "from", "to": "to", "text": "text"}
    report: dict[Literal["id", "state"], str] = {"id": "id", "state": "status"}
    delivered: Pattern = re.compile(r"(?i)^deliv")
    sent: Pattern = re.compile(r"(?i)^(sent|accept|enroute|buffered)")
    failed: Pattern = re.compile(r"(?i)^(undeliv|fail|reject|expired)")

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, given: Any) -> Any:
        """Kannel is the same everywhere; a table may still change parts of it."""
        if isinstance(given, dict) and given.get("kind") == "kannel":
            return {**_KANNEL, **given}
        return given

    @model_validator(mode="after")
    def _complete(self) -> Gateway:
        used = {place for template in self.params.values() for place in PLACE.findall(template)}
        if missing := {"to", "text"} - used:
            raise ValueError(f"params must hold {', '.join(sorted(missing))} in braces")
        if not self.inbound.keys() >= {"from", "text"}:
            raise ValueError("inbound must name the fields from and text")
        return self

    @property
    def needs(self) -> frozenset[str]:
        """The keys of the settings without which it cannot work."""
        templates = (*self.params.values(), *self.headers.values())
        used = {place for template in templates for place in PLACE.findall(template)}
        return frozenset({"url", "token"} | used - OF_THE_MESSAGE)
