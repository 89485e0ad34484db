"""The texts themselves: how far native readers have come, and the longest on each channel."""

from __future__ import annotations

from collections.abc import Iterator

from config import i18n
from config.profile import load
from store.messages import Capabilities
from store.text import measure, ucs2_units
from store.translit import to_latin
from tests.bench.figures import Figure, Scale
from tests.config.test_catalogue import DATES, VALUES
from workflow.letters import form_of

# Only what is sent to people: the desk's, the procedure's and spoken texts are none of these.
_SENT = ("ack.", "added", "appeal.", "ask.", "cancel.", "consent.", "empty_", "flood.", "greeting",
         "help", "language.", "latin.", "letter.", "media.", "not_", "person.", "rate.",
         "retaliation.", "routes.", "script.", "sensitive.", "solved.", "start.", "status.",
         "stop.", "thanks.")  # fmt: skip
_CHAT = Capabilities(buttons=8)
_SMS = Capabilities(form="sms", units=134)


def texts(scale: Scale) -> Iterator[Figure]:
    """Texts by language and review status; the longest by channel with its longest values."""
    for language, counts in i18n.statuses_count().items():
        for status in i18n.REVIEWS:
            yield Figure(f"texts.{language}.{status}", counts[status], "texts")
    for language in i18n.LANGUAGES:
        for name, capabilities in (("sms", _SMS), ("latin", _SMS), ("chat", _CHAT)):
            yield _longest(name, language, capabilities)


def _longest(channel: str, language: str, capabilities: Capabilities) -> Figure:
    known = i18n.keys()
    bases = {key.removesuffix(".sms").removesuffix(".chat") for key in known}
    keys = {form_of(base, capabilities) for base in bases if base.startswith(_SENT)}
    sent = {key: text for key in keys if (text := _filled(key, language, capabilities))}
    if channel == "latin":
        sent = {key: to_latin(text, language) for key, text in sent.items()}
    key = max(sent, key=lambda key: ucs2_units(sent[key]))
    cost = measure(sent[key])
    parts = f", {cost.encoding}, parts {cost.parts}" if capabilities.units else ""
    return Figure(
        f"texts.longest.{channel}.{language}", ucs2_units(sent[key]), f"units ({key}{parts})"
    )


def _filled(key: str, language: str, capabilities: Capabilities) -> str:
    """The text with its longest values and the choices below it; "" where this form has none."""
    entry = i18n.catalogue(language).get(key)
    if entry is None or (capabilities.units and not entry.sms):
        return ""
    values = VALUES | {
        "date": DATES[language], "received": DATES[language], "extension_days": "30",
        "outcome": i18n.text("outcome.no_evidence.label", language),
        "stage": i18n.text("stage.3.label", language),
        "routes": load("smart-government-2").routes[language],
    }  # fmt: skip
    text = i18n.text(key, language, **{name: values.get(name, "-") for name in entry.slots})
    notes = (note.removeprefix("choices: ") for note in entry.notes if note.startswith("choices: "))
    shown = [i18n.text(choice, language) for note in notes for choice in note.split()]
    listed = [] if capabilities.buttons else [f"{n}. {label}" for n, label in enumerate(shown, 1)]
    return "\n".join([text, *listed])
