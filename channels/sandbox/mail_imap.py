"""The simulated mailbox over IMAP: as much of RFC 3501 and RFC 2177 as a mail reader needs."""

from __future__ import annotations

import base64
import binascii
import re
import socketserver
from collections.abc import Callable
from email import message_from_bytes
from threading import Lock, Thread

from channels.sandbox.mail import Post
from channels.sandbox.mailbox import SEEN, Stored

_WORD = re.compile(rb'"((?:\\.|[^"\\])*)"|(\([^)]*\)|\S+)')
CAPABILITIES = "IMAP4rev1 AUTH=PLAIN IDLE UNSELECT"


class Server(socketserver.ThreadingTCPServer):
    """Serves a mailbox on ``port`` (0: any free one) in a thread of its own."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, post: Post, port: int, handler: type[socketserver.BaseRequestHandler]):
        super().__init__(("127.0.0.1", port), handler)
        self.post = post
        Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that goes away is no error."""


class Session(socketserver.StreamRequestHandler):
    """One client."""

    server: Server
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.post = self.server.post
        self.mailbox = self.post.mailbox
        self._writing = Lock()
        self._told = 0  # how many mails the client knows of

    def handle(self) -> None:
        self._say("* OK [CAPABILITY IMAP4rev1] sandbox")
        while line := self.rfile.readline(65536):
            words = [quoted or plain for quoted, plain in _WORD.findall(line)]
            if len(words) < 2:
                return
            tag, name = words[0].decode("latin-1"), words[1].decode("latin-1").upper()
            if self._faulty(tag) or not self._do(tag, name, words[2:]):
                return

    def _faulty(self, tag: str) -> bool:
        """Whether the switch for mail ends this session instead of an answer."""
        behaviour = self.post.world.behaviour
        fault = behaviour.fault("mail")
        if fault is None:
            return False
        if fault.mode in ("slow", "timeout"):
            behaviour.closing.wait(fault.seconds)
        if fault.mode == "garbage":
            self._say("<!DOCTYPE html>")
        if fault.mode in ("429", "500"):
            self._say("* BYE [UNAVAILABLE] try again later")
        return fault.mode != "slow"

    def _do(self, tag: str, name: str, words: list[bytes]) -> bool:
        """Obey one command; False ends the session."""
        if name == "UID" and words:
            name = f"UID {words.pop(0).decode('latin-1').upper()}"
        command = self._COMMANDS.get(name)
        if command is None:
            self._say(f"{tag} BAD unknown command")
            return True
        said = command(self, words)
        self._say(f"{tag} {said}")
        return name != "LOGOUT"

    def _capability(self, words: list[bytes]) -> str:
        self._say(f"* CAPABILITY {CAPABILITIES}")
        return "OK done"

    def _login(self, words: list[bytes]) -> str:
        return "OK signed in"

    def _authenticate(self, words: list[bytes]) -> str:
        self._say("+ ")
        try:
            secret = base64.b64decode(self.rfile.readline(65536).strip(), validate=True)
        except binascii.Error:
            return "BAD no base64"
        return "OK signed in" if secret.count(b"\0") == 2 else "NO [AUTHENTICATIONFAILED] wrong"

    def _select(self, words: list[bytes]) -> str:
        self._say("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)")
        self._tell_new()
        self._say(f"* OK [UIDVALIDITY {self.mailbox.validity}] valid")
        self._say(f"* OK [UIDNEXT {self.mailbox.next_uid}] next")
        return "OK [READ-WRITE] open"

    def _noop(self, words: list[bytes]) -> str:
        self._tell_new()
        return "OK done"

    def _idle(self, words: list[bytes]) -> str:
        self._say("+ idling")
        self.mailbox.listeners.add(self._tell_new)
        try:
            self._tell_new()
            self.rfile.readline(65536)  # DONE
        finally:
            self.mailbox.listeners.discard(self._tell_new)
        return "OK done"

    def _search(self, words: list[bytes]) -> str:
        wanted = _criteria(words)
        if wanted is None:
            return "BAD search for UNSEEN, UID or HEADER Message-ID"
        with self.mailbox.lock:
            found = [str(mail.uid) for mail in self.mailbox.mails if wanted(mail)]
        self._say(" ".join(["* SEARCH", *found]))
        return "OK done"

    def _fetch(self, words: list[bytes]) -> str:
        mail = self.mailbox.find(int(words[0]))
        if mail is None:
            return "OK nothing there"
        wish = b" ".join(words[1:]).upper()
        if b"RFC822.SIZE" in wish:
            self._say(f"* {mail.uid} FETCH (UID {mail.uid} RFC822.SIZE {len(mail.raw)})")
            return "OK done"
        part = re.search(rb"<0\.(\d+)>", wish)
        raw = mail.raw[: int(part[1])] if part else mail.raw
        name = "BODY[]<0>" if part else "BODY[]"
        with self._writing:
            head = f"* {mail.uid} FETCH (UID {mail.uid} {name} {{{len(raw)}}}\r\n"
            self.wfile.write(head.encode() + raw + b")\r\n")
        return "OK done"

    def _store(self, words: list[bytes]) -> str:
        mail = self.mailbox.find(int(words[0]))
        if mail is not None and SEEN.encode() in words[2]:
            mail.flags.add(SEEN)
            self.post.taken(mail)
        return "OK done"

    def _logout(self, words: list[bytes]) -> str:
        self._say("* BYE")
        return "OK good-bye"

    def _tell_new(self) -> None:
        """Say how many mails there are, where that is news."""
        count = len(self.mailbox.mails)
        if count != self._told:
            self._told = count
            self._say(f"* {count} EXISTS")

    def _say(self, line: str) -> None:
        with self._writing:
            self.wfile.write(line.encode() + b"\r\n")

    _COMMANDS: dict[str, Callable[[Session, list[bytes]], str]] = {
        "CAPABILITY": _capability, "LOGIN": _login, "AUTHENTICATE": _authenticate,
        "SELECT": _select, "NOOP": _noop, "IDLE": _idle, "UID SEARCH": _search,
        "UID FETCH": _fetch, "UID STORE": _store, "LOGOUT": _logout,
    }  # fmt: skip


def _criteria(words: list[bytes]) -> Callable[[Stored], bool] | None:
    kind = words[0].upper() if words else b""
    if kind == b"UNSEEN":
        return lambda mail: SEEN not in mail.flags
    if kind == b"UID" and re.fullmatch(rb"\d+:\*", words[1]):
        first = int(words[1].split(b":")[0])
        return lambda mail: mail.uid >= first
    if kind == b"HEADER" and words[1].lower() == b"message-id":
        wanted = words[2].decode("latin-1")
        return lambda mail: wanted in str(message_from_bytes(mail.raw)["message-id"])
    return None
