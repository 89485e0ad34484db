"""The mailbox over IMAP: what is new, one mail, and waiting for more (RFC 3501, IDLE: RFC 2177).

The standard library's client, with reading of our own: `imaplib` had no IDLE before Python 3.14,
and a time-out in its buffered reader ends the connection.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from channels.base import ChannelDown
from channels.mail_server import Server

_IDLE_TAG = b"HARIU"
_CHUNK = 65_536
_LONGEST_LINE = 1_000_000
_ASK_SECONDS = 5.0  # between looks, where the server has no IDLE
_NEWS = re.compile(rb"\* \d+ (EXISTS|RECENT)")
_FETCH_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class MailDown(ChannelDown):
    """The mailbox cannot be reached or refuses us; ``code`` says at which step."""


@contextmanager
def _step(name: str) -> Iterator[None]:
    """Name trouble after the step; a server's own words may repeat what we sent to it.

    ``imap.lost`` means that the connection is gone, anything else that the server refused.
    """
    try:
        yield
    except (OSError, UnicodeError, imaplib.IMAP4.error) as error:
        lost = isinstance(error, OSError | imaplib.IMAP4.abort)
        raise MailDown(
            f"imap: {name}: {type(error).__name__}", code="imap.lost" if lost else f"imap.{name}"
        ) from None


class _Connection(imaplib.IMAP4):
    """imaplib over a buffer that survives time-outs."""

    def __init__(self, server: Server, timeout: float) -> None:
        self._server = server
        self._seconds = timeout
        self._buffer = bytearray()
        super().__init__(server.host, server.port)

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        plain = socket.create_connection((host, port), self._seconds)
        self.host, self.port = host, port
        self.sock: Any = plain
        if self._server.tls:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(plain, server_hostname=host)

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        return self._take(size)

    def readline(self) -> bytes:
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            if start > _LONGEST_LINE:
                raise self.abort("endless line")
            self._fill()
        return self._take(end + 1)

    def shutdown(self) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def unread(self) -> bool:
        """Whether bytes are left that nobody asked for."""
        return bool(self._buffer)

    def wait(self, seconds: float) -> bool:
        """IDLE until news or for ``seconds``; False where the server will not idle."""
        self.send(_IDLE_TAG + b" IDLE\r\n")
        while not (line := self.readline()).startswith(b"+"):
            if line.startswith(_IDLE_TAG):
                return False
        self._watch(time.monotonic() + seconds)
        self.send(b"DONE\r\n")
        while not self.readline().startswith(_IDLE_TAG):
            pass
        return True

    def _watch(self, deadline: float) -> None:
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.sock.settimeout(left)
                line = self.readline()
                if line.startswith(b"* BYE"):
                    raise self.abort("the server says good-bye")
                if _NEWS.match(line):
                    return
        except TimeoutError:
            pass
        finally:
            self.sock.settimeout(self._seconds)

    def _fill(self) -> None:
        data = self.sock.recv(_CHUNK)
        if not data:
            raise self.abort("connection closed")
        self._buffer += data

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


class Mailbox:
    """A selected mailbox; every method raises `MailDown`. Use it with ``with``, or `close` it."""

    def __init__(self, server: Server, timeout: float) -> None:
        with _step("connect"):
            self._imap = _Connection(server, timeout)
        try:
            self._sign_in(server)
            self.validity = self._select(server.mailbox)
        except MailDown:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Sign out as far as that is possible."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._imap.logout()

    def _sign_in(self, server: Server) -> None:
        imap = self._imap
        if server.starttls:
            with _step("starttls"):
                imap.starttls(ssl.create_default_context())
                if imap.unread():  # put there before the encryption began: not from the server
                    raise imap.abort("answers before the question")
        with _step("login"):
            if "AUTH=PLAIN" in imap.capabilities:
                secret = f"\0{server.user}\0{server.password}".encode()
                imap.authenticate("PLAIN", lambda _: secret)
            else:
                imap.login(_quoted(server.user), server.password)
            # Asked anew: many servers offer IDLE only to whom they know.
            self._idles = b"IDLE" in self._done(imap.capability())[-1].upper().split()

    def _select(self, mailbox: str) -> str:
        """Open the mailbox; its UIDVALIDITY, without which a UID means nothing."""
        with _step("select"):
            self._done(self._imap.select(_quoted(_utf7(mailbox))))
        found = self._imap.response("UIDVALIDITY")[1][0]
        return found.decode() if isinstance(found, bytes) else "0"

    def new(self, after: int) -> list[int]:
        """UIDs that are unseen, or above ``after`` (0: no matter), in order."""
        with _step("search"):
            self._done(self._imap.noop())
            self._imap.response("EXISTS")  # known by now
            found = set(self._search("UNSEEN"))
            if after:  # somebody may have read them in another client before us
                found |= {uid for uid in self._search(f"UID {after + 1}:*") if uid > after}
        return sorted(found)

    def wait(self, seconds: float) -> None:
        """Return when something came, or after ``seconds``; without IDLE, after a moment."""
        with _step("idle"):
            if self._imap.response("EXISTS")[1] != [None]:
                return
            if not (self._idles and self._imap.wait(seconds)):
                time.sleep(min(seconds, _ASK_SECONDS))

    def size(self, uid: int) -> int | None:
        """Bytes of a mail, None where it is gone."""
        for item in self._fetch(uid, "(RFC822.SIZE)"):
            line = item[0] if isinstance(item, tuple) else item
            if found := _FETCH_SIZE.search(line or b""):
                return int(found[1])
        return None

    def raw(self, uid: int, most: int | None = None) -> bytes | None:
        """A mail, or its first ``most`` bytes; it stays unseen. None where it is gone."""
        wish = "(BODY.PEEK[])" if most is None else f"(BODY.PEEK[]<0.{most}>)"
        for item in self._fetch(uid, wish):
            if isinstance(item, tuple):
                return bytes(item[1])
        return None

    def mark_seen(self, uid: int) -> None:
        """Set \\Seen."""
        with _step("store"):
            self._done(self._imap.uid("STORE", str(uid), "+FLAGS.SILENT", "(\\Seen)"))

    def _search(self, criteria: str) -> list[int]:
        (found, *_) = self._done(self._imap.uid("SEARCH", criteria))
        return [int(uid) for uid in (found or b"").split()]

    def _fetch(self, uid: int, wish: str) -> Sequence[Any]:
        with _step("fetch"):
            return self._done(self._imap.uid("FETCH", str(uid), wish))

    def _done(self, answer: tuple[str, Sequence[Any]]) -> Sequence[Any]:
        status, data = answer
        if status != "OK":
            raise self._imap.error("refused")
        return data


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _utf7(name: str) -> str:
    """A mailbox's name in modified UTF-7 (RFC 3501, 5.1.3)."""

    def shifted(match: re.Match[str]) -> str:
        packed = b64encode(match[0].encode("utf-16-be")).decode().rstrip("=")
        return f"&{packed.replace('/', ',')}-"

    return re.sub(r"[^ -~]+", shifted, name.replace("&", "&-"))
