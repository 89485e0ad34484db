"""Every room of the desk in a real browser: pairwise over pages, widths, themes and languages.

And a whole case by the keyboard alone, the same without scripts, and what each page weighs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from admin import demo, office
from admin.app import create_app
from config import clock
from store import hooks
from store.db import Transaction, reading, transaction
from store.schema import grievance, hook, hook_call
from tests.admin import town
from tests.admin.conftest import fresh
from tests.browser.test_desk import SIZES, browser, check, pytestmark, sign_in, speak
from tests.served import served
from workflow.hooks import Event

__all__ = ["browser", "pytestmark"]
LARGEST = 50_000
ROLES = ("officer", "focal_point", "coordinator", "administrator", "auditor")


@pytest.fixture
def house(store: str) -> Iterator[str]:
    """A real server with the demonstration loaded."""
    town.join("saraa", "Жишээ Сараа", *ROLES)
    town.channels_known()
    demo.load(clock.now())
    with transaction() as tx:
        office.seed(tx)
        _hooks(tx)
    with served(create_app()) as url:
        yield url


def _hooks(tx: Transaction) -> None:
    """Other systems: one that works, one that does not, and one that was tested just now."""
    now, url = clock.now(), "https://city.example.mn/grievances"
    events = {"failures": 5, "last_error": "address", "last_error_at": now}
    rows: tuple[dict[str, object], ...] = (
        {"sent": 7, "last_ok_at": now, "tested_at": now}, events, {"active": False},
    )  # fmt: skip
    for number, values in enumerate(rows, 1):
        added, _ = hooks.add(tx, f"Жишээ {number}", url, Event, now, active=True)
        tx.execute(hook.update().where(hook.c.id == added).values(**values))
    call = {"hook_id": 1, "grievance_id": None, "event": Event.CLOSED, "body": "{}"}
    hooks.queue(tx, [call], now)
    tx.execute(hook_call.update().values(state=hooks.DEAD, error="500"))
    hooks.rotate(tx, 2, now)
    hooks.test(tx, 3, "{}", now)


def _reference(*where: object) -> str:
    with reading() as tx:
        query = select(grievance.c.reference).where(*where).order_by(grievance.c.id)  # type: ignore[arg-type]
        return str(tx.execute(query).scalars().first())


def _pages() -> list[str]:
    kazakh = _reference(grievance.c.language == "kk", grievance.c.status == "assigned")
    appealed = _reference(grievance.c.stage == 3)
    sealed = _reference(grievance.c.sensitive != "")
    failed = _reference(grievance.c.facts["story"].as_string() == "access",
                        grievance.c.status == "registered")  # fmt: skip
    return [
        "/", "/?view=first", "/?view=overdue&channel=sms", "/dashboard", "/guide", "/keys",
        "/settings/", "/settings/staff/", "/forum/", "/settings/texts?find=ack", "/settings/replies", "/settings/hooks/",
        "/notice-board", "/health",
        f"/cases/{kazakh}?view=kazakh&canned=1", f"/cases/{appealed}", f"/cases/{sealed}",
        f"/cases/{failed}", f"/cases/{kazakh}/similar",
        f"/bulk/?do=reply&ref={kazakh}&ref={failed}", "/reports", "/account", "/nowhere",
    ]  # fmt: skip


# Every two of width, theme and language meet: four rows instead of eight.
PAIRS = [
    ("wide", "light", "mn"), ("wide", "dark", "en"), ("narrow", "light", "en"),
    ("narrow", "dark", "mn"),
]  # fmt: skip


def _open(browser: Browser, url: str, size: str, scheme: str = "light", **more: bool) -> Page:
    context = browser.new_context(
        viewport=SIZES[size], color_scheme=scheme, base_url=url, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    page = context.new_page()
    page.goto("/sign-in")
    return page


@pytest.mark.parametrize(("size", "scheme", "language"), PAIRS)
def test_every_room_is_for_everybody_and_light(
    browser: Browser,
    house: str,
    capsys: pytest.CaptureFixture[str],
    size: str,
    scheme: str,
    language: str,
) -> None:
    speak(language)
    page = _open(browser, house, size, scheme)
    sign_in(page)
    weights: dict[str, int] = {}
    wrong = []
    for path in _pages():
        page.goto(path)
        page.wait_for_load_state("networkidle")
        try:
            check(page, f"{path} {size} {scheme} {language}")
        except AssertionError as problem:
            wrong.append(str(problem))
        weights[path] = len(page.request.get(path).body())
    page.context.close()
    with capsys.disabled():
        print(f"\n{len(weights) - len(wrong)} of {len(weights)} pages without a violation, {size},")
        print(f"{scheme}, {language}; the heaviest {max(weights.values())} bytes of HTML:")
        print(*(f"  {n:6} {path.split('?')[0]}" for path, n in weights.items()), sep="\n")
    assert not wrong, "\n\n".join(wrong)
    assert max(weights.values()) < LARGEST


def test_a_new_text_is_ones_own_in_three_presses(browser: Browser, house: str) -> None:
    page = _open(browser, house, "wide")
    sign_in(page)
    case = town.arrive(town.Person("sms", "+97670000099", "Шинэ гомдол"), clock.now())
    page.reload()
    page.wait_for_selector("#first-new", state="attached")
    for key in ("n", "a", "Enter"):
        page.keyboard.press(key)
        page.wait_for_load_state("networkidle")
    page.wait_for_selector(".told")
    assert fresh(case).status == "assigned"
    page.goto("/keys")
    page.uncheck("#keys-on")
    page.goto("/")
    page.keyboard.press("n")
    page.wait_for_timeout(200)
    assert page.url.endswith("/"), "the switch turns single keys off"


def test_a_whole_case_by_the_keyboard_alone(browser: Browser, house: str) -> None:
    page = _open(browser, house, "wide")
    sign_in(page)
    case = town.arrive(town.Person("sms", "+97670000099", "Гэрэл асахгүй байна"), clock.now())
    page.reload()

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    press("n")
    page.wait_for_url(f"**/cases/{case.reference}*")
    press("a", "Enter")
    page.wait_for_selector(".told")
    press("t")
    page.keyboard.type("Цахилгаанчин дуудсан")
    press("Control+Enter")
    page.wait_for_selector(".entry.note")
    press("r")
    page.keyboard.type("Маргааш засна")
    press("Control+Enter")
    page.wait_for_selector("#undo")
    press("u")
    page.wait_for_selector("#reply-text >> text=Маргааш засна")
    press("r", "End")
    page.keyboard.type(" 10 цагт")
    press("Control+Enter")
    page.wait_for_selector(".entry.out:has-text('10 цагт')")
    press("s")
    while "Хаах" not in page.locator(":focus").inner_text():
        press("Tab")
    press("Enter", "Tab", "ArrowDown", "Tab")
    page.keyboard.type("Гэрлийг зассан")
    press("Control+Enter")
    page.wait_for_selector(".status-closed")
    assert fresh(case).resolution == "Гэрлийг зассан"


def test_a_whole_case_without_scripts(browser: Browser, house: str) -> None:
    page = _open(browser, house, "narrow", java_script_enabled=False)
    sign_in(page)
    case = town.arrive(town.Person("sms", "+97670000099", "Гэрэл асахгүй байна"), clock.now())
    page.goto("/?view=first")
    page.fill("input[name=words]", case.reference)
    page.press("input[name=words]", "Enter")
    page.click(f".what a[href^='/cases/{case.reference}']")
    page.click("#take")
    page.click(".hand summary")
    page.click(".hand li a >> nth=0")
    assert page.input_value("#reply-text").startswith("Баярлалаа")
    page.click("#foot-reply .btn-primary")
    page.click("#undo")
    assert page.input_value("#reply-text").startswith("Баярлалаа")
    page.fill("#reply-text", "Маргааш засна")
    page.click("#foot-reply .btn-primary")
    page.click("text=Төстэйг хайх")
    page.go_back()
    page.click("summary:has-text('Хаах')")
    page.select_option("#close-outcome", "resolved")
    page.fill("#close-summary", "Зассан")
    page.click("#foot-close .btn-primary")
    assert fresh(case).status == "closed"


def test_what_is_typed_survives_leaving_the_page(browser: Browser, house: str) -> None:
    page = _open(browser, house, "wide")
    sign_in(page)
    path = f"/cases/{_reference(grievance.c.status == 'assigned', grievance.c.channel == 'sms')}"
    page.goto(path)
    with page.expect_response("**/draft/reply"):
        page.fill("#reply-text", "Хагас хариу")
    page.goto("/")
    page.goto(path)
    assert page.input_value("#reply-text") == "Хагас хариу"


def test_many_are_chosen_and_answered(browser: Browser, house: str) -> None:
    page = _open(browser, house, "wide")
    sign_in(page)
    page.goto("/?view=kazakh")
    page.check(".pick >> nth=0")
    page.check(".pick >> nth=1")
    page.click("#bulk button")
    page.click("nav.ways >> text=Дотоод тэмдэглэл")
    page.fill("#w-text", "Хамтдаа шийднэ")
    page.click("text=Урьдчилан харах")
    page.click("main .btn-note")
    assert "2 гомдолд хийлээ" in page.inner_text("main")
    assert Axe().run(page).violations_count == 0
