"""Single misfortunes, each with a sharp expectation, on real processes."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from tests.faults.checker import Checker
from tests.faults.facts import gather
from tests.faults.run import Scene, scene, settle
from tests.faults.senders import Message, Senders, people, written
from tests.house import ROOT, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WELL = "Манай багийн худаг ширгэсэн, ус зөөж чадахгүй байна"
STORES = ("sqlite", "postgresql")
DRAINING = "SELECT 1 FROM lease WHERE name LIKE 'drain:%' AND until > 0"


@pytest.fixture(params=STORES)
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with scene(request.param, tmp_path) as running:
        yield running


def post(scene: Scene, message: Message) -> None:
    url = f"{scene.house.url('web')}/in/{message.channel}"
    answer = httpx.post(url, content=message.body, headers=message.headers, timeout=10)
    assert answer.status_code == 200


def judged(scene: Scene, senders: Senders, seconds: float) -> list[str]:
    settle(scene.database, senders, seconds)
    return Checker(gather(scene.house, scene.database, senders.messages(), ())).violations()


def frozen_in_the_middle(scene: Scene) -> tuple[str, psutil.Process]:
    """An address whose message a worker has taken but not handled, and that worker, stopped."""
    worker = until(lambda: scene.house.processes("worker"), 10, "a worker")[0]
    for number in range(50):
        address = f"+97688700{number:03}"
        post(scene, written("sms", address, 0, WELL, scene.house.url("web")))
        end = time.monotonic() + 5
        while time.monotonic() < end and not scene.database.rows(DRAINING):
            pass
        worker.send_signal(signal.SIGSTOP)
        if scene.database.rows("SELECT 1 FROM inbox WHERE kind = 'text' AND state = 'new'"):
            return address, worker
        worker.send_signal(signal.SIGCONT)
        scene.house.told(address, "Дугаар")
        until(lambda: not scene.database.rows(DRAINING), 10, "the lease given back")
    raise AssertionError("the worker was never caught in the middle")


def test_a_worker_killed_in_the_middle_of_a_case(there: Scene) -> None:
    address, worker = frozen_in_the_middle(there)
    worker.kill()
    began = time.monotonic()
    there.house.told(address, "Дугаар", 15)
    print(f"acknowledged {time.monotonic() - began:.1f} s after the kill")


def test_web_killed_right_after_its_answer(there: Scene) -> None:
    """Stored first, then answered: whatever got its 200 is there."""
    url, messages = there.house.url("web"), []
    for number in range(4):
        until(there.is_up, 20, "web")
        web = there.house.processes("web")[0]
        message = written("telegram", str(730_000_000 + number), 0, WELL, url)
        post(there, message)
        web.kill()
        messages.append((message.channel, message.external_id))
    assert set(messages) <= there.database.stored()


def test_everything_killed_and_started_again(there: Scene) -> None:
    house, url = there.house, there.house.url("web")
    senders = Senders(people(120, url, seed=2), url, rate=30, seed=2, patience=60)
    sending = threading.Thread(target=senders.run)
    sending.start()
    time.sleep(2)
    calls = len(house.calls())
    assert house.process is not None
    house.process.kill()
    house.process.wait()
    house.start()
    sending.join()
    assert all(message.accepted_at for message in senders.messages())
    settle(there.database, senders, 90)
    facts = gather(house, there.database, senders.messages(), ())
    # The doubles went down as well and forgot what had reached the phones until then.
    found = [
        sentence
        for sentence in Checker(facts).violations()
        if not sentence.startswith("unacknowledged") or "never told" not in sentence
    ]
    assert found == []
    assert len(facts.calls) + calls >= len(facts.letters)


def test_two_workers_and_two_deliverers_at_once(tmp_path: Path) -> None:
    with scene("postgresql", tmp_path) as there, ExitStack() as stack:
        for queue in ("drain", "deliver"):
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "workflow.worker", queue], cwd=ROOT,
                env=there.house.environment, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)
        until(lambda: len(there.redis.pids()) == 4, 20, "four workers")
        url = there.house.url("web")
        senders = Senders(people(300, url, seed=3), url, rate=50, seed=3, patience=30)
        senders.run()
        assert judged(there, senders, 30) == []


def drip(port: int, over: threading.Event) -> None:
    """A request that comes a byte a second."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as slow:
        head = b"POST /in/sms HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n"
        for place in range(len(head)):
            slow.sendall(head[place : place + 1])
            if over.wait(1):
                return


def test_dripping_connections_stop_nobody(there: Scene) -> None:
    over, port, took = threading.Event(), there.house.ports["web"], []
    # A worker's first case takes its time over imports, and with SQLite others wait for it.
    post(there, written("telegram", "719999999", 0, WELL, ""))
    there.house.told(719999999, "Дугаар")
    with ThreadPoolExecutor(100) as pool:
        for _ in range(100):
            pool.submit(drip, port, over)
        time.sleep(2)
        for number in range(10):
            message = written("telegram", str(720_000_000 + number), 0, WELL, "")
            began = time.monotonic()
            post(there, message)
            took.append(time.monotonic() - began)
        over.set()
    print("milliseconds:", *(round(1000 * seconds) for seconds in sorted(took)))
    # A server whose threads the slow ones hold answers nobody for many seconds; a machine busy
    # with another test answers a little later, so the middle of ten is held to the figure.
    assert sorted(took)[5] < 0.15
    assert max(took) < 1.0
