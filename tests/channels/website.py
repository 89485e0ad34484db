"""A citizen at the website, on a real server: a browser with cookies and no scripts."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import unescape
from typing import Any

import httpx
from waitress import wasyncore
from waitress.server import create_server

from channels.web import create_app

WELL = "Манай сумын худаг ширгэсэн, ус алга"
PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 100
VOICE = b"OggS\x00\x02" + b"\x00" * 100


@contextmanager
def served() -> Iterator[str]:
    """The public app on a real port, as `channels.wsgi` serves it."""
    server = create_server(
        create_app(), host="127.0.0.1", port=0, threads=8, clear_untrusted_proxy_headers=False
    )  # fmt: skip
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    # In its own thread, where closing disturbs no select; then nothing is left to wait for.
    with suppress(OSError):  # it may wake for something else and be closed before we pull
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
    thread.join(5)
    server.task_dispatcher.shutdown()


class Citizen:
    """One browser; every page it saw last is in ``page``."""

    def __init__(self, base: str, language: str = "mn", ip: str = "203.0.113.1") -> None:
        headers = {"Accept": "text/html", "X-Forwarded-For": ip}
        self.http = httpx.Client(base_url=base, headers=headers, timeout=30, follow_redirects=True)
        self.language = language
        self.page = httpx.Response(200)

    def open(self, path: str) -> httpx.Response:
        """Go to a page."""
        self.page = self.http.get(path, params={"lang": self.language})
        return self.page

    def token(self) -> str:
        """The token of the form that is open."""
        found = re.search(r'name="token" value="([^"]+)"', self.page.text)
        assert found, words(self.page)
        return found[1]

    def send(self, files: Any = (), token: str = "", **fields: Any) -> httpx.Response:
        """Fill in the form that is open, or a fresh one, and send it."""
        if not token:
            token = self.open("/") and self.token()
        form = {"token": token, **fields}
        # An empty part makes httpx send multipart, as browsers do for an empty file field.
        parts = [("files", part) for part in files] or [("files", ("", b""))]
        self.page = self.http.post(f"/grievances?lang={self.language}", data=form, files=parts)
        return self.page

    def numbers(self) -> tuple[str, str]:
        """Number and code of the receipt before us."""
        assert self.page.status_code == 200, words(self.page)
        number, code = re.findall(r"<dd>([\d ]+)</dd>", self.page.text)
        return number.replace(" ", ""), code.replace(" ", "")

    def ask(self, number: str, code: str, **more: str) -> httpx.Response:
        """Look at the progress."""
        form = {"number": number, "code": code, **more}
        self.page = self.http.post(f"/status?lang={self.language}", data=form)
        return self.page


def words(page: httpx.Response) -> str:
    """What a reader of the page sees."""
    plain = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", page.text, flags=re.S)
    return " ".join(unescape(plain).split())
