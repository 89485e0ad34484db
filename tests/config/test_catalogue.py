"""The catalogues themselves: whole, reviewed, filled with the same values, short enough."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from config import i18n
from store.text import measure, ucs2_units

LOCALE = Path(i18n.__file__).parent / "locale"
FILES = sorted(LOCALE.glob("*/*.po"))
# The longest that really occurs; 9 digits once a year has outgrown 8. Dates as each language writes them.
DATES = {"mn": "2026.12.21", "kk": "21.12.2026", "en": "21 Dec 2026"}
VALUES = {
    "reference": "260041274",
    "code": "123456",
    "name": "Жишээбаатарын Жишээмаа",
    "phone": "+976 70000000",
    "hours": "09:00-18:00",
    "service": "«Ухаалаг засаг-2» төсөл",
    "body": "Засгийн газрын 11-11 төв",
    "place": "Баянжаргалан",
    "summary": "Худгийн насосыг сольсон ш",
    "reason": "Газар дээр нь очиж шалгах",
    "question": "Энэ явдал яг аль өдөр, хаана болсон бэ?",
    "megabytes": "20",
    "n": "365",
}
KEYS = i18n.keys()
DESK = "desk."  # officers read Mongolian or English; Kazakh falls back


def _all() -> Iterator[tuple[str, str, i18n.Entry]]:
    for language in i18n.LANGUAGES:
        for key, entry in i18n.catalogue(language).items():
            yield language, key, entry


def _longest(prefix: str, language: str) -> str:
    labels = (i18n.text(key, language) for key in KEYS if key.startswith(prefix))
    return max(labels, key=ucs2_units)


def _sent(language: str, form: str, entry: i18n.Entry) -> str:
    """Fill in the longest values and add the numbered choices that follow the text in an SMS."""
    values = VALUES | {
        "date": DATES[language],
        "outcome": _longest("outcome.", language),
        "stage": _longest("stage.", language),
    }
    lines = [re.sub(r"\{(\w+)\}", lambda slot: values[slot[1]], form)]
    lines += [f"{n}. {i18n.text(key, language)}" for n, key in enumerate(_choices(entry), 1)]
    return "\n".join(lines)


def _choices(entry: i18n.Entry) -> list[str]:
    notes = (note.removeprefix("choices: ") for note in entry.notes if note.startswith("choices: "))
    return [key for note in notes for key in note.split()]


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_text_is_missing(language: str) -> None:
    missing = KEYS - i18n.catalogue(language).keys()
    if language == "kk":
        missing = frozenset(key for key in missing if not key.startswith(DESK))
    assert not missing


def test_every_text_has_a_review_status(capsys: pytest.CaptureFixture[str]) -> None:
    counts = i18n.statuses_count()
    with capsys.disabled():
        print()
        for language in i18n.LANGUAGES:
            print(language, *(f"{status} {n}" for status, n in sorted(counts[language].items())))
    assert {language: sum(count.values()) for language, count in counts.items()} == {
        language: len(i18n.catalogue(language)) for language in i18n.LANGUAGES
    }


def test_values_are_the_same_in_every_language() -> None:
    for language, key, entry in _all():
        assert entry.slots == i18n.entry(key, "mn").slots, (language, key)
        assert len(entry.forms) == len(i18n.entry(key, "mn").forms), (language, key)
        assert entry.sms == i18n.entry(key, "mn").sms, (language, key)


def test_sms_texts_fit_two_parts() -> None:
    checked = 0
    for language, key, entry in _all():
        for form in entry.forms if entry.sms else ():
            sent = _sent(language, form, entry)
            assert ucs2_units(sent) <= i18n.SMS_UNITS, (language, key, ucs2_units(sent), sent)
            assert measure(sent).parts <= 2
            checked += 1
    assert checked > 200


def test_sms_keys_are_marked() -> None:
    assert [(tongue, key) for tongue, key, e in _all() if key.endswith(".sms") and not e.sms] == []


def test_choices_exist_and_fit_a_quick_reply() -> None:
    """Messenger's quick replies hold 20 characters."""
    for language, key, entry in _all():
        for choice in _choices(entry):
            assert choice in KEYS, (key, choice)
        if key.startswith(("choice.", "kind.")):
            assert len(entry.forms[0]) <= 20, (language, key)


def test_nothing_is_glued_to_a_value() -> None:
    """A case ending fits one value and not the next."""
    for language, key, entry in _all():
        for form in entry.forms:
            assert not re.search(r"\}[\w-]|\w\{", form), (language, key)
            assert not set(_braces(form)), (language, key)


def _braces(form: str) -> str:
    return "".join(re.findall(r"[{}]", re.sub(r"\{[a-z_]+\}", "", form)))


def test_no_number_of_days_is_written_out() -> None:
    days = re.compile(
        r"\b\d+\s*-?(хоног|өдөр|өдрийн|күн|days?)|\b(30|60|90)\b|гуч|отыз|thirty", re.I
    )
    found = [(lang, key) for lang, key, e in _all() for form in e.forms if days.search(form)]
    assert found == []


def test_texts_are_typed_cleanly() -> None:
    for language, key, entry in _all():
        for form in entry.forms:
            assert form == form.strip(), (language, key)
            assert not re.search(r"—|\s,|\s\.|  |\t| \n", form), (language, key)


def test_letters_look_alike() -> None:
    """A Latin letter inside a Cyrillic word looks right and breaks search and speech."""
    mixed = re.compile(r"[^\W\d_]*(?:[a-zA-Z][\u0400-\u04ff]|[\u0400-\u04ff][a-zA-Z])[^\W\d_]*")
    found = [mixed.findall(form) for _, _, e in _all() for form in e.forms if mixed.search(form)]
    assert found == []


def test_mongolian_has_no_kazakh_letters() -> None:
    """The joint texts and the languages' own names excepted."""
    foreign = ("ack.joint.", "language.choose", "choice.language.")
    kazakh = re.compile("[әғқңұһі]", re.I)
    found = [
        key
        for key, entry in i18n.catalogue("mn").items()
        if not key.startswith(foreign) and any(map(kazakh.search, entry.forms))
    ]
    assert found == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_plural_rule_is_the_one_in_use(path: Path) -> None:
    with path.open("rb") as file:
        catalog = read_po(file, abort_invalid=True)
    assert (catalog.num_plurals, catalog.plural_expr) == (2, "(n != 1)")
    assert str(catalog.locale) == path.parent.name
    assert not [message.id for message in catalog if message.fuzzy and message.id]


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_a_key_stands_in_one_place(language: str) -> None:
    keys = [
        key
        for path in FILES
        if path.parent.name == language
        for key in re.findall(r'^msgid "(.+)"$', path.read_text("utf-8"), re.M)
    ]
    assert len(keys) == len(set(keys)) == len(i18n.catalogue(language))


@pytest.mark.parametrize("family", ["ack.joint.sms", "ack.joint.chat", "language.choose"])
def test_joint_texts_are_one(family: str) -> None:
    assert len({i18n.entry(family, language).forms for language in i18n.LANGUAGES}) == 1


def test_loading_is_quick() -> None:
    i18n.catalogue.cache_clear()
    start = time.thread_time()
    i18n.statuses_count()
    assert time.thread_time() - start < 0.5  # five thousand texts; 0.06 s on an idle machine
