"""The handset in a real browser, opposite to the real hotline."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from config import prompts
from store.schema import grievance
from tests.channels.hotline import hotline

CHROMIUM = shutil.which("chromium")


@pytest.mark.tier2
@pytest.mark.skipif(CHROMIUM is None, reason="NOT RUN: Chromium is missing")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_call_from_the_handset(store: str) -> None:
    with hotline() as line, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        page = browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(line.sandbox.url)
        state = page.locator("#handset-state")
        heard = page.locator("#handset-heard")
        page.get_by_role("button", name="Call the hotline").click()
        expect(state).to_contain_text("press a key")
        expect(heard).to_contain_text(prompts.text("language", "kk"))
        keypad = page.get_by_role("group", name="Keys")
        keypad.get_by_role("button", name="1", exact=True).click()
        expect(heard).to_contain_text(prompts.text("menu", "mn"))
        expect(state).to_contain_text("press a key")
        keypad.get_by_role("button", name="1", exact=True).click()
        expect(state).to_contain_text("speak now")
        page.get_by_role("button", name="Say the sample").click()
        expect(heard).to_contain_text(prompts.text("acknowledged", "mn"))
        page.get_by_role("button", name="Hang up", exact=True).click()
        expect(state).to_contain_text("completed")
        browser.close()
        assert problems == []
        assert len(line.rows(grievance)) == 1
