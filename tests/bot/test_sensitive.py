"""What is sensitive is sealed; what is ordinary seldom is."""

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sensitive import Assessment, assess
from tests.bot.labelled import Labelled, messages

MESSAGES = messages()


def test_recall_and_false_alarms() -> None:
    sealed, total = Counter[str](), Counter[str]()
    for message in MESSAGES:
        total[message.sensitive] += 1
        sealed[message.sensitive] += assess(message.text).kind is not None
    for kind in total:
        print(f"{kind}: {sealed[kind]} of {total[kind]} sealed")
    sensitive = [kind for kind in total if kind != "-"]
    assert sum(total[kind] for kind in sensitive) >= 200
    assert all(sealed[kind] >= 0.95 * total[kind] for kind in sensitive)
    content = [m.text for m in MESSAGES if m.sensitive == "-" and m.intent == "content"]
    alarms = [text for text in content if assess(text).kind]
    assert len(alarms) <= 0.05 * len(content), alarms


def test_the_kind_is_mostly_right() -> None:
    """Harassment by a superior may count as violence or as retaliation; both are sealed."""
    sensitive = [message for message in MESSAGES if message.sensitive != "-"]
    right = sum(assess(message.text).kind == message.sensitive for message in sensitive)
    print(f"kind: {right} of {len(sensitive)}")
    assert right >= 0.95 * len(sensitive)


@pytest.mark.parametrize("message", [m for m in MESSAGES if m.sensitive == "sea"])
def test_capitals_and_missing_letters_change_nothing(message: Labelled) -> None:
    text = message.text
    plain = str.maketrans("өүёәғқңұһі", "оуеагкнухи")
    assert assess(text.upper()).kind == "sea"
    assert assess(text.lower().translate(plain)).kind == "sea"


@pytest.mark.parametrize(
    "text",
    [
        "Ус ирэхгүй байна гэж гомдол гаргасан",
        "Эрчим хүчний хэрэглээ өндөр",
        "Зудын хохирол их",
        "Монгол хэлний сургалт алга",
        "Мөнгөн тусламж ирээгүй",
        "Соқыр адамға арналған жол жоқ",
        "Looking for help with my application",
        "hudgiin us bohirdson baina",
        "",
    ],
)
def test_words_that_only_look_alike(text: str) -> None:
    assert assess(text) == Assessment(None)


def test_the_gravest_kind_counts_and_its_entries_are_named() -> None:
    found = assess("Дарга авлига авсан, бас намайг бэлгийн дарамтад оруулсан")
    assert found.kind == "sea"
    assert any("бэлгийн" in entry for entry in found.stems)
    assert not any("авлига" in entry for entry in found.stems)


def test_words_far_apart_are_not_put_together() -> None:
    near = "Гомдол гаргасан болохоор намайг ажлаас халсан"
    far = "Гомдол " + "сайн үйлчилгээ өдөр бүр " * 10 + "халагдсан"
    assert assess(near).kind == "retaliation"
    assert assess(far).kind is None


@given(st.text())
def test_any_text_is_assessed(text: str) -> None:
    found = assess(text)
    assert (found.kind is None) == (found.stems == ())


def test_time_grows_with_length_only() -> None:
    started = time.perf_counter()
    for text in ("мөнгө нэхсэн " * 4_000, "а" * 100_000, "гомдол " * 8_000):
        assess(text)
    assert time.perf_counter() - started < 10
