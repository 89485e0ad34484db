"""Requests as the adapters see them."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import request

from channels.base import Request
from config.settings import settings


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
