"""Whether the desk lives, whether its database answers, and numbers for Prometheus."""

from __future__ import annotations

import hmac

from flask import Blueprint, abort, request
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import text
from werkzeug.wrappers import Response

from admin import guard, numbers
from config.settings import settings
from store.db import DatabaseAway, reading

blueprint = Blueprint("health", __name__)
_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


@blueprint.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return Response("ok\n", 200, _PLAIN)


@blueprint.get("/readyz")
def ready() -> Response:
    """The database answers as well. Redis is not asked: without it messages wait a bit longer."""
    try:
        with reading() as tx:
            tx.execute(text("SELECT 1"))
    except DatabaseAway:
        return Response("the database is away\n", 503, _PLAIN)
    return Response("ok\n", 200, _PLAIN)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Numbers without personal data, for holders of the metrics token."""
    expected = f"Bearer {settings().metrics_token.get_secret_value()}"
    given = request.headers.get("Authorization", "")
    if expected == "Bearer " or not hmac.compare_digest(given.encode(), expected.encode()):
        abort(Response("a token is needed\n", 401, {**_PLAIN, "WWW-Authenticate": "Bearer"}))
    return Response(numbers.exposition(guard.now()), 200, {"Content-Type": CONTENT_TYPE_LATEST})
