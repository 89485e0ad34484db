"""What is sensitive is sealed; what is ordinary seldom is."""

import os
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cues
from bot.sensitive import Assessment, assess, first_words
from tests.bot.labelled import Labelled, messages

MESSAGES = messages()
TABLE = Path(cues.__file__).with_name("cues.tsv")


def test_recall_and_false_alarms() -> None:
    sealed, total = Counter[str](), Counter[str]()
    for message in MESSAGES:
        total[message.sensitive] += 1
        sealed[message.sensitive] += first_words(message.text) is not None
    for kind in total:
        print(f"{kind}: {sealed[kind]} of {total[kind]} sealed")
    sensitive = [kind for kind in total if kind != "-"]
    assert sum(total[kind] for kind in sensitive) >= 200
    assert all(sealed[kind] >= 0.95 * total[kind] for kind in sensitive)
    content = [m.text for m in MESSAGES if m.sensitive == "-" and m.intent == "content"]
    alarms = [text for text in content if first_words(text)]
    assert len(alarms) <= 0.05 * len(content), alarms


def _labels() -> list[tuple[str, str]]:
    told = (m for m in MESSAGES if m.sensitive != "-" or m.intent == "content")
    return [(m.text, "" if m.sensitive == "-" else m.sensitive) for m in told]


def test_the_table_of_cues_is_what_the_labelled_messages_teach() -> None:
    """TESTS_WRITE_CUES=1 writes it anew."""
    learnt = cues.learn(_labels())
    if os.environ.get("TESTS_WRITE_CUES"):
        rows = ("\t".join((cue, *map(str, numbers))) for cue, numbers in learnt.items())
        head = "# Learnt by bot.cues from tests/bot/messages.tsv: cue, weight, share in each kind."
        TABLE.write_text("\n".join((head, *rows)) + "\n", "utf-8")
        cues.read.cache_clear()
    kept = cues.read()
    assert all(abs(kept.get(cue, (0,))[0] - numbers[0]) <= 6 for cue, numbers in learnt.items())
    assert abs(len(kept) - len(learnt)) <= 0.01 * len(learnt)


def test_short_texts_and_english_ones_are_left_to_the_entries() -> None:
    assert cues.suspect("") is cues.suspect("шөнө ороод ир") is cues.suspect("A:A:A N") is None
    assert cues.suspect("he told me to bring the key to the house at night") is None


def test_what_is_learnt_from_four_parts_is_known_of_the_fifth() -> None:
    sealed = alarms = 0
    for part in range(5):
        learnt = cues.learn(told for at, told in enumerate(_labels()) if at % 5 != part)
        left = [told for at, told in enumerate(_labels()) if at % 5 == part]
        sealed += sum(bool(cues.suspect(text, learnt)) for text, kind in left if kind)
        alarms += sum(bool(cues.suspect(text, learnt)) for text, kind in left if not kind)
    print(f"cues alone: {sealed} sealed, {alarms} false alarms, of {len(_labels())}")
    assert sealed >= 0.25 * sum(bool(kind) for _, kind in _labels())
    assert alarms <= 0.03 * sum(not kind for _, kind in _labels())


def test_the_kind_is_mostly_right() -> None:
    """Harassment by a superior may count as violence or as retaliation; both are sealed."""
    sensitive = [message for message in MESSAGES if message.sensitive != "-"]
    right = sum(first_words(message.text) == message.sensitive for message in sensitive)
    print(f"kind: {right} of {len(sensitive)}")
    assert right >= 0.95 * len(sensitive)


@pytest.mark.parametrize("message", [m for m in MESSAGES if m.sensitive == "sea"])
def test_capitals_and_missing_letters_change_nothing(message: Labelled) -> None:
    text = message.text
    plain = str.maketrans("өүёәғқңұһі", "оуеагкнухи")
    kind = assess(text).kind
    assert assess(text.upper()).kind == kind
    assert assess(text.lower().translate(plain)).kind == kind
    assert first_words(text)


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
    first_words(text)


def test_time_grows_with_length_only() -> None:
    started = time.perf_counter()
    for text in ("мөнгө нэхсэн " * 4_000, "а" * 100_000, "гомдол " * 8_000):
        assess(text)
    assert time.perf_counter() - started < 10
