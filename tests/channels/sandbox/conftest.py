"""A sandbox and, opposite to it, a small real endpoint that stands where Hariu would."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr

from channels.sandbox.server import SandboxServer
from config.settings import Settings

TOKEN = "7000000001:sandbox-test-token"
ACCOUNT = "AC" + "0" * 32
AUTH = "sandbox-test-auth"
NUMBER = "+97677000001"
APP_SECRET = "sandbox-test-app-secret"
VERIFY_TOKEN = "sandbox-test-verify"
PAGE_TOKEN = "EAAsandbox-test-page"


@dataclass
class Received:
    """One request our endpoint got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Endpoint:
    """Answers the statuses in ``script`` one after the other, then 200."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    script: list[int] = field(default_factory=list)

    def wait(self, count: int) -> list[Received]:
        """The first ``count`` requests, once they are there."""
        wait_for(lambda: len(self.received) >= count)
        return self.received[:count]


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return once ``condition`` holds; fail the test if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    found = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            found.received.append(Received(self.path, dict(self.headers), body))
            self.send_response(found.script.pop(0) if found.script else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def chosen(endpoint: Endpoint, tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        public_url=endpoint.url,
        telegram_token=SecretStr(TOKEN),
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=SecretStr(AUTH),
        twilio_from=NUMBER,
        messenger_app_secret=SecretStr(APP_SECRET),
        messenger_verify_token=SecretStr(VERIFY_TOKEN),
        messenger_page_token=SecretStr(PAGE_TOKEN),
    )


@pytest.fixture
def sandbox(chosen: Settings) -> Iterator[SandboxServer]:
    with SandboxServer(chosen) as server:
        yield server
