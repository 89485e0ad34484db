"""Recordings in a real browser: a clip spoken into the microphone, a recording played faster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from admin.app import create_app
from config import prompts
from tests.admin import town
from tests.admin.test_recordings import spoken
from tests.browser.test_desk import sign_in
from tests.served import served

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.tier2,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="NOT RUN: needs Chromium"),
    pytest.mark.parametrize("store", ["sqlite"], indirect=True),
]
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]  # fmt: skip


@pytest.fixture
def page(store: str) -> Iterator[Page]:
    """The desk, signed in, in a browser whose microphone beeps."""
    town.join("saraa", "Жишээ Сараа", "officer")
    with served(create_app()) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = browser.new_context(base_url=url).new_page()
        said: list[str] = []
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.goto("/sign-in")
        sign_in(opened)
        yield opened
        browser.close()
    assert said == []


def test_a_clip_is_recorded_in_the_browser(page: Page) -> None:
    page.goto("/prompts?language=kk")
    assert Axe().run(page).violations_count == 0
    record = page.locator("#menu [data-record]")
    record.click()
    page.wait_for_timeout(1200)
    record.click()
    expect(page.locator("#menu [name=forget]")).to_be_visible()
    assert prompts.source("menu", "kk") == "recorded"
    assert 0.5 < prompts.seconds("menu", "kk") < 3


def test_a_recording_is_played_faster_and_written_down(page: Page) -> None:
    reference, number = spoken()
    page.goto(f"/cases/{reference}")
    assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="1.5×").click()
    rate = page.evaluate("document.querySelector('audio').playbackRate")
    assert rate == 1.5
    page.locator(f"#recording-{number} summary").click()
    page.fill(f"#said-{number}", "Ус алга")
    page.locator(f"#recording-{number} [name=heard]").check()
    page.locator(f"#recording-{number} form .btn-primary").click()
    expect(page.locator(f"#recording-{number} .chip")).to_contain_text("Жишээ Сараа")
