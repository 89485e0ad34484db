"""Staff entry: a visit, call, letter or meeting becomes a grievance in a minute, with its slip."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from string import ascii_lowercase
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from admin import acts, guard, words
from bot import filings, gazetteer
from bot.filings import COMPLAINANT, SUBMITTER, Filing
from bot.forms import PURPOSES
from config import i18n
from config.profile import profile
from config.settings import settings
from store import uploads
from store.messages import Attachment
from store.phones import normalise
from store.receipts import clean
from workflow.commands import Actor
from workflow.states import Role

blueprint = Blueprint("intake", __name__, url_prefix="/intake")
ACCOUNT = "desk"
CHANNELS = ("visit", "call", "letter", "meeting")
LONGEST_BODY = uploads.MOST_FILES * uploads.LARGEST + (1 << 20)
LONGEST_TEXT = 20_000  # characters
SLIP_SECONDS = 30 * 60
_TOKEN = re.compile("[a-z]{24}")
_LENGTHS = {
    "channel": 16, "received": 10, "kind": 16, "category": 32, "language": 3, "aimag": 32,
    "soum": 100, "name": 100, "phone": 40, "behalf": 16, "submitter": 100, "submitter_phone": 40,
    "told": 16, "gender": 16, "group": 16, "sensitive": 16,
}  # fmt: skip
# What may be chosen where nothing may be chosen as well.
_CHOICES = {
    "behalf": ("self", "other", "organisation"),
    "told": (COMPLAINANT, SUBMITTER),
    "gender": ("female", "male", "not_say"),
    "group": ("herder", "older", "disability", "low_income", "none", "not_say"),
    "sensitive": acts.SENSITIVE,
}


@dataclass(slots=True)
class Filled:
    """What an officer typed, and what is wrong with it: field -> text key."""

    values: dict[str, str]
    agreed: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)


def _today() -> date:
    return guard.now().astimezone(profile().timezone).date()


def _officer_only() -> None:
    """Of the people of the office the procedure lets officers alone register."""
    if Role.OFFICER not in guard.officer().roles:
        abort(403)


# -- the form -----------------------------------------------------------------------------------


@blueprint.get("")
def form() -> str:
    """An empty form; what is most often true is chosen already."""
    _officer_only()
    first = {"channel": CHANNELS[0], "received": _today().isoformat(), "language": "mn"}
    return _page(Filled(first | {"kind": profile().kinds[0], "behalf": "self"}), _new_token())


def _new_token() -> str:
    return "".join(secrets.choice(ascii_lowercase) for _ in range(24))


def _page(filled: Filled, token: str) -> str:
    return render_template(
        "intake.html", filled=filled, token=token, channels=CHANNELS, choices=_CHOICES,
        kinds=acts.kinds(), categories=acts.categories(), purposes=PURPOSES,
        languages=i18n.LANGUAGES, today=_today().isoformat(), aimags=_aimags(),
        accepted=uploads.ACCEPTED, longest=LONGEST_TEXT, script=_script(),
        word=lambda key: i18n.text(key, guard.language()),
    )  # fmt: skip


def _aimags() -> list[tuple[str, str]]:
    named = [(code, gazetteer.names(code, guard.language())) for code in gazetteer.aimags()]
    return [named[0], *sorted(named[1:], key=lambda item: item[1].casefold())]


def _script() -> list[tuple[str, str, list[str]]]:
    """(language, its name, the sentences to read aloud) of each language of the project."""
    usual = profile().span(profile().start_stage, None, "complaint")
    return [
        (tongue, i18n.text(f"choice.language.{tongue}", tongue), _spoken(tongue, usual))
        for tongue in profile().languages
    ]


def _spoken(tongue: str, usual: Any) -> list[str]:
    span = i18n.plural(f"count.{usual.unit}", usual.amount, tongue)
    name = profile().organisation.name.of(tongue)
    return [
        i18n.text(f"intake.script.{number}", tongue, organisation=name, span=span)
        for number in range(1, 8)
    ]


# -- taking it in -------------------------------------------------------------------------------


@blueprint.post("")
def enter() -> Response | tuple[str, int]:
    """Register what was typed; sent twice it is one grievance."""
    _officer_only()
    token = request.form.get("token", "")
    if not _TOKEN.fullmatch(token):
        abort(400)
    filled = _read(request.form)
    filled.problems = dict(_problems(filled))
    if filled.problems:
        return _page(filled, token), 422
    external_id = filings.accept(_filing(filled, token))
    filings.handle(ACCOUNT, external_id)
    signed = _signer().dumps([external_id, guard.officer().id])
    return redirect(url_for("intake.slip", signed=signed), 303)


def _read(sent: Mapping[str, str]) -> Filled:
    values = {name: clean(sent.get(name, "").strip())[:length] for name, length in _LENGTHS.items()}
    values["text"] = clean(sent.get("text", "")).replace("\r\n", "\n").strip()
    values |= {n: "" for n, among in _CHOICES.items() if values[n] not in among}
    agreed = request.form.getlist("agreed")
    return Filled(values, tuple(name for name in PURPOSES if name in agreed))


def _problems(filled: Filled) -> Iterator[tuple[str, str]]:
    values = filled.values
    if values["channel"] not in CHANNELS:
        yield "channel", "channel"
    if not values["text"] and not _sent_files():
        yield "text", "text"
    if len(values["text"]) > LONGEST_TEXT:
        yield "text", "long"
    if problem := _wrong_day(values["received"]):
        yield "received", problem
    for name in ("phone", "submitter_phone"):
        if values[name] and normalise(values[name]) is None:
            yield name, "phone"
    if values["behalf"] == "other" and not values["submitter"]:
        yield "submitter", "submitter"
    if any(values[name] for name in _PERSONAL) and "contact" not in filled.agreed:
        yield "contact", "consent"


_PERSONAL = ("name", "phone", "submitter", "submitter_phone")


def _wrong_day(text: str) -> str:
    """Why this is no day on which something was received; "" where it is one."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return "day"
    return "future" if day > _today() else ("old" if day.year < 2000 else "")


def _sent_files() -> list[FileStorage]:
    return [item for item in request.files.getlist("files") if item.filename]


def _kept() -> tuple[Attachment, ...]:
    sent = _sent_files()
    kept = [
        uploads.keep(item.filename or "", item.mimetype, item.stream.read(uploads.LARGEST + 1))
        for item in sent[: uploads.MOST_FILES]
    ]
    rest = sent[uploads.MOST_FILES :]
    names = [uploads.plain_name(item.filename or "") for item in rest]
    return (*kept, *(Attachment("document", name=name) for name in names))


def _filing(filled: Filled, token: str) -> Filing:
    """The form as a filing, once nothing is wrong with it; its files are on disk by then."""
    values: dict[str, Any] = dict(filled.values)
    if "contact" not in filled.agreed or values["behalf"] != "other":
        values |= {"submitter": "", "submitter_phone": "", "told": COMPLAINANT}
    for name in ("phone", "submitter_phone"):
        values[name] = (normalise(values[name]) or "") if values[name] else ""
    values["kind"] = values["kind"] if values["kind"] in acts.kinds() else profile().kinds[0]
    values["category"] = values["category"] if values["category"] in acts.categories() else ""
    values["told"] = values["told"] or COMPLAINANT
    by = str(Actor(Role.OFFICER, guard.officer().id))
    return Filing(
        token=token, account=ACCOUNT, by=by, agreed=filled.agreed, files=_kept(), **values
    )


# -- the slip -----------------------------------------------------------------------------------


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key.get_secret_value(), salt="desk slip")


@blueprint.get("/slip/<signed>")
def slip(signed: str) -> str | tuple[str, int]:
    """Number, code, date and QR code to hand over; for half an hour and for who entered it."""
    try:
        external_id, officer_id = _signer().loads(signed, max_age=SLIP_SECONDS)
    except BadSignature:
        abort(404)
    if officer_id != guard.officer().id:
        abort(404)
    filings.handle(ACCOUNT, external_id)
    found = filings.receipt(ACCOUNT, external_id)
    if found is None:
        abort(503)
    filings.acknowledge(found.grievance_id)
    return render_template(
        "slip.html", receipt=found, status_page=f"{settings().public_url}/status",
        reasons={uploads.TOO_LARGE: "large", uploads.TOO_MANY: "many"},
        office=profile().organisation, picture=words.qr_code(f"{settings().public_url}/status"),
    )  # fmt: skip
