"""Letters at the end of the road: no date where there is none, no review where none is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from config import i18n
from config.profile import profile
from store.case import Case
from store.messages import Capabilities
from workflow import letters

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
CASE = Case(
    id=1, reference="26004127", code="123456", kind="complaint", channel="sms", text="", stage=4,
    status="registered", received_at=NOW, registered_at=NOW, head_hash=b"", head_mac=b"",
)  # fmt: skip
FORMS = [Capabilities(form="sms", units=134), Capabilities(buttons=8)]


def told(letter: str, case: Case, language: str, capabilities: Capabilities) -> str:
    key = letters.letter_key(letter, case, language, profile())
    return written(key, case, language, capabilities)


def written(key: str, case: Case, language: str, capabilities: Capabilities) -> str:
    values = letters.case_values(case, profile(), profile().timezone, {"name": "Туршилт"})
    return letters.write(key, language, capabilities, values).text


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("form", FORMS, ids=["sms", "chat"])
def test_without_a_date_the_sentence_about_it_is_left_out(
    language: str, form: Capabilities
) -> None:
    dated = replace(CASE, due_at=NOW)
    for key in ("status.registered", "status.assigned", "letter.assigned", "letter.reopened"):
        with_date = written(key, dated, language, form)
        without = written(key, CASE, language, form)
        assert "2026" in with_date
        assert "2026" not in without
        assert without.startswith(with_date[:20])
        assert not without.rstrip(".").endswith((":", "-"))
        assert "\0" not in without
        assert CASE.reference in without


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_who_goes_on_to_the_courts_is_told_so(language: str) -> None:
    words = {"mn": "шүүхэд", "kk": "Сотқа", "en": "to court"}[language]
    for letter in ("appealed", "escalated"):
        assert words in told(letter, CASE, language, FORMS[0])
        assert words not in told(letter, replace(CASE, stage=3, due_at=NOW), language, FORMS[0])


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("form", FORMS, ids=["sms", "chat"])
def test_a_last_decision_promises_no_review(language: str, form: Capabilities) -> None:
    again = {"mn": "ДАХИН", "kk": "ҚАЙТА", "en": "AGAIN"}[language]
    for outcome, last in (("resolved", True), ("partly", True), ("withdrawn", False)):
        closed = replace(CASE, status="closed", closed_at=NOW, outcome=outcome, resolution="Засав")
        first = told("closed", replace(closed, stage=2), language, form)
        assert again in first
        final = told("closed", replace(closed, stage=3), language, form)
        assert (again in final) is not last
