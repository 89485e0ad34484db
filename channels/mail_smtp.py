"""Letters out over SMTP (RFC 5321): how one is written, and what its refusals mean."""

from __future__ import annotations

import re
import smtplib
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from channels.base import AddressBlocked, ChannelDown, Rejected, SendError, Throttled, Unanswered
from channels.mail_rules import Own
from channels.mail_server import Server
from store.messages import Outbound
from store.text import shorten

LONGEST_SUBJECT = 90
THROTTLED_SECONDS = 60.0
_SENDABLE = re.compile(r"[^\s<>()\[\],:;\"\\@]{1,64}@[^\s<>()\[\],:;\"\\@]{1,255}")
_IDS = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]+>")
_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b")
# https://www.iana.org/assignments/smtp-enhanced-status-codes/: bad mailbox or system, moved,
# null MX; disabled.
_DEAD = {"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.5.0"}
_POLICY = re.compile(r"relay|spam|block|denied|policy|authenticat|reputation|dmarc|spf", re.I)
_TOO_FAST = re.compile(r"rate|too many|too fast|throttl|limit", re.IGNORECASE)
_OURS = {530, 534, 535, 538}  # our own sign-in is wrong: no fault of the letter's

Answer = tuple[int, bytes]


def written(outbound: Outbound, own: Own, now: datetime) -> EmailMessage:
    """The letter as a mail: plain text, marked as automatic so that no machine answers it.

    ``extra`` may hold ``subject``, ``in_reply_to`` and ``references``, texts with Message-IDs.
    """
    mail = EmailMessage(policy=SMTP if _local(outbound.address).isascii() else SMTPUTF8)
    mail["From"] = own.address
    mail["To"] = _ascii_domain(outbound.address)
    mail["Reply-To"] = own.address
    mail["Subject"] = _subject(outbound)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = own.message_id(outbound.key)
    answered = _IDS.findall(outbound.extra.get("in_reply_to", ""))[-1:]
    earlier = _IDS.findall(outbound.extra.get("references", ""))
    if answered:
        mail["In-Reply-To"] = answered[0]
    if earlier or answered:
        mail["References"] = " ".join(dict.fromkeys([*earlier[-20:], *answered]))
    mail["Auto-Submitted"] = "auto-replied"  # RFC 3834, section 5
    mail["X-Auto-Response-Suppress"] = "All"  # Exchange heeds this one alone
    mail["X-Loop"] = own.address
    mail.set_content(outbound.text, charset="utf-8", cte="base64")
    return mail


def _subject(outbound: Outbound) -> str:
    full = outbound.extra.get("subject") or outbound.text.strip().partition("\n")[0]
    return shorten(" ".join(full.split()), LONGEST_SUBJECT)


def sendable(address: str) -> bool:
    """Whether ``address`` is one address and nothing else."""
    return bool(_SENDABLE.fullmatch(address))


def submit(server: Server, own: Own, address: str, mail: EmailMessage, timeout: float) -> None:
    """Hand one letter to ``address`` over. Raises a `SendError` unless the server took it."""
    recipient = _ascii_domain(address)
    with _signed_in(server, timeout) as smtp:
        with _before_data():
            options = _options(smtp, recipient)
            _expect(smtp.mail(_ascii_domain(own.address), options), "mail")
            _expect(smtp.rcpt(recipient), "rcpt")
            _expect(smtp.docmd("DATA"), "data", 354)
        answer = _content(smtp, mail)
        _expect(answer, "data")
        with suppress(OSError, smtplib.SMTPException):  # it has the letter
            smtp.quit()


def check(server: Server, timeout: float) -> None:
    """Sign in and out. Raises `ChannelDown`."""
    with _signed_in(server, timeout) as smtp, _before_data():
        smtp.noop()


@contextmanager
def _signed_in(server: Server, timeout: float) -> Iterator[smtplib.SMTP]:
    with _before_data():
        smtp = _connected(server, timeout)
    try:
        with _before_data():
            smtp.ehlo_or_helo_if_needed()
            if server.starttls:
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo()
            if server.user:
                _sign_in(smtp, server)
        yield smtp
    finally:
        smtp.close()


def _sign_in(smtp: smtplib.SMTP, server: Server) -> None:
    if f"{server.user}{server.password}".isascii():
        smtp.login(server.user, server.password)
        return
    # RFC 4616 says UTF-8; the library's own way knows ASCII alone.
    secret = b64encode(f"\0{server.user}\0{server.password}".encode()).decode()
    code, _ = smtp.docmd("AUTH", f"PLAIN {secret}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, b"")


def _connected(server: Server, timeout: float) -> smtplib.SMTP:
    if server.tls:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=timeout, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=timeout)


@contextmanager
def _before_data() -> Iterator[None]:
    """Trouble before the letter was handed over: it was not taken, whatever happened."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        raise ChannelDown("smtp: the server refuses us", code=str(error.smtp_code)) from None
    except (OSError, UnicodeError) as error:  # SMTPException is an OSError
        code = "smtp.timeout" if isinstance(error, TimeoutError) else "smtp.connect"
        raise ChannelDown(f"smtp: {type(error).__name__}", code=code) from None


def _content(smtp: smtplib.SMTP, mail: EmailMessage) -> Answer:
    """Send the letter itself; from its first byte on nobody knows until the server answers."""
    lines = mail.as_bytes().replace(b"\n.", b"\n..")
    try:
        smtp.send(lines + b".\r\n")
        answer = smtp.getreply()
    except OSError as error:
        raise Unanswered(f"smtp: {type(error).__name__}", code="smtp.unanswered") from None
    if answer[0] < 200:
        raise Unanswered("smtp: unreadable answer", code="smtp.answer")
    return answer


def _options(smtp: smtplib.SMTP, recipient: str) -> list[str]:
    if _local(recipient).isascii():
        return []
    if not smtp.has_extn("smtputf8"):
        raise Rejected("our mail server does not know addresses in other letters", code="smtputf8")
    return ["SMTPUTF8", "BODY=8BITMIME"]


def _local(address: str) -> str:
    return address.partition("@")[0]


def _ascii_domain(address: str) -> str:
    local, _, domain = address.partition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        raise AddressBlocked("no such domain", code="address.domain") from None


def _expect(answer: Answer, at: str, good: int = 250) -> None:
    """Raise what a refusal means."""
    code, said = answer
    if code == good or (good == 250 and code == 251):
        return
    raise refusal(code, said.decode("utf-8", "replace"), at)


def refusal(code: int, said: str, at: str) -> SendError:
    """The error for an answer ``code`` to the command ``at`` (mail, rcpt, data).

    ``said`` is read for its enhanced code (RFC 3463) and never repeated: it names addresses.
    """
    found = _ENHANCED.match(said)
    enhanced = found[1] if found else ""
    name = f"{code} {enhanced}".strip()
    if code == 421 or (400 <= code < 500 and _TOO_FAST.search(said)):
        return Throttled(THROTTLED_SECONDS, "smtp: too fast", code=name)
    if not 500 <= code < 600 or code in _OURS:
        return ChannelDown("smtp: not now", code=name)
    if _is_dead(code, enhanced, said, at):
        return AddressBlocked("smtp: no such mailbox", code=name)
    return Rejected("smtp: refused", code=name)


def _is_dead(code: int, enhanced: str, said: str, at: str) -> bool:
    if enhanced:
        return at != "mail" and enhanced in _DEAD
    return at == "rcpt" and code in (550, 551, 553) and not _POLICY.search(said)
