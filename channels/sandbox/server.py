"""The HTTP server of the sandbox: as a process of its own, or inside a test."""

from __future__ import annotations

import json
from threading import Thread
from types import TracebackType
from typing import Any, Self

import httpx
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from channels.sandbox.app import create_app
from channels.sandbox.voice_state import Exchange
from channels.sandbox.world import World
from config.settings import Settings


class Handler(WSGIRequestHandler):
    """Keeps connections alive, as the providers do, and logs no request (it would hold numbers)."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer in one piece; werkzeug's own way closes every connection after one answer."""
        self.environ = environ = self.make_environ()
        response = Response.from_app(self.server.app, environ, buffered=True)
        try:
            self._write(response)
        except OSError:  # dropped by the other side, or by us on purpose
            self.close_connection = True

    def _write(self, response: Response) -> None:
        body = response.get_data()
        code, _, reason = response.status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in response.headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


def build(settings: Settings, port: int) -> tuple[BaseWSGIServer, World]:
    """A bound server (``port`` 0: any free one) and the world it serves."""
    world = World(settings)
    server = make_server(
        settings.bind, port, create_app(world), threaded=True, request_handler=Handler
    )
    return server, world


class SandboxServer:
    """A sandbox inside this process, on a free port, for tests.

    ``with SandboxServer(settings) as sandbox:`` gives ``sandbox.url`` and the shortcuts below; they
    call the server over HTTP as anybody else would. ``sandbox.world.settings`` may be replaced
    later, when the public app's port is known only then.
    """

    def __init__(self, settings: Settings, port: int = 0) -> None:
        self._server, self.world = build(settings, port)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()
        self.world.close()
        self._server.shutdown()
        self._server.server_close()

    @property
    def exchange(self) -> Exchange:
        """The calls of this sandbox, for who brings a telephone of their own."""
        found: Exchange = self._server.app.extensions["exchange"]  # type: ignore[attr-defined]
        return found

    def calls(self, provider: str = "", since: int = 0) -> list[dict[str, Any]]:
        """The calls the doubles received, oldest first."""
        answer = self.http.get("/calls", params={"provider": provider, "since": since})
        return [json.loads(line) for line in answer.text.splitlines()]

    def behave(self, provider: str, mode: str | None = None, **switches: Any) -> None:
        """`POST /behave`; a switch that means nothing raises ``httpx.HTTPStatusError``."""
        switch = {"provider": provider, **({"mode": mode} if mode else {}), **switches}
        self.http.post("/behave", json=switch).raise_for_status()

    def sms(self, sender: str, text: str, **rest: Any) -> dict[str, Any]:
        """An SMS from a simulated phone; see `POST /phone/sms`."""
        return self._post("/phone/sms", {"from": sender, "text": text, **rest})

    def gateway(self, name: str, sender: str, text: str, **rest: Any) -> dict[str, Any]:
        """An SMS from a simulated phone through a gateway; see `POST /phone/gateway`."""
        return self._post("/phone/gateway", {"name": name, "from": sender, "text": text, **rest})

    def telegram(self, chat_id: int, **what: Any) -> dict[str, Any]:
        """Anything from a simulated Telegram chat; see `POST /phone/telegram`."""
        return self._post("/phone/telegram", {"chat_id": chat_id, **what})

    def messenger(self, psid: int | str, **what: Any) -> dict[str, Any]:
        """Anything from a simulated Messenger chat; see `POST /phone/messenger`."""
        return self._post("/phone/messenger", {"psid": str(psid), **what})

    def mail(self, sender: str, text: str = "", **rest: Any) -> dict[str, Any]:
        """A mail from a simulated mailbox; see `POST /phone/mail`."""
        return self._post("/phone/mail", {"from": sender, "text": text, **rest})

    def call(self, do: str, call: str = "", **what: Any) -> dict[str, Any]:
        """What somebody does with a telephone; see `POST /phone/call`."""
        return self._post("/phone/call", {"do": do, "call": call, **what})

    def messages(
        self,
        phone: str = "",
        chat: int | str = "",
        since: int = 0,
        psid: int | str = "",
        mail: str = "",
    ) -> list[Any]:
        """What a phone, chat or mailbox sent and got."""
        params = {"phone": phone, "chat": chat, "psid": psid, "mail": mail, "since": since}
        found: list[Any] = self.http.get("/phone/messages", params=params).json()
        return found

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
