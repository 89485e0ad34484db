"""What templates need to speak: texts, labels, dates in the project's zone, deadlines."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import segno
from flask import Flask, url_for
from markupsafe import Markup

from admin import guard
from config import i18n
from config.profile import profile
from workflow.states import Status

SOON = timedelta(days=3)
CHANNEL_ICONS = {
    "sms": "chat-left-text", "gateway": "chat-left-text", "telegram": "telegram",
    "messenger": "messenger", "mail": "envelope", "email": "envelope", "voice": "telephone",
    "call": "telephone", "web": "globe2", "visit": "person-walking", "letter": "envelope-paper",
    "meeting": "people", "partner": "building", "open311": "building",
}  # fmt: skip
# What the codes of providers mean (desk.failure.<word>); the others are shown as they are.
# https://www.twilio.com/docs/api/errors, https://core.telegram.org/bots/api#making-requests
_FAILURES = {
    "403": "blocked", "21610": "blocked", "30004": "blocked", "address.blocked": "blocked",
    "window.closed": "window", "30003": "unreachable", "21211": "unknown", "21614": "unknown",
    "30005": "unknown", "30006": "unknown", "unanswered": "unanswered", "unreadable": "unanswered",
    "unreachable": "down", "down": "down",
}  # fmt: skip
_GATEWAY = "gateway-"
# A channel's rows may say more than the catalogue needs to name it.
_CHANNEL_NAMES = {"mail": "email"}


@dataclass(frozen=True, slots=True)
class Badge:
    """A deadline as the eye takes it in: words, an icon, a level (colour)."""

    words: str
    icon: str
    level: str


def set_up(app: Flask) -> None:
    """Give the templates of ``app`` their words."""
    spoken = (
        t, label, date, moment, due, icon, channel_icon, failure, project, versioned, grouped,
    )  # fmt: skip
    app.jinja_env.globals.update({tool.__name__: tool for tool in spoken})
    app.jinja_env.globals.update(n=counted, lang=_lang, me=guard.signed_in)


def _lang() -> str:
    return guard.language()


def project() -> str:
    """The project's name."""
    return profile().organisation.project.of(_lang())


def t(key: str, /, **values: object) -> str:
    """The desk's text ``desk.<key>`` in the officer's language."""
    return i18n.text(f"desk.{key}", _lang(), **values)


def counted(key: str, number: int, /, **values: object) -> str:
    """The desk's text ``desk.<key>`` for a number."""
    return i18n.plural(f"desk.{key}", number, _lang(), **values)


def label(kind: str, code: str | None) -> str:
    """The name of a code (``status.closed.label``); the code itself where it has none."""
    if not code:
        return "–"
    if kind == "channel" and code.startswith(_GATEWAY):  # each is a channel of its own
        return f"{label(kind, 'gateway')}: {code.removeprefix(_GATEWAY)}"
    if kind == "channel":
        code = channel_name(code)
    key = f"{kind}.{code}.label"
    try:
        return i18n.text(key, _lang())
    except i18n.MissingText:
        return code


def channel_name(code: str) -> str:
    """The code under which the catalogue names a channel."""
    return _CHANNEL_NAMES.get(code, code)


def channel_icon(code: str) -> str:
    """The icon of a channel."""
    return CHANNEL_ICONS.get("gateway" if code.startswith(_GATEWAY) else code, "chat-left")


def versioned(filename: str) -> str:
    """The address of a static file; it changes with the content, so browsers keep it for a year."""
    return url_for("static", filename=filename, v=_digest(filename))


@cache
def _digest(filename: str) -> str:
    content = (Path(__file__).parent / "static" / filename).read_bytes()
    return hashlib.sha256(content).hexdigest()[:6]


def failure(code: str) -> str:
    """Why a message did not arrive, in words."""
    word = _FAILURES.get(code)
    return t(f"failure.{word}") if word else t("failure.other", code=code or "?")


def icon(name: str, title: str = "") -> Markup:
    """An icon of the sprite; hidden from screen readers unless it has a title."""
    source = versioned("icons.svg")
    if title:
        return Markup(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"/></svg>'
        ).format(title, source, name)
    # Unquoted: a page has a hundred of them.
    return Markup('<svg class=icon aria-hidden=true><use href="{}#{}"/></svg>').format(source, name)


def qr_code(content: str) -> Markup:
    """A QR code as SVG inside the page; the content is encoded, never written into it."""
    picture = BytesIO()
    segno.make(content, error="m").save(
        picture, kind="svg", xmldecl=False, svgns=False, scale=4, border=4, light="#fff",
        svgclass="qr", lineclass=None, omitsize=True,
    )  # fmt: skip
    return Markup(picture.getvalue().decode())  # noqa: S704 - squares drawn by segno


def grouped(digits: str) -> str:
    """A number in groups that can be said and typed: 26 004 127."""
    return re.sub(r"(?<=\d)(?=(\d{3})+$)", " ", digits)


def date(when: datetime | None, place: str | None = None) -> str:
    """The local day at ``place``."""
    return i18n.format_date(_local(when, place).date(), _lang()) if when else "–"


def moment(when: datetime | None) -> str:
    """The local day and time."""
    return i18n.format_datetime(_local(when), _lang()) if when else "–"


def _local(when: datetime, place: str | None = None) -> datetime:
    return when.astimezone(profile().zone_at(place))


def due(row: Any) -> Badge:
    """The deadline of a grievance in words, counted in the local days of its place."""
    if row.status == Status.CLOSED:
        return Badge(t("due.closed"), "check-circle", "done")
    if row.paused_at:
        return Badge(t("due.paused"), "pause-circle", "none")
    if row.due_at is None:
        return Badge(t("due.none"), "dash-circle", "none")
    now = guard.now()
    days = (_local(row.due_at, row.place).date() - _local(now, row.place).date()).days
    if row.due_at < now:
        words = counted("due.late", -days) if days else t("due.late_today")
        return Badge(words, "exclamation-triangle", "late")
    words = counted("due.left", days) if days else t("due.today")
    if row.due_at < now + SOON:
        return Badge(words, "hourglass-split", "soon")
    return Badge(words, "clock", "fine")
