"""The Flask application of the sandbox, put together from its parts."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request

from channels.sandbox import (
    behave,
    calls,
    gateway,
    graph,
    mail,
    mailman,
    page,
    phones,
    telegram,
    twilio,
    voice,
)
from channels.sandbox.voice_state import Exchange
from channels.sandbox.world import World

LARGEST = 64 * 1024 * 1024
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def create_app(world: World) -> Flask:
    """The application that serves ``world``."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST
    app.before_request(_read)
    app.after_request(_harden)
    chats = telegram.Telegram(world)
    carrier = twilio.Twilio(world)
    exchange = app.extensions["exchange"] = Exchange(carrier)
    page_chats = graph.Graph(world)
    post = mail.Post(world)
    mailman.serve(post)
    handsets = phones.Phones(world, chats, carrier, page_chats, post)
    app.register_blueprint(calls.blueprint(world.calls))
    app.register_blueprint(behave.blueprint(world.behaviour))
    app.register_blueprint(telegram.blueprint(world, chats))
    app.register_blueprint(twilio.blueprint(world, carrier, exchange))
    app.register_blueprint(graph.blueprint(world, page_chats))
    app.register_blueprint(gateway.blueprint(world))
    app.register_blueprint(phones.blueprint(world, handsets))
    app.register_blueprint(voice.handset(exchange))
    app.register_blueprint(page.blueprint(world, handsets))
    app.add_url_rule("/healthz", view_func=lambda: {"ok": True})
    return app


def _read() -> Response | None:
    """Read the whole body (a kept-alive connection needs it gone), refuse other sites' scripts."""
    request.get_data()
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.host:
        return Response("Only this page may do that.\n", 403, mimetype="text/plain")
    return None


def _harden(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
