"""What a channel is: one file that verifies, parses and sends, and knows nothing else.

An adapter imports no database, queue, bot, workflow, nor another adapter. It always has `verify`,
`parse`, `send`, `check` and its `Capabilities`; `respond`, `fetch`, `poll`, `set_up` and `find`
where the platform needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from config.errors import HariuError
from store.messages import (
    Attachment,
    Capabilities,
    DeliveryReport,
    Inbound,
    Outbound,
    SendResult,
)


class BadSignature(HariuError):
    """The request does not come from the provider (403)."""

    code = "signature"


class Unparseable(HariuError):
    """A genuine event that we cannot read: it becomes a dead letter, answered 200."""

    code = "unparseable"


class SendError(HariuError):
    """Sending failed; ``code`` is the provider's own, for the operator."""

    code = "send"


class ChannelDown(SendError):
    """The provider refused for a reason of its own and did not take the message; try later."""

    code = "down"
    retryable = True


class Unanswered(SendError):
    """The provider was called and did not answer: it may or may not have taken the message."""

    code = "unanswered"
    retryable = True


class Throttled(SendError):
    """Too fast for the provider; ``after`` is the seconds to wait."""

    code = "throttled"
    retryable = True

    def __init__(self, after: float, message: str = "", *, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.after = after


class Rejected(SendError):
    """The provider will never take this message."""

    code = "rejected"


class AddressBlocked(SendError):
    """Nothing reaches this address any more: blocked, opted out, dead."""

    code = "address.blocked"


class WindowClosed(SendError):
    """The platform's reply window is shut until the person writes again."""

    code = "window.closed"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as adapters see it. ``url`` is the public one, query included.

    Header names are lower case; ``form`` and ``query`` keep the last value of a repeated name.
    ``remote`` is the address of whoever called, as the server saw it.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    remote: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What the provider wants to hear at once."""

    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Fetched:
    """An attachment's content."""

    content: bytes
    content_type: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something `check` or ``hariu doctor`` found: a stable code, and what to do about it."""

    code: str
    advice: str


@runtime_checkable
class Channel(Protocol):
    """One way to be reached. ``code`` names it in routes, rows and texts (``telegram``, ``sms``).

    ``account`` is our own end there (bot id, sender number), without secrets.
    """

    code: str
    account: str
    capabilities: Capabilities

    def verify(self, request: Request) -> None:
        """Raise `BadSignature` unless the provider itself sent ``request``."""

    def parse(self, request: Request) -> Sequence[Inbound | DeliveryReport]:
        """What the event says; empty for kinds we do not use. Raise `Unparseable` when broken."""

    def send(self, outbound: Outbound) -> SendResult:
        """Carry one message. Raise a `SendError` otherwise."""

    def check(self) -> Iterable[Problem]:
        """Ask the provider whether our settings are right; for ``hariu doctor``."""


@runtime_checkable
class Responds(Protocol):
    """Channels that answer inside the request (hand-shakes, TwiML)."""

    def respond(self, request: Request) -> Response | None:
        """The answer to ``request`` when it is not just an empty 200; None to take it in."""


@runtime_checkable
class TakesGet(Protocol):
    """Channels whose provider may bring a message by GET, in the query, with a ``token`` there."""

    takes_get: bool


@runtime_checkable
class Fetches(Protocol):
    """Channels whose attachments are fetched later."""

    def fetch(self, attachment: Attachment) -> Fetched:
        """Download one attachment. Raise a `SendError`."""


@runtime_checkable
class Polls(Protocol):
    """Channels that can be asked for messages instead of calling us.

    ``polled`` says whether this one must be, here and now.
    """

    code: str
    account: str

    @property
    def polled(self) -> bool:
        """Whether nobody calls us here, so that we have to ask."""

    def poll(self, timeout: float) -> Iterable[tuple[bytes, Sequence[Inbound | DeliveryReport]]]:
        """Raw event and what it says, one by one; the next one acknowledges the one before."""


@runtime_checkable
class Finds(Protocol):
    """Channels where a provider can be asked whether it took a message."""

    def find(self, outbound: Outbound) -> SendResult | None:
        """The result of an earlier unanswered call, or None if the provider does not have it."""


@runtime_checkable
class Reconciles(Protocol):
    """Channels whose provider can list what it received, also what never reached us."""

    code: str
    account: str

    def recent(self, since: datetime) -> Iterable[tuple[bytes, Sequence[Inbound]]]:
        """Raw event and message of everything since ``since``, oldest first."""


@runtime_checkable
class SetsUp(Protocol):
    """Channels that tell the platform about us: webhook, menus, get-started."""

    def set_up(self, public_url: str) -> Iterable[str]:
        """Do it; a line for each thing done."""
