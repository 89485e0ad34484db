"""E-mail: a mailbox over IMAP in, letters over SMTP out.

Nobody calls us here, so there is no route: the poller asks, and waits by IDLE. `mail_read` turns
a mail into messages, `mail_smtp` a letter into a mail.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

from channels import mail_smtp
from channels.base import (
    BadSignature,
    ChannelDown,
    Fetched,
    Problem,
    Rejected,
    Request,
    Unparseable,
)
from channels.mail_imap import Mailbox, MailDown
from channels.mail_parse import address_of, parse
from channels.mail_read import CODE, read
from channels.mail_rules import Own
from channels.mail_server import Server
from config import clock, log
from config.settings import Settings, SettingsError
from store.messages import Attachment, Capabilities, DeliveryReport, Inbound, Outbound, SendResult

LARGEST = 25 * 1024 * 1024
HEAD = 1024 * 1024  # what is read of a larger mail: its text stands before its files
POSTPONED_SECONDS = 30.0

Event = tuple[bytes, Sequence[Inbound | DeliveryReport]]


class Email:
    """The mailbox of ``chosen.mail_address``, which is also ``account``.

    Read mails are remembered twice: by \\Seen in the mailbox, and by the highest UID in a file of
    the instance, so that one which somebody opens in another client first is not overlooked.
    """

    code = CODE
    polled = True
    capabilities = Capabilities(
        form="chat", longest=100_000, media=True, per_second=2.0, headed=True
    )

    def __init__(self, chosen: Settings) -> None:
        self.account = address_of(chosen.mail_address)
        if not self.account:
            raise SettingsError("HARIU_MAIL_ADDRESS is no e-mail address")
        self._own = Own(self.account)
        self._in = Server.of("HARIU_IMAP_URL", chosen.imap_url.get_secret_value())
        self._out = Server.of("HARIU_SMTP_URL", chosen.smtp_url.get_secret_value())
        self._timeout = chosen.provider_timeout
        self._memory = chosen.home / f"mail-{self._in.digest}.json"
        self._mailbox: Mailbox | None = None
        self._done: set[str] = set()
        self._postponed: dict[str, tuple[int, float]] = {}  # tries, and not before
        self._last = ("", b"")
        self._lock = Lock()

    def verify(self, request: Request) -> None:
        """Mail is never posted to us."""
        raise BadSignature("e-mail comes through the mailbox alone")

    def parse(self, request: Request) -> Sequence[Inbound | DeliveryReport]:
        """Mail is never posted to us."""
        raise Unparseable("e-mail comes through the mailbox alone")

    # In

    def poll(self, timeout: float) -> Iterator[Event]:
        """New mails, oldest first; waits up to ``timeout`` seconds for one.

        A mail is marked as seen when the next one is asked for: only then it is stored.
        """
        try:
            mailbox = self._open()
            uids = self._new(mailbox)
            if not uids:
                mailbox.wait(timeout)
                uids = self._new(mailbox)
            for uid in uids:
                yield from self._take(mailbox, uid)
        except ChannelDown:
            self._close()
            raise

    def _open(self) -> Mailbox:
        if self._mailbox is None:
            self._mailbox = Mailbox(self._in, self._timeout)
        return self._mailbox

    def _close(self) -> None:
        if self._mailbox is not None:
            self._mailbox.close()
        self._mailbox = None

    def _new(self, mailbox: Mailbox) -> list[int]:
        """Without those that are done (the server may refuse \\Seen), or to be tried later."""
        found = {_origin(mailbox, uid): uid for uid in mailbox.new(self._highest(mailbox))}
        self._done &= found.keys()  # the server tells no more of the others
        now = time.monotonic()
        later = {origin for origin, (_, at) in self._postponed.items() if at > now}
        return [uid for origin, uid in found.items() if origin not in self._done | later]

    def _take(self, mailbox: Mailbox, uid: int) -> Iterator[Event]:
        origin = _origin(mailbox, uid)
        try:
            raw, size = self._content(mailbox, uid)
        except MailDown as error:
            # A mail that its own server chokes on must not hold up those behind it.
            tries = self._postponed.get(origin, (0, 0.0))[0] + 1
            wait = min(POSTPONED_SECONDS * 2**tries, 3600.0) if tries > 1 else 0.0
            self._postponed[origin] = (tries, time.monotonic() + wait)
            log.get().warning("mail not fetched", row=uid, code=error.code)
            if error.code != "imap.fetch":
                raise
            return
        if raw is not None:
            yield raw, self._read(raw, size, origin)
            self._remember(mailbox, uid)

    def _content(self, mailbox: Mailbox, uid: int) -> tuple[bytes | None, int]:
        size = mailbox.size(uid)
        if size is None:  # deleted by somebody else
            return None, 0
        return mailbox.raw(uid, HEAD if size > LARGEST else None), size

    def _read(self, raw: bytes, size: int, origin: str) -> Sequence[Inbound | DeliveryReport]:
        """A mail that is too large is answered as any other; its files stay in the mailbox.

        They are one attachment of the whole mail's size, which is refused with the reason.
        """
        messages = read(raw, self._own, clock.now(), origin)
        if size <= LARGEST:
            return messages
        whole = Attachment("document", "message/rfc822", size, "mail.eml", handle=origin)
        return [
            replace(item, attachments=(whole,)) if isinstance(item, Inbound) else item
            for item in messages
        ]

    def _remember(self, mailbox: Mailbox, uid: int) -> None:
        self._done.add(_origin(mailbox, uid))
        if uid > self._highest(mailbox):
            draft = self._memory.with_suffix(".new")
            draft.write_text(json.dumps({"validity": mailbox.validity, "uid": uid}))
            draft.replace(self._memory)
        mailbox.mark_seen(uid)

    def _highest(self, mailbox: Mailbox) -> int:
        """The highest UID taken in; 0 where there is none, or UIDs mean others by now."""
        kept = _json(self._memory)
        uid = kept.get("uid")
        return uid if kept.get("validity") == mailbox.validity and isinstance(uid, int) else 0

    def fetch(self, attachment: Attachment) -> Fetched:
        """One file of a mail, out of the mailbox. The last mail is kept: others follow."""
        origin, _, number = attachment.handle.partition(":")
        with self._lock:
            if self._last[0] != origin:
                self._last = (origin, self._again(origin))
            files = parse(self._last[1]).files
        if not number.isdecimal() or int(number) >= len(files):
            raise Rejected("the mail has no such file", code="gone")
        file = files[int(number)]
        return Fetched(file.content, file.content_type, file.name)

    def _again(self, origin: str) -> bytes:
        validity, _, uid = origin.partition(".")
        with Mailbox(self._in, self._timeout) as mailbox:
            raw = mailbox.raw(int(uid)) if mailbox.validity == validity else None
        if raw is None:
            raise Rejected("the mail is no longer in the mailbox", code="gone")
        return raw

    # Out

    def send(self, outbound: Outbound) -> SendResult:
        """Submit one mail; the provider's id is our own Message-ID, which bounces name."""
        if not outbound.text.strip():
            raise Rejected("the text is empty", code="empty")
        if not mail_smtp.sendable(outbound.address):
            raise Rejected("no e-mail address", code="address")
        mail = mail_smtp.written(outbound, self._own, clock.now())
        mail_smtp.submit(self._out, self._own, outbound.address, mail, self._timeout)
        return SendResult(str(mail["Message-ID"]))

    def check(self) -> Iterator[Problem]:
        """Whether both servers let us in, and keep the password to themselves."""
        for name, server in (("HARIU_IMAP_URL", self._in), ("HARIU_SMTP_URL", self._out)):
            if server.exposed:
                yield Problem("email.plain", f"{name} sends the password unencrypted: use TLS")
        try:
            Mailbox(self._in, self._timeout).close()
        except ChannelDown as error:
            yield Problem(
                "email.imap", f"The mailbox cannot be opened ({error.code}): see IMAP_URL"
            )
        try:
            mail_smtp.check(self._out, self._timeout)
        except ChannelDown as error:
            yield Problem("email.smtp", f"Mail cannot be sent ({error.code}): see HARIU_SMTP_URL")


def _origin(mailbox: Mailbox, uid: int) -> str:
    return f"{mailbox.validity}.{uid}"


def _json(file: Path) -> dict[str, object]:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
