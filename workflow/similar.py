"""Grievances that may be about the same thing: shared words in any spelling, place, time.

Candidates come from one question to the database about a span of days around the grievance; what
is alike is then weighed here by trigrams of the folded texts. Words of sensitive matters are in no
folded text, so they are never suggested.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from store.case import Case
from store.columns import holds
from store.db import Transaction
from store.schema import grievance as table

SPAN = timedelta(days=45)
NEAR = timedelta(days=7)
LEAST = 0.4  # below this two grievances merely share a few words
_CANDIDATES = 200
_WORDS, _STEM, _SHORTEST = 6, 6, 4
# What the place, the subject and the day add to what the words say.
_SAME_PLACE, _SAME_AIMAG, _SAME_CATEGORY, _SAME_DAYS = 0.16, 0.06, 0.08, 0.08


@dataclass(frozen=True, slots=True)
class Match:
    """A grievance like another; ``score`` from 0 to about 1.3."""

    id: int
    reference: str
    status: str
    language: str | None
    channel: str
    place: str | None
    gist: str
    received_at: datetime
    score: float


_COLUMNS = (
    table.c.id, table.c.reference, table.c.status, table.c.language, table.c.channel,
    table.c.place, table.c.category, table.c.folded, table.c.received_at,
    func.substr(func.coalesce(func.nullif(table.c.gist, ""), table.c.text), 1, 160).label("gist"),
)  # fmt: skip


def similar(
    tx: Transaction, subject: Case, limit: int = 5, visible: ColumnElement[bool] | None = None
) -> list[Match]:
    """The grievances most like ``subject``, the likest first; none for a sensitive one.

    ``visible`` is what the one who asks may see.
    """
    if subject.sensitive:
        return []
    rows = tx.execute(_candidates(subject, visible)).all()
    own = trigrams(subject.folded)
    found = [_match(row, _score(subject, own, row)) for row in rows]
    found = [item for item in found if item.score >= LEAST]
    return sorted(found, key=lambda item: -item.score)[:limit]


def _candidates(subject: Case, visible: ColumnElement[bool] | None) -> Any:
    """Those that share most of the longest words, and those of the same place, matter and week."""
    at = subject.received_at
    near = and_(
        table.c.place == subject.place,
        table.c.category == subject.category,
        table.c.received_at.between(at - NEAR, at + NEAR),
    )
    shared = [holds(table.c.folded, stem) for stem in stems(subject.folded)]
    alike = sum((case((each, 1), else_=0) for each in [*shared, near]), case((near, 1), else_=0))
    query = select(*_COLUMNS).where(
        # The index is on the day of registration, which is that of arrival but for old letters.
        table.c.registered_at.between(at - SPAN, at + SPAN),
        table.c.id != subject.id,
        table.c.sensitive == "",
        or_(near, *shared),
    )
    if visible is not None:
        query = query.where(visible)
    return query.order_by(alike.desc(), table.c.id.desc()).limit(_CANDIDATES)


def stems(folded: str) -> list[str]:
    """The longest words without their endings, which both languages pile up."""
    words = sorted({word for word in folded.split() if len(word) >= _SHORTEST}, key=_rarest)
    return list(dict.fromkeys(word[:_STEM] for word in words))[:_WORDS]


def _rarest(word: str) -> tuple[int, str]:
    """The longer a word, the fewer people use it."""
    return -len(word), word


def trigrams(folded: str) -> frozenset[str]:
    """Every three letters that follow one another, words parted by blanks."""
    text = f" {folded} "
    return frozenset(text[n : n + 3] for n in range(len(text) - 2))


def _score(subject: Case, own: frozenset[str], row: Any) -> float:
    other = trigrams(row.folded)
    # Of the shorter text: a long letter may hold a short message whole.
    least = min(len(own), len(other)) or 1
    score = len(own & other) / (0.5 * least + 0.5 * max(len(own), len(other), 1))
    days = abs(row.received_at - subject.received_at)
    if days < NEAR:
        score += _SAME_DAYS
    if subject.category and row.category == subject.category:
        score += _SAME_CATEGORY
    return score + _nearness(subject.place, row.place)


def _nearness(one: str | None, other: str | None) -> float:
    if not one or not other:
        return 0.0
    if one == other:
        return _SAME_PLACE
    return _SAME_AIMAG if one.split("/")[0] == other.split("/")[0] else 0.0


def _match(row: Any, score: float) -> Match:
    return Match(
        row.id, row.reference, row.status, row.language, row.channel, row.place, row.gist,
        row.received_at, score,
    )  # fmt: skip
