"""Looking up, filling and correcting texts; dates."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from config import i18n
from config.errors import HariuError

HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
DAY = date(2026, 12, 21)


@pytest.fixture(autouse=True)
def _no_overrides() -> Iterator[None]:
    yield
    i18n.set_overrides({})


@pytest.fixture
def locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Catalogues of our own: mn has two files, kk none of the desk's texts."""
    texts = {
        "mn/a.po": 'msgid "hello"\nmsgstr "Сайн уу, {name}"\n',
        "mn/desk.po": '# review: approved\nmsgid "desk.save"\nmsgstr "Хадгалах"\n',
        "kk/a.po": '# review: perhaps\nmsgid "hello"\nmsgstr "Сәлем, {name}"\n',
        "en/a.po": 'msgid "only.english"\nmsgstr "Hi"\n\nmsgid "empty"\nmsgstr ""\n',
    }
    for name, body in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(HEAD + body, "utf-8")
    monkeypatch.setattr(i18n, "_LOCALE", tmp_path)
    i18n.catalogue.cache_clear()
    yield tmp_path
    i18n.catalogue.cache_clear()


def test_text_is_filled_in() -> None:
    sent = i18n.text("added.sms", "mn", reference="26004127", unused=1)
    assert sent == "Мэдээллийг тань нэмж тэмдэглэлээ. Дугаар: 26004127"


def test_values_are_taken_as_they_are() -> None:
    assert i18n.text("letter.reply", "en", reference="1", text="{reference} {x} %s") == (
        "1: {reference} {x} %s"
    )


def test_unknown_key() -> None:
    with pytest.raises(i18n.MissingText, match="no\\.such") as caught:
        i18n.text("no.such", "mn")
    assert isinstance(caught.value, HariuError)
    assert (caught.value.code, caught.value.retryable) == ("text.missing", False)


def test_missing_value_is_named() -> None:
    with pytest.raises(i18n.MissingText, match="'reference'") as caught:
        i18n.text("added.sms", "mn")
    assert caught.value.code == "text.value"


@pytest.mark.usefixtures("locale")
def test_fall_back_from_language_to_mongolian_to_english() -> None:
    assert i18n.text("hello", "kk", name="Асем") == "Сәлем, Асем"
    assert i18n.text("desk.save", "kk") == "Хадгалах"
    assert i18n.text("only.english", "kk") == "Hi"
    assert i18n.text("desk.save", "und") == "Хадгалах"
    with pytest.raises(i18n.MissingText):
        i18n.text("empty", "en")


@pytest.mark.usefixtures("locale")
def test_review_status() -> None:
    assert i18n.review_status("desk.save", "mn") == "approved"
    for key, language in [("hello", "mn"), ("hello", "kk"), ("desk.save", "kk")]:
        with pytest.raises(i18n.MissingText, match="review status"):
            i18n.review_status(key, language)


@pytest.mark.parametrize(
    ("n", "language", "expected"),
    [
        (0, "en", "0 days"),
        (1, "en", "1 day"),
        (2, "en", "2 days"),
        (1, "mn", "1 хоног"),
        (5, "kk", "5 күн"),
    ],
)
def test_plural(n: int, language: str, expected: str) -> None:
    assert i18n.plural("count.days", n, language) == expected


def test_corrected_text_comes_first_and_can_be_taken_back() -> None:
    before = i18n.text("rate.thanks", "kk")
    assert i18n.set_overrides({("rate.thanks", "kk"): "Рақмет!"}) == []
    assert i18n.text("rate.thanks", "kk") == "Рақмет!"
    assert i18n.text("rate.thanks", "mn") != "Рақмет!"
    i18n.set_overrides({})
    assert i18n.text("rate.thanks", "kk") == before


@pytest.mark.parametrize(
    ("key", "language", "form", "problem"),
    [
        ("added.sms", "mn", "Авлаа: {reference}", None),
        ("added.sms", "mn", "Авлаа", None),
        ("added.sms", "mn", "Авлаа: {nomer}", "unknown_value"),
        ("added.sms", "mn", " ", "empty"),
        ("added.sms", "ru", "Принято", "unknown_language"),
        ("no.such", "mn", "Авлаа", "unknown_key"),
    ],
)
def test_a_bad_correction_is_left_out(
    key: str, language: str, form: str, problem: str | None
) -> None:
    assert i18n.override_problem(key, language, form) == problem
    assert i18n.set_overrides({(key, language): form}) == ([(key, language)] if problem else [])


def test_a_correction_cannot_reach_into_objects() -> None:
    i18n.set_overrides({("added.sms", "en"): "{reference.__class__} {reference!r} {reference}"})
    assert i18n.text("added.sms", "en", reference="1").endswith(" 1")
    assert "class '" not in i18n.text("added.sms", "en", reference="1")


@pytest.mark.parametrize(
    ("language", "short", "long", "weekday"),
    [
        ("mn", "2026.12.21", "2026 оны 12-р сарын 21", "Даваа"),
        ("kk", "21.12.2026", "2026 ж. 21 желтоқсан", "дүйсенбі"),
        ("en", "21 Dec 2026", "21 December 2026", "Monday"),
        ("und", "2026.12.21", "2026 оны 12-р сарын 21", "Даваа"),
    ],
)
def test_dates(language: str, short: str, long: str, weekday: str) -> None:
    assert i18n.format_date(DAY, language) == short
    assert i18n.format_date(DAY, language, "long") == long
    assert i18n.weekday(DAY, language).casefold() == weekday.casefold()


def test_date_with_time_of_day() -> None:
    moment = datetime(2026, 3, 5, 9, 7, tzinfo=UTC)
    assert i18n.format_datetime(moment, "mn") == "2026.03.05 09:07"
    assert i18n.format_datetime(moment, "kk", "long") == "2026 ж. 5 наурыз 09:07"
