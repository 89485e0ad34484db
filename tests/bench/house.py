"""The whole house as `make run` starts it: from accepted to the provider, and slow clients."""

from __future__ import annotations

import http.client
import re
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import urlsplit

from tests.bench import webhooks
from tests.bench.figures import FLOOR, Figure, Scale, fdatasync_rate, say
from tests.bench.servers import folder
from tests.house import House, until

PER_SECOND = 50
DRIPPING = 100
GOOD, GOOD_MS = 10, 100


@contextmanager
def _house() -> Iterator[tuple[House, str, str]]:
    """A running house, the URL of its SMS webhook and the token that signs for it."""
    with folder() as place, House(place / "home") as house:
        made = (house.home / "sandbox.env").read_text()
        token = re.search(r"^SANDBOX_TWILIO_AUTH_TOKEN=(.+)$", made, re.MULTILINE)
        assert token
        yield house, f"{house.url('web')}/in/sms", token[1]


def in_house(scale: Scale) -> Iterator[Figure]:
    """Both in one house."""
    with _house() as (house, url, token):
        say(f"latency, {PER_SECOND} messages a second for {scale.seconds} s")
        yield from _latency(house, url, token, int(PER_SECOND * scale.seconds))
        say(f"drip, {DRIPPING} connections")
        yield from _drip(house, url, token, scale.seconds / 10)


def _latency(house: House, url: str, token: str, count: int) -> Iterator[Figure]:
    """Milliseconds from our 200 to the acknowledgement's arrival at the double."""
    _post_all(url, token, 900_000, PER_SECOND // 2)  # imports, caches
    until(lambda: len(house.calls("twilio")) >= PER_SECOND // 2, 30, "the first answers")
    accepted = _post_all(url, token, 0, count)
    until(lambda: accepted.keys() <= _told(house).keys(), 60, "every acknowledgement")
    told = _told(house)
    waits = sorted((told[who] - at) * 1000 for who, at in accepted.items())
    floor = fdatasync_rate(house.home)
    cuts = statistics.quantiles(waits, n=100, method="inclusive")
    yield Figure("latency.accept_to_double.p50", cuts[49], "ms")
    yield Figure("latency.accept_to_double.p99", cuts[98], "ms")
    yield Figure("latency.accept_to_double.max", waits[-1], "ms")
    yield Figure("latency.messages", len(waits), f"messages at {PER_SECOND}/s, all acknowledged")
    yield Figure(f"{FLOOR}.latency", floor, "fdatasync/s")


def _post_all(url: str, token: str, first: int, count: int) -> dict[str, float]:
    """Send first messages on one connection, `PER_SECOND`; when each had its 200, by number."""
    parts = urlsplit(url)
    assert parts.hostname
    requests = [webhooks.request(url, token, first + number) for number in range(count)]
    accepted = {}
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=20) as connection:
        began = time.monotonic()
        for number, request in enumerate(requests):
            time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
            connection.sendall(request)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            accepted[webhooks.number(first + number)] = time.time()
    return accepted


def _told(house: House) -> dict[str, float]:
    """When the double first took a message for each number."""
    found: dict[str, float] = {}
    for call in house.calls("twilio"):
        if call["method"] == "POST" and call["answer"] == 201:
            at = datetime.fromisoformat(call["at"]).timestamp()
            found.setdefault(call["params"]["To"], at)
    return found


def _drip(house: House, url: str, token: str, seconds: float) -> Iterator[Figure]:
    """Good requests answered in time while 100 connections drip a byte a second."""
    with _dripping(house.ports["web"]):
        time.sleep(seconds)
        took = [_timed(url, token, 910_000 + number) * 1000 for number in range(GOOD)]
    yield Figure("drip.good", sum(ms <= GOOD_MS for ms in took), f"of {GOOD} within {GOOD_MS} ms")
    yield Figure("drip.slowest", max(took), "ms")


@contextmanager
def _dripping(port: int) -> Iterator[None]:
    """Connections that begin a request and never come to its end."""
    head = b"POST /in/sms HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n" + b"x" * 900
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(DRIPPING)]
    stop = threading.Event()

    def drop() -> None:
        for at in range(len(head)):
            for number, one in enumerate(sockets):
                # Half of them drip the body, the others the head.
                one.sendall(head[:-900] if at == 0 and number % 2 else head[at : at + 1])
            if stop.wait(1):
                return

    thread = threading.Thread(target=drop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for one in sockets:
            one.close()


def _timed(url: str, token: str, number: int) -> float:
    """Seconds of one good request on a connection of its own."""
    parts = urlsplit(url)
    body = webhooks.body(number)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": webhooks.signature(token, url, webhooks.form(number)),
    }
    began = time.perf_counter()
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("POST", parts.path, body, headers)
    assert connection.getresponse().status == 200
    seconds = time.perf_counter() - began
    connection.close()
    return seconds
