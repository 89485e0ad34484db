"""``/in/<channel>``: verify on the raw body, store durably, answer 200. Nothing else happens here.

A 4xx would make some providers drop a message for ever and others repeat it and unsubscribe us,
so a genuine event that we cannot read is kept as a dead letter and answered 200.
"""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb
from typing import Any

from flask import Blueprint, Flask, abort, request
from flask import Response as FlaskResponse
from sqlalchemy import text
from werkzeug.exceptions import HTTPException, InternalServerError

from channels import handoff, open311, partner, registry, site, voice_site
from channels.base import (
    BadSignature,
    Channel,
    Request,
    Responds,
    Response,
    TakesGet,
)
from channels.proxies import Visitors
from channels.web_request import to_request, understood
from config import log
from config.errors import HariuError
from config.settings import settings
from store import corrections, inbox
from store.db import DatabaseAway, reading

MAX_BODY = 2 * 1024 * 1024

# What people read; everything else is for machines.
_PAGES = {"site", "partner", "handoff", "open311"}

webhooks = Blueprint("webhooks", __name__)


@webhooks.route("/in/gateway/<name>", methods=["GET", "POST"])
@webhooks.route("/in/gateway/<name>/report", methods=["GET", "POST"])
def take_in_from_gateway(name: str) -> FlaskResponse:
    """One event of one SMS gateway: each is a channel of its own."""
    return take_in(f"gateway-{name}")


@webhooks.route("/in/<code>", methods=["GET", "POST"])
@webhooks.route("/in/<code>/<path:rest>", methods=["GET", "POST"])
def take_in(code: str, rest: str = "") -> FlaskResponse:
    """One event of one provider."""
    channel = registry.active().get(code)
    if channel is None:
        abort(404)
    incoming = to_request(request.path)
    try:
        channel.verify(incoming)
    except BadSignature:
        log.get().warning("signature refused", channel=code)
        abort(403)
    answer = _respond(channel, incoming)
    if request.method == "POST" or (request.method == "GET" and isinstance(channel, TakesGet)):
        inbox.accept(understood(channel, incoming))
    elif answer is None:
        abort(405)
    answer = answer or Response()
    return FlaskResponse(answer.body, answer.status, content_type=answer.content_type)


def _corrected() -> None:
    """Pages speak as the office corrected them; no webhook waits for it."""
    if request.blueprint in _PAGES:
        corrections.refresh()


def _respond(channel: Channel, incoming: Request) -> Response | None:
    return channel.respond(incoming) if isinstance(channel, Responds) else None


def create_app() -> Flask:
    """The public app: webhooks, health, and the citizens' pages."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.register_blueprint(voice_site.calls)
    app.register_blueprint(webhooks)
    app.register_blueprint(site.site)
    app.register_blueprint(partner.blueprint)
    app.register_blueprint(handoff.blueprint)
    app.register_blueprint(open311.blueprint)
    app.before_request(_corrected)
    app.add_url_rule("/healthz", "healthz", lambda: FlaskResponse("ok\n", mimetype="text/plain"))
    app.add_url_rule("/readyz", "readyz", _ready)
    app.register_error_handler(HariuError, _failed)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _broken)
    app.after_request(_headers)
    app.wsgi_app = Visitors(app.wsgi_app, settings().proxies)  # type: ignore[method-assign]
    return app


def _ready() -> FlaskResponse:
    """Whether the database answers. Redis is not asked: without it messages wait a bit longer."""
    try:
        with reading() as tx:
            tx.execute(text("SELECT 1"))
    except DatabaseAway:
        return FlaskResponse("the database is away\n", 503, mimetype="text/plain")
    return FlaskResponse("ready\n", mimetype="text/plain")


def _failed(error: HariuError) -> FlaskResponse:
    """Only a store that is away comes here: the provider is asked to call again."""
    log.get().error("request failed", code=error.code)
    if site.wants_page():
        return site.error_page(503)
    return FlaskResponse(
        "Try again in a minute.\n", 503, {"Retry-After": "30"}, mimetype="text/plain"
    )


def _refused(error: HTTPException) -> FlaskResponse:
    if open311.is_here():
        return open311.refused(error)
    if site.wants_page():
        return site.error_page(error.code or 500)
    return FlaskResponse(f"{error.name}.\n", error.code or 500, mimetype="text/plain")


def _broken(error: Exception) -> FlaskResponse:
    """The edge of the process; Flask itself would log the path, which may hold a number."""
    frame = extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    log.get().error(
        "request failed", error=type(error).__name__, where=where, endpoint=request.endpoint or ""
    )
    return _refused(InternalServerError())


def _headers(response: FlaskResponse) -> FlaskResponse:
    defaults: dict[str, Any] = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
    }
    for name, value in defaults.items():
        response.headers.setdefault(name, value)
    return response
