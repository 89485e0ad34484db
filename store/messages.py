"""Messages as every layer knows them, whatever channel carried them. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

CALLBACK = "callback"  # the key of a letter that answers a missed call begins with it


class Kind(StrEnum):
    """What an inbound message mainly is."""

    TEXT = "text"
    CHOICE = "choice"
    MEDIA = "media"
    LOCATION = "location"
    CONTACT = "contact"
    DELIVERY = "delivery"
    COMMAND = "command"
    OTHER = "other"


class InboundState(StrEnum):
    """Where an inbound message is: waiting, handled, set aside with a reason, or not for us."""

    NEW = "new"
    DONE = "done"
    DEAD = "dead"
    IGNORED = "ignored"


class OutboundState(StrEnum):
    """Where an outbound message is. The order of `RANK` is the order a provider reports."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


# Provider reports may come late or twice and must never downgrade what is known.
RANK = {
    OutboundState.QUEUED: 0,
    OutboundState.SENDING: 1,
    OutboundState.SENT: 2,
    OutboundState.FAILED: 3,
    OutboundState.DELIVERED: 4,
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file the person sent. ``url`` or ``handle`` tells the adapter where to fetch it."""

    kind: str  # image, audio, video, document
    content_type: str = ""
    size: int | None = None
    name: str = ""
    url: str = ""
    handle: str = ""


@dataclass(frozen=True, slots=True)
class Location:
    """WGS84 degrees."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact the person shared on purpose."""

    phone: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message of one person, normalised.

    ``account`` is our end (a bot, a number), ``external_id`` the provider's id: the three
    ``(channel, account, external_id)`` are unique for ever. ``address`` is the person's end.
    ``thread`` is the provider id of our letter it answers, where the channel proves that.
    ``sent_at`` is the provider's time, aware, where it tells one. ``answers`` is what a form asked
    beside the words; `bot.forms` says which there are.
    """

    channel: str
    account: str
    external_id: str
    address: str
    kind: Kind = Kind.TEXT
    text: str = ""
    choice: str = ""
    attachments: tuple[Attachment, ...] = ()
    location: Location | None = None
    contact: Contact | None = None
    sent_at: datetime | None = None
    profile_name: str = ""
    language_hint: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    thread: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a provider tells about a message we sent; ``error`` is the provider's own code."""

    channel: str
    account: str
    provider_id: str
    state: OutboundState
    address: str = ""
    error: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer a person can give: ``value`` comes back, ``label`` is shown or spoken."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to one address, ready to be carried. ``key`` is its idempotency key.

    ``extra``, on channels with headings: ``subject``, ``in_reply_to`` and ``references``.
    """

    id: int
    channel: str
    account: str
    address: str
    text: str
    key: str
    choices: tuple[Choice, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SendResult:
    """The provider took the message; ``provider_id`` may be empty where it gives none.

    ``address`` is the person's own one, where only the answer tells it (a comment's author).
    """

    provider_id: str = ""
    delivered: bool = False
    address: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can carry. Sizes are in UTF-16 units, windows and rates in seconds.

    ``form`` picks the text variant (``sms`` short, ``chat`` long); ``units`` bounds an SMS text
    (134 = two UCS-2 parts); ``inline`` channels answer inside the request (hotline, web form);
    ``latin`` ones carry no Cyrillic; letters of ``headed`` ones have a subject and name what they
    answer.
    """

    form: str = "chat"
    longest: int = 4096
    units: int | None = None
    buttons: int = 0
    button_label: int = 0
    media: bool = False
    window_hours: int | None = None
    inline: bool = False
    per_second: float = 20.0
    per_address_seconds: float = 0.0
    abroad: bool = False
    trusted_address: bool = True
    latin: bool = False
    headed: bool = False
