"""What a partner may see of the rows: its own grievances, and of those what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import filings
from bot.filings import COMPLAINANT, Filing, Receipt
from channels.partner_form import ACCOUNT
from channels.site_rows import PUBLIC_STEPS
from config import clock
from store import grievances, partners, website
from store.case import Case
from store.db import Transaction, reading
from store.partners import Partner
from store.spool import SpoolFailed

# How long the private code is shown to whoever has to hand it over.
SLIP = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Progress:
    """One grievance as its submitter may see it; ``told`` says whether the answer is theirs too."""

    case: Case
    told: bool
    steps: tuple[tuple[str, datetime], ...] = ()
    answers: tuple[tuple[str, datetime], ...] = ()


def register(filing: Filing) -> str:
    """Keep and register; the reference."""
    external_id = filings.accept(filing)
    filings.handle(ACCOUNT, external_id)
    found = filings.receipt(ACCOUNT, external_id)
    if found is None:
        raise SpoolFailed("the filing was kept, but could not be registered yet")
    filings.acknowledge(found.grievance_id)
    return found.reference


def _own(tx: Transaction, partner: Partner, reference: str) -> Case | None:
    found = partners.find(tx, partner, reference)
    return grievances.get(tx, found) if found else None


def progress(partner: Partner, reference: str) -> Progress | None:
    """Where it stands; None for what somebody else filed, as for what does not exist."""
    with reading() as tx:
        case = _own(tx, partner, reference)
        if case is None:
            return None
        told = case.facts.get("told") != COMPLAINANT and not case.sensitive
        if case.sensitive:
            return Progress(case, told)
        events = grievances.events(tx, case.id)
        steps = tuple((event.kind, event.at) for event in events if event.kind in PUBLIC_STEPS)
        letters = website.letters(tx, case.id, filings.CHANNEL, "reply") if told else ()
    return Progress(
        case,
        told,
        steps,
        tuple((row.text.removeprefix(f"{case.reference}: "), row.created_at) for row in letters),
    )


def slip(partner: Partner, reference: str) -> Receipt | None:
    """Number and code to hand over; None later on, and for what somebody else filed."""
    with reading() as tx:
        case = _own(tx, partner, reference)
        if case is None or case.registered_at < clock.now() - SLIP:
            return None
        refused = website.refused_of(tx, case.id)
    return Receipt(
        case.id, case.reference, case.code, case.received_at, case.due_at, bool(case.sensitive),
        bool(case.facts.get("contact")), tuple((row.name, row.error) for row in refused),
        case.place,
    )  # fmt: skip
