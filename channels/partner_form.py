"""A partner's form as it was sent: read, checked, its files kept."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from string import ascii_lowercase

from flask import Request

from bot.filings import BOTH, COMPLAINANT, SUBMITTER, Filing
from channels.site_form import LONGEST_TEXT, kept_files
from channels.site_words import language
from config import clock
from config.profile import profile
from store.partners import Partner
from store.phones import normalise
from store.receipts import clean
from workflow.commands import Actor
from workflow.states import Role

ACCOUNT = CHANNEL = "partner"
_TOKEN = re.compile("[a-z]{24}")
_LENGTHS = {
    "received": 10, "kind": 16, "aimag": 32, "soum": 100, "name": 100, "phone": 40,
    "language": 3, "told": 16, "consent_by": 16, "gender": 16, "group": 16, "sensitive": 16,
}  # fmt: skip
CHOICES = {
    "told": (COMPLAINANT, SUBMITTER, BOTH),
    "consent_by": ("spoken", "written", "guardian"),
    "gender": ("female", "male", "not_say"),
    "group": ("herder", "older", "disability", "low_income", "none", "not_say"),
    "sensitive": ("sea", "violence", "corruption", "retaliation"),
}


@dataclass(slots=True)
class Filled:
    """What was typed, and what is wrong with it: field -> text key."""

    values: dict[str, str]
    consent: bool = False
    contact: bool = False
    problems: dict[str, str] = field(default_factory=dict)


def today() -> date:
    """The local day."""
    return clock.now().astimezone(profile().timezone).date()


def new_token() -> str:
    """A form's own id."""
    return "".join(secrets.choice(ascii_lowercase) for _ in range(24))


def is_token(text: str) -> bool:
    """Whether that is an id as `new_token` makes them."""
    return _TOKEN.fullmatch(text) is not None


def blank() -> Filled:
    """A form nobody filled in yet."""
    first = {"received": today().isoformat(), "kind": profile().kinds[0], "language": language()}
    return Filled(dict.fromkeys((*_LENGTHS, "text"), "") | first | {"told": BOTH})


def read_form(request: Request) -> Filled:
    """Read the fields and say what is wrong with them."""
    form = request.form
    values = {name: clean(form.get(name, "").strip())[:length] for name, length in _LENGTHS.items()}
    values["text"] = clean(form.get("text", "")).replace("\r\n", "\n").strip()
    values |= {name: "" for name, among in CHOICES.items() if values[name] not in among}
    values["kind"] = values["kind"] if values["kind"] in profile().kinds else profile().kinds[0]
    spoken = values["language"] in profile().languages
    values["language"] = values["language"] if spoken else language()
    found = Filled(values, "consent" in form, "contact" in form)
    found.problems = dict(_problems(found, request))
    return found


def _problems(found: Filled, request: Request) -> Iterator[tuple[str, str]]:
    values = found.values
    if not values["text"] and not any(f.filename for f in request.files.getlist("files")):
        yield "text", "text"
    if len(values["text"]) > LONGEST_TEXT:
        yield "text", "long"
    if not _is_past(values["received"]):
        yield "received", "received"
    if not found.consent or not values["consent_by"]:
        yield "consent", "filing"
    if values["phone"] and normalise(values["phone"]) is None:
        yield "phone", "phone"
    if (values["name"] or values["phone"]) and not found.contact:
        yield "contact", "contact"
    if not values["told"]:
        yield "told", "told"
    elif values["told"] == COMPLAINANT and not values["phone"]:
        yield "told", "no_phone"
    if not is_token(request.form.get("token", "")):
        yield "form", "stale"


def _is_past(text: str) -> bool:
    try:
        return date(2000, 1, 1) <= date.fromisoformat(text) <= today()
    except ValueError:
        return False


def filing(found: Filled, request: Request, officer_id: int, partner: Partner) -> Filing:
    """The form as a filing, once nothing is wrong with it; its files are on disk by then."""
    values = dict(found.values)
    phone = normalise(values.pop("phone")) or ""
    if values["told"] == BOTH and not phone:  # of the two only the partner can be told
        values["told"] = SUBMITTER
    files = [item for item in request.files.getlist("files") if item.filename]
    return Filing(
        token=request.form["token"],
        account=ACCOUNT,
        channel=CHANNEL,
        by=str(Actor(Role.CSO, officer_id)),
        phone=phone,
        behalf="other",
        submitter_id=partner.person_id,
        agreed=("contact",) if found.contact else (),
        files=kept_files(files),
        **values,
    )
