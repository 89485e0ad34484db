"""Somebody else's system: takes webhooks, checks them by the written rule, and can misbehave.

The rule is https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
and is written down here on its own, without our code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any

from tests.house import until

TOLERANCE = 300  # seconds


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    headers: dict[str, str]
    body: bytes
    path: str
    at: float

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def signed_by(self, secret: str) -> bool:
        """Whether one of the signatures is the secret's, and the stamp of this moment."""
        stamp = self.headers["webhook-timestamp"]
        if abs(self.at - int(stamp)) > TOLERANCE:
            return False
        assert secret.startswith("whsec_")
        key = base64.b64decode(secret[len("whsec_") :])
        signed = self.id.encode() + b"." + stamp.encode() + b"." + self.body
        right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        given = self.headers["webhook-signature"].split(" ")
        return any(hmac.compare_digest(each, f"v1,{right}") for each in given)


Answer = Callable[[BaseHTTPRequestHandler, Received], None]


def status(code: int, **headers: str) -> Answer:
    """Answers with a status and nothing else."""

    def answer(handler: BaseHTTPRequestHandler, _: Received) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def raw(*pieces: bytes, pause: float = 0.0) -> Answer:
    """Writes these bytes, with a pause after each."""

    def answer(handler: BaseHTTPRequestHandler, _: Received) -> None:
        handler.close_connection = True
        for piece in pieces:
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(pause)

    return answer


OK = status(204)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The other side hung up."""


class Receiver:
    """The server; ``answer`` decides what becomes of a request. Use it with ``with``."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.answer: Answer = OK
        self.secret = ""  # where a test notes what it was given
        self._lock, receiver = Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Received(headers, body, self.path, time.time())
                with receiver._lock:
                    receiver.received.append(request)
                try:
                    receiver.answer(self, request)
                except OSError:  # the other side had enough
                    self.close_connection = True

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *args: object) -> None:
                """Nothing."""

        self._server = _Server((host, 0), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"http://{host}:{self.port}/grievances?token=of-theirs"

    def __enter__(self) -> Receiver:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def told(self) -> list[tuple[str, str]]:
        """(reference, event) in the order they came."""
        return [(each.json["data"]["reference"], each.json["type"]) for each in self.received]

    def events(self) -> list[str]:
        return [each.json["type"].partition(".")[2] for each in self.received]

    def wait(self, count: int, seconds: float = 10) -> list[Received]:
        """Wait until so many requests came."""
        until(lambda: len(self.received) >= count, seconds, f"{count} calls")
        return self.received
