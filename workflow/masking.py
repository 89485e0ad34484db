"""Hiding what points at a person in a sentence that others will read. Pure.

Not a redaction by a reader, and no substitute for one: it takes out what has a shape (phones,
e-mail addresses, links, register numbers, account numbers) and names that are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from store.fold import fold

MASK = "[…]"
_SHAPES = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail
    r"|https?://\S+|www\.\S+"
    r"|(?<!\w)@\w{3,}"  # account of a messenger
    r"|\b[А-ЯЁӨҮа-яёөү]{2}\d{8}\b"  # register number of a citizen
    r"|\b\d{4}\s?[А-ЯЁӨҮ]{3}\b"  # number plate
    r"|\+?\(?\d(?:[\s().-]{0,2}\d){5,}"  # phone, account, identity card
)
_DATE = re.compile(r"(?:19|20)\d\d[.-]\d{1,2}[.-]\d{1,2}|\d{1,2}\.\d{1,2}\.(?:19|20)\d\d")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SHORTEST = 3


def mask(text: str, names: Iterable[str] = ()) -> str:
    """``text`` without contacts, long numbers, and ``names`` with whatever ending they carry."""
    stems = [
        stem
        for name in names
        for word in _WORD.findall(name)
        if len(stem := fold(word)) >= _SHORTEST
    ]
    shaped = _SHAPES.sub(
        lambda found: found[0] if _DATE.fullmatch(found[0].strip("+() ")) else MASK, text
    )
    if not stems:
        return shaped
    return _WORD.sub(lambda found: MASK if _is_name(found[0], stems) else found[0], shaped)


def _is_name(word: str, stems: list[str]) -> bool:
    """Whether it is a name: case endings only ever follow one, and are short."""
    key = fold(word)
    return any(key.startswith(stem) and len(key) - len(stem) <= 4 for stem in stems)
