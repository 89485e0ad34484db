"""Folders, stores and processes that the benches measure."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from channels import jobs as deliver_jobs
from channels import registry
from channels.release import release
from config import embedded, log
from tests import instance
from tests.bench.webhooks import OURS
from tests.house import ROOT, free_port, until
from tests.postgres import Postgres

TOKEN = "the auth token of the benches"


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of its own on a disk, not in memory as /tmp may be; TMPDIR moves it."""
    place = os.environ.get("TMPDIR", "/var/tmp")
    with tempfile.TemporaryDirectory(prefix="hariu-bench-", dir=place) as name:
        yield Path(name)


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process, ended afterwards."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("HARIU_")}
    process = subprocess.Popen(
        command, cwd=ROOT, env=given | environment, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def living(home: Path, store: str) -> Iterator[tuple[dict[str, str], Path]]:
    """This process in a fresh instance with a Redis of its own: settings, folder of the database."""
    with ExitStack() as stack:
        url, disk = "", home
        if store == "postgresql":
            server = stack.enter_context(Postgres())
            url, disk = server.database(), server.folder
        home.mkdir(parents=True, exist_ok=True)
        settings = instance.environment(
            home, url, HARIU_REDIS_URL=embedded.url(home), HARIU_TWILIO_ACCOUNT_SID="AC" + "0" * 32,
            HARIU_TWILIO_AUTH_TOKEN=TOKEN, HARIU_TWILIO_FROM=OURS,
            HARIU_TWILIO_API="http://127.0.0.1:9", HARIU_LOG_LEVEL="error",
        )  # fmt: skip
        stack.enter_context(running(embedded.command(home), {}))
        until(lambda: embedded.answers(home), 10, "Redis")
        stack.callback(_leave)
        instance.enter(settings)
        log.set_up("bench", "error")
        release()
        yield settings, disk


def _leave() -> None:
    deliver_jobs.lanes.cache_clear()
    registry.active.cache_clear()
    instance.forget()


@contextmanager
def serving(module: str, settings: dict[str, str]) -> Iterator[str]:
    """A server process of ``module`` on a free port; the URL of its SMS webhook."""
    port = free_port()
    command, environment = [sys.executable, "-m", module], settings | {"HARIU_PORT": str(port)}
    with running(command, environment) as process:
        until(lambda: _healthy(process, port), 30, f"{module} ready")
        yield f"http://127.0.0.1:{port}/in/sms"


def _healthy(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "the server ended"
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
    except httpx.TransportError:
        return False
