"""Counting, splitting and shortening of texts."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.text import Segments, measure, shorten, split_sms, split_text, ucs2_units

GSM = "@Az9 é\nΩ§"
ANY = st.text(
    st.one_of(
        st.sampled_from("аәөү бг. \n\n!…😀👍🏽\u0301\u0306\u200d"),
        st.sampled_from(GSM + "{}€[~"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=400,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 0, 0)),
        ("a" * 160, Segments("GSM-7", 160, 1)),
        ("a" * 161, Segments("GSM-7", 161, 2)),
        ("a" * 306, Segments("GSM-7", 306, 2)),
        ("a" * 307, Segments("GSM-7", 307, 3)),
        ("€" * 80, Segments("GSM-7", 160, 1)),
        ("€" * 81, Segments("GSM-7", 162, 2)),
        # 153 is odd: each part holds 76 pairs and one septet stays empty.
        ("€" * 152, Segments("GSM-7", 304, 2)),
        ("€" * 153, Segments("GSM-7", 306, 3)),
        ("ө" * 70, Segments("UCS-2", 70, 1)),
        ("ө" * 71, Segments("UCS-2", 71, 2)),
        ("ө" * 134, Segments("UCS-2", 134, 2)),
        ("ө" * 135, Segments("UCS-2", 135, 3)),
        ("a" * 70 + "ө", Segments("UCS-2", 71, 2)),
        ("😀" * 35, Segments("UCS-2", 70, 1)),
        ("😀" * 66, Segments("UCS-2", 132, 2)),
        ("😀" * 67, Segments("UCS-2", 134, 3)),
        ("`", Segments("UCS-2", 1, 1)),
        ("ç", Segments("UCS-2", 1, 1)),
        ("Ç", Segments("GSM-7", 1, 1)),
        ("\x1b", Segments("UCS-2", 1, 1)),
    ],
)
def test_measure(text: str, expected: Segments) -> None:
    assert measure(text) == expected


def test_alphabet_is_whole() -> None:
    """3GPP TS 23.038: 127 characters without the escape, and 10 by escape."""
    one = [c for c in map(chr, range(0x10000)) if measure(c).encoding == "GSM-7"]
    assert len(one) == 127 + 10
    assert sum(measure(c).units == 2 for c in one) == 10


def test_pair_moves_to_the_next_part() -> None:
    assert split_sms("ө" * 66 + "😀" + "ө" * 66) == ["ө" * 66, "😀" + "ө" * 65, "ө"]
    assert split_sms("a" * 152 + "{" + "a" * 10) == ["a" * 152, "{" + "a" * 10]


@given(ANY)
def test_sms_parts_are_the_text(text: str) -> None:
    whole = measure(text)
    parts = split_sms(text)
    assert "".join(parts) == text
    assert len(parts) == whole.parts
    room = {"GSM-7": 153, "UCS-2": 67}[whole.encoding]
    if whole.encoding == "UCS-2" and len(parts) > 1:
        assert all(0 < ucs2_units(part) <= room for part in parts)
        assert all(ucs2_units(part + after[0]) > room for part, after in pairwise(parts))


@given(ANY)
def test_units_are_those_of_utf16(text: str) -> None:
    assert ucs2_units(text) == len(text.encode("utf-16-le")) // 2


def _letters(text: str) -> str:
    return "".join(text.split())


@given(ANY, st.integers(2, 90))
def test_split_text_keeps_every_word(text: str, longest: int) -> None:
    pieces = split_text(text, longest)
    assert _letters("".join(pieces)) == _letters(text)
    for piece in pieces:
        assert 0 < ucs2_units(piece) <= longest
        assert piece == piece.strip()


@given(st.lists(st.sampled_from(["é", "й", "һ̆", "👍🏽", "ab", " ", "\n\n", ". "]), max_size=80))
def test_split_text_keeps_letters_whole(signs: list[str]) -> None:
    text = unicodedata.normalize("NFD", "".join(signs))
    for piece in split_text(text, 9):
        first = piece[0]
        assert not unicodedata.combining(first)
        assert first != "🏽"


@pytest.mark.parametrize(
    ("text", "longest", "pieces"),
    [
        ("", 10, []),
        (" \n ", 10, []),
        ("Сайн уу", 10, ["Сайн уу"]),
        ("Нэг мөр.\n\nХоёр дахь. Гурав", 16, ["Нэг мөр.", "Хоёр дахь. Гурав"]),
        ("Нэг.\nХоёр гурав дөрөв тав", 20, ["Нэг.\nХоёр гурав", "дөрөв тав"]),
        ("Нэг хоёр. Гурав дөрөв", 15, ["Нэг хоёр.", "Гурав дөрөв"]),
        ("нэг хоёр", 5, ["нэг", "хоёр"]),
        ("нэгхоёр", 5, ["нэгхо", "ёр"]),
        ("😀😀😀", 3, ["😀", "😀", "😀"]),
    ],
)
def test_split_text_examples(text: str, longest: int, pieces: list[str]) -> None:
    assert split_text(text, longest) == pieces


def test_split_text_needs_room() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        split_text("а", 1)


@pytest.mark.parametrize(
    ("text", "units", "short"),
    [
        ("Худгийн ус", 10, "Худгийн ус"),
        ("Худгийн ус", 9, "Худгийн…"),
        ("Худгийн, ус", 9, "Худгийн…"),
        ("Худгийн ус бохир", 11, "Худгийн ус…"),
        ("Худгийн", 4, "Худ…"),
        ("e\u0301e\u0301", 3, "e\u0301…"),
        ("e\u0301e\u0301", 2, "…"),
        ("Худгийн", 1, "…"),
        ("Худгийн", 0, ""),
        ("😀😀😀", 4, "😀…"),
    ],
)
def test_shorten_examples(text: str, units: int, short: str) -> None:
    assert shorten(text, units) == short


@given(ANY, st.integers(-1, 100))
def test_shorten_keeps_to_its_room(text: str, units: int) -> None:
    short = shorten(text, units)
    assert ucs2_units(short) <= max(units, 0)
    assert short == text or not short or text.startswith(short.removesuffix("…"))
