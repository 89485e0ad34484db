"""Settings for tests of the channels, and the sandbox opposite to them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from channels import registry
from channels.base import Request
from channels.sandbox.server import SandboxServer
from config.profile import profile
from config.settings import settings
from tests.channels.program import Program, public_app

BOT = "7000000001"
ACCOUNT = "AC" + "0" * 31 + "1"
NUMBER = "+97677000001"
PUBLIC_URL = "https://hariu.example.org"
SECRETS = {
    "HARIU_TELEGRAM_TOKEN": f"{BOT}:channel-test-token",
    "HARIU_TWILIO_ACCOUNT_SID": ACCOUNT,
    "HARIU_TWILIO_AUTH_TOKEN": "channel-test-auth",
    "HARIU_TWILIO_FROM": NUMBER,
    "HARIU_MESSENGER_APP_SECRET": "channel-test-app-secret",
    "HARIU_MESSENGER_VERIFY_TOKEN": "channel-test-verify",
    "HARIU_MESSENGER_PAGE_TOKEN": "EAAchannel-test-page",
    **{
        f"HARIU_GATEWAY_{name}_{key}": value
        for name in ("KANNEL", "OPERATOR", "AGGREGATOR")
        for key, value in {
            "URL": f"https://{name.lower()}.example.org/send",
            "TOKEN": f"gateway-test-{name.lower()}",
            "SENDER": "1414",
            "USER": "hariu",
            "PASSWORD": "gateway-test-password",
            "KEY": "gateway-test-key",
        }.items()
    },
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a public instance with every channel of `SECRETS`."""
    variables = {"HARIU_HOME": str(tmp_path), "HARIU_PUBLIC_URL": PUBLIC_URL, **SECRETS}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    forget()
    yield monkeypatch
    forget()


@pytest.fixture
def base(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a public app that partners' programs call."""
    with public_app(monkeypatch) as url:
        yield url


@pytest.fixture
def program(base: str) -> Program:
    """One of them."""
    return Program(base)


@pytest.fixture
def opposite(environment: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """The doubles, and settings that point the channels at them."""
    with SandboxServer(settings()) as sandbox:
        environment.setenv("HARIU_TELEGRAM_API", f"{sandbox.url}/telegram/bot")
        environment.setenv("HARIU_TWILIO_API", f"{sandbox.url}/twilio")
        environment.setenv("HARIU_MESSENGER_API", f"{sandbox.url}/graph")
        for name in ("kannel", "operator", "aggregator"):
            environment.setenv(f"HARIU_GATEWAY_{name.upper()}_URL", f"{sandbox.url}/gateway/{name}")
        environment.setenv("HARIU_PUBLIC_URL", "https://127.0.0.1:9")  # nobody listens there
        environment.setenv("HARIU_PROVIDER_TIMEOUT", "1")
        forget()
        sandbox.world.settings = settings()
        yield sandbox


def forget() -> None:
    """Read the environment anew."""
    settings.cache_clear()
    profile.cache_clear()
    registry.active.cache_clear()


@dataclass
class Scripted:
    """A server that answers ``script`` in turn, each (status, headers, body), then 200.

    ``requests`` are the header fields it received, with ``:path`` and the ``:peer``'s port;
    ``bodies`` what came with them.
    """

    url: str = ""
    script: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def then(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        """Add one answer; an underscore in a header's name stands for a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.script.append((status, named, body))

    def received(self, number: int, seconds: float = 5.0) -> Request:
        """The request of that number as adapters see it, once it is there."""
        end = time.monotonic() + seconds
        while len(self.requests) <= number:
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.01)
        fields, body = self.requests[number], self.bodies[number]
        return Request("POST", f"{self.url}{fields[':path']}", fields, body)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    found = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            extra = {":path": self.path, ":peer": str(self.client_address[1])}
            found.requests.append({**{k.lower(): v for k, v in self.headers.items()}, **extra})
            status, headers, body = found.script.pop(0) if found.script else (200, {}, b"{}")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()
