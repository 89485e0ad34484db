"""Keys, limits and grievances of the Open311 pages as rows.

A request goes the way of a partner's form: a row of the inbox, handled while its sender waits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot import filings, places
from bot.filings import BOTH, SUBMITTER, Filing, Receipt
from channels import open311_words
from channels.open311_fields import refusal
from channels.site_rows import PUBLIC_STEPS
from channels.site_words import language
from config import clock, log
from config.errors import HariuError
from config.profile import profile
from store import api_keys, attempts, open311, website
from store.api_keys import Claim, Holder
from store.crypto import blind
from store.db import DatabaseAway, Transaction, reading, transaction
from store.open311 import Wanted
from store.phones import normalise
from workflow.commands import Actor
from workflow.states import Role

ACCOUNT = CHANNEL = "open311"
# In an hour. A city's own app files for everybody from one address and with one key.
READS_PER_KEY, FILINGS_PER_KEY, PER_VISITOR, WRONG_KEYS = 1200, 300, 3000, 30
SAME_CONTENT = timedelta(days=1)
_LOCATED = {"lat", "address_string", "address_id"}
# Whose lane a service is that is sealed from the start, where its words do not tell.
_LANES = {"ethics": "corruption"}


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a request: its receipt, or only the ``token`` while nobody could handle it."""

    token: str
    receipt: Receipt | None


# -- who asks ---------------------------------------------------------------------------------


def holder(key: str, visitor: str, *, files: bool) -> Holder:
    """Who holds ``key``; `Refusal` 403 for a missing or wrong one, 429 for too many requests."""
    now = clock.now()
    with transaction() as tx:
        flooded = attempts.hit(tx, "open311", visitor, now) > PER_VISITOR
        found = None if flooded else api_keys.holder(tx, key, now)
        if not flooded:
            flooded = _counted(tx, found, visitor, now, files=files)
    if flooded:
        raise refusal(429, "limit")
    if found is None:
        log.get().warning("key refused", channel=CHANNEL)
        raise refusal(403, "key" if key else "no_key")
    return found


def _counted(
    tx: Transaction, found: Holder | None, visitor: str, now: datetime, *, files: bool
) -> bool:
    """Count this request, and whether it is one too many: of the key, or of the wrong keys."""
    if found is None:
        return attempts.hit(tx, "open311 wrong", visitor, now) > WRONG_KEYS
    purpose, most = ("open311 post", FILINGS_PER_KEY) if files else ("open311 get", READS_PER_KEY)
    return attempts.hit(tx, purpose, found.key_id, now) > most


def retry_after(now: datetime) -> int:
    """Seconds until counting begins anew."""
    return attempts.WINDOW_SECONDS - int(now.timestamp()) % attempts.WINDOW_SECONDS


# -- filing -----------------------------------------------------------------------------------


def file(given: Mapping[str, str], holder: Holder, idempotency_key: str) -> Filed:
    """Register a request once, however often it is sent; `Refusal` where it cannot be."""
    _check(given)
    claim = _claim(given, holder, idempotency_key)
    return Filed(claim.token, _registered(_filing(given, holder, claim)))


def _check(given: Mapping[str, str]) -> None:
    """What no single parameter can tell by itself."""
    if profile().category(given["service_code"]) is None:
        raise refusal(404, "service_code")
    if ("lat" in given) != ("long" in given) or not _LOCATED & given.keys():
        raise refusal(400, "location")
    if (code := given.get("address_id")) and not _is_place(code):
        raise refusal(400, "wrong", name="address_id")


def _is_place(code: str) -> bool:
    head = code.partition("/")[0]
    return head in places.aimags() and code in {head, *places.soums(head)}


def _claim(given: Mapping[str, str], holder: Holder, idempotency_key: str) -> Claim:
    """The form of this request, which a repeat finds again."""
    words = json.dumps({**given, "api_key": "", "lang": language()}, sort_keys=True)
    content = blind("open311 content", words)
    digest, span = content, SAME_CONTENT
    if idempotency_key:
        digest, span = blind("open311 key", idempotency_key), api_keys.REMEMBERED
    with transaction() as tx:
        found = api_keys.claim(tx, holder.partner.officer_id, digest, content, clock.now(), span)
    if found.content != content:
        raise refusal(400, "repeated")
    return found


def _filing(given: Mapping[str, str], holder: Holder, claim: Claim) -> Filing:
    code, text = given["service_code"], given["description"]
    return Filing(
        token=claim.token,
        account=ACCOUNT,
        channel=CHANNEL,
        by=str(Actor(Role.CSO, holder.partner.officer_id)),
        received=claim.at.astimezone(profile().timezone).date().isoformat(),
        text=f"{text}\n\n{open311_words.where(given)}",
        language=given.get("attribute[language]") or language(),
        kind=given.get("attribute[kind]") or profile().kinds[0],
        category=code,
        soum=" ".join(given.get("address_string", "").split()),
        place=given.get("address_id") or _place(given.get("address_string", "")),
        lat=given.get("lat", ""),
        long=given.get("long", ""),
        behalf="other",
        submitter_id=holder.partner.person_id,
        sensitive=_lane(code),
        **_person(given),
    )


def _person(given: Mapping[str, str]) -> dict[str, Any]:
    """Who it is about, if they agreed to that; else nobody, and the program alone is told."""
    consent = given.get("attribute[contact_consent]")
    if not consent:
        return {"told": SUBMITTER}
    phone, email = normalise(given.get("phone", "")) or "", given.get("email", "").lower()
    names = (given.get("first_name", ""), given.get("last_name", ""))
    return {
        "name": " ".join(filter(None, names)),
        "phone": phone,
        "email": email,
        "agreed": ("contact",),
        "consent_by": consent,
        "told": BOTH if phone or email else SUBMITTER,
    }


def _place(address: str) -> str:
    """The place that an address surely names."""
    found = [match for match in places.find(address) if not match.ambiguous]
    return found[0].code if len(found) == 1 else ""


def _lane(code: str) -> str:
    found = profile().category(code)
    return _LANES.get(code, "sea") if found and found.sensitive else ""


def _registered(filing: Filing) -> Receipt | None:
    """Keep and register; None where it is kept, and a worker will register it."""
    external_id = filings.accept(filing)
    try:
        filings.handle(ACCOUNT, external_id)
        found = filings.receipt(ACCOUNT, external_id)
        if found is not None:
            filings.acknowledge(found.grievance_id)
    except HariuError as error:
        log.get().error("form not handled in its request", error=error.code)
        return None
    return found


# -- reading ----------------------------------------------------------------------------------


def requests(holder: Holder, wanted: Wanted) -> list[dict[str, Any]]:
    """What the key's partner filed, as it may be told."""
    with reading() as tx:
        rows = open311.requests(tx, holder.partner, wanted)
        plain = [row.id for row in rows if not row.sensitive]
        moved = open311.moved(tx, plain, PUBLIC_STEPS)
        filed = open311.texts(tx, plain, ACCOUNT)
        said = open311.answers(tx, plain, filings.CHANNEL)
    return [
        open311_words.request(row, moved.get(row.id), filed.get(row.id, ""), said.get(row.id, ""))
        for row in rows
    ]


def reference_of(holder: Holder, token: str) -> str | None:
    """The number behind a token of this partner, "" while there is none; None: no such token."""
    with reading() as tx:
        if not api_keys.is_claimed(tx, holder.partner.officer_id, token):
            return None
        return website.reference_of(tx, filings.CHANNEL, ACCOUNT, token) or ""


def services_changed() -> datetime | None:
    """When the services last changed; None as well while the database is away."""
    try:
        with reading() as tx:
            return open311.services_changed(tx)
    except DatabaseAway:
        return None
