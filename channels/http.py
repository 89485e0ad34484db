"""The one HTTP client of a process, and the one place where its failures get our names.

Error texts name the channel and a code, never the address called: it may hold a token or a number.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx

from channels.base import ChannelDown, Fetched, Rejected, Throttled, Unanswered
from config.settings import settings
from store.messages import Attachment

CONNECT_SECONDS = 3.0
FETCH_SECONDS = 60.0
LARGEST_ANSWER = 4 * 1024 * 1024
LARGEST_FILE = 20 * 1024 * 1024
LONGEST_WAIT = 3600.0
DEFAULT_WAIT = 5.0

Json = dict[str, Any]

# httpx logs each URL at INFO, and Telegram's URLs hold the bot's token.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

# Failures before anything of the request was written: the provider cannot have taken it.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_OF_ONE_HOP = {"content-encoding", "content-length", "transfer-encoding"}


class _TooLarge(Exception):
    """The answer is longer than its reader wants."""


def call(
    method: str,
    url: str,
    *,
    code: str,
    params: Mapping[str, str | int] | None = None,
    json: object = None,
    data: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> httpx.Response:
    """Call a provider; ``code`` is the channel's, for error texts; ``timeout`` in seconds.

    Returns an answer of the 200s, 300s or 400s, read to its end; redirects are not followed.

    Raises:
        ChannelDown: nothing was sent, or the provider answered with an error of its own (5xx).
        Unanswered: the provider may have acted, but its answer did not come, or not to its end.
        Throttled: the provider answered 429.
    """
    seconds = timeout or settings().provider_timeout
    try:
        request = _client(os.getpid()).build_request(
            method,
            url,
            params=params or None,  # an empty one strips the query of ``url``
            json=json,
            data=data,
            headers=headers,
            timeout=_limits(seconds),
        )
        return _checked(_exchange(request, auth, seconds, LARGEST_ANSWER), code)
    except _TooLarge:
        raise Unanswered(f"{code}: answer too large", code="unreadable") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _translated(error, code) from None


def download(url: str, *, code: str, auth: tuple[str, str] | None = None) -> httpx.Response:
    """GET a file of at most `LARGEST_FILE` bytes; returns and raises as `call` does.

    Raises:
        Rejected: the file is larger.
    """
    try:
        request = _client(os.getpid()).build_request(
            "GET", url, timeout=_limits(settings().provider_timeout)
        )
        return _checked(_exchange(request, auth, FETCH_SECONDS, LARGEST_FILE), code)
    except _TooLarge:
        raise Rejected(f"{code}: file larger than 20 MB", code="too_big") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _translated(error, code) from None


def file(url: str, attachment: Attachment, *, code: str) -> Fetched:
    """The content of ``attachment``, which lies at ``url``; raises as `download` does.

    Raises:
        Rejected: the provider does not give it.
    """
    answer = download(url, code=code)
    if not answer.is_success:
        raise Rejected(f"{code}: the file is not given", code=str(answer.status_code))
    content_type = attachment.content_type or answer.headers.get("content-type", "")
    return Fetched(answer.content, content_type, attachment.name)


def object_in(response: httpx.Response) -> Json | None:
    """The JSON object an answer holds; None if it holds anything else."""
    try:
        found = response.json()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@cache
def _client(pid: int) -> httpx.Client:
    """A client of this very process: sockets shared with a forked child would mix answers up."""
    return httpx.Client(
        headers={"User-Agent": "hariu", "Accept-Encoding": "identity"},
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=20),
        follow_redirects=False,
        trust_env=False,  # no setting but ours, and no ~/.netrc passwords
    )


def _limits(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))


def _exchange(
    request: httpx.Request, auth: tuple[str, str] | None, seconds: float, largest: int
) -> httpx.Response:
    """Send ``request`` and read at most ``largest`` bytes within ``seconds``."""
    end = time.monotonic() + seconds
    response = _client(os.getpid()).send(request, auth=auth, stream=True)
    try:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > largest:
                raise _TooLarge
            if time.monotonic() > end:
                raise httpx.ReadTimeout("the answer trickles")
    finally:
        response.close()
    headers = [pair for pair in response.headers.items() if pair[0] not in _OF_ONE_HOP]
    return httpx.Response(
        response.status_code, headers=headers, content=bytes(content), request=request
    )


def _checked(response: httpx.Response, code: str) -> httpx.Response:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise Throttled(_wait(response), f"{code}: too many requests", code="429")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise ChannelDown(f"{code}: provider error {status}", code=str(status))
    return response


def _wait(response: httpx.Response) -> float:
    """Seconds to wait, from ``Retry-After`` or from the body as Telegram tells it.

    https://core.telegram.org/bots/api#responseparameters
    """
    told = response.headers.get("retry-after")
    if told is None:
        parameters = (object_in(response) or {}).get("parameters")
        told = parameters.get("retry_after") if isinstance(parameters, dict) else None
    try:
        return min(max(float(told), 0.0), LONGEST_WAIT)
    except (TypeError, ValueError):  # absent, or a date, which no provider of ours sends
        return DEFAULT_WAIT


def _translated(error: Exception, code: str) -> ChannelDown | Unanswered:
    kind = type(error).__name__
    if isinstance(error, (*_NOT_SENT, httpx.InvalidURL)):
        return ChannelDown(f"{code}: not reached ({kind})", code="unreachable")
    return Unanswered(f"{code}: no answer ({kind})", code="unanswered")
