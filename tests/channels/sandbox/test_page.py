"""The page of the simulated phones: plain forms, and in a real browser where there is one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from channels.sandbox.page import language
from channels.sandbox.server import SandboxServer
from tests.channels.sandbox.conftest import ACCOUNT, AUTH, NUMBER, TOKEN, Endpoint

PHONE = "+97688110001"
CHAT = "88110001"
WELL = "Манай сумын худаг ширгэсэн, ус алга"
CHROMIUM = shutil.which("chromium")
YES = {"inline_keyboard": [[{"text": "Тийм", "callback_data": "yes"}]]}


def answer_by_sms(sandbox: SandboxServer, text: str) -> None:
    form = {"To": PHONE, "From": NUMBER, "Body": text}
    url = f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    sandbox.http.post(url, data=form, auth=(ACCOUNT, AUTH)).raise_for_status()


def answer_in_telegram(sandbox: SandboxServer, text: str, **rest: Any) -> int:
    body = {"chat_id": CHAT, "text": text, **rest}
    answer = sandbox.http.post(f"/telegram/bot{TOKEN}/sendMessage", json=body)
    found: int = answer.json()["result"]["message_id"]
    return found


def test_an_sms_without_javascript(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    form = {"phone": PHONE, "chat": "7", "name": "Бат", "text": WELL}
    answer = sandbox.http.post("/page/sms", data=form)
    assert answer.status_code == 303
    page = sandbox.http.get(answer.headers["Location"]).text
    assert len(endpoint.received) == 1
    assert f'<p lang="mn">{WELL}</p>' in page
    assert "1 part" in page
    assert 'name="chat" value="7"' in page


def test_a_pressed_button_without_javascript(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    message_id = answer_in_telegram(sandbox, "Тийм үү?", reply_markup=YES)
    press = json.dumps({"callback": {"message_id": message_id, "data": "yes"}})
    assert sandbox.http.post("/page/telegram", data={"press": press}).status_code == 303
    sent = json.loads(endpoint.received[0].body)
    assert sent["callback_query"]["data"] == "yes"


@pytest.mark.parametrize(
    ("do", "sent"), [("photo", "photo"), ("location", "location"), ("contact", "contact")]
)
def test_other_things_without_javascript(
    sandbox: SandboxServer, endpoint: Endpoint, do: str, sent: str
) -> None:
    sandbox.http.post("/page/telegram", data={"do": do})
    assert sent in json.loads(endpoint.received[0].body)["message"]


def test_a_picture_by_sms(sandbox: SandboxServer) -> None:
    sandbox.http.post("/page/sms", data={"phone": PHONE, "do": "photo"})
    (shown,) = sandbox.messages(phone=PHONE)
    assert shown["media"][0]["content_type"] == "image/jpeg"


def test_the_last_message_is_edited(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    assert sandbox.http.post("/page/telegram", data={"do": "edit", "text": "x"}).status_code == 400
    sandbox.http.post("/page/telegram", data={"text": "Худаг ширгсэн"})
    sandbox.http.post("/page/telegram", data={"do": "edit", "text": "Худаг ширгэсэн"})
    edited = json.loads(endpoint.received[1].body)["edited_message"]
    assert edited["text"] == "Худаг ширгэсэн"


def test_blocking(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sandbox.http.post("/page/telegram", data={"do": "block"})
    assert sandbox.http.get("/behave").json()["errors"][0]["address"] == CHAT
    sandbox.http.post("/page/telegram", data={"do": "unblock"})
    assert sandbox.http.get("/behave").json()["errors"] == []
    assert len(endpoint.received) == 2


def test_nothing_is_sent_by_changing_the_phone(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sandbox.http.post("/page/sms", data={"phone": PHONE, "do": "switch", "text": "x"})
    sandbox.http.post("/page/telegram", data={"text": "   "})
    assert endpoint.received == []


def test_what_went_wrong_is_shown(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    endpoint.script = [503]
    sandbox.http.post("/page/sms", data={"phone": PHONE, "text": WELL})
    assert "Not delivered: Hariu&#39;s endpoint answered 503" in sandbox.http.get("/").text


def test_text_is_escaped(sandbox: SandboxServer) -> None:
    sandbox.sms(PHONE, "<script>alert(1)</script>")
    markup = {"inline_keyboard": [[{"text": "<b>", "callback_data": "'\"><b>"}]]}
    answer_in_telegram(sandbox, "x", reply_markup=markup)
    page = sandbox.http.get("/").text
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_the_page_asks_nobody_else(sandbox: SandboxServer) -> None:
    answer = sandbox.http.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert " style=" not in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("text", "code"), [(WELL, "mn"), ("Біздің ауылда интернет жоқ", "kk"), ("Status?", "en")]
)
def test_the_language_of_a_bubble(text: str, code: str) -> None:
    assert language(text) == code


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("NOT RUN: Chromium is missing")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, sandbox: SandboxServer) -> Iterator[Page]:
    """The page at 1280 px; a script error or a refused request fails the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(sandbox.url)
    yield page
    page.close()
    assert problems == []


@pytest.mark.tier2
def test_an_sms_conversation_in_a_browser(page: Page, sandbox: SandboxServer) -> None:
    page.get_by_role("group", name="Example texts").first.get_by_text(WELL).click()
    expect(page.locator("#sms-count")).to_have_text("35 characters · 1 part")
    page.locator(".phone.sms .send").click()
    thread = page.get_by_role("log", name="SMS messages")
    expect(thread.locator("li.in p")).to_have_text(WELL)
    answer_by_sms(sandbox, "Бүртгэлээ")
    expect(thread.locator("li.out p")).to_have_text("Бүртгэлээ")
    expect(thread.locator("li.out .state")).to_have_text("Received")
    page.get_by_label("Number").fill("+97688110002")
    page.get_by_label("Number").press("Tab")
    expect(thread.locator("li")).to_have_count(0)


@pytest.mark.tier2
def test_a_telegram_conversation_in_a_browser(
    page: Page, sandbox: SandboxServer, endpoint: Endpoint
) -> None:
    answer_in_telegram(sandbox, "Тийм үү?", reply_markup=YES)
    page.get_by_role("button", name="Тийм").click()
    endpoint.wait(1)
    assert json.loads(endpoint.received[0].body)["callback_query"]["data"] == "yes"
    page.get_by_placeholder("Write a message").fill("Ус алга")
    page.keyboard.press("Enter")
    thread = page.get_by_role("log", name="Telegram messages")
    expect(thread.locator("li.in.text p")).to_have_text("Ус алга")
    page.get_by_role("button", name="Edit last").click()
    expect(page.get_by_placeholder("Write a message")).to_have_value("Ус алга")
    page.get_by_placeholder("Write a message").fill("Ус алга байна")
    page.get_by_role("button", name="Edit last").click()
    expect(thread.locator("li.edit p")).to_have_text("Ус алга байна")
    page.get_by_role("button", name="Voice").click()
    expect(thread.locator("audio")).to_have_count(1)


@pytest.mark.tier2
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_everybody_can_use_it(
    browser: Browser, sandbox: SandboxServer, width: int, scheme: Any
) -> None:
    sandbox.sms(PHONE, WELL)
    sandbox.telegram(int(CHAT), photo=True)
    answer_in_telegram(sandbox, "Тийм үү?", reply_markup=YES)
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(sandbox.url)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    found = Axe().run(page)
    assert found.response["violations"] == []
    page.close()


@pytest.mark.tier2
def test_without_javascript_in_a_browser(
    browser: Browser, sandbox: SandboxServer, endpoint: Endpoint
) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(sandbox.url)
    page.get_by_placeholder("Write an SMS").fill(WELL)
    page.locator(".phone.sms .send").click()
    expect(page.locator("li.in p")).to_have_text(WELL)
    page.get_by_role("button", name="Location").click()
    expect(page.get_by_role("log", name="Telegram messages").locator("li")).to_have_count(1)
    assert len(endpoint.received) == 2
    page.close()
