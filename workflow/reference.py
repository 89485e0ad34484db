"""Reference numbers people can say: year, random digits, Damm check digit. Pure but for chance.

Eight digits (26 00412 7 reads as year 26); a year that outgrows a hundred thousand gets nine.
The Damm table is the quasigroup of order 10 of H. Michael Damm's thesis (2004): it finds every
single wrong digit and every swap of neighbours.
"""

from __future__ import annotations

import secrets

_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def check_digit(digits: str) -> str:
    """The Damm digit that makes ``digits`` + it valid."""
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][int(digit)]
    return str(interim)


def is_reference(text: str) -> bool:
    """Whether ``text`` is 8 or 9 digits with a right check digit."""
    return text.isascii() and text.isdigit() and len(text) in (8, 9) and check_digit(text) == "0"


def new_reference(year: int, *, crowded: bool = False) -> str:
    """An unpredictable reference of ``year``; ``crowded`` years get one digit more."""
    width = 6 if crowded else 5
    body = f"{year % 100:02d}{secrets.randbelow(10**width):0{width}d}"
    return body + check_digit(body)


def new_code() -> str:
    """A private code of 6 digits; with the reference it opens a grievance from elsewhere."""
    return f"{secrets.randbelow(10**6):06d}"
