"""The edge: who may be called, what a system that lies or drips can do, and how long."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from channels import hooks_http
from channels.hooks_http import Answer, NotTold, may_call, post
from config.settings import SettingsError, settings
from tests.channels.mailbox import certificate
from tests.channels.receiver import Received, Receiver, raw, status
from workflow.hooks import fault

INSIDE = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.1"),
    *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1"),
    *("::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "fe80::1", "fe80::1%1"),
    *("fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::"),
    *("64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2001::1", "100::1"),
)
OUTSIDE = (
    *("8.8.8.8", "202.131.0.1", "1.1.1.1", "2001:4860:4860::8888", "2a00:1450::1"),
    *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8"),
)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """The settings of an instance whose sandbox is on."""
    monkeypatch.setenv("HARIU_HOME", str(tmp_path))
    settings.cache_clear()
    hooks_http._tls.cache_clear()
    yield monkeypatch
    settings.cache_clear()
    hooks_http._tls.cache_clear()


@pytest.fixture
def other(house: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def send(url: str) -> Answer:
    return post(url, {"webhook-id": "msg_1"}, b"{}")


def why(url: str) -> str:
    with pytest.raises(NotTold) as caught:
        send(url)
    assert "token" not in str(caught.value)
    return caught.value.code


# -- who may be called ----------------------------------------------------------------------------


def test_no_address_inside_a_network_is_called(house: pytest.MonkeyPatch) -> None:
    assert [each for each in INSIDE if may_call(ip_address(each), plain=False)] == []
    assert [each for each in OUTSIDE if not may_call(ip_address(each), plain=False)] == []


def test_without_tls_only_this_machine_while_the_sandbox_is_on(house: pytest.MonkeyPatch) -> None:
    own = [each for each in (*INSIDE, *OUTSIDE) if may_call(ip_address(each), plain=True)]
    assert own == ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "2002:7f00:1::",
                   "64:ff9b::7f00:1"]  # fmt: skip
    house.setenv("HARIU_SANDBOX", "off")
    settings.cache_clear()
    assert not may_call(ip_address("127.0.0.1"), plain=True)


def test_a_network_of_ones_own_may_be_named(house: pytest.MonkeyPatch) -> None:
    house.setenv("HARIU_HOOK_NETWORKS", "10.20.0.0/16, fd12::/16")
    settings.cache_clear()
    allowed = ("10.20.1.1", "fd12::1", "::ffff:10.20.1.1", "8.8.8.8")
    assert [each for each in allowed if not may_call(ip_address(each), plain=False)] == []
    assert not may_call(ip_address("10.21.0.1"), plain=False)
    house.setenv("HARIU_HOOK_NETWORKS", "10.20.0.0/99")
    settings.cache_clear()
    with pytest.raises(SettingsError, match="HARIU_HOOK_NETWORKS holds something"):
        settings()


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("https://city.example.mn/in?token=1", ""),
        ("https://хот.мон/мэдээ", ""),
        ("http://127.0.0.1:9/in", ""),
        ("http://[::1]:9/in", ""),
        ("http://city.example.mn/in", "scheme"),
        ("http://127.0.0.1.example.mn/in", "scheme"),
        ("ftp://city.example.mn", "scheme"),
        ("file:///etc/passwd", "form"),
        ("https://user:word@city.example.mn/", "form"),
        ("https://city.example.mn/#part", "form"),
        ("https://city.example.mn/a b", "form"),
        ("https://city.example.mn:99999/", "form"),
        ("https://", "form"),
        ("", "form"),
    ],
)
def test_addresses_that_can_be_called(url: str, wrong: str) -> None:
    assert fault(url, sandbox=True) == wrong
    if url.startswith("http:"):
        assert fault(url, sandbox=False) == "scheme"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1"])
def test_a_way_into_our_own_network_is_refused_before_anything_is_sent(
    other: Receiver, host: str
) -> None:
    assert why(f"https://{host}:{other.port}/in?token=1") in {"address", "dns"}
    assert other.received == []


@contextmanager
def names(*answers: tuple[str, ...]) -> Iterator[list[str]]:
    """A name server with these answers, one after the other; the names it was asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        if not host.endswith(".example.mn"):
            return real(host, port, *rest, **more)
        asked.append(host)
        found = answers[len(asked) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        yield asked


def test_a_name_is_asked_for_once_and_its_answer_is_what_is_called(other: Receiver) -> None:
    with names(("127.0.0.1",), ("127.0.0.2",)) as asked:
        assert send(f"http://rebinds.example.mn:{other.port}/in").status == 204
        assert asked == ["rebinds.example.mn"]
        assert why(f"http://rebinds.example.mn:{other.port}/in") == "unreachable"
    assert len(other.received) == 1
    assert other.received[0].headers["host"] == f"rebinds.example.mn:{other.port}"


def test_of_several_addresses_the_next_is_tried(other: Receiver) -> None:
    with names(("10.0.0.1", "127.0.0.3", "127.0.0.1")):
        assert send(f"http://several.example.mn:{other.port}/in").status == 204


def test_an_unknown_name_and_a_closed_door(house: pytest.MonkeyPatch) -> None:
    assert why("https://nobody.invalid/in") == "dns"
    assert why(f"https://{'a' * 70}.example.mn/in") == "dns"
    assert why("https://ö..mn/in") == "dns"
    with Receiver() as gone:
        pass
    assert why(gone.url) == "unreachable"


# -- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
def secured(house: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Receiver]:
    """A receiver with a certificate for localhost that is trusted, in a network that is named."""
    certificate(tmp_path)
    house.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    house.setenv("HARIU_HOOK_NETWORKS", "127.0.0.0/8")
    settings.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with Receiver(tls=context) as receiver:
        yield receiver


def test_tls_is_checked_by_the_name_though_the_address_is_called(secured: Receiver) -> None:
    assert send(f"https://localhost:{secured.port}/in").status == 204
    assert secured.received[0].headers["host"] == f"localhost:{secured.port}"
    assert why(f"https://127.0.0.1:{secured.port}/in") == "tls"
    assert len(secured.received) == 1


def test_a_certificate_nobody_vouches_for_is_not_trusted(
    secured: Receiver, house: pytest.MonkeyPatch
) -> None:
    house.delenv("SSL_CERT_FILE")
    hooks_http._tls.cache_clear()
    assert why(f"https://localhost:{secured.port}/in") == "tls"


# -- answers --------------------------------------------------------------------------------------


def test_no_redirect_is_followed(other: Receiver) -> None:
    with Receiver() as elsewhere:
        other.answer = status(302, Location=elsewhere.url)
        assert send(other.url).status == 302
        assert elsewhere.received == []


def test_no_more_is_read_than_a_little(other: Receiver) -> None:
    sent: list[int] = []

    def flood(handler: Any, _: Received) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            sent.append(handler.wfile.write(b"x" * 65536))

    other.answer = flood
    began = time.monotonic()
    assert send(other.url).status == 200
    assert time.monotonic() - began < 2
    time.sleep(0.2)
    assert sum(sent) < 16 * 1024 * 1024  # what fits into the sockets' buffers


ODD = {
    "silence": (raw(b"", pause=3), "unanswered"),
    "dripping head": (raw(*[b"H"] * 30, pause=0.1), "unanswered"),
    "not HTTP": (raw(b"220 mail.example.org ESMTP\r\n"), "unanswered"),
    "hangs up": (raw(), "unanswered"),
    "endless head": (raw(*[b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n" * 9000] * 30]), "unanswered"),
}


@pytest.mark.parametrize("how", ODD)
def test_odd_answers_end_in_time(other: Receiver, how: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hooks_http, "SECONDS", 1.0)
        other.answer, code = ODD[how]
        began = time.monotonic()
        assert why(other.url) == code
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "body",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"."] * 30),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",),
    ],
)
def test_what_counts_is_the_status(other: Receiver, body: tuple[bytes, ...]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hooks_http, "SECONDS", 1.0)
        other.answer = raw(*body, pause=0.1)
        began = time.monotonic()
        assert send(other.url).status == 200
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("120", 120), ("999999999", 86_400), ("-1", None), ("soon", None), ("", None),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400)],
)  # fmt: skip
def test_how_long_to_wait(other: Receiver, told: str, seconds: float | None) -> None:
    other.answer = status(503, Retry_After=told)
    assert send(other.url) == Answer(503, seconds)


def test_no_address_is_logged(other: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        send(other.url)
        why("https://nobody.invalid/in?token=of-theirs")
    assert "of-theirs" not in caplog.text
    assert "nobody.invalid" not in caplog.text
