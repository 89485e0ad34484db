"""What the public pages need to speak: language, texts, dates, spans of time, links, QR codes."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import segno
from flask import Response, g, request, url_for
from markupsafe import Markup, escape

from bot import places
from config import clock, i18n
from config.profile import Organisation, Span, profile
from config.settings import settings

LANGUAGE_COOKIE = "lang"
_YEAR = 365 * 24 * 3600
# Nothing but our own style sheet: no script, no frame, no other site.
_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Vary": "Accept-Language, Cookie",
}


def language() -> str:
    """The page's language: asked for, else chosen before, else the browser's, else the first."""
    if "language" not in g:
        spoken = profile().languages
        wanted = (request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE))
        g.language = next((item for item in wanted if item in spoken), None) or (
            request.accept_languages.best_match(spoken) or spoken[0]
        )
    found: str = g.language
    return found


def protect(response: Response) -> Response:
    """Headers of every page; a language that was asked for is remembered, and nothing else."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    if secure():
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint == "site.static":
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    elif request.args.get("lang") == language():
        keep(response, LANGUAGE_COOKIE, language(), _YEAR)
    return response


def keep(response: Response, name: str, value: str, seconds: int, path: str = "/") -> None:
    """Put a cookie into the browser, out of reach of scripts and other sites."""
    response.set_cookie(
        name, value, max_age=seconds, path=path, httponly=True, secure=secure(), samesite="Lax"
    )


def secure() -> bool:
    """Whether cookies travel under TLS alone: everywhere but on this very machine."""
    return not settings().on_loopback


# -- words for the templates ----------------------------------------------------------------------


def t(key: str, /, **values: object) -> str:
    """The text ``public.<key>``."""
    return i18n.text(f"public.{key}", language(), **values)


def calling(key: str, /, **values: object) -> Markup:
    """The text ``public.<key>`` with our phone in it: to press, never parted over two lines."""
    us = office()
    call = Markup('<a class="tel" href="tel:{}">{}</a>').format(us["dial"], us["phone"])
    said = escape(t(key, phone=us["phone"], **values))
    return said.replace(escape(us["phone"]), call)


def word(key: str) -> str:
    """A text that the pages share with the messages."""
    return i18n.text(key, language())


def link(endpoint: str, **more: Any) -> str:
    """A page of ours in the same language, also where cookies are refused."""
    return url_for(f"site.{endpoint}", lang=language(), **more)


def in_language(code: str) -> str:
    """This page in another language; what was posted is asked for anew."""
    if request.blueprint == "handoff":  # the address itself is the key to the page
        return url_for(request.endpoint or "", lang=code, **(request.view_args or {}))
    endpoint = request.endpoint if request.method == "GET" else None
    ours = endpoint and endpoint.startswith(("site.", "partner."))
    named = endpoint if ours else _PAGE_OF.get(request.path)
    there = request.view_args or {} if ours else {}
    return url_for(named or "site.home", **there, lang=code)


_PAGE_OF = {"/status": "site.status"}


def date(moment: datetime | None, place: str | None = None) -> str:
    """The local day at ``place``, the month in words."""
    zone = profile().zone_at(place)
    return i18n.format_date(moment.astimezone(zone).date(), language(), "long") if moment else ""


def span(length: Span | None) -> str:
    """A length of time in words: 5 days."""
    return i18n.plural(f"count.{length.unit}", length.amount, language()) if length else ""


def grouped(digits: str) -> str:
    """A number in groups that can be said and typed: 26 004 127."""
    head = len(digits) % 3
    parts = [digits[:head]] if head else []
    return " ".join([*parts, *(digits[at : at + 3] for at in range(head, len(digits), 3))])


def office() -> dict[str, str]:
    """Who answers, and when somebody is there."""
    project, tongue = profile(), language()
    body: Organisation = project.organisation
    return {
        "name": body.name.of(tongue),
        "project": body.project.of(tongue),
        "address": body.address.of(tongue),
        "phone": body.phone,
        "dial": "".join(c for c in body.phone if c.isdigit() or c == "+"),
        "email": body.email,
        "days": _days(project.hours.days, tongue),
        "hours": clock.hours_text(project),
    }


@cache
def _days(numbers: tuple[int, ...], tongue: str) -> str:
    """Monday to Friday as its first and last day where no day between is missing."""
    monday = datetime(2024, 1, 1)  # noqa: DTZ001 - a Monday, for its name alone
    named = [i18n.weekday((monday + timedelta(days=n - 1)).date(), tongue) for n in numbers]
    whole = len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1
    listed = f"{named[0]} - {named[-1]}" if whole else ", ".join(named)
    return listed[:1].upper() + listed[1:]


def routes() -> str:
    """The bodies a person may turn to at any time; "" where the profile names none."""
    return profile().routes.get(language(), "")


def aimags() -> list[tuple[str, str]]:
    """(code, name) of the capital and the aimags, in the order of the alphabet."""
    named = [(code, places.names(code, language())) for code in places.aimags()]
    return [named[0], *sorted(named[1:], key=lambda item: item[1].casefold())]


def place_name(code: str | None) -> str:
    """Where it happened, spelt out; "" where that is not known."""
    return places.path(code, language()) if code else ""


def qr_code(address: str) -> Markup:
    """A QR code as an SVG that scales, without any style of its own."""
    made = segno.make(address, error="m", micro=False)
    return Markup(made.svg_inline(scale=4, border=2, omitsize=True, svgclass="qr", lineclass=None))  # noqa: S704


def stylesheet() -> str:
    """The address of the style sheet; it changes with the content, so browsers keep it."""
    return url_for("site.static", filename="site.css", v=_digest())


@cache
def _digest() -> str:
    content = (Path(__file__).parent / "static" / "site.css").read_bytes()
    return hashlib.sha256(content).hexdigest()[:12]
