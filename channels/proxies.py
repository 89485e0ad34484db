"""Whose request a proxy passes on: allow-lists and limits count the visitor, not the proxy.

https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-For
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from config.settings import Network

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Address = IPv4Address | IPv6Address

_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](:\d+)?|(?P<four>[\d.]+):\d+")


class Visitors:
    """A WSGI layer that gives ``app`` the visitor's own address as REMOTE_ADDR."""

    def __init__(self, app: Application, trusted: Sequence[Network]) -> None:
        self._app, self._trusted = app, trusted

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        forwarded = environ.pop("HTTP_X_FORWARDED_FOR", "")
        environ["REMOTE_ADDR"] = visitor(environ.get("REMOTE_ADDR", ""), forwarded, self._trusted)
        return self._app(environ, start_response)


def visitor(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Who stands before the chain of proxies; ``peer`` opened the connection.

    Each proxy adds its caller at the right, so names are believed from the right as long as trusted
    ones wrote them: what a visitor puts there beforehand stays unread.
    """
    found = peer
    for name in reversed(forwarded.split(",")):
        address = _address(found)
        if address is None or not any(address in network for network in trusted):
            break
        before = _address(name)
        if before is None:
            break
        found = str(before)
    return found


def _address(name: str) -> Address | None:
    """An address without its port; one of IPv4 inside IPv6 as IPv4."""
    name = name.strip()
    if match := _WITH_PORT.fullmatch(name):
        name = match["six"] or match["four"]
    try:
        address = ip_address(name)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
