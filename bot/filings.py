"""Grievances that somebody writes down for a person: at the desk, by a partner.

They go the way of the website's form: a row of the inbox, unique by the form's token, handled
inside the request of whoever waits. What only the rows know (whom to reach, who submitted) is
found before the row is written, so that a worker who is first handles it alike.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime

from bot.batch import Batch
from config import clock
from store import grievances, inbox, people, uploads, website
from store.attachments import REFUSED
from store.db import Transaction, reading, transaction
from store.messages import Attachment, Inbound, Kind
from store.receipts import rows_of
from workflow import uptake
from workflow.commands import SYSTEM, Act
from workflow.handlers import Casework

CHANNEL = "web"  # the channel whose pages hold the letters of those who left nothing else
CONTENT_TYPE = "application/json"
COMPLAINANT, SUBMITTER, BOTH = "complainant", "submitter", "both"


@dataclass(frozen=True, slots=True)
class Filing:
    """One grievance as it was written down.

    ``token`` is the form's own id, ``account`` whose form it is (``desk``, ``partner``), ``by``
    who writes (`workflow.commands.Actor` as text), ``received`` the local day it was received
    (ISO). ``told`` says who gets the letters; ``submitter_id`` is the person of a partner.
    ``place`` is a code of the places where that is known, ``lat`` and ``long`` are degrees.
    """

    token: str
    account: str
    channel: str
    by: str
    received: str
    text: str
    language: str
    kind: str
    category: str = ""
    aimag: str = ""
    soum: str = ""
    name: str = ""
    phone: str = ""
    behalf: str = ""
    submitter: str = ""
    submitter_phone: str = ""
    submitter_id: int = 0
    told: str = COMPLAINANT
    consent_by: str = ""
    gender: str = ""
    group: str = ""
    sensitive: str = ""
    agreed: tuple[str, ...] = ()
    files: tuple[Attachment, ...] = ()
    email: str = ""
    place: str = ""
    lat: str = ""
    long: str = ""

    @property
    def contact(self) -> str:
        """The phone that letters go to; "" where they wait on the pages."""
        if "contact" not in self.agreed:
            return ""
        return self.submitter_phone if self.told == SUBMITTER else self.phone

    @property
    def mailed(self) -> str:
        """The e-mail that letters go to; "" where none may."""
        return self.email if "contact" in self.agreed and self.told != SUBMITTER else ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the person is told: number, code, dates, files that were not taken (name, reason)."""

    grievance_id: int
    reference: str
    code: str
    received_at: datetime
    due_at: datetime | None
    sensitive: bool
    reachable: bool
    refused: tuple[tuple[str, str], ...]
    place: str | None = None  # whose local time the dates are read in


_ANSWERS = (
    "channel", "by", "received", "language", "kind", "category", "aimag", "soum", "name",
    "behalf", "told", "consent_by", "gender", "group", "sensitive", "place", "lat", "long",
)  # fmt: skip


def accept(filing: Filing) -> str:
    """Keep a filing durably; its id. The same filing sent twice is one."""
    body = json.dumps(asdict(filing), ensure_ascii=False).encode("utf-8", "replace")
    external_id = f"{filing.token}:{hashlib.sha256(body).hexdigest()[:16]}"
    with transaction() as tx:
        if website.find(tx, CHANNEL, filing.account, external_id) is None:
            message = _message(tx, filing, external_id)
            came = inbox.Receipt(
                CHANNEL, filing.account, body, clock.now(), (message,), CONTENT_TYPE
            )
            inbox.insert(tx, [rows_of(came)])
    return external_id


def _message(tx: Transaction, filing: Filing, external_id: str) -> Inbound:
    answers = {name: str(getattr(filing, name)) for name in _ANSWERS}
    answers |= {"agreed": " ".join(filing.agreed), "submitter": _submitter(tx, filing)}
    # Where the submitter alone is told, the other's phone is kept, but never written to.
    answers["kept" if filing.told == SUBMITTER else "phone"] = filing.phone
    reached = uptake.texting_address(tx, filing.contact, clock.now()) if filing.contact else None
    answers |= {"reach": str(reached.id) if reached else "", "email": filing.mailed}
    return Inbound(
        CHANNEL,
        filing.account,
        external_id,
        f"{filing.contact or filing.mailed} #{filing.token}".strip(),
        Kind.TEXT if filing.text else Kind.MEDIA,
        filing.text,
        attachments=filing.files,
        answers={name: value for name, value in answers.items() if value},
    )


def _submitter(tx: Transaction, filing: Filing) -> str:
    """The person who filed it for somebody else: a partner's own, or one made here."""
    if filing.submitter_id:
        return str(filing.submitter_id)
    if not filing.submitter:
        return ""
    details = {"phone": filing.submitter_phone} if filing.submitter_phone else None
    person_id = people.add_person(tx, filing.submitter, filing.language, clock.now(), details)
    return str(person_id)


def handle(account: str, external_id: str) -> None:
    """Register what a form says, unless a worker already did or it waits in the spool."""
    with transaction() as tx:
        row = website.find(tx, CHANNEL, account, external_id)
        waiting = inbox.load(tx, [row.id]) if row and website.is_new(row) else []
        if waiting:
            Batch(tx, waiting).run()
            files = waiting[0].message.attachments
            website.settle_files(tx, row.id, [uploads.settled(item) for item in files])


def receipt(account: str, external_id: str) -> Receipt | None:
    """The receipt of a form; None while it is not registered."""
    with reading() as tx:
        row = website.find(tx, CHANNEL, account, external_id)
        case = grievances.get(tx, row.grievance_id) if row and row.grievance_id else None
        if case is None:
            return None
        files = website.files_of(tx, row.id)
    return Receipt(
        case.id,
        case.reference,
        case.code,
        case.received_at,
        case.due_at,
        bool(case.sensitive),
        bool(case.facts.get("contact")),
        tuple((item.name, item.error) for item in files if item.state == REFUSED),
        case.place,
    )


def acknowledge(grievance_id: int) -> None:
    """The number was shown: that is the acknowledgement of this channel."""
    with transaction() as tx:
        casework = Casework(tx, clock.now())
        case = casework.case(grievance_id)
        if case.is_open and case.acknowledged_at is None:
            casework.act(Act("acknowledge", case.id, SYSTEM, {"at": casework.now}))
            casework.flush()
