"""Small real servers that take what is meant for Sentry and for an OpenTelemetry collector."""

from __future__ import annotations

import gzip
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Mood = Literal["ok", "hang", "garbage", "500", "drop"]


@dataclass
class Observer:
    """What one server received, and how it answers."""

    url: str = ""
    mood: Mood = "ok"
    received: list[tuple[str, bytes]] = field(default_factory=list)
    heard: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def dsn(self) -> str:
        """The address for Sentry: a key, the host, the number of a project."""
        return self.url.replace("://", "://0123abcd@") + "/1"

    @property
    def everything(self) -> bytes:
        """Every byte received: lines and headers of the requests, bodies without compression."""
        return b"\n".join(head.encode() + body for head, body in self.received)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events in the envelopes; anything else in one is an error.

        https://develop.sentry.dev/sdk/data-model/envelopes/
        """
        found = []
        for head, body in self.received:
            assert head.startswith("POST /api/1/envelope/ ")
            lines = body.strip(b"\n").split(b"\n")
            assert set(json.loads(lines[0])) == {"event_id", "sent_at"}
            for about, payload in zip(lines[1::2], lines[2::2], strict=True):
                assert json.loads(about)["type"] == "event"
                found.append(json.loads(payload))
        return found

    @property
    def spans(self) -> list[tuple[str, Span]]:
        """(service, span) of all that came as OTLP over HTTP; what else it could hold is empty."""
        found = []
        for head, body in self.received:
            assert head.startswith("POST /v1/traces ")
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                about = {each.key: each.value.string_value for each in resource.resource.attributes}
                assert set(about) == {"service.name", "service.version"}
                for scope in resource.scope_spans:
                    assert (scope.scope.name, list(scope.scope.attributes)) == ("hariu", [])
                    found += [(about["service.name"], span) for span in scope.spans]
        return found


def facts(span: Span) -> dict[str, str | int]:
    """The attributes of a span."""
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


class _Handler(BaseHTTPRequestHandler):
    observer: Observer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        self.observer.received.append((f"{self.requestline}\n{self.headers}", body))
        self.observer.heard.set()
        match self.observer.mood:
            case "hang":
                self.observer.released.wait(60)
            case "drop":
                return
            case "garbage":
                self.wfile.write(b"\x00 this is not HTTP \xff\r\n\r\n")
            case "500":
                self._answer(500, b"no")
            case "ok":
                otlp = self.path == "/v1/traces"
                self._answer(
                    200, ExportTraceServiceResponse().SerializeToString() if otlp else b"{}"
                )

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def logging_kept() -> Iterator[None]:
    """What `config.log.set_up` changes in a process is put back for the tests after this one."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers[:], root.level = handlers, level
        sys.excepthook, threading.excepthook = hooks


@contextmanager
def observer(mood: Mood = "ok") -> Iterator[Observer]:
    """A server on a port of its own."""
    found = Observer(mood=mood)
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Handler", (_Handler,), {"observer": found})
    )
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        found.released.set()
        server.shutdown()
        server.server_close()
