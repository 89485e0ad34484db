"""Bytes and headers of mails as text, whatever their senders claim about charsets. Pure."""

from __future__ import annotations

import binascii
import codecs
import re
from itertools import groupby

MOST_FOREIGN = 2  # letters in a line of base64 that do not belong there

# What mailers write where a charset belongs, and what they mean.
_ALIASES = {
    "cp-1251": "cp1251", "win-1251": "cp1251", "windows1251": "cp1251", "ansi": "cp1251",
    "windows-1251-mn": "cp1251", "x-mac-cyrillic": "mac_cyrillic", "koi8r": "koi8_r",
    "utf8mb4": "utf-8", "unicode": "utf-8", "unicode-1-1-utf-7": "utf-7", "ks_c_5601-1987": "cp949",
    "gb2312": "gb18030", "iso-8859-8-i": "iso8859_8",
}  # fmt: skip
# Their bytes are ASCII or hold NULs, and would pass for UTF-8.
_LOOK_LIKE_UTF_8 = ("utf-16", "utf-32", "utf-7", "iso2022", "hz")
# Codecs of Python's own that are no charsets of mails.
_NO_CHARSETS = {"unicode_escape", "raw-unicode-escape", "idna", "punycode", "undefined", "mbcs"}
_ENCODED = r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?="
_WORD = re.compile(_ENCODED)
_WORDS = re.compile(rf"(?:{_ENCODED}\s*(?==\?))*{_ENCODED}")
_LOWER_CYRILLIC = re.compile("[а-яё]")
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def decoded(content: bytes, charset: str = "") -> str:
    """``content`` as text; never raises.

    What is valid UTF-8 is UTF-8, whatever was declared: other 8-bit texts hardly ever are.
    """
    declared = _codec(charset)
    tried = ["utf-8", declared] if declared else ["utf-8"]
    if declared.startswith(_LOOK_LIKE_UTF_8):
        tried.reverse()
    for codec in tried:
        try:
            return content.decode(codec)
        except ValueError:
            continue
    text = content.decode("utf-8", "replace")
    wrong, foreign = text.count("\ufffd"), sum(letter > "\x7f" for letter in text)
    if 4 * wrong <= foreign:  # UTF-8 with a letter cut in two
        return text
    if declared in ("", "ascii", "utf-8"):
        return _guessed(content)
    return content.decode(declared, "replace")


def _codec(charset: str) -> str:
    """The codec of a declared charset, "" where there is none."""
    name = charset.strip().strip("\"'").lower()
    try:
        codec = codecs.lookup(_ALIASES.get(name, name)).name
        b"".decode(codec)
    except (LookupError, ValueError):  # also a NUL in the name, and "base64", which is no text
        return ""
    return "" if codec in _NO_CHARSETS else codec


def _guessed(content: bytes) -> str:
    """8-bit text without a charset is Cyrillic here: the reading with more small letters."""
    readings = [content.decode(codec, "replace") for codec in ("cp1251", "koi8_r")]
    return max(readings, key=lambda text: len(_LOWER_CYRILLIC.findall(text)))


def header(raw: str) -> str:
    """A header as people read it: unfolded, encoded words and raw 8-bit letters decoded."""
    text = decoded(raw.encode("utf-8", "surrogateescape"))
    return " ".join(_CONTROL.sub("", _WORDS.sub(_words, text)).split())


def _words(match: re.Match[str]) -> str:
    """Neighbouring words; those of one charset are one text: some mailers cut inside a letter."""
    words = groupby(_WORD.finditer(match[0]), key=lambda word: word[1].lower())
    return "".join(decoded(b"".join(map(_bytes, group)), charset) for charset, group in words)


def _bytes(word: re.Match[str]) -> bytes:
    content = word[3].encode("utf-8", "replace")
    if word[2] in "bB":
        return base64(content)
    return binascii.a2b_qp(content.replace(b"_", b" "))


def base64(content: bytes) -> bytes:
    """What can be read of base64: up to a line that is none, foreign letters passed over."""
    pieces: list[bytes] = []
    chunk: list[bytes] = []
    for line in content.splitlines():
        bare = _NO_BASE64.sub(b"", line)
        if line.startswith(b"--") or len(line.strip().rstrip(b"=")) - len(bare) > MOST_FOREIGN:
            break
        chunk.append(bare)
        if line.rstrip().endswith(b"="):  # some encode line by line
            pieces.append(_unpacked(b"".join(chunk)))
            chunk.clear()
    return b"".join([*pieces, _unpacked(b"".join(chunk))])


def _unpacked(chunk: bytes) -> bytes:
    whole = chunk[: len(chunk) - (len(chunk) % 4 == 1)]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
