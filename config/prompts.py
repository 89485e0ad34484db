"""The hotline's clips: what is to be recorded in each language, and where a recording lies.

A clip is a WAV file of telephone quality, 8 kHz, mono, 16 bits: ``HOME/prompts/recorded/<language>/
<clip>.wav`` where a person spoke it, else ``HOME/prompts/placeholder/…``, which a machine made.
Numbers are read digit by digit, dates from a clip of the month and one of the day; each is a whole
phrase, so that no ending has to be glued to anything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from config import i18n
from config.errors import HariuError
from config.prompt_words import DAYS, MONTHS
from config.settings import settings
from config.wav import RATE, to_telephone, tone

Source = Literal["recorded", "placeholder", "missing"]
PAUSE = "pause"  # between two pairs of digits
PAUSE_SECONDS = 0.4
_KEYS = (
    "hello", "language", "menu", "menu_more", "notice", "record", "acknowledged", "code", "again",
    "promise", "write_down", "abroad", "agree", "after", "added", "kept", "enter_number",
    "enter_code", "not_found", "locked", "due", "answer_text", "answer_chat", "answer_mail",
    "answer_call", "answer_person", "callback", "called_back", "closed", "connecting",
    "invalid", "no_input", "missed", "news", "goodbye",
)  # fmt: skip
STATUSES = (
    "registered", "acknowledged", "screened", "assigned", "under_investigation",
    "redress_proposed", "resolved", "partly", "not_eligible", "referred", "no_evidence",
    "withdrawn", "unreachable",
)  # fmt: skip


class PromptError(HariuError):
    """A clip that does not exist, or a recording that cannot be used."""

    code = "prompt"


def names() -> tuple[str, ...]:
    """Every clip of a language, in the order in which they are recorded."""
    numbered = [f"{kind}-{n}" for kind, n in _numbered()]
    return (*_KEYS, *(f"status-{item}" for item in STATUSES), *numbered)


def _numbered() -> Iterator[tuple[str, int]]:
    yield from (("digit", n) for n in range(10))
    yield from (("month", n) for n in range(1, 13))
    yield from (("day", n) for n in range(1, 32))


@cache
def text(name: str, language: str) -> str:
    """What is said in the clip ``name``; `PromptError` where there is no such clip."""
    kind, _, rest = name.partition("-")
    if kind == "digit" and rest in set("0123456789"):
        return i18n.text("voice.digits", language).split(", ")[int(rest)]
    if kind == "month" and rest.isdecimal() and 1 <= int(rest) <= 12:
        return MONTHS[language][int(rest) - 1]
    if kind == "day" and rest.isdecimal() and 1 <= int(rest) <= 31:
        return DAYS[language][int(rest) - 1]
    if kind == "status" and rest in STATUSES:
        return i18n.text(f"voice.status.{rest}", language)
    if name in _KEYS:
        return _filled(name, language)
    raise PromptError(f"no clip {name}")


def _filled(name: str, language: str) -> str:
    from config.profile import profile

    service = profile().organisation.project.of(language)
    values = {"service": service} if name == "hello" else {}
    return i18n.text(f"voice.{name}", language, **values)


def spoken_date(day: date, language: str) -> tuple[str, str]:
    """The clips of a date in the order of the language: Kazakh says the day first."""
    month, number = f"month-{day.month}", f"day-{day.day}"
    return (number, month) if language == "kk" else (month, number)


def spoken_digits(number: str) -> Iterator[str]:
    """The clips of ``number`` digit by digit, in pairs, with a pause after each pair."""
    for place, digit in enumerate(number):
        if place and place % 2 == 0:
            yield PAUSE
        yield f"digit-{digit}"


# -- files ----------------------------------------------------------------------------------------


def path(name: str, language: str, source: Source = "recorded") -> Path:
    """Where a clip of this source lies, if it is there; `PromptError` for no clip of ours."""
    if language not in i18n.LANGUAGES or name not in names():
        raise PromptError(f"no clip {language}/{name}")
    return settings().home / "prompts" / source / language / f"{name}.wav"


def source(name: str, language: str) -> Source:
    """Whether a person spoke the clip, a machine made it, or it is not there."""
    for found in ("recorded", "placeholder"):
        if path(name, language, found).exists():
            return found
    return "missing"


def content(name: str, language: str) -> bytes:
    """The WAV file to play. A clip that is missing sounds as a tone, never as an error."""
    if name == PAUSE:
        return tone("", PAUSE_SECONDS)
    found = source(name, language)
    if found == "missing":
        return tone(name, _guessed(name, language))
    return path(name, language, found).read_bytes()


def seconds(name: str, language: str) -> float:
    """How long a clip lasts."""
    return max(0, len(content(name, language)) - 44) / (2 * RATE)


def keep(name: str, language: str, recording: bytes) -> None:
    """Use a person's recording from now on; `PromptError` where it is no usable WAV file."""
    try:
        made = to_telephone(recording)
    except (wave.Error, EOFError, ValueError) as problem:
        raise PromptError(f"{language}/{name}: {problem}") from None
    _write(path(name, language), made)


def forget(name: str, language: str) -> None:
    """Go back to the placeholder."""
    path(name, language).unlink(missing_ok=True)


def _write(target: Path, made: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    number, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}")
    with os.fdopen(number, "wb") as file:
        file.write(made)
    Path(draft).replace(target)


def import_folder(folder: Path) -> tuple[int, list[str]]:
    """Take ``<language>/<clip>.wav`` from ``folder``: how many, and what was wrong with others."""
    count, problems = 0, []
    for file in sorted(folder.glob("*/*.wav")):
        try:
            keep(file.stem, file.parent.name, file.read_bytes())
        except PromptError as problem:
            problems.append(str(problem))
        else:
            count += 1
    return count, problems


# -- placeholders ---------------------------------------------------------------------------------


def fill(*, speak: bool = False, data: str = "", anew: bool = False) -> dict[str, int]:
    """Make the placeholders that are missing (or all, ``anew``): how many of each kind.

    With ``speak`` the program espeak-ng speaks them, where it is installed and knows the language
    (``data`` is a folder with its data: Debian's has no Mongolian); else they are tones.
    """
    made = {"spoken": 0, "tone": 0}
    for language in i18n.LANGUAGES:
        speaks = speak and _speaks(language, data)
        for name in names():
            target = path(name, language, "placeholder")
            if anew or not target.exists():
                words = _synthesised(name, language, data) if speaks else b""
                _write(target, words or tone(name, _guessed(name, language)))
                made["spoken" if words else "tone"] += 1
    return made


def _guessed(name: str, language: str) -> float:
    """How long a person would need: about 13 letters a second."""
    return max(0.4, len(text(name, language)) / 13)


def _espeak(language: str, data: str) -> list[str]:
    program = shutil.which("espeak-ng")
    if not program:
        return []
    return [program, *([f"--path={data}"] if data else []), "-v", language, "-s", "150"]


def _speaks(language: str, data: str) -> bool:
    command = _espeak(language, data)
    if not command:
        return False
    done = subprocess.run([*command, "-q", "a"], capture_output=True, timeout=20)  # noqa: S603
    return done.returncode == 0


def _synthesised(name: str, language: str, data: str) -> bytes:
    command = [*_espeak(language, data), "--stdout", "--stdin"]
    words = text(name, language).encode()
    done = subprocess.run(command, input=words, capture_output=True, timeout=60)  # noqa: S603
    try:
        return to_telephone(done.stdout)
    except (wave.Error, EOFError, ValueError):
        return b""
