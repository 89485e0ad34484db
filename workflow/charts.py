"""Charts as SVG of our own: no script, no style, light or dark; the data stands in a table too.

Attributes alone, because pages forbid inline style, and one font name that every renderer may
replace. A withheld number is drawn as a dash, never as a length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

Bar = tuple[str, int | None]

# Readable on white and on black; words take the colour of what is around them.
INK, BAR, RULE = "currentColor", "#2f6fa8", "#8695a3"
_WIDTH, _LABELS, _ROW, _THICK = 460, 192, 26, 15
_HIGH, _FOOT = 190, 44
_LONGEST = 23
_SIZE = 13


def bars(items: Sequence[Bar], title: str, hidden: str) -> str:
    """Horizontal bars, the longest name cut; ``hidden`` is the word for a withheld number."""
    most = max((value or 0 for _, value in items), default=0) or 1
    height = _ROW * len(items) + 6
    room = _WIDTH - _LABELS - 64
    parts = []
    for row, (name, value) in enumerate(items):
        y = row * _ROW + 6
        parts.append(_text(_LABELS - 8, y + 12, _short(name), "end"))
        length = round(room * (value or 0) / most, 1)
        if value:
            parts.append(f'<rect x="{_LABELS}" y="{y}" width="{length}" height="{_THICK}" '
                         f'fill="{BAR}"/>')  # fmt: skip
        words = hidden if value is None else str(value)
        parts.append(_text(_LABELS + length + 6, y + 12, words, "start"))
    parts.append(_line(_LABELS, 2, _LABELS, height - 2))
    return _svg(height, title, parts)


def columns(items: Sequence[Bar], title: str) -> str:
    """Upright bars, for months."""
    most = max((value or 0 for _, value in items), default=0) or 1
    step = (_WIDTH - 20) / max(len(items), 1)
    parts = [_line(10, _HIGH, _WIDTH - 10, _HIGH)]
    for place, (name, value) in enumerate(items):
        middle = 10 + step * (place + 0.5)
        height = round((_HIGH - 24) * (value or 0) / most, 1)
        width = min(step * 0.6, 64)
        parts.append(
            f'<rect x="{middle - width / 2:.1f}" y="{_HIGH - height:.1f}" width="{width:.1f}" '
            f'height="{height}" fill="{BAR}"/>'
        )
        parts.append(_text(middle, _HIGH - height - 6, str(value or 0), "middle"))
        for line, words in enumerate(re.split(r"[ .]", name)):
            parts.append(_text(middle, _HIGH + 18 + 15 * line, words, "middle"))
    return _svg(_HIGH + _FOOT, title, parts)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{_SIZE}" fill="{INK}" text-anchor="{anchor}" '
        f'font-family="Libertinus Serif, Noto Serif, serif">{escape(words)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{RULE}" stroke-width="1"/>'


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height:g}" '
        f'viewBox="0 0 {_WIDTH} {height:g}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
