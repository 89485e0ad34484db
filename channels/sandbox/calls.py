"""Every call a double received, in order, for `GET /calls`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any

from flask import Blueprint, Request, Response, request

from channels.sandbox.bounded import Bounded
from config.clock import now

PROVIDERS = ("telegram", "graph", "twilio", "gateway", "mail")


@dataclass
class Call:
    """One call; ``answer`` is the HTTP status given, None while or if there was none."""

    provider: str
    method: str
    path: str
    params: dict[str, Any]
    answer: int | None
    at: str


class CallLog:
    """The calls of this run, the newest 200,000 of them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: Bounded[int, Call] = Bounded(200_000)
        self._count = 0

    def receive(self, provider: str, method: str, path: str, params: dict[str, Any]) -> Call:
        """Note a call at the moment it arrives; the caller fills ``answer`` in later."""
        call = Call(provider, method, path, params, None, now().isoformat())
        with self._lock:
            self._count += 1
            self._calls[self._count] = call
        return call

    def list(self, provider: str = "", since: int = 0) -> list[dict[str, Any]]:
        """The calls (of ``provider``, if given) without the first ``since`` of them."""
        with self._lock:
            calls = list(self._calls.values())
        chosen = (call for call in calls if provider in ("", call.provider))
        return [dict(vars(call)) for call in islice(chosen, since, None)]


def params_of(incoming: Request) -> dict[str, Any]:
    """Query, form and JSON parameters in one; a name given several times has a list."""
    found: dict[str, Any] = {}
    for source in (incoming.args, incoming.form):
        for name, values in source.lists():
            found[name] = values[0] if len(values) == 1 else values
    body = incoming.get_json(silent=True)
    if isinstance(body, dict):
        found.update(body)
    for name, file in incoming.files.items():
        found[name] = {"name": file.filename, "content_type": file.content_type}
    return found


def blueprint(calls: CallLog) -> Blueprint:
    """`GET /calls?provider=&since=`: JSON lines."""
    routes = Blueprint("calls", __name__)

    @routes.get("/calls")
    def show() -> Response:
        since = request.args.get("since", 0, type=int)
        found = calls.list(request.args.get("provider", ""), since)
        return Response(_lines(found), mimetype="application/x-ndjson")

    return routes


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False) + "\n"
