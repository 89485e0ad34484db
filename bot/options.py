"""The options of the last question, named in words: their label, or yes and no. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bot import places
from bot.intents import Kind as Wish
from bot.intents import answers_of, recognise
from bot.script import BY_NAME
from bot.turns import Conversation, Knowledge
from config import i18n
from store.fold import fold_latin

_LABELS = {"accept": "choice.yes", "reject": "choice.no"}
_KEYS = {
    **dict.fromkeys(("withdraw", "safe", "solved"), "choice.{}"),
    **dict.fromkeys(("same", "new"), "choice.which.{}"),
    "rate": "choice.rate.{}",
    "category": "category.{}.label",
    "menu": "choice.menu.{}",
}
_YES = ("yes", "accept", "agree", "3")
_NO = ("no", "reject", "anonymous", "1")


def named(text: str, conversation: Conversation, knowledge: Knowledge) -> str | None:
    """The value of the one option of the last question that ``text`` names."""
    found = {value for value in knowledge.options if _is(value, text)}
    if not found:
        found = {value for value in knowledge.options if _said_so(value, text)}
    if not found:
        found = {*_meant(text, conversation, knowledge.options), *_placed(text, knowledge.options)}
    return found.pop() if len(found) == 1 else None


def _is(value: str, text: str) -> bool:
    key = _label_key(value)
    said = fold_latin(text)
    return bool(key) and any(fold_latin(i18n.text(key, each)) == said for each in i18n.LANGUAGES)


def _said_so(value: str, text: str) -> bool:
    """The words are how people give this answer, though its label is another."""
    name, _, rest = value.partition(":")
    asked = f"which:{name}" if name in {"same", "new"} else f"{name}:{rest.rpartition(':')[2]}"
    return fold_latin(text) in answers_of(asked)


def _label_key(value: str) -> str:
    name, _, rest = value.partition(":")
    if name in BY_NAME and (label := dict(BY_NAME[name].options).get(value)):
        return label
    last = name if name in {"same", "new"} else rest.rpartition(":")[2]
    return _LABELS.get(name) or _KEYS.get(name, "").format(last)


def _meant(text: str, conversation: Conversation, options: Iterable[str]) -> set[str]:
    """Yes or no. "Fine" said to something else must not withdraw a matter asked about before."""
    wish = recognise(text)
    ends = {Wish.YES: _YES, Wish.NO: _NO}.get(wish.kind, ()) if wish else ()
    found = {value for value in options if _end(value) in ends}
    asked_now = conversation.told == "cancel.confirm"
    return {value for value in found if asked_now or not value.startswith("withdraw:")}


def _end(value: str) -> str:
    """What an option says at the end; a redress is accepted or rejected by name."""
    name, _, rest = value.partition(":")
    if name in _LABELS:
        return name
    return rest.rpartition(":")[2] if ":" in rest or name == "consent" else ""


def _placed(text: str, options: Iterable[str]) -> set[str]:
    """The option whose aimag, or whose whole name, the words give."""
    codes = {value: value.removeprefix("place:") for value in options if value[:6] == "place:"}
    found = {match.code for match in places.find(text, answer=True)} if len(codes) > 1 else set()
    return {
        value
        for value, code in codes.items()
        if code in found or any(code.startswith(f"{each}/") for each in found)
    }
