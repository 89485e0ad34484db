"""Phone numbers as people and operators write them, made one. Pure.

Never rejected for validity: libphonenumber calls real Mongolian numbers invalid (the project
unit's own 51-26xxxx among them), so only the spelling is normalised.
"""

from __future__ import annotations

import re

COUNTRY = "976"
_NOT_DIGITS = re.compile(r"\D+")


def normalise(text: str) -> str | None:
    """``+97688110001`` from 8811-0001, 976…, +976…, 00976… or 0…; None where no number is."""
    digits = _NOT_DIGITS.sub("", text)
    if digits.startswith("00"):
        digits = digits[2:]
    elif len(digits) == 9 and digits.startswith("0"):
        digits = digits[1:]
    if len(digits) == 8:
        digits = COUNTRY + digits
    return f"+{digits}" if 9 <= len(digits) <= 15 else None
