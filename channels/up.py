"""``hariu up``: everything Hariu needs, from nothing, on this machine."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

import config
from config import embedded, guard
from config.errors import HariuError
from config.instance import prepare, sandbox_wiring
from config.journal import Journal
from config.settings import Settings, settings
from config.supervise import Supervisor, command_of, read_procfile

PROCFILE = Path(config.__file__).resolve().parent.parent / "Procfile"
READY_SECONDS = 60.0
POLL_SECONDS = 0.05
HOPELESS = 3  # deaths of one process before it was ever ready

Check = Callable[[], Awaitable[bool]]


class UpError(HariuError):
    """Hariu cannot be started as things are."""

    code = "up"


def up(procfile: Path = PROCFILE, *, verbose: bool = False) -> None:
    """Start the lines of ``procfile``, Redis and the sandbox; return when told to stop.

    Raises:
        HariuError: wrong settings, a port in use, a second start of one instance, no server for
            Redis, a failing release, or a process that does not become ready.
    """
    chosen = settings()
    prepare(chosen.home, _given(chosen), chosen.database_url)
    with _one_instance(chosen.home) as lock:
        if problems := _port_problems(chosen):
            raise UpError("; ".join(problems))
        with closing(Journal(chosen.home / "log", verbose=verbose)) as journal:
            click.echo(f"Starting Hariu in {chosen.home} …")
            asyncio.run(_Start(chosen, read_procfile(procfile), journal).serve(lock))


@dataclass(frozen=True, slots=True)
class _Start:
    """One start: what is to run, and where its output goes."""

    settings: Settings
    commands: dict[str, list[str]]
    journal: Journal

    async def serve(self, lock: int) -> None:
        """Start all, say so, wait for a signal, stop all: Redis last, the others still use it."""
        own_redis = not self.settings.redis_url
        redis_url = embedded.url(self.settings.home) if own_redis else self.settings.redis_url
        environment = {
            "HARIU_HOME": str(self.settings.home),
            "HARIU_REDIS_URL": redis_url,
            **sandbox_wiring(self.settings),
        }
        async with Supervisor(self.journal, environment, hold=(lock,)) as supervisor:
            try:
                if officer := await supervisor.unless_stopped(self._start(supervisor, own_redis)):
                    click.echo(_box(self.settings, self.journal, *officer))
                await supervisor.stopping.wait()
            finally:
                click.echo("Stopping …")
                await supervisor.stop(name for name in supervisor.running if name != "redis")

    async def _start(self, supervisor: Supervisor, own_redis: bool) -> tuple[str, str]:
        if own_redis:
            supervisor.start("redis", embedded.command(self.settings.home))
            await self._ready(supervisor, {"redis": self._redis_answers})
        commands = dict(self.commands)
        release = commands.pop("release", None)
        sandbox = commands.pop("sandbox", command_of("python -m channels.sandbox"))
        if self.settings.sandbox_on:
            supervisor.start("sandbox", sandbox)  # needs no database: starts during the release
        officer = await self._release(supervisor, release) if release else ("", "")
        for name, command in commands.items():
            supervisor.start(name, command)
        addresses = _addresses(self.settings)
        checks = {name: _health(*addresses[name]) for name in supervisor.running & addresses.keys()}
        await self._ready(supervisor, checks)
        return officer

    async def _redis_answers(self) -> bool:
        return embedded.answers(self.settings.home)

    async def _release(self, supervisor: Supervisor, command: list[str]) -> tuple[str, str]:
        """Login and one-time password of the first officer, empty if it has been used."""
        output = _Release(self.journal)
        if await supervisor.run("release", command, output):
            raise UpError(f"release failed: {output.last}; see {self.journal.path('release')}")
        return output.officer

    async def _ready(self, supervisor: Supervisor, checks: dict[str, Check]) -> None:
        """Wait until every check has been passed once."""
        deadline = time.monotonic() + READY_SECONDS
        waiting = dict(checks)
        while waiting:
            for name, check in list(waiting.items()):
                if await check():
                    del waiting[name]
                elif supervisor.ends[name] >= HOPELESS or time.monotonic() > deadline:
                    raise UpError(f"{name} does not start; see {self.journal.path(name)}")
            await asyncio.sleep(POLL_SECONDS if waiting else 0)


class _Release:
    """Takes the one-time password out of the release's output, so that no log has it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.officer = ("", "")
        self.last = "it said nothing"

    def line(self, name: str, text: str) -> None:
        """Keep the password to ourselves, and pass everything else on."""
        if match := re.fullmatch(r"one-time-password: (\S+) (\S+)", text):
            self.officer = (match[1], match[2])
            return
        self.last = text.removeprefix("hariu: ").strip() or self.last
        self._journal.line(name, text)

    def note(self, name: str, sentence: str) -> None:
        """Pass on what the supervisor says."""
        self._journal.note(name, sentence)


def _given(chosen: Settings) -> set[str]:
    names = ("secret_key", "data_key", "metrics_token")
    return {f"HARIU_{name.upper()}" for name in names if getattr(chosen, name).get_secret_value()}


@contextmanager
def _one_instance(home: Path) -> Iterator[int]:
    """Hold the instance; gives the lock that the guard shall hold as well.

    There are two: the first is free again as soon as a start is killed, the second only when its
    guard has ended the last of its processes, which is waited for.
    """
    with _lock_file(home / "up.lock") as first, _lock_file(home / "processes.lock") as second:
        if not _take(first, seconds=0):
            holder = os.pread(first, 20, 0).decode()
            raise UpError(f"this instance runs already, as process {holder}: {home}")
        os.ftruncate(first, 0)
        os.pwrite(first, str(os.getpid()).encode(), 0)
        if not _take(second, seconds=guard.GRACE + 2):
            raise UpError(f"processes of an earlier start do not end: {home}")
        yield second


@contextmanager
def _lock_file(path: Path) -> Iterator[int]:
    """A file to lock; closing it unlocks."""
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield number
    finally:
        os.close(number)


def _take(lock: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
        else:
            return True


def _addresses(chosen: Settings) -> dict[str, tuple[str, int]]:
    """(host, port) of the processes that serve pages."""
    addresses = {"web": (chosen.bind, chosen.port), "desk": (chosen.bind, chosen.desk_port)}
    return addresses | (
        {"sandbox": ("127.0.0.1", chosen.sandbox_port)} if chosen.sandbox_on else {}
    )


def _port_problems(chosen: Settings) -> list[str]:
    variables = {"web": "HARIU_PORT", "desk": "HARIU_DESK_PORT", "sandbox": "HARIU_SANDBOX_PORT"}
    addresses = _addresses(chosen)
    if len({port for _, port in addresses.values()}) < len(addresses):
        return [f"{', '.join(variables[name] for name in addresses)} must differ"]
    problems = []
    for name, (host, port) in addresses.items():
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            socket.create_server((host, port), family=family).close()
        except OSError as error:
            why = error.strerror
            problems.append(f"port {port} on {host} is not free ({why}): set {variables[name]}")
    return problems


def _reached(host: str) -> str:
    """Where a server that listens on ``host`` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


def _url(host: str, port: int) -> str:
    host = _reached(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _health(host: str, port: int) -> Check:
    """A check that ``/healthz`` there answers 200."""

    async def check() -> bool:
        try:
            async with asyncio.timeout(1):
                return await _get(_reached(host), port, "/healthz") == b"200"
        except OSError:  # TimeoutError is one
            return False

    return check


async def _get(host: str, port: int, path: str) -> bytes:
    """The status of a GET; by hand, an HTTP client takes longer to import than all this."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        return (await reader.readline()).partition(b" ")[2][:3]
    finally:
        writer.close()


def _box(chosen: Settings, journal: Journal, login: str, password: str) -> str:
    addresses = _addresses(chosen)
    rows = [("Citizens", chosen.public_url), ("Desk", _url(*addresses["desk"]))]
    if "sandbox" in addresses:
        rows.append(("Sandbox", f"{_url(*addresses['sandbox'])}  (simulated phones)"))
    if login:
        rows += [("Officer", login), ("One-time password", password)]
    rows += [("Logs", str(journal.path("*"))), ("To stop", "Ctrl-C")]
    lines = ["Hariu is ready.", "", *(f"{name:18} {value}" for name, value in rows)]
    width = max(map(len, lines))
    edge = f"+{'-' * (width + 4)}+"
    return "\n".join([edge, *(f"|  {line:{width}}  |" for line in lines), edge])
