"""Real processes: killed, stubborn, talkative; and a supervisor that is itself killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config.supervise import Supervisor, read_procfile

SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
PARENT = (
    "import subprocess, sys;"
    f"subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]); import time; time.sleep(600)"
)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


class Lines:
    """Keeps what the processes print and what the supervisor says of them."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.notes: list[tuple[str, str]] = []

    def line(self, name: str, text: str) -> None:
        self.lines.append((name, text))

    def note(self, name: str, sentence: str) -> None:
        self.notes.append((name, sentence))

    def pids(self) -> list[int]:
        return [int(text) for _, text in self.lines]

    async def wait(self, count: int) -> None:
        await until(lambda: len(self.lines) >= count)


async def until(true: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


def wait_for(true: Callable[[], bool], seconds: float = 5) -> None:
    asyncio.run(until(true, seconds))


def alive(pid: int) -> bool:
    """A zombie, whom nobody may have collected in a container, is dead."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip()[:1] not in ("", "Z")


def test_what_is_killed_runs_again_within_a_second() -> None:
    async def scene() -> None:
        output = Lines()
        async with Supervisor(output) as supervisor:
            supervisor.start("one", python(SLEEPER))
            supervisor.start("two", python(SLEEPER))
            await output.wait(2)
            (victim,) = (int(text) for name, text in output.lines if name == "one")
            killed = time.monotonic()
            os.kill(victim, signal.SIGKILL)
            await output.wait(3)
            assert time.monotonic() - killed < 1
            assert output.lines[2][0] == "one"
            assert output.notes == [("one", "killed by signal 9; starts again in 0.2 s")]
            assert supervisor.ends == {"one": 1}

    asyncio.run(scene())


def test_the_pause_doubles_for_what_keeps_dying() -> None:
    async def scene() -> list[tuple[str, str]]:
        output = Lines()
        async with Supervisor(output) as supervisor:
            supervisor.start("one", python("import sys; sys.exit(3)"))
            await until(lambda: len(output.notes) >= 3)
        return output.notes

    assert [note for _, note in asyncio.run(scene())] == [
        f"ended with exit code 3; starts again in {pause} s" for pause in (0.2, 0.4, 0.8)
    ]


def test_a_missing_program_is_said_and_tried_again() -> None:
    async def scene() -> None:
        output = Lines()
        async with Supervisor(output) as supervisor:
            supervisor.start("one", ["no-such-program-anywhere"])
            await until(lambda: supervisor.ends["one"] == 2)
        assert output.notes[0][1].startswith("cannot start (No such file or directory)")

    asyncio.run(scene())


def test_leaving_ends_children_and_grandchildren() -> None:
    async def scene() -> list[int]:
        output = Lines()
        async with Supervisor(output) as supervisor:
            supervisor.start("child", python(SLEEPER))
            supervisor.start("grandchild", python(PARENT))
            await output.wait(2)
            assert all(alive(pid) for pid in output.pids())
        return output.pids()

    begun = time.monotonic()
    pids = asyncio.run(scene())
    assert time.monotonic() - begun < 3
    assert not any(alive(pid) for pid in pids)


def test_who_ignores_sigterm_is_killed_after_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.guard.GRACE", 0.3)

    async def scene() -> int:
        output = Lines()
        async with Supervisor(output) as supervisor:
            supervisor.start("stubborn", python(STUBBORN))
            await output.wait(1)
        return output.pids()[0]

    assert not alive(asyncio.run(scene()))


def test_one_run_gives_code_output_and_environment() -> None:
    async def scene() -> None:
        output, own = Lines(), Lines()
        async with Supervisor(output, {"WORD": "үг"}) as supervisor:
            code = "import os, sys; print(os.environ['WORD']); sys.stderr.write('end'); sys.exit(4)"
            assert await supervisor.run("once", python(code), own) == 4
        assert (output.lines, own.lines) == ([], [("once", "үг"), ("once", "end")])

    asyncio.run(scene())


def test_a_line_longer_than_any_buffer_arrives_whole() -> None:
    async def scene() -> None:
        output = Lines()
        async with Supervisor(output) as supervisor:
            await supervisor.run("once", python("print('я' * 300_000)"))
        assert output.lines == [("once", "я" * 300_000)]

    asyncio.run(scene())


def test_a_signal_cuts_work_short() -> None:
    async def scene() -> None:
        async with Supervisor(Lines()) as supervisor:
            assert await supervisor.unless_stopped(asyncio.sleep(0, "done")) == "done"
            asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)
            run = supervisor.run("once", python(SLEEPER))
            assert await asyncio.wait_for(supervisor.unless_stopped(run), 3) is None

    asyncio.run(scene())


SUPERVISOR = f"""
import asyncio, sys
from config.supervise import Printer, Supervisor

async def main():
    async with Supervisor(Printer()) as supervisor:
        supervisor.start("one", [sys.executable, "-c", {SLEEPER!r}])
        supervisor.start("two", [sys.executable, "-c", {PARENT!r}])
        await supervisor.stopping.wait()

asyncio.run(main())
"""


def supervisor_process() -> tuple[subprocess.Popen[str], list[int]]:
    """A supervisor in a process of its own, and the processes two lines of it name."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(2)]
    assert {line[:10] for line in lines} == {"one      |", "two      |"}
    return process, [int(line.partition("|")[2]) for line in lines]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_with_exit_code_0(number: int) -> None:
    process, pids = supervisor_process()
    process.send_signal(number)
    assert process.wait(3) == 0
    assert not any(alive(pid) for pid in pids)
    process.communicate()


def test_nothing_outlives_a_supervisor_killed_with_kill_9() -> None:
    process, pids = supervisor_process()
    assert all(alive(pid) for pid in pids)
    process.kill()
    process.communicate()
    wait_for(lambda: not any(alive(pid) for pid in pids), 3)


def test_the_guard_is_replaced_when_it_is_killed() -> None:
    async def scene() -> None:
        output = Lines()
        async with Supervisor(output) as supervisor:
            supervisor.start("one", python(SLEEPER))
            await output.wait(1)
            first = supervisor._guard
            first.kill()
            first.wait()
            supervisor.start("two", python(SLEEPER))
            await output.wait(2)
            assert supervisor._guard.pid != first.pid
            assert supervisor._guard.poll() is None

    asyncio.run(scene())


def test_a_procfile_runs_this_python_and_not_the_folder_it_is_in(tmp_path: Path) -> None:
    file = tmp_path / "Procfile"
    file.write_text(
        "web: python -m channels.wsgi --port 1\n\nrelease: hariu release\nx: sh -c 'a b'\n"
    )
    assert read_procfile(file) == {
        "web": [sys.executable, "-P", "-m", "channels.wsgi", "--port", "1"],
        "release": [
            sys.executable, "-P", "-c", "from config.cli import main; main()", "release",
        ],
        "x": ["sh", "-c", "a b"],
    }  # fmt: skip
