"""Length, splitting and shortening of texts as the mobile network and the chats count them.

An SMS is GSM-7 (160 septets, 153 per part when split) or, as soon as one character lies outside
that alphabet, as every Cyrillic one does, UCS-2 (70 and 67 units). Pure: no input, no output.
Sources: 3GPP TS 23.038 section 6.2.1 (alphabets), TS 23.040 section 9.2.3.24.1 (concatenation).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["GSM-7", "UCS-2"]

_GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM7 = _GSM7_BASIC | _GSM7_EXTENSION
# Longest single part and longest part of several; six octets of each go to the user data header.
_LIMITS: dict[Encoding, tuple[int, int]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}

# From the best place to cut a text to the worst; the white space itself is dropped.
_BREAKS = tuple(re.compile(p) for p in (r"\s*\n\s*\n\s*", r"\s*\n\s*", r"(?<=[.!?…])\s+", r"\s+"))
_BASIC = "\uffff"  # up to here a character is one unit
_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs as SMS.

    ``units`` are septets (GSM-7, extension characters count two) or UTF-16 units (UCS-2) of the
    text itself; ``parts`` is the number of messages sent, 0 for an empty text.
    """

    encoding: Encoding
    units: int
    parts: int


def measure(text: str) -> Segments:
    """Count encoding, units and parts of ``text`` as an SMS."""
    encoding = _encoding(text)
    if encoding == "UCS-2" and max(text) <= _BASIC:  # nothing to divide wrongly: plain arithmetic
        single, several = _LIMITS[encoding]
        units = len(text)
        return Segments(encoding, units, 1 if units <= single else -(-units // several))
    units = sum(_width(char, encoding) for char in text)
    return Segments(encoding, units, len(split_sms(text)))


def split_sms(text: str) -> list[str]:
    """Cut ``text`` where the network does: an escape or surrogate pair is never divided.

    A part that would end inside a pair is one unit shorter. Joined again, the parts are the text.
    """
    encoding = _encoding(text)
    single, several = _LIMITS[encoding]
    if sum(_width(char, encoding) for char in text) <= single:
        return [text] if text else []
    parts, used = [""], 0
    for char in text:
        width = _width(char, encoding)
        if used + width > several:
            parts.append("")
            used = 0
        parts[-1] += char
        used += width
    return parts


def ucs2_units(text: str) -> int:
    """Return the length of ``text`` in UTF-16 units, the way SMS, Telegram and Messenger count."""
    if max(text, default="") <= _BASIC:
        return len(text)
    return sum(_width(char, "UCS-2") for char in text)


def split_text(text: str, longest: int) -> list[str]:
    """Cut ``text`` into messages of at most ``longest`` UTF-16 units, for chats.

    Cuts after a paragraph, else a line, a sentence, a word; a word longer than a message is cut
    between characters, a letter with its combining marks only when it is longer than a message.
    White space at a cut is dropped; a text of white space alone gives no message.

    Raises:
        ValueError: ``longest`` is below 2, the width of one character outside the basic plane.
    """
    if longest < 2:
        raise ValueError("a message must have room for at least 2 units")
    pieces = []
    rest = text.strip()
    while _fit(rest, longest) < len(rest):
        end, resume = _cut(rest, longest)
        pieces.append(rest[:end])
        rest = rest[resume:]
    return [*pieces, rest] if rest else pieces


def shorten(text: str, units: int) -> str:
    """Return ``text`` if it has at most ``units`` UTF-16 units, else cut it at a word and add "…".

    With no room at all (``units`` below 1) the result is empty.
    """
    if ucs2_units(text) <= units:
        return text
    if units < 1:
        return ""
    room = _fit(text, units - 1)
    words = re.match(r"(.*\S)\s", text[: room + 1], re.DOTALL)
    kept = words[1] if words else text[: _back_to_cluster(text, room)]
    return kept.rstrip(" ,;:.\n") + "…"


def _encoding(text: str) -> Encoding:
    return "GSM-7" if _GSM7.issuperset(text) else "UCS-2"


def _width(char: str, encoding: Encoding) -> int:
    if encoding == "GSM-7":
        return 2 if char in _GSM7_EXTENSION else 1
    return 2 if char > "\uffff" else 1


def _fit(text: str, longest: int) -> int:
    """Return how many leading characters of ``text`` have at most ``longest`` UTF-16 units."""
    used = 0
    for index, char in enumerate(text):
        used += _width(char, "UCS-2")
        if used > longest:
            return index
    return len(text)


def _cut(text: str, longest: int) -> tuple[int, int]:
    """Return where the first message ends and where the next begins."""
    end = _fit(text, longest)
    for least in (end // 2, 1):  # a short greeting does not become a message of its own
        for pattern in _BREAKS:
            places = [place for place in _places(pattern, text, end) if place[0] >= least]
            if places:
                return places[-1]
    end = _back_to_cluster(text, end) or end
    return end, end


def _places(pattern: re.Pattern[str], text: str, end: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of the white space at which a message of ``end`` characters may stop."""
    for match in pattern.finditer(text, 0, end + 1):
        after = match.end()
        while text[after].isspace():  # the text is stripped: something follows
            after += 1
        if not _joins(text, after):
            yield match.start(), after


def _joins(text: str, index: int) -> bool:
    """Whether the character at ``index`` belongs to the one before it."""
    if not 0 < index < len(text):
        return False
    char = text[index]
    return (
        unicodedata.category(char).startswith("M")
        or ord(char) in _SKIN_TONES
        or _JOINER in (char, text[index - 1])
    )


def _back_to_cluster(text: str, index: int) -> int:
    while _joins(text, index):
        index -= 1
    return index
