"""Two whole instances that write mails to each other, by real SMTP and IMAP on both sides.

    python -m tests.channels.two_houses [seconds]

cuts every mark of an automatic letter, and every thread, off what they send, as a bad gateway
between them might, and prints what goes to and fro: seven to nine mails in three quarters of a
minute, then nothing: each has asked and told all it has to (November 2026).
"""

from __future__ import annotations

import base64
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.house import House, free_port

_BODY = ("content-type", "content-transfer-encoding", "mime-version")
_PLAIN = ("from", "to", "subject", "date")
COMPLAINT = "Манай худгийн насос эвдэрсэн, гурав хоног усгүй байна."


class Neighbours:
    """Two houses, and the carrier between them; ``bare``: what he carries loses its marks."""

    def __init__(self, home: Path, *, bare: bool = False) -> None:
        self._bare = bare
        self.houses = {
            f"gomdol@{name}.example.mn": House(
                home / name,
                HARIU_MAIL_ADDRESS=f"gomdol@{name}.example.mn",
                HARIU_IMAP_URL=f"imap://u:p@127.0.0.1:{free_port()}/INBOX",
                HARIU_SMTP_URL=f"smtp://u:p@127.0.0.1:{free_port()}",
            )
            for name in ("a", "b")
        }
        self._carried = dict.fromkeys(self.houses, 0)

    def __enter__(self) -> Neighbours:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(House.start, self.houses.values()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for house in self.houses.values():
            house.__exit__(kind, error, trace)

    def letters(self, address: str) -> list[dict[str, Any]]:
        """What the house at ``address`` has sent by mail."""
        calls = self.houses[address].calls("mail")
        return [call["params"] for call in calls if call["answer"] == 250]

    def carry(self) -> list[str]:
        """Take new letters of each house to the other; what they say, in a line each."""
        told = []
        for address in self.houses:
            for letter in self.letters(address)[self._carried[address] :]:
                self._carried[address] += 1
                told.append(f"{address} > {letter['to']}: {letter['text'][:70]!r}")
                raw = base64.b64encode(self._mail(letter).as_bytes(policy=SMTP)).decode()
                self.houses[letter["to"]]._phone("mail", {"raw": raw})
        return told

    def _mail(self, letter: dict[str, Any]) -> EmailMessage:
        mail = EmailMessage()
        for name, value in letter["headers"].items():
            if name in _PLAIN or not (self._bare or name in _BODY):
                mail[name] = value
        if self._bare:
            mail["Message-ID"] = make_msgid(domain="gateway.example")
        mail.set_content(letter["text"])
        return mail


def begin(houses: Neighbours) -> tuple[str, str]:
    """The second house gets a mail in the name of the first; the addresses of both."""
    first, second = houses.houses
    houses.houses[second]._phone("mail", {"from": first, "subject": "Ус", "text": COMPLAINT})
    return first, second


def main() -> None:
    """Carry for as long as asked, and print every mail with its second."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 170.0
    with tempfile.TemporaryDirectory() as home, Neighbours(Path(home), bare=True) as houses:
        began = time.monotonic()
        begin(houses)
        while time.monotonic() < began + seconds:
            for line in houses.carry():
                print(f"{time.monotonic() - began:6.1f} s  {line}", flush=True)
            time.sleep(0.2)


if __name__ == "__main__":
    main()
