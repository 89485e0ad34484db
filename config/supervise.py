"""Runs processes side by side, passes on what they print, and starts again what dies.

Every process gets a group of its own, so that a whole group can be ended; `config.guard` ends them
all when this process itself is killed. (honcho and its kind stop everything when one ends.)
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import click

from config import guard

Result = TypeVar("Result")

FIRST_PAUSE = 0.2  # seconds before what died is started again, doubled at each death
LONGEST_PAUSE = 5.0
SETTLED = 10.0  # seconds after which a process counts as healthy again
LONGEST_LINE = 1 << 20  # bytes; what is longer is passed on in pieces
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Output(Protocol):
    """Where the lines of the processes go."""

    def line(self, name: str, text: str) -> None:
        """The process ``name`` printed ``text``."""

    def note(self, name: str, sentence: str) -> None:
        """The supervisor says something about the process ``name``."""


class Printer:
    """Prints every line after the name of its process, in colour on a terminal."""

    COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green")

    def __init__(self) -> None:
        self._colours: dict[str, str] = {}

    def line(self, name: str, text: str) -> None:
        """Print ``desk     | text``."""
        colour = self._colours.setdefault(
            name, self.COLOURS[len(self._colours) % len(self.COLOURS)]
        )
        with suppress(OSError):  # a closed terminal stops no process
            click.echo(f"{click.style(f'{name:8} |', fg=colour)} {text}")

    def note(self, name: str, sentence: str) -> None:
        """Print the supervisor's sentence like a line of the process."""
        self.line(name, click.style(sentence, bold=True))


class Supervisor:
    """Keeps processes alive inside ``async with``; leaving it ends them all.

    ``extra`` is added to the environment of the processes. The guard keeps the descriptors of
    ``hold`` open (a lock, say) until the last process is gone, even if this one is killed.
    """

    def __init__(
        self, output: Output, extra: Mapping[str, str] | None = None, hold: Sequence[int] = ()
    ) -> None:
        self.stopping = asyncio.Event()  # set by SIGINT, SIGTERM and SIGHUP
        self.ends: Counter[str] = Counter()  # how often each process has died
        self._output = output
        self._environment = {**os.environ, **(extra or {})}
        self._hold = tuple(hold)
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._groups: set[int] = set()

    async def __aenter__(self) -> Self:
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self.stopping.set)
        self._start_guard()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(self.running)
        self._guard.communicate()
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    @property
    def running(self) -> set[str]:
        """Names of the processes that are kept alive."""
        return set(self._keepers)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process, and start it again whenever it ends."""
        self._keepers[name] = asyncio.create_task(self._keep(name, command))

    async def stop(self, names: Iterable[str]) -> None:
        """End these processes: SIGTERM, then SIGKILL after `guard.GRACE` seconds."""
        tasks = [self._keepers.pop(name) for name in set(names)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def unless_stopped(self, work: Coroutine[Any, Any, Result]) -> Result | None:
        """The result of ``work``, or None when a signal to stop came first and cut it short."""
        tasks = (asyncio.create_task(work), asyncio.create_task(self.stopping.wait()))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return None if tasks[0].cancelled() else tasks[0].result()

    async def run(self, name: str, command: Sequence[str], output: Output | None = None) -> int:
        """Run a process once and return its exit code; when cancelled, end it.

        Raises:
            OSError: the command cannot be started.
        """
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                env=self._environment,
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return await self._follow(name, process, reading, output or self._output)

    async def _follow(
        self, name: str, process: asyncio.subprocess.Process, pipe: int, output: Output
    ) -> int:
        self._groups.add(process.pid)
        self._tell(f"+{process.pid}\n")
        copying = asyncio.create_task(_copy(name, pipe, output))
        try:
            return await process.wait()
        except asyncio.CancelledError:
            guard.signal_group(process.pid, signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), guard.GRACE)
            raise
        finally:
            guard.signal_group(process.pid, signal.SIGKILL)  # and what it left behind
            await process.wait()
            self._groups.discard(process.pid)
            self._tell(f"-{process.pid}\n")
            with suppress(TimeoutError):  # a grandchild that fled its group may hold the pipe
                await asyncio.wait_for(copying, FIRST_PAUSE)

    async def _keep(self, name: str, command: Sequence[str]) -> None:
        pause = FIRST_PAUSE
        while True:
            begun = time.monotonic()
            try:
                how = _how(await self.run(name, command))
            except OSError as error:
                how = f"cannot start ({error.strerror})"
            pause = FIRST_PAUSE if time.monotonic() - begun >= SETTLED else pause
            self.ends[name] += 1
            self._output.note(name, f"{how}; starts again in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _start_guard(self) -> None:
        self._guard = subprocess.Popen(  # noqa: S603 - our own file
            (sys.executable, "-I", "-S", guard.__file__),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=self._hold,
            bufsize=0,
        )
        for group in self._groups:
            self._tell(f"+{group}\n")

    def _tell(self, line: str) -> None:
        assert self._guard.stdin
        try:
            self._guard.stdin.write(line.encode())
        except BrokenPipeError:  # somebody killed it
            self._guard.communicate()
            self._start_guard()  # which is told of all groups


async def _copy(name: str, pipe: int, output: Output) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb")
    )
    try:
        async for line in _lines(reader):
            output.line(name, line)
    finally:
        transport.close()


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    rest = b""
    while chunk := await reader.read(1 << 16):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            whole, rest = [*whole, rest], b""
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")


def _how(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"killed by signal {-code}"


def read_procfile(path: Path) -> dict[str, list[str]]:
    """The commands of a Procfile by name; ``python`` and ``hariu`` become this very Python.

    ``-P`` keeps the current folder, which may hold a foreign ``config``, out of ``sys.path``.
    """
    lines = (line.partition(":") for line in path.read_text(encoding="utf-8").splitlines())
    return {name.strip(): command_of(text) for name, colon, text in lines if colon}


def command_of(text: str) -> list[str]:
    """The command line in ``text``, see `read_procfile`."""
    program, *arguments = shlex.split(text)
    ours = {
        "python": [sys.executable, "-P"],
        "hariu": [sys.executable, "-P", "-c", "from config.cli import main; main()"],
    }
    return [*ours.get(program, [program]), *arguments]
