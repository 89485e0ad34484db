"""Partners' pages and staff entry in a real browser: for everybody, wide and narrow."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from admin.app import create_app as create_desk
from channels import registry
from channels.release import release
from config import clock
from store import partners
from store.db import transaction
from tests.admin import town
from tests.browser import test_desk, test_site
from tests.channels.website import WELL
from tests.channels.website import served as public
from tests.served import served
from tests.workflow.test_imports import labelled, workbook

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.tier2,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="NOT RUN: needs Chromium"),
    pytest.mark.parametrize("store", ["sqlite"], indirect=True),
]
SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 360, "height": 780}}
LOOKS = [("wide", "dark", "mn"), ("narrow", "light", "kk"), ("narrow", "dark", "en")]
# Where pictures of the pages go, for looking at them; nowhere by default.
PICTURES = os.environ.get("PICTURES", "")
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """A fresh browser of that size; what its console says of our own fault is a failure."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def open_page(url: str, size: str, scheme: str) -> Page:
        context = browser.new_context(
            viewport=SIZES[size],  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            base_url=url,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not [line for line in said if "Content Security" in line or "Refused" in line]


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


@pytest.fixture
def site(store: str) -> Iterator[str]:
    registry.active.cache_clear()
    release()
    with public() as url:
        yield url
    registry.active.cache_clear()


@pytest.mark.parametrize(("size", "scheme", "language"), LOOKS)
def test_partners_pages_are_for_everybody(
    site: str, opened: Opened, size: str, scheme: str, language: str
) -> None:
    now = clock.now()
    with transaction() as tx:
        first = partners.create(tx, "bayan", "Жишээ Ажилтан", "Жишээ ТББ", now, language)
    page = opened(site, size, scheme)

    def check(what: str) -> None:
        test_site.check(page, f"{what} {language}")
        picture(page, f"partner-{what}-{size}-{language}")
        print(f"partner {what} {language}: {len(page.content().encode())} bytes")

    page.goto(f"/partner/sign-in?lang={language}")
    check("sign-in")
    page.fill("#login", "bayan")
    page.fill("#password", "wrong")
    page.click("main form button")
    check("refused")
    page.fill("#password", first)
    page.click("main form button")
    check("password")
    page.fill("#old", first)
    page.fill("#new", town.PASSWORD)
    page.fill("#again", town.PASSWORD)
    page.click("main form button")
    check("code")
    secret = page.input_value("input[name=secret]")
    page.fill("#code", pyotp.TOTP(secret).at(clock.now()))
    page.click("main form button")
    check("empty")
    page.goto(f"/partner/new?lang={language}")
    check("new")
    page.click(".send button")
    page.wait_for_selector(".problems")
    check("problems")
    page.fill("#text", WELL)
    page.check("#consent")
    page.select_option("#consent_by", "spoken")
    page.select_option("#told", "submitter")
    page.click(".send button")
    page.wait_for_selector(".numbers")
    check("slip")
    page.goto(f"/partner/?lang={language}")
    check("home")
    page.click(".ref")
    check("case")
    page.goto(f"/partner/sheet?lang={language}")
    check("sheet")


@pytest.fixture
def desk(store: str) -> Iterator[str]:
    town.join("saraa", "Жишээ Сараа", "officer", "administrator")
    with served(create_desk()) as url:
        yield url


@pytest.mark.parametrize(("size", "scheme", "language"), [*LOOKS[:1], ("narrow", "light", "en")])
def test_staff_entry_and_import_are_for_everybody(
    desk: str, opened: Opened, size: str, scheme: str, language: str
) -> None:
    test_desk.speak(language)
    page = opened(desk, size, scheme)

    def check(what: str) -> None:
        test_desk.check(page, f"{what} {language}")
        picture(page, f"desk-{what}-{size}-{language}")

    page.goto("/sign-in")
    test_desk.sign_in(page)
    page.goto("/intake")
    check("intake")
    page.click("form .btn-primary")
    page.wait_for_selector(".problem")
    for form in page.query_selector_all("main details"):
        form.evaluate("e => { e.removeAttribute('name'); e.open = true }")
    check("intake-problems")
    page.fill("#text", WELL)
    page.click("form .btn-primary")
    page.wait_for_selector(".numbers")
    check("slip")
    page.emulate_media(media="print")
    assert not page.is_visible(".bar")
    assert page.is_visible(".qr")
    assert page.pdf(format="A5").count(b"/Type /Page\n") == 1
    page.emulate_media(media="screen")
    page.goto("/import")
    wrong = [labelled(number) for number in range(1, 9)]
    wrong[2][2] = "удахгүй"
    file = {"name": "log.xlsx", "mimeType": "application/octet-stream", "buffer": workbook(wrong)}
    page.set_input_files("#file", file)  # type: ignore[arg-type]
    page.click("main .btn-primary")
    page.wait_for_selector(".findings")
    check("import")
    page.goto("/partners")
    page.fill("#organisation", "Жишээ ТББ")
    page.fill("#name", "Жишээ Ажилтан")
    page.fill("#login", "bayan")
    page.click("main .btn-primary")
    page.wait_for_selector("code")
    check("partners")
    page.click("details.hand summary")
    page.fill("#label-bayan", "Хотын апп")
    page.click("details.hand button")
    page.wait_for_selector(".told code")
    page.click("details.hand summary")
    check("partner-keys")


def test_a_minute_is_enough_by_keyboard(desk: str, opened: Opened) -> None:
    """What is most often true is chosen already: way, words, and the button."""
    page = opened(desk, "wide", "light")
    page.goto("/sign-in")
    test_desk.sign_in(page)
    page.goto("/intake")
    page.focus("input[name=channel]")
    page.keyboard.press("ArrowRight")
    page.focus("#text")
    page.keyboard.type(WELL)
    page.focus("form .btn-primary")
    page.keyboard.press("Enter")
    page.wait_for_selector(".numbers")
    assert len(re.findall(r"\d", page.inner_text(".numbers dd"))) >= 8
