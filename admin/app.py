"""The desk as a WSGI application: settings of the framework, headers, error pages, blueprints."""

from __future__ import annotations

import hmac
from datetime import timedelta
from pathlib import Path
from traceback import extract_tb
from typing import Any

from flask import Flask, abort, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from admin import (
    auth,
    care,
    cases,
    guard,
    health,
    imports,
    intake,
    notices,
    partners,
    queue,
    recordings,
    rooms,
    state,
    words,
)
from config import log
from config.settings import settings
from store.db import DatabaseAway

LONGEST_BODY = 1 << 20  # forms of words; files come in by other doors
_WITH_FILES = {
    "intake.enter": intake.LONGEST_BODY,
    "imports.take": imports.LONGEST_BODY,
    "prompts.keep": 4 << 20,
}
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " media-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Pages that have words of their own; any other status gets those of "other".
_TOLD = {400, 403, 404, 405, 409, 413, 429, 500, 503}


def create_app() -> Flask:
    """The desk of this instance."""
    app = Flask("admin", static_folder="static", template_folder="templates")
    app.config.update(
        SECRET_KEY=_cookie_key(),
        MAX_CONTENT_LENGTH=LONGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LONGEST_BODY,
        MAX_FORM_PARTS=100,
        SESSION_COOKIE_NAME="hariu_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=guard.secure(),
        SESSION_COOKIE_SAMESITE="Lax",
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        WTF_CSRF_TIME_LIMIT=None,  # an officer's page stays open all day; it ends with the session
    )
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}
    guard.set_up(app)  # before any form is read: a stranger is sent to the sign-in
    app.before_request(_storable)
    CSRFProtect(app)
    words.set_up(app)
    recordings.set_up(app)
    for module in (auth, queue, cases, care, health, imports, intake, partners, state, notices):
        app.register_blueprint(module.blueprint)
    for room in rooms.ROOMS:
        app.register_blueprint(room)
    app.after_request(_protect)
    app.register_error_handler(DatabaseAway, _database_away)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _failed)
    return app


def _storable() -> None:
    """PostgreSQL stores no NUL; nobody types one. Few pages take files."""
    request.max_content_length = _WITH_FILES.get(request.endpoint or "", LONGEST_BODY)
    if "\0" in request.path or any("\0" in value for value in request.form.values()):
        abort(400)


def _cookie_key() -> bytes:
    secret = settings().secret_key.get_secret_value().encode()
    return hmac.digest(secret, b"hariu desk cookies", "sha256")


def _protect(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if guard.secure():
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


# -- errors in words ----------------------------------------------------------------------------


def error_page(status: int, key: str = "", **values: Any) -> tuple[str, int]:
    """A page that says what happened and what to do; needs no database."""
    key = key or (str(status) if status in _TOLD else "other")
    return render_template("error.html", status=status, key=key, **values), status


def _http_error(error: HTTPException) -> Response | tuple[str, int]:
    if isinstance(error.response, Response):
        return error.response
    return error_page(error.code or 500)


def _stale_form(error: CSRFError) -> tuple[str, int]:
    return error_page(400, "csrf")


def _database_away(error: DatabaseAway) -> tuple[str, int]:
    log.get().error("database away", error=error.code)
    return error_page(503)


def _failed(error: Exception) -> tuple[str, int]:
    """The edge of the process: whatever went wrong is logged, and told without its inside."""
    frame = extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    name = type(error).__name__
    log.get().error("page failed", error=name, where=where, endpoint=request.endpoint or "")
    return error_page(500)
