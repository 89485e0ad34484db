"""Nobody gets in without signing in: one check before every request, deny by default."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response

from config import clock
from config.settings import settings
from store import corrections, officers
from store.db import reading, transaction
from store.officers import LANGUAGES, Officer, Session

COOKIE = "hariu_desk"
# The only endpoints that answer a stranger; /metrics has a token of its own.
OPEN_TO_ALL = frozenset(
    {
        "static", "auth.sign_in", "auth.enter", "auth.language",
        "health.alive", "health.ready", "health.metrics",
    }
)  # fmt: skip
# What an officer may reach before the one-time password has been replaced.
BEFORE_PASSWORD = OPEN_TO_ALL | {"auth.password", "auth.change_password", "auth.sign_out"}


def set_up(app: Flask) -> None:
    """Check every request of ``app``."""
    app.before_request(_check)


def _check() -> Response | None:
    g.now = clock.now()
    if request.endpoint in OPEN_TO_ALL:
        return None
    token = request.cookies.get(COOKIE, "")
    with reading() as tx:
        found = officers.find_session(tx, token, g.now) if token else None
        if found:
            corrections.fresh(tx)
    if found is None:
        return _to_sign_in()
    g.officer, g.session = found
    if not is_partial() and officers.wants_touch(g.session, g.now):
        with transaction() as tx:
            officers.touch(tx, g.session.id, g.now)
    if g.officer.must_change and request.endpoint not in BEFORE_PASSWORD:
        return redirect(url_for("auth.password"), 303)
    return None


def is_partial() -> bool:
    """Whether htmx asks by itself: such a request keeps no session awake."""
    return request.headers.get("HX-Request") == "true"


def _to_sign_in() -> Response:
    target = url_for("auth.sign_in")
    if is_partial():  # a page that refreshes itself must go to the sign-in as a whole
        return Response("", 401, {"HX-Redirect": target})
    return redirect(target, 303)


def officer() -> Officer:
    """Who is signed in; 401 where nobody is."""
    found = signed_in()
    return found if found else abort(401)


def signed_in() -> Officer | None:
    """Who is signed in, if anybody."""
    found: Officer | None = g.get("officer")
    return found


def session() -> Session:
    """The session of this request."""
    found: Session = g.session
    return found


def now() -> datetime:
    """The moment of this request."""
    moment: datetime = g.now
    return moment


def language() -> str:
    """The language of this page: the officer's, else the one asked for, else the browser's."""
    if found := signed_in():
        return found.language
    asked = request.args.get("lang") or request.accept_languages.best_match(LANGUAGES)
    return asked if asked in LANGUAGES else LANGUAGES[0]


def give_cookie(response: Response, token: str) -> Response:
    """Put the session's token into the browser, out of reach of scripts and other sites."""
    longest = int((officers.ABSOLUTE + timedelta(hours=1)).total_seconds())
    response.set_cookie(
        COOKIE, token, max_age=longest, httponly=True, secure=secure(), samesite="Lax"
    )
    return response


def secure() -> bool:
    """Whether cookies travel under TLS alone: everywhere but on this very machine."""
    return not settings().on_loopback
