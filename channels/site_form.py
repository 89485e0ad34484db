"""The website's form as it was sent: read, checked, its files kept."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase

from flask import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.datastructures import FileStorage

from bot.forms import PURPOSES
from channels.webform import Submission
from config.profile import profile
from config.settings import settings
from store import uploads
from store.crypto import blind
from store.inbox import clean
from store.messages import Attachment
from store.phones import normalise
from store.uploads import LARGEST, MOST_FILES

MEGABYTE = 1024 * 1024
FILE_MEGABYTES = LARGEST // MEGABYTE
LONGEST_BODY = MOST_FILES * LARGEST + MEGABYTE
LONGEST_TEXT = 20_000  # characters
TOKEN_SECONDS = 24 * 3600
TOKEN_LETTERS = 24
_LENGTHS = {"kind": 16, "aimag": 32, "soum": 100, "name": 100, "phone": 40, "email": 200}
_EMAIL = re.compile(r"[^\s@#]+@[^\s@#]+\.[^\s@#]+")


def signer(purpose: str) -> URLSafeTimedSerializer:
    """Signs what comes back from a browser, each purpose with a key of its own."""
    return URLSafeTimedSerializer(settings().secret_key.get_secret_value(), salt=f"site {purpose}")


def new_token() -> str:
    """A form's own id, signed: whoever sends it has had a form of ours."""
    letters = "".join(secrets.choice(ascii_lowercase) for _ in range(TOKEN_LETTERS))
    return str(signer("form").dumps(letters))


def visitor(request: Request) -> str:
    """Whose request it is, as a string nobody can turn back; for counting alone."""
    return f"web:{blind('visitor', request.remote_addr or '').hex()}"


@dataclass(slots=True)
class Filled:
    """What came, for showing it again, and what is wrong with it: field -> text key."""

    values: dict[str, str] = field(default_factory=dict)
    agreed: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)
    token: str = ""


def blank() -> Filled:
    """A form nobody filled in yet."""
    return Filled({"kind": profile().kinds[0]})


def read_form(request: Request) -> Filled:
    """Read the fields and say what is wrong with them."""
    form = request.form
    found = Filled(
        {name: clean(form.get(name, "").strip())[:length] for name, length in _LENGTHS.items()},
        tuple(name for name in PURPOSES if name in form.getlist("agreed")),
    )
    found.values["text"] = clean(form.get("text", "")).replace("\r\n", "\n").strip()
    found.problems = dict(_problems(found, request))
    try:
        found.token = signer("form").loads(form.get("token", ""), max_age=TOKEN_SECONDS)
    except BadSignature:
        found.problems["form"] = "stale"
    return found


def _problems(found: Filled, request: Request) -> Iterable[tuple[str, str]]:
    values = found.values
    if not values["text"] and not any(file.filename for file in _sent(request)):
        yield "text", "text"
    if len(values["text"]) > LONGEST_TEXT:
        yield "text", "long"
    if values["phone"] and normalise(values["phone"]) is None:
        yield "phone", "phone"
    if values["email"] and not _EMAIL.fullmatch(values["email"]):
        yield "email", "email"
    if any(values[name] for name in ("name", "phone", "email")) and "contact" not in found.agreed:
        yield "contact", "consent"
    if request.form.get("website"):
        yield "website", "trap"
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        yield "form", "stale"


def submission(found: Filled, request: Request, language: str) -> Submission:
    """The form as a message, once nothing is wrong with it; its files are on disk by then."""
    values = found.values
    agreed = "contact" in found.agreed
    return Submission(
        found.token,
        language,
        values["text"],
        values["kind"] if values["kind"] in profile().kinds else profile().kinds[0],
        values["aimag"],
        values["soum"],
        values["name"] if agreed else "",
        (normalise(values["phone"]) or "") if agreed else "",
        values["email"].lower() if agreed else "",
        found.agreed,
        _files(request),
    )


def _sent(request: Request) -> list[FileStorage]:
    """A field left empty sends a file without name."""
    return [item for item in request.files.getlist("files") if item.filename]


def _files(request: Request) -> tuple[Attachment, ...]:
    return kept_files(_sent(request))


def kept_files(sent: Sequence[FileStorage]) -> tuple[Attachment, ...]:
    """The first few files, kept; the others are told of without their content."""
    kept = [
        uploads.keep(item.filename or "", item.mimetype or "", item.stream.read(LARGEST + 1))
        for item in sent[:MOST_FILES]
    ]
    names = [uploads.plain_name(item.filename or "") for item in sent[MOST_FILES:]]
    return (*kept, *(Attachment("document", name=name) for name in names))
