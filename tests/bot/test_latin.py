"""Answers in Latin letters: for who wants them, and for networks that carry nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.intents import recognise
from bot.language import identify
from bot.translit import reading
from channels.sms_gateway import SmsGateway
from config import i18n
from config.gateway import Gateway
from store.db import reading as looking
from store.messages import Capabilities
from store.schema import address
from store.text import measure
from store.translit import is_latin, to_latin
from tests.bot.test_dialogues import fresh, template
from tests.bot.transcript import Dialogue
from tests.config.test_catalogue import DATES, VALUES
from workflow import letters

__all__ = ["template"]

SMS = Capabilities(form="sms", longest=1600, units=134)
LATIN = letters.lettered(SMS, "latin")
CAPITALS = re.compile(r"\b[А-ЯЁӨҮӘҒҚҢҰҺІ]{3,}\b")
FILLED = VALUES | {"outcome": "Шийдвэрлэсэн", "stage": "2-р шат", "text": "Хэзээ?"}


def texts() -> Iterator[tuple[str, str]]:
    """Every text that goes by SMS, as (key, language)."""
    for language in i18n.LANGUAGES:
        for key, entry in i18n.catalogue(language).items():
            if entry.sms and "." in key:
                yield key, language


@pytest.mark.parametrize("language", ["mn", "kk"])
def test_the_keywords_we_name_are_understood_as_we_spell_them_in_latin(language: str) -> None:
    named = {
        word
        for key, each in texts()
        if each == language
        for word in CAPITALS.findall(i18n.entry(key, each).forms[0])
        if recognise(word)
    }
    assert len(named) >= 8
    spelt = {word: recognise(to_latin(word, language)) for word in named}
    assert spelt == {word: recognise(word) for word in named}


def test_every_sms_text_goes_in_two_gsm_parts() -> None:
    for key, language in texts():
        values = FILLED | {"date": DATES[language]}
        written = letters.write(key, language, LATIN, values)
        assert measure(written.text).encoding == "GSM-7", (key, language, written.text)
        assert written.parts == measure(written.text).parts <= 2, (key, language)


def test_latin_letters_hold_more_than_twice_as_much() -> None:
    summary = "Худгийг засаж, насосыг нь сольсон; " * 5
    values = {"reference": "26004127", "summary": summary.strip("; ")}
    latin = letters.write("letter.redress_proposed", "mn", LATIN, values)
    cyrillic = letters.write("letter.redress_proposed", "mn", SMS, values)
    assert (latin.parts, cyrillic.parts) == (2, 2)
    assert "..." not in latin.text
    assert "…" in cyrillic.text


def test_what_is_too_long_in_latin_letters_is_cut_at_a_word() -> None:
    values = {"reference": "26004127", "summary": "щучинщ " * 80}
    written = letters.write("letter.redress_proposed", "mn", LATIN, values)
    assert "shchuchinshch..." in written.text
    assert written.parts == 2


def test_a_gateway_of_the_profile_says_that_it_carries_no_cyrillic() -> None:
    table = tomllib.loads(
        'params = { to = "{to}", text = "{text}" }\naccepted = "OK"\nlatin = true\n'
    )
    for gateway, expected in (
        (Gateway.model_validate(table), True),
        (Gateway.model_validate(table | {"latin": False}), False),
    ):
        made = SmsGateway("op", gateway, {"url": "http://localhost", "token": "t"}, "http://here")
        assert made.capabilities.latin is expected


def test_the_letters_stay_with_the_address(template: Path, tmp_path: Path) -> None:
    with fresh(template, tmp_path):
        Dialogue("sms", "+97688110001").play(["> монгол", "> латинаар", "~ 40 d", "> ТУСЛАМЖ"])
        with looking() as tx:
            (row,) = tx.execute(select(address.c.script, address.c.language)).all()
    assert tuple(row) == ("latin", "mn")


@pytest.mark.parametrize(
    ("typed", "language", "read"),
    [
        ("manai sumand us alga", "mn", "манай суманд ус алга"),
        ("bizdin auylda su zhok", "kk", "біздің ауылда су жоқ"),
        ("Манай суманд ус алга", "mn", ""),
        ("There is no water", "en", ""),
        ("12345", "mn", ""),
    ],
)
def test_the_officer_gets_a_reading_of_latin_words(typed: str, language: str, read: str) -> None:
    assert reading(typed, language) == read


def test_a_reading_needs_no_known_language() -> None:
    words = "manai sumand us alga baina"
    assert identify(words).language == "mn"
    assert reading(words, None) == "манай суманд ус алга байна"


def test_english_words_of_a_mongolian_speaker_are_not_spelt_in_cyrillic() -> None:
    assert reading("appeal", "mn") == reading("The well is dry", "kk") == ""


def test_a_name_of_a_firm_does_not_make_a_text_latin() -> None:
    assert not is_latin("Unitel-ийн дугаар ажиллахгүй байна")
    assert is_latin("unitel ajillahgui бна")
