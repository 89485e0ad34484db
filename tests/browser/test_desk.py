"""The desk in a real browser: it looks right in light and dark, wide and narrow, for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import update

from admin.app import create_app
from config import clock
from store.case import Case
from store.db import transaction
from store.schema import officer
from tests.admin import town
from tests.admin.conftest import fresh
from tests.served import served

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.tier2,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="NOT RUN: needs Chromium"),
    pytest.mark.parametrize("store", ["sqlite"], indirect=True),
]
SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 360, "height": 780}}
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def cases(store: str) -> list[Case]:
    me = town.join("saraa", "Жишээ Сараа", "officer", "focal_point")
    cases = town.town(me)
    town.sealed(cases[4], clock.now(), me)
    return cases


@pytest.fixture
def url(cases: list[Case]) -> Iterator[str]:
    """A real server with the town's grievances."""
    with served(create_app()) as url:
        yield url


@pytest.fixture
def opened(browser: Browser, url: str) -> Iterator[Opened]:
    """Opens a page in a fresh browser; what its console says is a failure."""
    said: list[str] = []
    contexts = []

    def open_page(size: str = "wide", scheme: str = "light", scripts: bool = True) -> Page:
        context = browser.new_context(
            viewport=SIZES[size],  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=scripts,
            base_url=url,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto("/sign-in")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not [line for line in said if "Content Security" in line or "Error" in line]


def sign_in(page: Page) -> None:
    page.fill("#login", "saraa")
    page.fill("#password", town.PASSWORD)
    page.click("main .btn-primary")
    page.wait_for_selector("#board")


def speak(language: str) -> None:
    with transaction() as tx:
        tx.execute(update(officer).values(language=language))


def check(page: Page, what: str) -> None:
    """No violation of WCAG, nothing wider than the window, every target large enough."""
    results = Axe().run(page)
    assert results.violations_count == 0, f"{what}: {results.generate_report()}"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"], what  # type: ignore[index]
    small = page.evaluate(
        """[...document.querySelectorAll('a, button, summary, input, select, textarea')]
        .filter(e => e.checkVisibility() && !e.closest('.visually-hidden, .visually-hidden-focusable')
          && !e.matches('.visually-hidden, .visually-hidden-focusable, .case a, p a, li > a'))
        .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
        .filter(([_, box]) => box.height && (box.height < 24 || box.width < 24))
        .map(([html, _]) => html)"""
    )
    assert small == [], what


@pytest.mark.parametrize("language", ["mn", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_every_page_is_for_everybody(
    opened: Opened, cases: list[Case], size: str, scheme: str, language: str
) -> None:
    speak(language)
    page = opened(size, scheme)
    check(page, "sign-in")
    sign_in(page)
    check(page, "queue")
    for number in (0, 1, 3, 4):
        page.goto(f"/cases/{cases[number].reference}")
        check(page, f"case {number}")
        for form in page.query_selector_all("details"):
            form.evaluate("e => { e.removeAttribute('name'); e.open = true }")
        check(page, f"case {number}, every form open")
    for path in ("/account", "/account/password", "/account/code", "/?view=mine", "/nowhere"):
        page.goto(path)
        check(page, path)


def test_the_queue_shows_what_arrives_without_being_asked(
    opened: Opened, cases: list[Case]
) -> None:
    page = opened()
    sign_in(page)
    case = town.arrive(town.Person("sms", "+97670000099", "Шинэ гомдол ирлээ"), clock.now())
    page.wait_for_selector(f"a[href='/cases/{case.reference}']", timeout=15_000)
    assert page.locator(".view-open .count").inner_text() == "6"


def test_the_preview_follows_the_typing_and_the_case_closes(
    opened: Opened, cases: list[Case]
) -> None:
    page = opened()
    sign_in(page)
    page.goto(f"/cases/{cases[0].reference}")
    page.click("summary:has-text('Хаах')")
    page.select_option("#close-outcome", "resolved")
    page.fill("#close-summary", "Насосыг сольсон")
    page.wait_for_selector("#foot-close .preview:has-text('Насосыг сольсон')")
    assert "2 SMS" in page.inner_text("#foot-close button")
    page.click("#foot-close button")
    page.wait_for_selector(".told")
    assert fresh(cases[0]).status == "closed"


def test_all_of_it_works_without_scripts(opened: Opened, cases: list[Case]) -> None:
    page = opened(scripts=False)
    sign_in(page)
    page.fill("input[name=words]", "насос")
    page.press("input[name=words]", "Enter")
    page.click(f"a[href='/cases/{cases[0].reference}']")
    page.fill("#reply-text", "Маргааш очно")
    page.click("#foot-reply button:has-text('Урьдчилан харах')")
    assert "Маргааш очно" in page.inner_text("#foot-reply .preview")
    page.click("#foot-reply .btn-primary")
    assert "Маргааш очно" in page.inner_text(".entry.out:last-child")


def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    opened: Opened, cases: list[Case]
) -> None:
    page = opened()
    sign_in(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className").endswith("skip")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        outline = "const e = document.activeElement, s = getComputedStyle(e),"
        outline += " r = getComputedStyle(e.closest('.case') || e);"
        outline += " return [e.getAttribute('href') || e.tagName,"
        outline += " s.outlineStyle != 'none' || r.outlineStyle != 'none' || s.boxShadow != 'none']"
        where, visible = page.evaluate(f"(() => {{ {outline} }})()")
        seen.add(where)
        assert visible or where == "BODY", where
    assert {f"/cases/{fresh(case).reference}" for case in cases if case is not cases[1]} <= seen
