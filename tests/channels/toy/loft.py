"""The double of the pigeon post: a small real server that takes letters and misbehaves on demand."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import httpx
from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.serving import make_server

from channels.sandbox.behave import Behaviour, Fault
from channels.sandbox.calls import CallLog
from channels.sandbox.double import Wording, guard

SECRET = "coo-coo-secret"


@dataclass
class Loft:
    """Where it is, what it took, and how it behaves."""

    url: str = ""
    letters: list[dict[str, Any]] = field(default_factory=list)
    behaviour: Behaviour = field(default_factory=Behaviour)

    def behave(self, mode: str, **switches: Any) -> None:
        """As `POST /behave` of the sandbox."""
        self.behaviour.faults.pop("pigeon", None)
        if mode != "ok":
            self.behaviour.faults["pigeon"] = Fault(mode, **{"accept": mode == "slow", **switches})

    def post(self, base: str, event: dict[str, Any]) -> httpx.Response:
        """Bring an event to our webhook."""
        body = json.dumps(event, ensure_ascii=False).encode()
        headers = {"X-Pigeon-Signature": signed(body)}
        return httpx.post(f"{base}/in/pigeon", content=body, headers=headers)


def signed(body: bytes, secret: str = SECRET) -> str:
    """The signature as the platform's page would describe it: hex HMAC-SHA256 of the body."""
    return hmac.new(secret.encode("utf-8", "surrogateescape"), body, "sha256").hexdigest()


@contextmanager
def loft() -> Iterator[Loft]:
    """The server on a free port."""
    found = Loft()
    app = Flask("loft")
    app.register_blueprint(_routes(found))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    found.url = f"http://127.0.0.1:{server.server_port}/letters"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.behaviour.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


def _routes(found: Loft) -> Blueprint:
    routes = Blueprint("loft", __name__)
    wording = Wording(
        lambda seconds: Response("slow down", 429, {"Retry-After": str(seconds)}),
        lambda: Response("hawk", 500),
    )
    guard(routes, "pigeon", wording, CallLog(), found.behaviour, lambda: request.path)

    @routes.post("/letters")
    def take() -> Response:
        letter = dict(request.get_json())
        if letter["to"].startswith("nobody"):
            return Response('{"error": "no_such_roost"}', 422)
        found.letters.append(letter)
        return jsonify({"id": f"p{len(found.letters)}"})

    return routes
