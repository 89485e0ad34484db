"""A telephone call, key by key: what each step changes. What is said, the hotline decides. Pure.

The steps are messages whose ``answers`` name the ``call`` and what was done (``do``): ``record``
with a recording is a grievance at once, so that nobody who spoke is hung up on without a number;
``add``, ``agree``, ``language``, ``number``, ``code`` and ``person`` follow; any other one only
remembers that somebody pressed a key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from hmac import compare_digest
from typing import Any

from bot.turns import Conversation, Knowledge, Turn, by_id
from store.case import Case
from store.messages import Inbound
from workflow.commands import CITIZEN, Act, Register
from workflow.reference import is_reference

Step = Callable[[Conversation, Inbound, datetime, Knowledge], Turn]
LANGUAGES = frozenset({"mn", "kk", "en"})


def spoken(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """What one step of a call leads to. Nothing is ever written to the caller from here."""
    step = _STEPS.get(inbound.answers.get("do", ""))
    return step(conversation, inbound, now, knowledge) if step else Turn(conversation)


def _language(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """Asked once, then remembered by the caller's number."""
    language = inbound.answers.get("language", "")
    if language not in LANGUAGES:
        return Turn(conversation)
    return Turn(replace(conversation, language=language, chosen=True))


def _record(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """The recording is the grievance; its number goes by SMS to who can read one."""
    language = conversation.language or inbound.answers.get("language")
    texts = bool(inbound.answers.get("texts"))
    command = Register(
        channel=knowledge.channel,
        text="",
        received_at=now,
        language=language,
        quiet=not texts,
        facts={"call": True, **_reach(inbound)},
    )
    turned = replace(conversation, language=language, asked="", asked_of=(), held="")
    identity = {"phone": inbound.address} if texts else {}
    return Turn(turned, commands=(command,), identity=identity)


def _reach(inbound: Inbound) -> dict[str, Any]:
    """Where texts to the caller's phone go, for this very matter."""
    reach = inbound.answers.get("reach", "")
    return {"reach": int(reach)} if reach.isdecimal() else {}


def _add(conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge) -> Turn:
    """More about the grievance of this call, or the same told better."""
    case = _case(conversation, knowledge)
    if case is None or not case.is_open:
        return _record(conversation, inbound, now, knowledge)
    act = Act("append", case.id, CITIZEN, {"text": "", "joins": True})
    return Turn(conversation, commands=(act,))


def _agree(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """The key after the recording: reach me by text, by call, or leave me unnamed."""
    case = _case(conversation, knowledge)
    answer = inbound.answers.get("answer", "")
    if case is None or answer not in {"text", "call", "unnamed"}:
        return Turn(conversation)
    facts = {"consent": "anonymous" if answer == "unnamed" else "agree", "answer_by": answer}
    return Turn(conversation, commands=(Act("classify", case.id, CITIZEN, {"facts": facts}),))


def _number(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """The number is kept here until its code comes: neither stands in an address of ours."""
    return Turn(replace(conversation, number=inbound.answers.get("number", "")[:12]))


def _code(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """Right number and code open a grievance; a wrong pair counts, whichever of them is wrong."""
    number = conversation.number
    if _opened(number, inbound.answers.get("code", ""), knowledge) is not None:
        return Turn(conversation)
    return Turn(conversation, wrong_code=number if is_reference(number) else "")


def _opened(number: str, code: str, knowledge: Knowledge) -> Case | None:
    """The grievance that number and code open, unless too many were tried."""
    case = knowledge.named.get(number)
    right = compare_digest((case.code if case else "").encode(), code.encode())
    return case if case and right and not knowledge.locked else None


def _person(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """A person of the office calls back."""
    return Turn(conversation, wants_person=True)


def _case(conversation: Conversation, knowledge: Knowledge) -> Case | None:
    return by_id(str(conversation.grievance_id), knowledge)


_STEPS: dict[str, Step] = {
    "language": _language,
    "record": _record,
    "add": _add,
    "agree": _agree,
    "number": _number,
    "code": _code,
    "person": _person,
}
