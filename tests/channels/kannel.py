"""A private Kannel: bearerbox, smsbox, and fakesmsc in the operator's place."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote_plus, unquote_to_bytes

FAKESMSC = Path("/usr/lib/kannel/test/fakesmsc")
MISSING = not (shutil.which("bearerbox") and shutil.which("smsbox") and FAKESMSC.exists())
USER, PASSWORD, SHORT_NUMBER = "hariu", "kannel-test-password", "1414"

# As `config.gateway` asks of Kannel.
CONF = """
group = core
admin-port = {admin}
admin-password = {password}
smsbox-port = {boxes}
box-deny-ip = "*.*.*.*"
box-allow-ip = 127.0.0.1
dlr-storage = internal
store-type = file
store-location = "{folder}/kannel.store"

group = smsc
smsc = fake
smsc-id = fake
port = {operator}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
mo-recode = {recode}
http-request-retry = 20
http-queue-delay = 1

group = sendsms-user
username = {user}
password = {password}
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
omit-empty = true
max-messages = 0
get-url = "{inbound}?token={token}&from=%p&to=%P&text=%b&time=%T&id=%I&charset=%C"
"""


def free_ports(count: int) -> list[int]:
    """Ports nobody uses now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@dataclass(frozen=True)
class Sms:
    """One SMS as the operator got it: ``header`` is the user data header of a part."""

    sender: str
    to: str
    text: str
    header: bytes = b""


@dataclass
class Kannel:
    """``with Kannel(folder, address that takes messages in, its token) as kannel:``."""

    folder: Path
    inbound: str
    token: str
    recode: bool = True
    _stack: ExitStack = field(default_factory=ExitStack)
    _ports: dict[str, int] = field(default_factory=dict)

    @property
    def sendsms(self) -> str:
        """Where SMS are given to Kannel."""
        return f"http://127.0.0.1:{self._ports['sendsms']}/cgi-bin/sendsms"

    def __enter__(self) -> Self:
        names = ("admin", "boxes", "operator", "sendsms")
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        conf = self.folder / "kannel.conf"
        conf.write_text(
            CONF.format(
                **self._ports,
                folder=self.folder,
                user=USER,
                password=PASSWORD,
                inbound=self.inbound,
                token=self.token,
                recode=str(self.recode).lower(),
            )
        )
        self._start("bearerbox", "bearerbox", str(conf))
        self._answers("boxes", "operator")
        self._start("smsbox", "smsbox", str(conf))
        self._answers("sendsms")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def operator(self, message: str = "") -> None:
        """Start the operator, which sends ``message`` (see `sms`), if any, and takes all it gets."""
        port, count = str(self._ports["operator"]), "1" if message else "0"
        command = (str(FAKESMSC), "-H", "127.0.0.1", "-r", port, "-m", count)
        self._start("operator", *command, message or sms("1", "nobody"))

    def got(self, count: int, seconds: float = 15.0) -> list[Sms]:
        """The first ``count`` SMS that reached the operator, once they are there."""
        end = time.monotonic() + seconds
        while len(found := self.sent()) < count:
            assert time.monotonic() < end, f"the operator got {len(found)} of {count}"
            time.sleep(0.05)
        return found[:count]

    def sent(self) -> list[Sms]:
        """Every SMS that reached the operator until now."""
        log = (self.folder / "operator.log").read_text(errors="replace")
        return [_read(said) for said in re.findall(r"Got message \d+: <(.*)>", log)]

    def stop(self) -> None:
        """End all three, the last one first."""
        self._stack.close()

    def _start(self, name: str, *command: str) -> None:
        log = self._stack.enter_context((self.folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        self._stack.callback(_end, process)

    def _answers(self, *names: str) -> None:
        end = time.monotonic() + 15
        for name in names:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", self._ports[name]), 1).close()
                    break
                except OSError:
                    assert time.monotonic() < end, f"Kannel's {name} does not answer"
                    time.sleep(0.05)


def sms(sender: str, text: str, to: str = SHORT_NUMBER) -> str:
    """An SMS from a phone, as fakesmsc wants it told: UCS-2, escaped."""
    return f"{sender} {to} ucs2 {quote_plus(text.encode('utf-16-be'))}"


def _read(said: str) -> Sms:
    """One line of fakesmsc's log: sender, receiver, kind, data."""
    sender, to, kind, rest = said.split(" ", 3)
    if kind == "udh":
        header, _, data = rest.split(" ", 2)
        text = unquote_to_bytes(data.replace("+", " ")).decode("utf-16-be")
        return Sms(sender, to, text, unquote_to_bytes(header))
    if kind == "ucs-2":
        return Sms(sender, to, unquote_to_bytes(rest.replace("+", " ")).decode("utf-16-be"))
    return Sms(sender, to, rest)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
