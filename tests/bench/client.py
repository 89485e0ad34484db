"""A lean client process: pre-signed requests over kept-alive connections, one selector.

``python -m tests.bench.client URL TOKEN CONNECTIONS FIRST COUNT`` says ``ready``, waits for a
line, sends, and prints the seconds from the first byte sent to the last answer received.
"""

from __future__ import annotations

import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.bench.webhooks import request

PROCESSES = 2
CONNECTIONS = 16


def send_all(address: tuple[str, int], requests: list[bytes], connections: int) -> float:
    """Send each request once, each connection the next as soon as it has its answer."""
    waiting: Iterator[bytes] = iter(requests)
    with selectors.DefaultSelector() as selector:
        sockets = [socket.create_connection(address) for _ in range(connections)]
        for one in sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(one, selectors.EVENT_READ)
        began = time.perf_counter()
        flying = sum(_next(one, waiting) for one in sockets)
        while flying:
            for key, _ in selector.select(timeout=30):
                _answered(key.fileobj)
                flying += _next(key.fileobj, waiting) - 1
        seconds = time.perf_counter() - began
        for one in sockets:
            one.close()
    return seconds


def _next(connection: object, waiting: Iterator[bytes]) -> int:
    assert isinstance(connection, socket.socket)
    message = next(waiting, None)
    if message is not None:
        connection.sendall(message)
    return message is not None


def _answered(connection: object) -> None:
    """Read one answer; anything but 200 ends the measurement."""
    assert isinstance(connection, socket.socket)
    answer = connection.recv(65536)
    while b"\r\n\r\n" not in answer:
        more = connection.recv(65536)
        assert more, "the server closed the connection"
        answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head[:80]
    assert b"content-length: 0" in head.lower() or body, "an answer in pieces"


class Clients:
    """The client processes of one round; made before it, so that signing is not timed."""

    def __init__(self, url: str, token: str, first: int, count: int) -> None:
        share = count // PROCESSES
        self._count = share * PROCESSES
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.bench.client", url, token,
                 str(CONNECTIONS // PROCESSES), str(first + number * share), str(share)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for number in range(PROCESSES)
        ]  # fmt: skip

    def rate(self) -> float:
        """Let them go; accepted requests a second."""
        for process in self._processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        seconds = [float(process.communicate(timeout=120)[0]) for process in self._processes]
        return self._count / max(seconds)


def main() -> None:
    url, token, connections, first, count = sys.argv[1:]
    parts = urlsplit(url)
    assert parts.hostname
    requests = [request(url, token, int(first) + number) for number in range(int(count))]
    print("ready", flush=True)
    sys.stdin.readline()
    print(send_all((parts.hostname, parts.port or 80), requests, int(connections)), flush=True)


if __name__ == "__main__":
    main()
