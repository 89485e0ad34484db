"""A mail as the messages it holds: a person's words, or the fate of a letter of ours. Pure."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from channels.fields import file_kind
from channels.mail_parse import File, Mail, parse
from channels.mail_quotes import own_words
from channels.mail_rules import Own, automatic, bounce, thread
from store.messages import Attachment, DeliveryReport, Inbound, Kind

CODE = "email"
AUTOMATIC = "automatic"
LONGEST_ID = 150
LONGEST = 100_000  # some fifty pages; the whole mail is kept apart

_REPLY = re.compile(r"\s*(re|aw|отв|ответ|ха|хариу|жауап|жа)\s*(\[\d+\])?\s*:", re.IGNORECASE)
_FORWARD = re.compile(
    r"\s*(fwd?|пересл|пер|дамж|дамжуулсан|қайта жіберілді|қж)\s*(\[\d+\])?\s*:", re.IGNORECASE
)
_NO_SUBJECT = {
    "", "no subject", "без темы", "гарчиггүй", "гарчиг алга", "сэдэвгүй", "тақырыпсыз",
    "тақырып жоқ", "none", "null",
}  # fmt: skip


def read(raw: bytes, own: Own, now: datetime, origin: str = "") -> list[Inbound | DeliveryReport]:
    """What a mail says; always something, and never raises.

    ``origin`` is where the mail lies, for fetching its files later.
    """
    mail = parse(raw)
    if fate := bounce(mail, raw, own):
        return [
            DeliveryReport(
                CODE, own.address, fate.message_id, fate.state, fate.recipient, fate.status,
                mail.sent_at(now),
            )
        ]  # fmt: skip
    files = tuple(_attachment(file, origin, at) for at, file in enumerate(mail.files))
    text = words(mail, own)[:LONGEST]
    machine = automatic(mail, own)
    return [
        Inbound(
            CODE,
            own.address,
            _identity(mail),
            mail.sender,
            Kind.OTHER if machine else Kind.MEDIA if files and not text else Kind.TEXT,
            text,
            AUTOMATIC if machine else "",
            files,
            sent_at=mail.sent_at(now),
            profile_name=mail.name,
            language_hint=mail.header("content-language")[:2].lower(),
            thread=thread(mail, own),
        )
    ]


def words(mail: Mail, own: Own) -> str:
    """The new words, after the subject where that says something the words do not."""
    answers_us = bool(thread(mail, own))
    forwarded = bool(_FORWARD.match(mail.subject))
    text = own_words(mail.text, own.address, forwarded=forwarded)
    if not text and not answers_us:
        text = mail.text
    subject = _FORWARD.sub("", mail.subject).strip()
    if answers_us or _REPLY.match(subject) or _says_nothing_new(subject, text):
        return text
    return f"{subject}\n{text}".strip()


def _says_nothing_new(subject: str, text: str) -> bool:
    bare = _bare(subject)
    return bare in _NO_SUBJECT or f" {bare} " in f" {_bare(text)} "


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _identity(mail: Mail) -> str:
    """Message-ID and body: two mails of one id with different bodies are two mails."""
    name = mail.message_id[:LONGEST_ID]
    if not name:  # then sender, time and subject tell bodies that are alike apart
        about = "|".join((mail.sender, mail.header("date"), mail.subject))
        name = hashlib.sha256(about.encode()).hexdigest()[:32]
    return f"{name}#{mail.digest[:12]}"


def _attachment(file: File, origin: str, number: int) -> Attachment:
    handle = f"{origin}:{number}" if origin else ""
    kind = file_kind(file.content_type)
    return Attachment(kind, file.content_type, len(file.content), file.name, handle=handle)
