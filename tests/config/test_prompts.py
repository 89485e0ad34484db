"""The hotline's clips: whole in every language, of telephone quality, dates without glue."""

from __future__ import annotations

import io
import os
import shutil
import wave
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from config import i18n, profile, prompts, settings
from config.prompts import PromptError
from config.wav import RATE, to_telephone, tone

CLIPS = [(language, name) for language in i18n.LANGUAGES for name in prompts.names()]


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    before = dict(os.environ)
    os.environ["HARIU_HOME"] = str(tmp_path)
    for cached in (settings.settings, profile.profile, prompts.text):
        cached.cache_clear()
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)
    for cached in (settings.settings, profile.profile, prompts.text):
        cached.cache_clear()


def made(rate: int, channels: int, width: int, seconds: float = 0.5) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", "NONE"))
        file.writeframes(b"\x40\x10"[:width] * int(rate * seconds * channels))
    return out.getvalue()


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_clip_has_words(language: str) -> None:
    words = {name: prompts.text(name, language) for name in prompts.names()}
    assert all(words.values())
    assert not any("{" in text for text in words.values())
    for family, count in (("digit", 10), ("month", 12), ("day", 31)):
        said = {words[name] for name in words if name.startswith(f"{family}-")}
        assert len(said) == count, (language, family)


def test_no_clip_is_missing_after_a_release() -> None:
    assert {prompts.source(name, language) for language, name in CLIPS} == {"missing"}
    assert prompts.fill() == {"spoken": 0, "tone": len(CLIPS)}
    assert {prompts.source(name, language) for language, name in CLIPS} == {"placeholder"}
    assert prompts.fill() == {"spoken": 0, "tone": 0}
    for language, name in CLIPS:
        with wave.open(io.BytesIO(prompts.content(name, language))) as file:
            assert file.getparams()[:3] == (1, 2, RATE)
            assert file.getnframes() > RATE * 0.3


def test_a_clip_that_is_missing_is_still_heard() -> None:
    assert prompts.seconds("menu", "mn") > 3


@pytest.mark.parametrize(
    ("day", "mn", "kk", "en"),
    [
        (date(2026, 1, 1), "нэгдүгээр сарын нэгний өдөр", "бірінші қаңтар", "January the first"),
        (
            date(2026, 12, 21), "арван хоёрдугаар сарын хорин нэгний өдөр",
            "жиырма бірінші желтоқсан", "December the twenty-first",
        ),
        (date(2026, 7, 10), "долоодугаар сарын аравны өдөр", "оныншы шілде", "July the tenth"),
        (date(2026, 3, 30), "гуравдугаар сарын гучны өдөр", "отызыншы наурыз", "March the thirtieth"),
        (date(2026, 10, 20), "аравдугаар сарын хорины өдөр", "жиырмасыншы қазан", "October the twentieth"),
    ],
)  # fmt: skip
def test_dates_are_whole_phrases(day: date, mn: str, kk: str, en: str) -> None:
    for language, said in (("mn", mn), ("kk", kk), ("en", en)):
        clips = prompts.spoken_date(day, language)
        assert " ".join(prompts.text(name, language) for name in clips) == said


def test_numbers_are_read_in_pairs() -> None:
    assert list(prompts.spoken_digits("2604")) == [
        "digit-2", "digit-6", "pause", "digit-0", "digit-4",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rate", "channels", "width"), [(48000, 2, 2), (22050, 1, 2), (8000, 1, 1)]
)
def test_recordings_are_made_fit_for_the_telephone(rate: int, channels: int, width: int) -> None:
    prompts.keep("menu", "mn", made(rate, channels, width))
    assert prompts.source("menu", "mn") == "recorded"
    assert prompts.seconds("menu", "mn") == pytest.approx(0.5, abs=0.01)
    prompts.forget("menu", "mn")
    assert prompts.source("menu", "mn") == "missing"


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"ID3 an mp3", made(4000, 1, 2), made(8000, 1, 2, 130), b"\0" * 100]
)
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    with pytest.raises(PromptError):
        prompts.keep("menu", "mn", content)


@pytest.mark.parametrize(
    ("name", "language"), [("../keys", "mn"), ("menu", "ru"), ("day-32", "mn")]
)
def test_no_other_file_can_be_written_or_read(name: str, language: str) -> None:
    with pytest.raises(PromptError):
        prompts.keep(name, language, made(8000, 1, 2))
    with pytest.raises(PromptError):
        prompts.content(name, language)


def test_a_folder_is_imported(tmp_path: Path) -> None:
    folder = tmp_path / "from studio"
    (folder / "kk").mkdir(parents=True)
    (folder / "kk" / "menu.wav").write_bytes(made(16000, 1, 2))
    (folder / "kk" / "nothing.wav").write_bytes(made(16000, 1, 2))
    count, problems = prompts.import_folder(folder)
    assert (count, problems) == (1, ["no clip kk/nothing"])


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
def test_placeholders_are_spoken_where_a_program_can() -> None:
    counts = prompts.fill(speak=True)
    assert counts["spoken"] >= 2 * len(prompts.names())  # Kazakh and English
    assert counts["spoken"] + counts["tone"] == len(CLIPS)
    assert 2 < prompts.seconds("menu", "en") < 15


def test_a_tone_is_no_voice_and_quick() -> None:
    assert to_telephone(tone("menu", 1.0)) == tone("menu", 1.0)
    assert tone("menu", 1.0) != tone("record", 1.0)
