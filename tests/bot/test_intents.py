"""Keywords in every spelling, and never inside a complaint."""

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intents import Intent, Kind, bare_number, has_content, recognise
from tests.bot.labelled import messages

MESSAGES = messages()


def kind_of(text: str) -> str:
    found = recognise(text)
    return found.kind.value if found else "content"


def test_enough_messages_are_labelled() -> None:
    labels = Counter(message.intent for message in MESSAGES)
    assert len(MESSAGES) >= 500
    assert labels["content"] >= 200
    assert {kind.value for kind in Kind} <= set(labels)


def test_recall_of_every_intent() -> None:
    asked, right = Counter[str](), Counter[str]()
    for message in MESSAGES:
        asked[message.intent] += 1
        right[message.intent] += kind_of(message.text) == message.intent
    for intent in asked:
        print(f"{intent}: {right[intent]} of {asked[intent]}")
    keywords = [intent for intent in asked if intent != "content"]
    assert sum(right[i] for i in keywords) >= 0.97 * sum(asked[i] for i in keywords)
    assert all(right[intent] >= 0.9 * asked[intent] for intent in keywords)


def test_no_keyword_is_seen_in_content() -> None:
    content = [message.text for message in MESSAGES if message.intent == "content"]
    alarms = [text for text in content if recognise(text)]
    print(f"false alarms: {len(alarms)} of {len(content)}")
    assert len(alarms) <= 0.005 * len(content), alarms


def test_what_is_content() -> None:
    wrong = [m.text for m in MESSAGES if has_content(m.text) != (m.intent == "content")]
    assert len(wrong) <= 0.01 * len(MESSAGES), wrong


@pytest.mark.parametrize(
    ("text", "reference", "code"),
    [
        ("ЯВЦ 26004127", "26004127", None),
        ("26004127", "26004127", None),
        ("2600 4127", "26004127", None),
        ("26-004-127", "26004127", None),
        ("№ 26004127", "26004127", None),
        ("yavts26004127", "26004127", None),
        ("БАРЫС 26004127 123456", "26004127", "123456"),
        ("2600 4127 123 456", "26004127", "123456"),
        ("260041275 код 123456", "260041275", "123456"),
        ("26004127 дугаартай гомдлын явц ямар байна вэ?", "26004127", None),
        ("Сайн байна уу ЯВЦ ２６００４１２７", "26004127", None),
    ],
)
def test_status_of_a_reference(text: str, reference: str, code: str | None) -> None:
    assert recognise(text) == Intent(Kind.STATUS, reference, code)


@pytest.mark.parametrize(
    "text", ["+976 99112233", "97699112233", "2026.03.05", "2026 03 05", "12:30", "1234567", "5₮"]
)
def test_other_numbers_are_no_references(text: str) -> None:
    assert recognise(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ДАХИН 26004127", Intent(Kind.APPEAL, "26004127")),
        ("шийдэгдээгүй 26004127", Intent(Kind.REOPEN, "26004127")),
        ("цуцлах 26004127", Intent(Kind.WITHDRAW, "26004127")),
        ("цуцлах", Intent(Kind.STOP)),
        ("withdraw 26004127 123456", Intent(Kind.WITHDRAW, "26004127", "123456")),
        ("явц 123", Intent(Kind.STATUS)),
        ("тийм 26", None),
        ("1 тийм", Intent(Kind.YES)),
    ],
)
def test_numbers_beside_other_keywords(text: str, expected: Intent | None) -> None:
    assert recognise(text) == expected


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("монгол", "mn"),
        ("Монголоор уу", "mn"),
        ("казак", "kk"),
        ("қазақша", "kk"),
        ("qazaqsha", "kk"),
        ("English please", "en"),
        ("lang en", "en"),
        ("орос хэл", "ru"),
        ("хэл", None),
        ("тіл", None),
    ],
)
def test_language(text: str, language: str | None) -> None:
    assert recognise(text) == Intent(Kind.LANGUAGE, language=language)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1), ("1.", 1), ("1)", 1), ("(2)", 2), ("１", 1), ("1️⃣", 1), ("🔟", 10), ("①", 1),
        ("№2", 2), ("#3", 3), (" 0 ", 0), ("12", 12), ("нэг", 1), ("neg", 1), ("НЭГ!", 1),
        ("бір", 1), ("bir", 1), ("one", 1), ("хоёр", 2), ("hoyor", 2), ("екі", 2), ("гурав", 3),
        ("үш", 3), ("дөрөв", 4), ("durv", 4), ("төрт", 4), ("тав", 5), ("бес", 5), ("ес", 9),
        ("тоғыз", 9), ("арав", 10), ("он", 10), ("ten", 10), ("тэг", 0), ("нөл", 0), ("два", 2),
        ("yes", None), ("on", None), ("100", None), ("1.5", None), ("5₮", None), ("", None),
        ("1 гомдол", None), ("26004127", None),
    ],
)  # fmt: skip
def test_bare_numbers(text: str, number: int | None) -> None:
    assert bare_number(text) == number


@pytest.mark.parametrize("digit", "0123456789")
def test_a_bare_digit_is_no_intent(digit: str) -> None:
    assert recognise(digit) is None
    assert not has_content(digit)


@pytest.mark.parametrize("text", ["", " ", "😀", "👋🙏", "...", "!!", "а", "🔟", "\u180e"])
def test_signs_alone_have_no_content(text: str) -> None:
    assert not has_content(text)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    found = recognise(text)
    assert not (found and has_content(text))
    number = bare_number(text)
    assert number is None or 0 <= number <= 99


def test_long_texts_cost_nothing() -> None:
    started = time.perf_counter()
    for text in ("явц " * 50_000, "1" * 500_000, "?" * 500_000):
        assert recognise(text) is None
        assert bare_number(text) is None
    assert time.perf_counter() - started < 1
