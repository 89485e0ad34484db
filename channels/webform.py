"""The form of the website as a channel. Its messages are made here, in the request of a person.

Each submission has an address of its own: what the person left to be reached by, and the form's
token, so that nobody gets at a grievance by typing another person's phone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from channels.base import (
    BadSignature,
    Fetched,
    Problem,
    Rejected,
    Request,
    Unparseable,
    WindowClosed,
)
from config.settings import Settings
from store import files
from store.messages import (
    Attachment,
    Capabilities,
    DeliveryReport,
    Inbound,
    Kind,
    Outbound,
    SendResult,
)

CODE, ACCOUNT = "web", "site"
CONTENT_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Submission:
    """What a person filled in. ``agreed`` are purposes of `bot.forms`, one word each.

    A file's ``handle`` is the hash under which `store.files` has it; "" where it was refused.
    """

    token: str
    language: str
    text: str = ""
    kind: str = ""
    aimag: str = ""
    soum: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""
    agreed: tuple[str, ...] = ()
    files: tuple[Attachment, ...] = ()

    def body(self) -> bytes:
        """The submission as it is kept."""
        return json.dumps(asdict(self), ensure_ascii=False).encode("utf-8", "replace")


def read(body: bytes) -> Inbound:
    """The message that a kept submission is; `Unparseable` when it is none.

    The same form sent twice is one message; with other words it is a second one.
    """
    try:
        fields = json.loads(body)
        attachments = tuple(Attachment(**part) for part in fields.pop("files"))
        form = Submission(**fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unparseable(f"no submission of the form ({type(error).__name__})") from None
    return Inbound(
        CODE,
        ACCOUNT,
        f"{form.token}:{hashlib.sha256(body).hexdigest()[:16]}",
        _address(form),
        Kind.TEXT if form.text else Kind.MEDIA,
        form.text,
        attachments=attachments,
        answers=_answers(form),
    )


def _answers(form: Submission) -> dict[str, str]:
    names = ("language", "kind", "aimag", "soum", "name", "phone", "email")
    answers = {name: str(getattr(form, name)) for name in names}
    return answers | {"agreed": " ".join(form.agreed)}


def _address(form: Submission) -> str:
    """What the officer reads as the person's address; the token has no digits, phones have."""
    contact = (form.phone or form.email) if "contact" in form.agreed else ""
    return f"{contact} #{form.token}".strip()


class Webform:
    """The form: it needs no settings."""

    code = CODE
    account = ACCOUNT
    capabilities = Capabilities(
        form="chat", longest=100_000, media=True, inline=True, per_second=50.0
    )

    def __init__(self, chosen: Settings) -> None:
        """Nothing of ``chosen`` matters to it."""

    def verify(self, request: Request) -> None:
        """No provider posts forms to us: they come through the pages alone."""
        raise BadSignature("forms come through the pages alone")

    def parse(self, request: Request) -> Sequence[Inbound | DeliveryReport]:
        """A kept submission, read again."""
        return [read(request.body)]

    def send(self, outbound: Outbound) -> SendResult:
        """A letter waits on the status page for those who left nothing to be reached by.

        The others left the page long ago: their letters go to the address they gave.
        """
        if outbound.address.startswith("#"):
            return SendResult()
        raise WindowClosed("the person left the page", code="web.contact")

    def fetch(self, attachment: Attachment) -> Fetched:
        """A file kept while the form was taken in, for forms that waited in the spool."""
        if not attachment.handle:
            raise Rejected("the file was refused when it came", code="refused")
        return Fetched(files.get(attachment.handle), attachment.content_type, attachment.name)

    def check(self) -> Iterable[Problem]:
        """Nothing to ask anybody."""
        return ()
