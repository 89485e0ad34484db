"""What somebody sends us, where their own words say it: "Санал: …", "Нэг хүсэлт байна". Pure.

Most people just tell what is wrong; only the word itself counts, never what a sentence seems to be.
"""

from __future__ import annotations

import re
from functools import cache

from store.fold import fold_latin

_WORDS = {
    "complaint": "гомдол гомдлоо шағым шағымым арыз жалоба complaint grievance",
    "suggestion": "санал саналаа ұсыныс ұсынысым предложение suggestion",
    "request": "хүсэлт хүсэлтээ өтініш өтінішім просьба request",
    "thanks": "талархал алғыс благодарность",
    "criticism": "шүүмжлэл критика criticism",
    "question": "асуулт сұрақ вопрос question",
}
# "Санал: …" names it, "Санал хураалт …" does not.
_HEAD = re.compile(r"\W*([^\W\d_]+)\s*(?:[:.,!\-–—\n]|$)")
# "Надад нэг санал байна", "менің ұсынысым бар", "I have a question".
_TAIL = re.compile(r"([^\W\d_]+)(?:\s+(?:байна|бна|байгаа юм|бар|baina|bna|bar))?\s*[.!]*\s*$")


@cache
def _kinds() -> dict[str, str]:
    return {fold_latin(word): kind for kind, row in _WORDS.items() for word in row.split()}


def kind_of(text: str) -> str:
    """The kind that the first word, or the last of a short text, names; "" where none does."""
    head, tail = _HEAD.match(text), _TAIL.search(text)
    named = [found[1] for found in (head, tail if len(text.split()) <= 6 else None) if found]
    kinds = (_kinds().get(fold_latin(word), "") for word in named)
    return next(filter(None, kinds), "")


def kind_asked_for(keyword: str) -> str:
    """The kind that a keyword ("САНАЛ", "хүсэлт гаргах") names; "" where it leaves that open."""
    found = {_kinds().get(fold_latin(word), "") for word in keyword.split()} - {""}
    return found.pop() if len(found) == 1 else ""
