"""The whole house as its users start it: ``hariu up`` in a folder of its own, real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-c", "from config.cli import main; main()"]
WORDS = {
    "web": "channels.wsgi", "desk": "admin.wsgi", "worker": "workflow.worker drain",
    "deliver": "workflow.worker deliver", "clock": "workflow.jobs", "poll": "channels.poll",
    "sandbox": "channels.sandbox", "redis": "valkey-server",
}  # fmt: skip


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(look: Callable[[], Any], seconds: float, what: str) -> Any:
    """Ask ``look`` until it answers something true; its answer."""
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


class House:
    """One running instance; use it with ``with``."""

    def __init__(self, home: Path, procfile: Path | None = None, **settings: str) -> None:
        self.home = home
        self.ports = {name: free_port() for name in ("web", "desk", "sandbox")}
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("HARIU_")
        } | {
            "HARIU_HOME": str(home),
            "HARIU_PORT": str(self.ports["web"]),
            "HARIU_DESK_PORT": str(self.ports["desk"]),
            "HARIU_SANDBOX_PORT": str(self.ports["sandbox"]),
            **settings,
        }
        self.procfile = procfile
        self.output = home.parent / f"{home.name}.out"
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(timeout=20)
        self.seconds_to_ready = 0.0

    # -- running ------------------------------------------------------------------------------

    def __enter__(self) -> House:
        self.start()
        return self

    def start(self) -> None:
        """Start and wait until it says that it is ready."""
        began = time.monotonic()
        extra = ["--procfile", str(self.procfile)] if self.procfile else []
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "up", *extra], cwd=ROOT, env=self.environment, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        until(self._ready, 90, "ready")
        self.seconds_to_ready = time.monotonic() - began

    def _ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"hariu up ended: {self.said()}")
        return "Hariu is ready" in self.said()

    def said(self) -> str:
        """What the terminal shows."""
        return self.output.read_text("utf-8", "replace") if self.output.exists() else ""

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        self.process = None
        return code

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self.http.close()

    @property
    def password(self) -> str:
        """The first officer's one-time password, as printed."""
        found = re.search(r"One-time password\s+(\S+)", self.said())
        assert found, self.said()
        return found[1]

    # -- processes ----------------------------------------------------------------------------

    def processes(self, name: str) -> list[psutil.Process]:
        """The processes of that name of the Procfile that run now."""
        assert self.process is not None
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if WORDS[name] in " ".join(child.cmdline()):
                    found.append(child)
            except psutil.Error:
                continue
        return found

    def kill(self, name: str) -> int:
        """kill -9; the pid that was."""
        process = until(lambda: self.processes(name), 10, f"{name} running")[0]
        process.kill()
        return int(process.pid)

    # -- people -------------------------------------------------------------------------------

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def sms(self, sender: str, text: str, **more: Any) -> dict[str, Any]:
        """A text from a simulated phone; what our webhook answered."""
        return self._phone("sms", {"from": sender, "text": text, **more})

    def telegram(self, chat: int, text: str = "", **more: Any) -> dict[str, Any]:
        """A message in a simulated Telegram chat."""
        body = {"chat_id": chat, "first_name": "Туршилт", **more}
        return self._phone("telegram", body | ({"text": text} if text else {}))

    def _phone(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(f"{self.url('sandbox')}/phone/{kind}", json=body)
        found: dict[str, Any] = answer.json()
        return found

    def calls(self, provider: str = "", since: int = 0) -> list[dict[str, Any]]:
        """The calls the doubles received."""
        query = {"since": since} | ({"provider": provider} if provider else {})
        answer = self.http.get(f"{self.url('sandbox')}/calls", params=query)
        return [json.loads(line) for line in answer.text.splitlines()]

    def behave(self, provider: str, mode: str, **switches: Any) -> None:
        """Tell a double how to behave."""
        body = {"provider": provider, "mode": mode, **switches}
        self.http.post(f"{self.url('sandbox')}/behave", json=body).raise_for_status()

    def texts_to(self, address: str | int) -> list[str]:
        """What the doubles took for this address, in order."""
        return [
            str(call["params"].get("Body") or call["params"].get("text"))
            for call in self.calls()
            if str(call["params"].get("To") or call["params"].get("chat_id")) == str(address)
            and call["answer"] in {200, 201}
        ]

    def told(self, address: str | int, words: str, seconds: float = 10) -> str:
        """Wait until a text with ``words`` reached this address; the text."""
        found: str = until(
            lambda: next((text for text in self.texts_to(address) if words in text), ""),
            seconds,
            f"a text with {words!r}",
        )
        return found

    # -- rows ---------------------------------------------------------------------------------

    def hariu(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of the CLI on this instance."""
        return subprocess.run(
            [*COMMAND, *arguments], cwd=ROOT, env=self.environment, input=stdin,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def dump(self, what: str) -> list[dict[str, Any]]:
        """Rows as ``hariu dump`` prints them."""
        done = self.hariu("dump", what)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]
