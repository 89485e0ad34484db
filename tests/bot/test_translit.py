"""Latin typing read as Cyrillic, and outgoing texts spelt in GSM-7 letters."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.translit import to_cyrillic
from store.translit import to_latin
from tests.bot.labelled import messages


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("hudgiin us bohirdson baina", "худгийн ус бохирдсон байна"),
        ("Khudgiin us bohirdson bna", "Худгийн ус бохирдсон байна"),
        ("tusliin mungu irsengui", "төслийн мөнгө ирсэнгүй"),
        ("urgudul gargah", "өргөдөл гаргах"),
        ("orgodol gargah", "өргөдөл гаргах"),
        ("örgödöl", "өргөдөл"),
        ("tanii ajliin tsalin orohgui", "таны ажлын цалин орохгүй"),
        ("sumiin zasag dargad helsen", "сумын засаг даргад хэлсэн"),
        ("hvn bvr", "хүн бүр"),
        ("hyn bolgon", "хүн болгон"),
        ("uilchilgee bolohgvi", "үйлчилгээ болохгүй"),
        ("zuvshuurch baina", "зөвшөөрч байна"),
        ("HARIU UGNU UU", "ХАРИУ ӨГНӨ УУ"),
        ("bi uchigdur ochson", "би өчигдөр очсон"),
        ("mongol hel", "монгол хэл"),
        ("yavts 26004127", "явц 26004127"),
        ("Худаг evdersen", "Худаг эвдэрсэн"),
    ],
)
def test_mongolian(typed: str, read: str) -> None:
    assert to_cyrillic(typed, "mn") == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("shagymym bar", "шағымым бар"),
        ("auylda su zhok", "ауылда су жоқ"),
        ("kudyk suy lastangan", "құдық суы ластанған"),
        ("bizdin sumynda", "біздің сұмында"),
        ("komek kerek", "көмек керек"),
        ("qazaqsha", "қазақша"),
        ("mugalim kelmedi", "мұғалым келмеді"),
        ("nomiri kerek", "нөмірі керек"),
        ("ui zhanynda", "үй жанында"),
        ("zhauap bermeidi", "жауап бермейді"),
    ],
)
def test_kazakh(typed: str, read: str) -> None:
    assert to_cyrillic(typed, "kk") == read


@pytest.mark.parametrize(
    "text", ["a.b@example.mn", "https://example.mn/a", "www.example.mn", "99112233", "Явц"]
)
def test_addresses_numbers_and_cyrillic_stay(text: str) -> None:
    assert to_cyrillic(text, "mn") == text


def test_other_languages_stay() -> None:
    assert to_cyrillic("the well is dirty", "en") == "the well is dirty"


@pytest.mark.parametrize(
    ("language", "text", "spelt"),
    [
        (
            "mn",
            "Таны гомдлыг бүртгэлээ. Дугаар: 26004127. 2026.12.21 хүртэл хариу өгнө. Явц: ЯВЦ 26004127",
            "Tany gomdlyg burtgelee. Dugaar: 26004127. 2026.12.21 hurtel hariu ugnu. Yavts: YAVTS 26004127",
        ),
        (
            "kk",
            "Шағымыңыз тіркелді. Нөмірі: 26004127. Жауап 21.12.2026 дейін. Барысы: БАРЫС 26004127",
            "Shagymynyz tirkeldi. Nomiri: 26004127. Zhauap 21.12.2026 deiin. Barysy: BARYS 26004127",
        ),
        ("mn", "Ерөө сум, «Говь» 5 № 2", 'Yeruu sum, "Govi" 5 No. 2'),
        ("mn", "Цаг [10–12] \u1820", "Tsag (10-12) "),
    ],
)
def test_latin(language: str, text: str, spelt: str) -> None:
    assert to_latin(text, language) == spelt


def test_what_is_spelt_in_latin_can_mostly_be_read_back() -> None:
    """The Latin form loses ө, ү and ь, so a reading aid cannot be perfect."""
    total = right = 0
    for message in messages():
        if message.language != "mn" or not message.text.isascii():
            words = (
                re.findall(r"[а-яөүё]+", message.text.lower()) if message.language == "mn" else []
            )
            total += len(words)
            right += sum(to_cyrillic(to_latin(word, "mn"), "mn") == word for word in words)
    print(f"read back: {right} of {total} Mongolian words")
    assert total > 500
    assert right >= 0.85 * total


@given(st.text(), st.sampled_from(["mn", "kk", "en", "xx"]))
def test_any_text_is_read(text: str, language: str) -> None:
    assert isinstance(to_cyrillic(text, language), str)
    assert to_latin(text, language).isascii()


@given(st.text(alphabet="abcdeghiknostuvyxzöüABC ", max_size=80))
def test_no_latin_letter_is_left(text: str) -> None:
    for language in ("mn", "kk"):
        assert not re.search(r"[a-z]", to_cyrillic(text, language), re.IGNORECASE) or any(
            len(word) > 40 for word in text.split()
        )


def test_time_grows_with_length_only() -> None:
    started = time.perf_counter()
    for text in ("a" * 200_000, "hudag " * 2_000, "a@" * 50_000, "a." * 50_000):
        to_cyrillic(text, "mn")
        to_latin(text, "mn")
    assert time.perf_counter() - started < 5
