"""One POST to somebody else's system, which may hang, lie, or point at our own network.

The name is resolved once, every address is looked at before it is called, and the connection goes
to that very address: a name that answers differently the second time gains nothing. No redirect is
followed, no proxy asked, no more than 64 KB read, and after 10 s it is over whatever trickles in.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpcore
import httpx

from config import clock
from config.errors import HariuError
from config.settings import settings

SECONDS = 10.0
CONNECT_SECONDS = 3.0
LARGEST_ANSWER = 64 * 1024
LONGEST_WAIT = 86_400.0
# An IPv4 address in IPv6 clothes: https://www.rfc-editor.org/rfc/rfc6052#section-2.1
_NAT64 = IPv6Network("64:ff9b::/96")

# Hosts of others are nobody's business, and httpcore names them at DEBUG.
logging.getLogger("httpcore").setLevel(logging.WARNING)

Address = IPv4Address | IPv6Address


class NotTold(HariuError):
    """The other system was not reached, or did not answer; ``code`` says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: an HTTP status, and how many seconds it asks us to wait, if it does."""

    status: int
    after: float | None = None


def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Send ``body``; ``url`` is one that `workflow.hooks.fault` finds nothing wrong with.

    Raises:
        NotTold: with a code: ``dns``, ``address`` (not to be called), ``unreachable``, ``tls``,
            ``unanswered``.
    """
    try:
        whole = httpx.URL(url)
    except httpx.InvalidURL:
        raise NotTold("no machine can have such a name", code="dns") from None
    target = httpcore.URL(
        scheme=whole.raw_scheme, host=whole.raw_host, port=whole.port, target=whole.raw_path
    )
    backend = _Checked(plain=whole.scheme == "http")
    given = {"Host": whole.netloc.decode("ascii"), "User-Agent": "hariu", **headers}
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend) as pool,
            pool.stream("POST", target, headers=list(given.items()), content=body) as response,
        ):
            _read(response)
            return Answer(response.status, _wait(response))
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise _translated(error) from None


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _read(response: httpcore.Response) -> None:
    """Let the other side say its say; what counts is the status, which is known by now."""
    size = 0
    with suppress(httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError):
        for chunk in response.iter_stream():
            size += len(chunk)
            if size > LARGEST_ANSWER:
                return


def _wait(response: httpcore.Response) -> float | None:
    """Seconds from ``Retry-After``, which is a number of them or a date."""
    found = [value for name, value in response.headers if name.lower() == b"retry-after"]
    told = found[0].decode("latin-1").strip() if found else ""
    if told.isdecimal():
        return min(float(told), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return None
    return min(max(_seconds_until(at), 0.0), LONGEST_WAIT)


def _seconds_until(at: datetime) -> float:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (aware - clock.now()).total_seconds()


def _translated(error: Exception) -> NotTold:
    if isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout):
        return NotTold("the other system was not reached", code="unreachable")
    return NotTold("the other system gave no answer", code="unanswered")


# -- who may be called ----------------------------------------------------------------------------


def may_call(found: Address, *, plain: bool) -> bool:
    """Whether an address may be called.

    One of the internet may, and one of `Settings.hook_nets`. Without TLS (``plain``) only this very
    machine may, while the sandbox is on.
    """
    address = _bare(found)
    if plain:
        return settings().sandbox_on and address.is_loopback
    return is_public(address) or any(address in network for network in settings().hook_nets)


def _bare(found: Address) -> Address:
    """IPv4 behind one of its IPv6 forms."""
    if isinstance(found, IPv4Address):
        return found
    if found in _NAT64:
        return IPv4Address(int(found) & 0xFFFFFFFF)
    return found.ipv4_mapped or found.sixtofour or found


def is_public(address: Address) -> bool:
    """Whether it is an address of the internet: of one machine, not inside any network."""
    if isinstance(address, IPv6Address) and (address.teredo or address.is_site_local):
        return False
    inside = address.is_private or address.is_loopback or address.is_link_local
    odd = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not (inside or odd)


# -- the way there --------------------------------------------------------------------------------


class _Checked(httpcore.NetworkBackend):
    """Connects to addresses that may be called, and to nothing else; until `SECONDS` are over."""

    def __init__(self, *, plain: bool) -> None:
        self._plain, self._end = plain, time.monotonic() + SECONDS

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = [each for each in _resolve(host, port) if may_call(each, plain=self._plain)]
        if not addresses:
            raise NotTold("the name leads into a network that is not called", code="address")
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connect(address, port)
        return self._connect(addresses[-1], port)

    def _connect(self, address: Address, port: int) -> httpcore.NetworkStream:
        seconds = min(CONNECT_SECONDS, _left(self._end))
        made = httpcore.SyncBackend().connect_tcp(str(address), port, timeout=seconds)
        return _Stream(made, self._end)


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter for a label longer than 63 letters
        raise NotTold("the name is unknown", code="dns") from None
    return list(dict.fromkeys(ip_address(str(each[4][0])) for each in found))


class _Stream(httpcore.NetworkStream):
    """A connection that ends with its time, however slowly the other side drips."""

    def __init__(self, inner: httpcore.NetworkStream, end: float) -> None:
        self._inner, self._end = inner, end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._end))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(self._end))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        try:
            made = self._inner.start_tls(ssl_context, server_hostname, _left(self._end))
        except httpcore.ConnectError:
            raise NotTold("no trust in the other system's certificate", code="tls") from None
        return _Stream(made, self._end)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(end: float) -> float:
    """Seconds left."""
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout("time is over")
    return seconds
