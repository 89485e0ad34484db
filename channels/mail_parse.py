"""Any mail, however broken, as a `Mail`: nothing raises, nothing is lost. Pure.

The standard parser takes the mail apart; what it raises on (unknown charsets, parameters that
contradict one another, hundreds of nested parts) is read by our own means.
"""

from __future__ import annotations

import hashlib
import quopri
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import Compat32
from email.utils import parsedate_to_datetime

from channels.mail_html import plain_text
from channels.mail_words import base64, decoded, header

MOST_PARTS = 60
MOST_FILES = 100
MOST_WORK = 12_000_000  # lines times nesting: the parser holds each line against each boundary
LONGEST_HEADER = 10_000
LONGEST_TEXT = 1_000_000
# What the standard library raises on broken mails, each seen on a real or made one.
BROKEN = (ValueError, TypeError, LookupError, AttributeError, RecursionError)

_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_ANGLE = re.compile(r"<\s*([^<>\s@]+@[^<>\s@]+)\s*>")
_ADDRESS = re.compile(r"[^\s<>()\[\],:;\"\\@]{1,64}@[^\s<>()\[\],:;\"\\@]{1,255}")
_COMMENT = re.compile(r"\(([^()]*)\)")
_NOBODY = re.compile(r"(no|do-?not)-?_?reply\b")
_ID = re.compile(r"<[^<>\s]+>")
_INVISIBLE = re.compile("[\ufeff\u200b\u00ad]")


class _AsItCame(Compat32):
    """Headers as they came: decoding them is our own work, it never raises."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value[:LONGEST_HEADER]


_POLICY = _AsItCame()


@dataclass(frozen=True, slots=True)
class File:
    """A part that is no text of the sender's; ``content`` is decoded."""

    content_type: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. ``headers`` have lower-case names and readable values, in their order.

    ``text`` is everything readable, quotations included; ``status`` the fields of a delivery
    status notification, its recipients' blocks joined; ``digest`` tells bodies apart (SHA-256).
    """

    headers: Mapping[str, Sequence[str]]
    content_type: str
    sender: str
    name: str
    text: str
    files: tuple[File, ...]
    status: Mapping[str, str]
    digest: str

    def header(self, name: str) -> str:
        """The first header of that name, "" where there is none."""
        found = self.headers.get(name, ())
        return found[0] if found else ""

    @property
    def subject(self) -> str:
        """The subject as people read it."""
        return self.header("subject")

    @property
    def message_id(self) -> str:
        """The Message-ID with its brackets, "" where there is none."""
        return (ids(self.header("message-id")) or [""])[0]

    def sent_at(self, now: datetime) -> datetime | None:
        """The time the sender's clock showed, aware; None where it cannot be right."""
        try:
            sent = parsedate_to_datetime(self.header("date"))
            sent = sent.astimezone(UTC) if sent.tzinfo else sent.replace(tzinfo=UTC)
        except (*BROKEN, OverflowError):
            return None
        return sent if sent.year >= 2000 and (sent - now).total_seconds() < 86_400 else None


def ids(value: str) -> list[str]:
    """The Message-IDs in a header."""
    return _ID.findall(value)


def parse(raw: bytes) -> Mail:
    """Read a mail."""
    message = _message(raw)
    headers = _headers(message)
    found = _Found()
    _gather(message, found)
    sender, name = _sender(headers)
    body = re.split(rb"\r?\n\r?\n", raw.lstrip(b"\r\n"), maxsplit=1)
    return Mail(
        headers,
        message.get_content_type().lower(),
        sender,
        name,
        _tidy("\n\n".join(text.strip("\n") for text in found.texts if text.strip())[:LONGEST_TEXT]),
        tuple(found.files[:MOST_FILES]),
        found.status,
        hashlib.sha256(body[1] if len(body) > 1 else raw).hexdigest(),
    )


def _message(raw: bytes) -> Message[str, str]:
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    try:
        # Each level of nesting costs the parser frames and time; nobody writes that many.
        depth = raw.lower().count(b"multipart/")
        if depth <= MOST_PARTS and depth * raw.count(b"\n") < MOST_WORK:
            return message_from_bytes(raw, policy=_POLICY)
    except BROKEN:
        pass
    return BytesHeaderParser(policy=_POLICY).parsebytes(raw)


def _headers(message: Message[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in message.items():
        # Addresses are looked for in the raw value: an encoded name may hold "<" or a comma.
        keep_raw = name.lower() in ("from", "sender", "reply-to", "return-path")
        text = " ".join(value.split()) if keep_raw else header(value)
        found.setdefault(name.lower(), []).append(text)
    return found


# Who sent it


def _sender(headers: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Address in lower case and name; of the first header that holds an address.

    A form on a web page sends from an address nobody reads and names the writer in Reply-To.
    """
    found = [
        (address, _name(value))
        for source in ("from", "sender", "reply-to", "return-path")
        for value in headers.get(source, ())
        if (address := address_of(value))
    ]
    if found and _NOBODY.match(found[0][0]):
        answers = [address_of(value) for value in headers.get("reply-to", ())]
        found = [item for item in found if item[0] in answers] or found
    return found[0] if found else ("", "")


def address_of(raw: str) -> str:
    """The first address in a raw header, in lower case; "" where there is none."""
    for value in (raw, header(raw)):
        value = decoded(value.encode("utf-8", "surrogateescape"))
        bare = _QUOTED.sub(" ", value)
        for match in _ANGLE.finditer(bare):
            if _ADDRESS.fullmatch(match[1]):
                return match[1].lower()
        if found := _ADDRESS.search(_COMMENT.sub(" ", bare)):
            return found[0].strip(".'").lower()
    return ""


def _name(raw: str) -> str:
    text = header(raw)
    before, angle, _ = text.rpartition("<")
    comment = _COMMENT.search(text)
    name = before if angle else comment[1] if comment else ""
    name = name.strip(" ,\"'").replace('\\"', '"')
    return "" if "@" in name else name[:100]


# What it holds


@dataclass(slots=True)
class _Found:
    texts: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    status: dict[str, str] = field(default_factory=dict)


def _gather(part: Message[str, str], found: _Found) -> None:
    kind = part.get_content_type().lower()
    children = _children(part)
    if not children:
        _leaf(part, kind, found)
    elif kind == "message/delivery-status":
        for block in children:
            found.status |= {name.lower(): header(value) for name, value in block.items()}
    elif kind.startswith("message/"):
        found.files.append(File(kind, _file_name(part) or "message.eml", _flat(children)))
    elif kind == "multipart/alternative":
        _alternative(children, found)
    else:
        for child in children:
            _gather(child, found)


def _children(part: Message[str, str]) -> list[Message[str, str]]:
    inner = part.get_payload() if part.is_multipart() else ()
    return [child for child in inner if isinstance(child, Message)]


def _alternative(children: Sequence[Message[str, str]], found: _Found) -> None:
    """One text in several forms: the first that says something; files of all."""
    forms = [_Found() for _ in children]
    for child, form in zip(children, forms, strict=True):
        _gather(child, form)
        found.files += form.files
        found.status |= form.status
    texts = [text for text in ("\n\n".join(form.texts) for form in forms) if text.strip()]
    if len(texts) > 1 and _is_stub(*texts[:2]):
        del texts[0]
    found.texts += texts[:1]


def _is_stub(first: str, second: str) -> bool:
    """Whether the plain form only says that one needs a reader of HTML."""
    return len(first) < 300 and "html" in first.lower() and len(second) > 2 * len(first)


def _leaf(part: Message[str, str], kind: str, found: _Found) -> None:
    name = _file_name(part)
    disposition = part.get_content_disposition()
    # Some phones give the text itself a name: a first one that is no attachment is the text.
    is_text = kind in ("text/plain", "text/html") or kind.startswith("multipart/")
    if is_text and disposition != "attachment" and not (name and found.texts):
        text = decoded(_content(part), _parameter(part, "charset"))
        if kind == "text/html":
            text = plain_text(text)
        elif _parameter(part, "format").lower() == "flowed":
            text = _unflowed(text, joined=_parameter(part, "delsp").lower() == "yes")
        found.texts.append(text)
        return
    content = _content(part)
    if content or name:
        found.files.append(File(kind, name, content))


def _content(part: Message[str, str]) -> bytes:
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    # The library's own decoders raise on some bodies: told of no encoding it gives the bare bytes.
    del part["content-transfer-encoding"]
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return b""
    if encoding == "base64":
        return base64(content)
    if encoding == "quoted-printable":
        return quopri.decodestring(content)
    return content


def _flat(children: Sequence[Message[str, str]]) -> bytes:
    """An enclosed mail as a file."""
    try:
        return b"\n".join(child.as_bytes() for child in children)
    except BROKEN:
        return b""


def _file_name(part: Message[str, str]) -> str:
    """The file's name without folders: RFC 2231, RFC 2047 and raw letters, cut to 150."""
    name = _parameter(part, "filename", "content-disposition") or _parameter(part, "name")
    name = re.split(r"[/\\]", name)[-1].strip(" .\"'")
    stem, dot, ending = name.rpartition(".")
    if len(name) > 150 and dot and len(ending) < 10:
        return f"{stem[:140]}.{ending}"
    return name[:150]


def _parameter(part: Message[str, str], name: str, of: str = "content-type") -> str:
    try:
        value = part.get_param(name, header=of)
    except BROKEN:  # "filename*" beside "filename*0": the parser compares None with 0
        value = _plain_parameter(str(part.get(of, "")), name)
    if isinstance(value, tuple):
        charset, _, text = value
        return header_safe(decoded(text.encode("latin-1", "replace"), charset or ""))
    return header(value) if isinstance(value, str) else ""


def _plain_parameter(value: str, name: str) -> str | None:
    found = re.search(rf"(?<![\w*]){name}\s*=\s*(\"[^\"]*\"|[^;\s]+)", value, re.IGNORECASE)
    return found[1].strip('"') if found else None


def header_safe(text: str) -> str:
    """One line without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


# How it reads


def _unflowed(text: str, *, joined: bool) -> str:
    """Lines that end with a space go on in the next one (RFC 3676)."""
    lines: list[str] = []
    depth = None  # of the line that goes on, None where the next begins a new one
    for line in text.splitlines():
        bare = line.lstrip(">")
        quoted = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        signature = bare in ("-- ", "--")
        if depth == quoted and not signature:
            lines[-1] += bare
        else:
            lines.append(">" * quoted + (" " if quoted else "") + bare)
        depth = quoted if bare.endswith(" ") and not signature else None
        if depth is not None and joined:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)


def _tidy(text: str) -> str:
    """No NUL, no-break spaces or trailing ones; at most one empty line in a row."""
    text = _INVISIBLE.sub("", text.replace("\0", "")).replace("\u00a0", " ")
    # "-- " alone on its line is the sign before a signature, the one space that matters.
    lines = [line if line == "-- " else line.rstrip() for line in text.splitlines()]
    return "\n".join(_single_blanks(lines)).strip("\n")


def _single_blanks(lines: Sequence[str]) -> Iterator[str]:
    before = ""
    for line in lines:
        if line or before:
            yield line
        before = line
