"""Requests as the adapters see them, and what is kept of one."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from flask import request

from channels.base import Channel, Request, Unparseable
from config import clock, log
from config.settings import settings
from store.receipts import Receipt


def to_request(path: str) -> Request:
    """The request as adapters see it: with the *public* URL, whatever proxy stands in front."""
    body = request.get_data(cache=True, parse_form_data=False)
    query = request.query_string.decode("latin-1")
    url = f"{settings().public_url}{path}" + (f"?{query}" if query else "")
    return Request(
        method=request.method,
        url=url,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        query={name: values[-1] for name, values in request.args.lists()},
        form=_form(body),
        path=path,
        remote=request.remote_addr or "",
    )


def _form(body: bytes) -> dict[str, str]:
    if request.mimetype != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def understood(channel: Channel, incoming: Request) -> Receipt:
    """What is stored: the event as it came, and what the adapter understood of it."""
    error, messages = "", ()
    try:
        messages = tuple(channel.parse(incoming))  # type: ignore[assignment]
    except Unparseable as problem:
        error = f"{problem.code}: {problem}"
        log.get().warning("event not understood", channel=channel.code, code=problem.code)
    except Exception as problem:  # noqa: BLE001 - a fault of ours must not lose a message
        error = f"unparseable: {type(problem).__name__}"
        log.get().error("adapter failed", channel=channel.code, error=type(problem).__name__)
    body, content_type = incoming.body, incoming.headers.get("content-type", "")
    if incoming.method == "GET" or not body:
        body, content_type = _query(incoming), "application/x-www-form-urlencoded"
    return Receipt(
        channel.code, channel.account, body, clock.now(), messages, content_type, error,
        incoming.path,
    )  # fmt: skip


def _query(incoming: Request) -> bytes:
    """The query as it came, without the token: a secret is not kept with messages."""
    query = incoming.url.partition("?")[2]
    bare = re.sub(r"(^|&)token=[^&]*", "", query).removeprefix("&")
    return bare.encode("latin-1", "replace")
