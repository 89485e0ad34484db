"""The simulated outgoing mail server: RFC 5321 as far as Hariu speaks it, with its refusals."""

from __future__ import annotations

import re
import socketserver
from typing import Any

from channels.sandbox.behave import Fault
from channels.sandbox.calls import Call
from channels.sandbox.mail_imap import Server

_PATH = re.compile(r"<([^<>]*)>")
_REFUSALS = {
    421: "4.7.0 Try again later, closing",
    450: "4.2.0 Greylisted, try again later",
    452: "4.2.2 Mailbox full",
    550: "5.1.1 No such user here",
    552: "5.2.2 Mailbox full",
    554: "5.7.1 Message refused by policy",
}


class Session(socketserver.StreamRequestHandler):
    """One client."""

    server: Server
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.post = self.server.post
        self._recipient = ""

    def handle(self) -> None:
        self._say(220, "sandbox ESMTP")
        while line := self.rfile.readline(4096):
            name, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if not self._do(name.upper(), rest):
                return

    def _do(self, name: str, rest: str) -> bool:
        """Obey one command; False ends the session."""
        if name == "EHLO":
            self.wfile.write(b"250-sandbox\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN\r\n")
        elif name == "AUTH":
            self._say(235, "2.7.0 Welcome")
        elif name == "RCPT":
            self._rcpt(rest)
        elif name == "DATA" and self._recipient:
            return self._data()
        elif name == "DATA":
            self._say(503, "5.5.1 RCPT first")
        elif name == "QUIT":
            self._say(221, "2.0.0 Bye")
            return False
        elif name in ("HELO", "MAIL", "RSET", "NOOP"):
            self._recipient = ""
            self._say(250, "2.0.0 OK")
        else:
            self._say(502, "5.5.1 Unknown command")
        return True

    def _rcpt(self, rest: str) -> None:
        found = _PATH.search(rest)
        self._recipient = found[1].lower() if found else ""
        code = self.post.world.behaviour.error("mail", self._recipient)
        if code is None:
            self._say(250, "2.1.5 OK")
            return
        self._noted({"to": self._recipient}).answer = code
        self._say(code, _REFUSALS.get(code, "Refused"))
        self._recipient = ""

    def _data(self) -> bool:
        fault = self.post.world.behaviour.fault("mail")
        self._say(354, "Go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if not line:
            return False
        accepted = fault is None or fault.accept
        said = self.post.receive(self._recipient, b"".join(lines), accepted=accepted)
        call = self._noted(said)
        if fault is not None and not self._go_on(fault, call):
            return False
        call.answer = 250
        self._say(250, "2.0.0 Taken")
        return True

    def _go_on(self, fault: Fault, call: Call) -> bool:
        """Misbehave; whether the usual answer follows."""
        behaviour = self.post.world.behaviour
        if fault.mode in ("slow", "timeout"):
            behaviour.closing.wait(fault.seconds)
        if fault.mode in ("429", "500"):
            call.answer = 421 if fault.mode == "429" else 451
            self._say(call.answer, "4.7.0 Too many messages" if fault.mode == "429" else "4.3.0 No")
        elif fault.mode == "garbage":
            self.wfile.write(b"<!DOCTYPE html><html><body><h1>It works!</h1></body></html>\r\n")
        return fault.mode == "slow"

    def _noted(self, params: dict[str, Any]) -> Call:
        return self.post.world.calls.receive("mail", "DATA", "/smtp", params)

    def _say(self, code: int, words: str) -> None:
        self.wfile.write(f"{code} {words}\r\n".encode())
