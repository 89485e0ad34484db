"""A form asked everything beforehand: it is registered in one go, with what it says. Pure.

Its answers: ``language`` (chosen), ``kind``, ``aimag`` (a place's code), ``soum`` (words),
``name``, ``phone``, ``email``, and ``agreed``: the purposes consented to, of `PURPOSES`. What
somebody writes down for a person (`bot.filings`) has more: ``by`` (who writes), ``channel`` (how
the person came), ``received`` (the local day), ``category``, ``sensitive``, ``submitter`` (a
person's id), ``reach`` (the id of the address letters go to), ``kept`` (a phone never written to),
``place`` (a code) and, as facts, ``behalf``, ``told``, ``consent_by``, ``gender``, ``group``,
``lat``, ``long``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from bot import places
from bot.sensitive import first_words
from bot.turns import Conversation, Knowledge, Turn, current
from store.messages import Inbound
from workflow.commands import CITIZEN, Act, Actor, Register
from workflow.states import Role

# Handling what was left to reach the person by, passing it on, asking how it went.
PURPOSES = ("contact", "refer", "survey")
_IDENTITY = ("name", "phone", "email", "kept")
_FACTS = ("behalf", "told", "consent_by", "gender", "group", "lat", "long")
_NOON = time(12)


def filled_in(
    conversation: Conversation, inbound: Inbound, now: datetime, knowledge: Knowledge
) -> Turn:
    """Register what a form says; sent once more with other words, those are added."""
    language = inbound.answers.get("language") or conversation.language
    conversation = replace(conversation, language=language, chosen=bool(language))
    identity = _identity(inbound.answers)
    case = current(conversation, knowledge)
    sensitive = first_words(inbound.text) or inbound.answers.get("sensitive") or ""
    if case is not None and (case.sensitive or not sensitive):
        more = "" if inbound.text in case.text else inbound.text
        act = Act("append", case.id, CITIZEN, {"text": more, "joins": True})
        return Turn(conversation, commands=(act,), identity=identity)
    command = Register(
        channel=inbound.answers.get("channel") or knowledge.channel,
        text=inbound.text,
        received_at=_received(inbound.answers.get("received", ""), now, knowledge),
        submitter_id=int(inbound.answers.get("submitter") or 0) or None,
        language=language,
        kind=inbound.answers.get("kind") or "complaint",
        category=inbound.answers.get("category") or None,
        place=_place(inbound.answers),
        anonymous="name" not in identity,
        sensitive=sensitive,
        quiet=not _reachable(inbound.answers, identity),  # the page tells them, nothing else could
        actor=_actor(inbound.answers.get("by", "")),
        facts=_facts(inbound.answers, identity),
    )
    return Turn(conversation, commands=(command,), identity=identity)


def _identity(answers: Mapping[str, str]) -> dict[str, str]:
    """Nothing of a person is kept without their consent."""
    if "contact" not in _agreed(answers):
        return {}
    return {name: answers[name] for name in _IDENTITY if answers.get(name)}


def _agreed(answers: Mapping[str, str]) -> set[str]:
    return set(answers.get("agreed", "").split()) & set(PURPOSES)


def _reachable(answers: Mapping[str, str], identity: Mapping[str, str]) -> bool:
    return "phone" in identity or "email" in identity or "reach" in answers


def _actor(by: str) -> Actor:
    """Who wrote it down: ``officer:3``, ``cso:7``; nobody but the person themselves for ""."""
    role, _, number = by.partition(":")
    return Actor(Role(role), int(number)) if by else CITIZEN


def _received(day: str, now: datetime, knowledge: Knowledge) -> datetime:
    """Noon of the local day it was received; this moment for today, or where none is said."""
    if not (day and knowledge.profile):
        return now
    zone = knowledge.profile.timezone
    told = date.fromisoformat(day)
    return now if told >= now.astimezone(zone).date() else datetime.combine(told, _NOON, zone)


def _facts(answers: Mapping[str, str], identity: Mapping[str, str]) -> dict[str, Any]:
    agreed = _agreed(answers)
    facts: dict[str, Any] = {name: True for name in ("refer", "survey") if name in agreed}
    facts["consent"] = "agree" if "contact" in agreed else "anonymous"
    facts["contact"] = _reachable(answers, identity)
    facts |= {name: answers[name] for name in _FACTS if answers.get(name)}
    if "reach" in answers:
        facts["reach"] = int(answers["reach"])
    words = answers.get("soum", "")
    return facts | ({"place": words} if words else {})


def _place(answers: Mapping[str, str]) -> str | None:
    """The soum, where its words name one in this aimag; else the aimag alone."""
    if known := answers.get("place"):
        return known
    aimag = answers.get("aimag", "")
    if aimag not in places.aimags():
        return None
    words = f"{places.names(aimag, 'mn')}, {answers.get('soum', '')}"
    found = [match.code for match in places.find(words, answer=True)]
    inside = [code for code in found if places.place(code).parent == aimag]
    return inside[0] if len(inside) == 1 else aimag
