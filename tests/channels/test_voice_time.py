"""How long a call takes, by the lengths of its clips; printed for the record."""

from __future__ import annotations

from typing import Any

import pytest

from config import prompts
from tests.channels.hotline import digits, hotline

LONGEST_TO_NUMBER = 60.0  # of who presses a key as soon as their choice was said
PATIENT_TO_NUMBER = 65.0  # of who hears every menu to its end
SPOKEN_SECONDS = 10.0


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("language", "key"), [("mn", "1"), ("kk", "2")])
@pytest.mark.parametrize("returning", [False, True])
def test_from_ringing_to_the_number_in_a_minute(
    store: str, language: str, key: str, returning: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with hotline() as line:
        prompts.fill(speak=True, anew=True)
        if returning:
            earlier = line.caller()
            earlier.dial()
            earlier.press(key)
            earlier.do("hang_up")
        caller = line.caller()
        caller.dial()
        if not returning:
            caller.press(key)
        caller.press("1")
        before = caller.state["seconds"]
        caller.speak(SPOKEN_SECONDS)
        told = caller.state["heard"]
        number = _until_eight_digits(told)
        patient = before + SPOKEN_SECONDS + number
        needed = patient - _skipped(language, returning)
        presses = caller.state["presses"]
        with capsys.disabled():
            print(
                f"\n{language} {'again' if returning else 'first'}: {needed:.1f} s from the first"
                f" ring to the whole number ({patient:.1f} s for who hears all menus out),"
                f" {SPOKEN_SECONDS:.0f} of them spoken; {presses} keys, the # included"
            )
        assert digits([item["clip"].removesuffix(".wav") for item in told]) != ""
        assert needed < LONGEST_TO_NUMBER
        assert patient < PATIENT_TO_NUMBER
        assert presses <= 3


def _until_eight_digits(told: list[dict[str, Any]]) -> float:
    """Seconds until the number was read once."""
    spent, count = 0.0, 0
    for item in told:
        spent += item["seconds"]
        count += "digit-" in item["clip"]
        if count == 8:
            return float(spent)
    raise AssertionError("no number was read")


def _skipped(language: str, returning: bool) -> float:
    """What plays on after the caller's own choice was said."""
    later = {"mn": ("kk", "en"), "kk": ("en",)}[language]
    languages: float = (
        0.0 if returning else sum(prompts.seconds("language", code) for code in later)
    )
    return languages + prompts.seconds("menu_more", language)
