"""Forms into rows and back: a form is handled inside the request of the person who waits for it.

Every form has an address of its own, so nothing of the same person can be overtaken here, and the
row's lock alone decides whether this request or a worker handles it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest

from channels.webform import ACCOUNT, CODE, CONTENT_TYPE, Submission, read
from config import clock
from config.errors import HariuError
from config.profile import Stage, profile
from store import attempts, grievances, inbox, website
from store.case import Case
from store.db import Transaction, transaction
from workflow.commands import CITIZEN, Act, Refused
from workflow.handlers import Casework
from workflow.reference import is_reference

# An operator may put a whole valley behind one internet address.
WRONG_CODES = 20
# What of the trail concerns the person; everything else stays in the office.
PUBLIC_STEPS = frozenset(
    {
        "registered", "screened", "assigned", "investigated", "redress_proposed", "closed",
        "withdrawn", "extended", "paused", "resumed", "appealed", "escalated", "reopened",
        "replied",
    }
)  # fmt: skip


class Locked(HariuError):
    """Too many wrong codes came from here, or from everywhere."""

    code = "website.locked"


# -- a form --------------------------------------------------------------------------------------


def accept(form: Submission) -> str:
    """Keep a form durably; its id. `store.spool.SpoolFailed` where nothing took it."""
    body = form.body()
    message = read(body)
    inbox.accept(inbox.Receipt(CODE, ACCOUNT, body, clock.now(), (message,), CONTENT_TYPE))
    return message.external_id


# -- looking by number and code -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """One grievance as its own person may see it. ``review`` is the stage an appeal leads to."""

    case: Case
    steps: tuple[tuple[str, datetime], ...] = ()
    answers: tuple[tuple[str, datetime], ...] = ()
    review: Stage | None = None


def progress(visitor: str, reference: str, code: str, *, appeal: bool = False) -> Progress | None:
    """Where a grievance stands, after asking for a review where ``appeal`` is set.

    None where number and code do not belong together, whichever of them is wrong; raises `Locked`
    after too many of those.
    """
    now = clock.now()
    with transaction() as tx:
        if attempts.locked(tx, [visitor], now, WRONG_CODES):
            raise Locked
        case = _opened(tx, reference, code, now)
        if case is None:
            if is_reference(reference):
                attempts.count(tx, visitor, reference, now)
            return None
        if case.sensitive:
            return Progress(case)
        if appeal:
            case = _appealed(tx, case, now)
        website.were_read(tx, case.id, CODE, now)
        return _progress(tx, case)


def _opened(tx: Transaction, reference: str, code: str, now: datetime) -> Case | None:
    shut = attempts.reference_locked(tx, [reference], now)
    case = grievances.by_references(tx, {reference}).get(reference)
    right = compare_digest(case.code if case else "", code)
    return case if case and right and not shut else None


def _appealed(tx: Transaction, case: Case, now: datetime) -> Case:
    """An appeal that the procedure does not know changes nothing: it was made before."""
    casework = Casework(tx, now)
    try:
        case = casework.act(Act("appeal", case.id, CITIZEN))
    except Refused:
        return case
    casework.flush()
    return case


def _progress(tx: Transaction, case: Case) -> Progress:
    events = grievances.events(tx, case.id)
    written = website.letters(tx, case.id, CODE, "reply")
    return Progress(
        case,
        tuple((event.kind, event.at) for event in events if event.kind in PUBLIC_STEPS),
        tuple((row.text.removeprefix(f"{case.reference}: "), row.created_at) for row in written),
        _review(case),
    )


def _review(case: Case) -> Stage | None:
    """Where an appeal leads now; a court is nobody's next stage here, one goes there oneself."""
    if case.status not in {"closed", "redress_proposed"}:
        return None
    later = profile().next_stage(case.stage)
    return later if later and later.span else None
