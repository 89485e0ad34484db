"""The website in a real browser, without scripts: for everybody, wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from channels import registry
from channels.release import release
from config import i18n
from tests.channels.website import PHOTO, WELL, served

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.tier2,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="NOT RUN: needs Chromium"),
    pytest.mark.parametrize("store", ["sqlite"], indirect=True),
]
SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 360, "height": 640}}
LARGEST = 50_000
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser, store: str) -> Iterator[Opened]:
    """Opens a page in a fresh browser; what its console says of our own fault is a failure."""
    registry.active.cache_clear()
    release()
    said: list[str] = []
    contexts = []
    with served() as url:

        def open_page(path: str, size: str = "wide", scheme: str = "light", **more: bool) -> Page:
            context = browser.new_context(
                viewport=SIZES[size],  # type: ignore[arg-type]
                color_scheme=scheme,  # type: ignore[arg-type]
                base_url=url,
                **more,  # type: ignore[arg-type]
            )
            contexts.append(context)
            page = context.new_page()
            page.on("console", lambda message: said.append(message.text))
            page.goto(path)
            return page

        yield open_page
        for context in contexts:
            context.close()
    registry.active.cache_clear()
    assert not [line for line in said if "Content Security" in line or "Refused" in line]


def check(page: Page, what: str) -> None:
    """No violation of WCAG, nothing wider than the window, every target large enough, light."""
    page.wait_for_load_state()
    results = Axe().run(page)
    assert results.violations_count == 0, f"{what}: {results.generate_report()}"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"], what  # type: ignore[index]
    small = page.evaluate(
        """[...document.querySelectorAll('a, button, input, select, textarea')]
        .filter(e => e.checkVisibility() && e.type != 'hidden' && !e.closest('.trap, .problems, p'))
        .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
        .filter(([_, box]) => box.height < 24 || box.width < 24)
        .map(([html, _]) => html)"""
    )
    assert small == [], what
    assert len(page.content().encode()) < LARGEST


def send(page: Page) -> tuple[str, str]:
    """Fill in and send; number and code as shown."""
    page.fill("#text", WELL)
    page.set_input_files("#files", {"name": "з.jpg", "mimeType": "image/jpeg", "buffer": PHOTO})
    page.click("main form button")
    page.wait_for_selector(".numbers")
    number, code = page.locator(".numbers dd").all_inner_texts()
    return number, code


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize(("size", "scheme"), [("wide", "dark"), ("narrow", "light")])
def test_every_page_is_for_everybody(opened: Opened, size: str, scheme: str, language: str) -> None:
    page = opened(f"/?lang={language}", size, scheme)
    check(page, "form")
    page.fill("#phone", "12")
    page.click("main form button")
    page.wait_for_selector(".problems")
    check(page, "form with problems")
    page.goto("/")
    numbers = send(page)
    check(page, "receipt")
    for path in ("/how", "/privacy", "/nowhere", "/status"):
        page.goto(path)
        check(page, path)
    page.fill("#number", numbers[0])
    page.fill("#code", "1")
    page.click("main form button")
    page.wait_for_selector(".problems")
    check(page, "wrong code")
    page.fill("#code", numbers[1])
    page.click("main form button")
    page.wait_for_selector(".ticket")
    check(page, "progress")


def test_all_of_it_works_without_scripts_and_by_keyboard(opened: Opened) -> None:
    page = opened("/?lang=mn", java_script_enabled=False)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # past the menu
    page.keyboard.press("Tab")
    page.keyboard.type(WELL)
    names = []
    for _ in range(15):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        names.append(focused.get_attribute("id") or focused.inner_text())
        if names[-1] == "Илгээх":
            break
    assert "website" not in names  # the trap is no stop on the way
    page.keyboard.press("Enter")
    page.wait_for_selector(".numbers")


def test_a_problem_is_read_first_and_leads_to_its_field(opened: Opened) -> None:
    page = opened("/?lang=en")
    page.fill("#name", "Example")
    page.click("main form button")
    page.wait_for_selector(".problems")
    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.id") == "problems"
    page.click(".problems a[href='#contact']")
    assert page.evaluate("document.activeElement.id") == "contact"


def test_the_receipt_prints_on_one_sheet(opened: Opened) -> None:
    page = opened("/")
    send(page)
    page.emulate_media(media="print")
    assert not page.is_visible("nav")
    assert page.is_visible(".qr")
    assert page.pdf(format="A4").count(b"/Type /Page\n") == 1


def test_large_letters_still_fit(opened: Opened) -> None:
    """WCAG 1.4.10: at four times the size, which is 320 px wide, one reads in one direction."""
    page = opened("/?lang=kk", "narrow")
    page.set_viewport_size({"width": 320, "height": 256})
    for path in ("/", "/status", "/how"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
