"""``hariu up`` in a process of its own, with small servers in place of ours."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

HARIU = (
    "from config.cli import hariu, main; from channels.cli import commands;"
    "hariu.add_command(commands.commands['up']); main()"
)
SERVER = """
import http.server, json, os, sys

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/healthz", "/environ") else 404)
        self.end_headers()
        self.wfile.write(json.dumps({"pid": os.getpid(), **os.environ}).encode())

    def log_message(self, *_):
        pass

print(json.dumps({"level": "info", "event": "quiet words"}), flush=True)
print(json.dumps({"level": "warning", "event": "loud words", "row": 7}), flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""
PROCFILE = """
release: python -c "print('{release}')"
web: python {server} {web}
desk: python {server} {desk}
sandbox: python {server} {sandbox}
worker: python -c "import time; time.sleep(600)"
"""
PORTS = ("HARIU_PORT", "HARIU_DESK_PORT", "HARIU_SANDBOX_PORT")


def free_ports() -> list[str]:
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        return [str(server.getsockname()[1]) for server in servers]


class Instance:
    """A folder with a HOME and a Procfile, and what ``hariu up`` is given."""

    def __init__(self, folder: Path, release: str = "one-time-password: officer p4ss-w0rd") -> None:
        self.folder = folder
        self.home = folder / "instance"
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("HARIU_")
        }
        self.ports = free_ports()
        self.environment |= dict(zip(PORTS, self.ports, strict=True))
        self.environment |= {"HARIU_HOME": str(self.home), "PYTHONPATH": str(Path.cwd())}
        server = folder / "server.py"
        server.write_text(SERVER)
        web, desk, sandbox = self.ports
        self.procfile = folder / "Procfile"
        self.procfile.write_text(
            PROCFILE.format(release=release, server=server, web=web, desk=desk, sandbox=sandbox)
        )

    def start(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", HARIU, "up", "--procfile", str(self.procfile), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environment | environment,
        )

    def refused(self, **environment: str) -> str:
        """What a start that fails says on stderr; it must print nothing of being ready."""
        process = self.start(**environment)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "ready" not in out
        assert err.count("\n") == 1
        return err

    def environ(self, port: str) -> dict[str, str]:
        """The environment of the server on ``port``, and its pid."""
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/environ", timeout=5) as answer:
            return dict(json.load(answer))


@pytest.fixture
def instance() -> Iterator[Instance]:
    with tempfile.TemporaryDirectory(prefix="hariu") as folder:
        yield Instance(Path(folder).resolve())


def until_ready(process: subprocess.Popen[str]) -> str:
    """Everything printed up to the lower edge of the box."""
    assert process.stdout
    printed, edges = "", 0
    for line in process.stdout:
        printed += line
        edges += line.startswith("+--")
        if edges == 2:
            return printed
    raise AssertionError(f"never ready: {printed}")


def ended(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=3)
    return process.returncode


def test_it_starts_all_says_where_and_stops_all(instance: Instance) -> None:
    process = instance.start()
    printed = until_ready(process)
    for port in instance.ports:
        assert f"http://127.0.0.1:{port}" in printed
    assert re.search(r"Officer +officer ", printed)
    assert re.search(r"One-time password +p4ss-w0rd ", printed)
    environ = instance.environ(instance.ports[0])
    with redis.Redis.from_url(environ["HARIU_REDIS_URL"]) as client:
        assert client.ping()
    assert ended(process) == 0
    for port in instance.ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port)))
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(environ["HARIU_REDIS_URL"]).ping()


def test_children_get_home_redis_and_the_sandbox(instance: Instance) -> None:
    process = instance.start(HARIU_HOME="instance")  # relative to the folder it starts in
    until_ready(process)
    environ = instance.environ(instance.ports[1])
    ended(process)
    assert environ["HARIU_HOME"] == str(instance.home)
    assert environ["HARIU_REDIS_URL"] == f"unix://{instance.home}/redis.sock"
    assert environ["HARIU_TELEGRAM_API"] == f"http://127.0.0.1:{instance.ports[2]}/telegram/bot"
    assert environ["HARIU_TWILIO_API"] == f"http://127.0.0.1:{instance.ports[2]}/twilio"


def test_a_given_redis_and_a_real_channel_are_left_alone(instance: Instance) -> None:
    process = instance.start(HARIU_REDIS_URL="redis://127.0.0.1:1/0", HARIU_TELEGRAM_TOKEN="1:real")
    until_ready(process)
    environ = instance.environ(instance.ports[0])
    ended(process)
    assert environ["HARIU_REDIS_URL"] == "redis://127.0.0.1:1/0"
    assert environ["HARIU_TELEGRAM_TOKEN"] == "1:real"
    assert "HARIU_TELEGRAM_API" not in environ
    assert not (instance.home / "redis").exists()


def test_without_a_sandbox_none_is_started(instance: Instance) -> None:
    process = instance.start(HARIU_SANDBOX="off")
    assert "Sandbox" not in until_ready(process)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(instance.ports[2])))
    assert "HARIU_TELEGRAM_API" not in instance.environ(instance.ports[0])
    assert ended(process) == 0


def test_the_terminal_shows_warnings_and_the_log_everything_but_the_password(
    instance: Instance,
) -> None:
    process = instance.start()
    printed = until_ready(process)
    ended(process)
    assert "warning: loud words (row=7)" in printed
    assert "quiet words" not in printed
    logs = {file.name: file.read_text() for file in (instance.home / "log").iterdir()}
    assert "quiet words" in logs["web.log"]
    assert not any("p4ss-w0rd" in text for text in logs.values())
    assert (instance.home / "log" / "web.log").stat().st_mode & 0o777 == 0o600


def test_verbose_shows_all(instance: Instance) -> None:
    process = instance.start("--verbose")
    assert '"quiet words"' in until_ready(process)
    assert ended(process) == 0


def test_what_is_killed_runs_again_and_the_terminal_says_so(instance: Instance) -> None:
    process = instance.start()
    until_ready(process)
    victim = instance.environ(instance.ports[0])["pid"]
    os.kill(int(victim), signal.SIGKILL)
    assert process.stdout
    assert "killed by signal 9; starts again in 0.2 s" in process.stdout.readline()
    process.stdout.readline()  # its warning: it has started
    time.sleep(0.2)
    assert instance.environ(instance.ports[0])["pid"] != victim
    assert ended(process) == 0


def test_a_start_after_kill_9_waits_for_what_is_left(instance: Instance) -> None:
    first = instance.start()
    until_ready(first)
    first.kill()
    second = instance.start()
    until_ready(second)
    assert ended(second) == 0
    first.communicate()


def test_one_instance_runs_once(instance: Instance) -> None:
    process = instance.start()
    until_ready(process)
    said = instance.refused(**dict(zip(PORTS, free_ports(), strict=True)))
    assert said == f"hariu: this instance runs already, as process {process.pid}: {instance.home}\n"
    assert ended(process) == 0


def test_a_stop_during_the_start_is_heeded(instance: Instance) -> None:
    text = instance.procfile.read_text()
    slow = 'release: python -c "import time; print(1, flush=True); time.sleep(600)"'
    instance.procfile.write_text(re.sub("release: .*", slow, text))
    process = instance.start("--verbose")
    assert process.stdout
    while "release  | 1" not in process.stdout.readline():
        pass
    assert ended(process) == 0


def test_half_a_channel_is_named_before_anything_starts(instance: Instance) -> None:
    said = instance.refused(HARIU_TWILIO_ACCOUNT_SID="AC0", HARIU_MESSENGER_PAGE_TOKEN="x")
    for name in ("TWILIO_AUTH_TOKEN", "TWILIO_FROM", "MESSENGER_APP_SECRET"):
        assert f"HARIU_{name}" in said
    assert not instance.home.exists()


def test_a_busy_port_is_named(instance: Instance) -> None:
    with socket.create_server(("127.0.0.1", int(instance.ports[1]))):
        said = instance.refused()
    assert f"port {instance.ports[1]} " in said
    assert "HARIU_DESK_PORT" in said
    assert not (instance.home / "log").exists()


def test_one_port_for_two_is_refused(instance: Instance) -> None:
    assert "must differ" in instance.refused(HARIU_DESK_PORT=instance.ports[0])


def test_a_release_that_fails_says_why_and_leaves_nothing_running(instance: Instance) -> None:
    text = instance.procfile.read_text()
    failing = "release: python -c \"import sys; sys.exit('hariu: the disk is full')\""
    instance.procfile.write_text(re.sub("release: .*", failing, text))
    said = instance.refused()
    assert said.startswith("hariu: release failed: the disk is full; see ")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(instance.ports[2])))


def test_a_process_that_never_starts_is_named(instance: Instance) -> None:
    text = instance.procfile.read_text()
    instance.procfile.write_text(re.sub("desk: .*", 'desk: python -c "1/0"', text))
    assert instance.refused().startswith("hariu: desk does not start; see ")
    assert "ZeroDivisionError" in (instance.home / "log" / "desk.log").read_text()


def test_an_officer_who_has_signed_in_is_shown_no_password(tmp_path: Path) -> None:
    process = Instance(tmp_path, release="").start()
    assert "password" not in until_ready(process)
    assert ended(process) == 0
