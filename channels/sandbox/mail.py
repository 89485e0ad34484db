"""The simulated mailbox: what lies in Hariu's inbox, and the people who write to it.

`mail_imap` and `mail_smtp` serve it on ports of their own, as the settings name them.
"""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime, make_msgid
from typing import Any
from urllib.parse import urlsplit

from channels.sandbox.history import Entry
from channels.sandbox.mailbox import Stored
from channels.sandbox.uploads import BadAction, decoded
from channels.sandbox.world import World
from config.clock import now
from config.settings import LOOPBACK, Settings

Json = dict[str, Any]


class Post:
    """Both ends of the mail: Hariu's mailbox, and what its letters say to people."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mailbox = world.mailbox

    @property
    def address(self) -> str:
        """Where people write to."""
        return self.world.settings.mail_address or "hariu@example.org"

    def send(self, body: Json) -> Json:
        """A person's mail, as `POST /phone/mail` says; raises `BadAction`.

        ``from``, ``name``, ``subject``, ``text`` or ``html``, ``attachments`` (``name``,
        ``content_type``, ``base64``), ``headers``, and ``reply`` for an answer to the last letter;
        or ``raw``, the whole mail in base64.
        """
        if "raw" in body:
            mail = message_from_bytes(decoded(body["raw"]), policy=default)
            raw = decoded(body["raw"])
        else:
            mail = self._written(body)
            raw = mail.as_bytes(policy=SMTP)
        sender = str(body.get("from") or mail.get("from", ""))
        text = str(body.get("text") or body.get("html") or "")
        subject = str(mail.get("subject", ""))
        shown = "\n".join(part for part in (subject, text) if part)
        files = [
            {"url": "", "content_type": part.get_content_type()} for part in mail.iter_attachments()
        ]
        entry = self.world.history.add(
            "email", sender, "in", text=shown, status="queued", media=files,
            kind="media" if files else "text", sid=str(mail.get("message-id", "")),
        )  # fmt: skip
        stored = self.mailbox.add(raw, entry)
        return {"uid": stored.uid, "message_id": entry.sid}

    def _written(self, body: Json) -> EmailMessage:
        sender = str(body.get("from") or "")
        if "@" not in sender:
            raise BadAction("from must be an e-mail address")
        last = self._last_letter(sender) if body.get("reply") else None
        name, subject = str(body.get("name") or ""), str(body.get("subject") or "")
        if last and not subject:
            subject = f"Re: {last.text.partition(chr(10))[0]}"
        mail = EmailMessage()
        mail["From"] = f'"{name}" <{sender}>' if name else sender
        mail["To"] = self.address
        mail["Subject"] = " ".join(subject.split())
        mail["Date"] = format_datetime(now())
        mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
        if last:
            mail["In-Reply-To"] = mail["References"] = last.sid
        for header, value in (body.get("headers") or {}).items():
            del mail[header]
            mail[header] = str(value)
        mail.set_content(str(body.get("text") or "") + (self._quoted(last) if last else ""))
        if html := body.get("html"):
            mail.set_content(str(html), subtype="html")
        for part in body.get("attachments") or []:
            kind, _, subtype = str(part.get("content_type", "application/x")).partition("/")
            mail.add_attachment(
                decoded(part.get("base64")), kind, subtype, filename=str(part.get("name", ""))
            )
        return mail

    def _quoted(self, letter: Entry) -> str:
        """Our letter below the answer, as most clients put it."""
        lines = "".join(f"> {line}\n" for line in letter.text.splitlines())
        return f"\n\nOn {letter.at[:16].replace('T', ' ')}, {self.address} wrote:\n\n{lines}"

    def _last_letter(self, address: str) -> Entry | None:
        letters = [
            Entry(**entry)
            for entry in self.world.history.list("email", address)
            if entry["direction"] == "out"
        ]
        return letters[-1] if letters else None

    def taken(self, mail: Stored) -> None:
        """Hariu marked a mail as seen."""
        if mail.entry is not None:
            self.world.history.change(mail.entry, status="delivered")

    def receive(self, recipient: str, raw: bytes, *, accepted: bool = True) -> Json:
        """A letter of Hariu's, on somebody's screen if it was ``accepted``; what it says."""
        mail = message_from_bytes(raw, policy=default)
        body = mail.get_body(("plain", "html"))
        text = str(body.get_content()).replace("\r\n", "\n").strip() if body else ""
        headers = {name.lower(): str(value) for name, value in mail.items()}
        said = {"to": recipient, "text": text, "headers": headers}
        if accepted:
            shown = f"{headers.get('subject', '')}\n{text}"
            self.world.history.add(
                "email", recipient, "out", text=shown, sid=headers.get("message-id", "")
            )
        return said


def port_of(settings: Settings, url: str) -> int | None:
    """The port of a plain mail server on this machine; None where the settings name no such."""
    parts = urlsplit(url)
    ours = parts.scheme in ("imap", "smtp") and parts.hostname in LOOPBACK
    return parts.port if ours and settings.sandbox_on else None
