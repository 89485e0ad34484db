"""What all doubles share: each call is noted, and spoilt as `POST /behave` asked."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, g, request

from channels.sandbox.behave import Behaviour, Fault
from channels.sandbox.calls import CallLog, params_of

GARBAGE = "<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"


@dataclass(frozen=True)
class Wording:
    """A provider's own answers when it is overloaded (seconds to wait) and when it is broken."""

    throttled: Callable[[int], Response]
    broken: Callable[[], Response]


def guard(
    routes: Blueprint,
    provider: str,
    wording: Wording,
    calls: CallLog,
    behaviour: Behaviour,
    masked_path: Callable[[], str],
) -> None:
    """Make every call to ``routes`` appear in `/calls` and suffer the provider's fault."""

    @routes.before_request
    def receive() -> Response | None:
        g.call = calls.receive(provider, request.method, masked_path(), params_of(request))
        g.fault = behaviour.fault(provider)
        return Response() if g.fault and not g.fault.accept else None

    @routes.after_request
    def answer(response: Response) -> Response:
        fault: Fault | None = g.fault
        if fault is not None:
            response = _spoil(fault, response, wording, behaviour)
        if fault is None or fault.mode not in ("drop", "timeout"):
            g.call.answer = response.status_code
        return response


def _spoil(fault: Fault, response: Response, wording: Wording, behaviour: Behaviour) -> Response:
    if fault.mode in ("slow", "timeout"):
        behaviour.closing.wait(fault.seconds)
    if fault.mode in ("drop", "timeout"):
        # Shut down, not closed: writing the answer then fails with a broken pipe, as it should.
        connection: socket.socket = request.environ["werkzeug.socket"]
        connection.shutdown(socket.SHUT_RDWR)
    if fault.mode == "429":
        return wording.throttled(fault.retry_after)
    if fault.mode == "500":
        return wording.broken()
    if fault.mode == "garbage":
        return Response(GARBAGE, mimetype="text/html")
    return response
