"""The shared client against real sockets: what went wrong decides which error it is."""

from __future__ import annotations

import gzip
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from channels import http
from channels.base import ChannelDown, Rejected, SendError, Throttled, Unanswered
from tests.channels.conftest import Scripted, forget

SECRET = "7000000001:secret-in-the-path"


@pytest.fixture(autouse=True)
def _quick(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HARIU_PROVIDER_TIMEOUT", "0.4")
    forget()


@contextmanager
def raw(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads one request and lets ``answer`` misbehave; gives its URL."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            answer(connection)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/bot{SECRET}/sendMessage"
    listening.close()
    thread.join(5)


def post(url: str) -> None:
    http.call("POST", url, code="telegram", json={"chat_id": "990000001"})


def trickle(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(20):
        time.sleep(0.1)
        try:
            connection.sendall(b".")
        except OSError:
            return


BROKEN: dict[str, Callable[[socket.socket], None]] = {
    "silence": lambda connection: time.sleep(1),
    "hang up": lambda connection: None,
    "not HTTP": lambda connection: connection.sendall(b"220 mail.example.org ESMTP\r\n"),
    "half an answer": lambda connection: connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"ok"'
    ),
    "trickle": trickle,
    "broken gzip": lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx"
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_no_answer_after_the_request_was_sent(how: str) -> None:
    begun = time.monotonic()
    with raw(BROKEN[how]) as url, pytest.raises(Unanswered) as caught:
        post(url)
    assert time.monotonic() - begun < 3
    assert caught.value.retryable


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://no-such-host.invalid/",
        "gopher://127.0.0.1/",
        "http://[half/",
        "no url at all",
    ],
)
def test_not_reached(url: str) -> None:
    with pytest.raises(ChannelDown) as caught:
        post(url)
    assert (caught.value.code, caught.value.retryable) == ("unreachable", True)


def test_a_host_that_swallows_everything_is_not_waited_for() -> None:
    """A full backlog: nobody accepts, so connecting itself takes too long."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    for each in waiting:
        each.setblocking(False)
        each.connect_ex(listening.getsockname())
    with pytest.raises(ChannelDown) as caught:
        post(f"http://127.0.0.1:{listening.getsockname()[1]}/")
    assert "ConnectTimeout" in str(caught.value)
    for each in (*waiting, listening):
        each.close()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_of_the_provider(scripted: Scripted, status: int) -> None:
    scripted.then(status, b"<html>Bad gateway</html>")
    with pytest.raises(ChannelDown) as caught:
        post(scripted.url)
    assert caught.value.code == str(status)


@pytest.mark.parametrize(
    ("told", "after"),
    [("7", 7.0), ("0", 0.0), ("86400", 3600.0), ("-5", 0.0), ("soon", 5.0), ("", 5.0)],
)
def test_too_fast_by_header(scripted: Scripted, told: str, after: float) -> None:
    scripted.then(429, b"", Retry_After=told)
    with pytest.raises(Throttled) as caught:
        post(scripted.url)
    assert caught.value.after == after


@pytest.mark.parametrize(
    ("body", "after"),
    [
        (b'{"ok":false,"parameters":{"retry_after":11}}', 11.0),
        (b'{"parameters":{}}', 5.0),
        (b'{"parameters":[1]}', 5.0),
        (b"[]", 5.0),
        (b"<html>", 5.0),
    ],
)
def test_too_fast_by_body(scripted: Scripted, body: bytes, after: float) -> None:
    scripted.then(429, body)
    with pytest.raises(Throttled) as caught:
        post(scripted.url)
    assert caught.value.after == after


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 403, 404, 409])
def test_the_adapter_reads_the_rest(scripted: Scripted, status: int) -> None:
    scripted.then(status, b'{"a": 1}', Location="http://127.0.0.1:9/")
    response = http.call("GET", scripted.url, code="sms")
    assert (response.status_code, http.object_in(response)) == (status, {"a": 1})
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"null", b"<html>", b"\xff", b"[" * 100_000])
def test_what_is_no_object(scripted: Scripted, body: bytes) -> None:
    scripted.then(200, body)
    assert http.object_in(http.call("GET", scripted.url, code="sms")) is None


def test_an_endless_answer(scripted: Scripted) -> None:
    scripted.then(200, b"x" * (http.LARGEST_ANSWER + 1))
    with pytest.raises(Unanswered):
        post(scripted.url)


def test_a_bomb(scripted: Scripted) -> None:
    bomb = gzip.compress(b"\0" * (http.LARGEST_ANSWER + 1))
    scripted.then(200, bomb, Content_Encoding="gzip")
    with pytest.raises(Unanswered):
        post(scripted.url)


def test_a_compressed_answer_is_read_once(scripted: Scripted) -> None:
    scripted.then(200, gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")
    assert http.object_in(http.call("GET", scripted.url, code="sms")) == {"a": 1}


def test_files_up_to_20_mb(scripted: Scripted) -> None:
    scripted.then(200, b"x" * http.LARGEST_FILE)
    scripted.then(200, b"x" * (http.LARGEST_FILE + 1))
    assert len(http.download(scripted.url, code="sms").content) == http.LARGEST_FILE
    with pytest.raises(Rejected) as caught:
        http.download(scripted.url, code="sms")
    assert caught.value.code == "too_big"


def test_what_is_sent(scripted: Scripted) -> None:
    url = f"{scripted.url}/Messages.json?Page=2"
    http.call("GET", url, code="sms", auth=("user", "pass"), headers={"X-Api-Key": "k"})
    http.call("POST", scripted.url, code="sms", data={"Body": "Ө & 1"}, params={"a": 1})
    first, second = scripted.requests
    assert first[":path"] == "/Messages.json?Page=2"
    assert first["user-agent"] == "hariu"
    assert first["authorization"] == "Basic dXNlcjpwYXNz"
    assert first["x-api-key"] == "k"
    assert second[":path"] == "/?a=1"
    assert "authorization" not in second
    assert scripted.bodies[1] == b"Body=%D3%A8+%26+1"


def test_one_connection_serves_many_calls(scripted: Scripted) -> None:
    for _ in range(3):
        http.call("GET", scripted.url, code="sms")
    assert len({request[":peer"] for request in scripted.requests}) == 1


def test_a_forked_process_has_its_own_connection(scripted: Scripted) -> None:
    http.call("GET", scripted.url, code="sms")
    child = os.fork()
    if child == 0:
        try:
            http.call("GET", scripted.url, code="sms")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    http.call("GET", scripted.url, code="sms")
    mine, theirs, again = (request[":peer"] for request in scripted.requests)
    assert mine == again != theirs


def test_the_environment_of_others_means_nothing(
    scripted: Scripted, environment: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        environment.setenv(name, "http://127.0.0.1:9")
    http._client.cache_clear()
    assert http.call("GET", scripted.url, code="sms").status_code == 200


def test_no_secret_in_errors_and_logs(scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    errors: list[SendError] = []
    scripted.then(500)
    scripted.then(429)
    for url in (scripted.url, scripted.url, "http://127.0.0.1:9"):
        with pytest.raises(SendError) as caught:
            post(f"{url}/bot{SECRET}/sendMessage")
        errors.append(caught.value)
    http.call("GET", f"{scripted.url}/bot{SECRET}/getMe", code="telegram")
    for error in errors:
        assert SECRET not in str(error) + repr(error.args)
        assert "127.0.0.1" not in str(error)
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None
    assert SECRET not in caplog.text
