"""The Bot API double, through python-telegram-bot itself wherever it can say it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

import pytest
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MenuButtonCommands,
    ReplyParameters,
    Update,
)
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, RetryAfter

from channels.sandbox.server import SandboxServer
from tests.channels.sandbox.conftest import TOKEN, Endpoint, wait_for

CHAT = 8001
YES_NO = InlineKeyboardMarkup(
    [
        [
            InlineKeyboardButton("Тийм", callback_data="yes"),
            InlineKeyboardButton("Үгүй", callback_data="no"),
        ]
    ]
)


@asynccontextmanager
async def connected(sandbox: SandboxServer, token: str = TOKEN) -> AsyncIterator[Bot]:
    root = f"{sandbox.url}/telegram"
    async with Bot(token, base_url=f"{root}/bot", base_file_url=f"{root}/file/bot") as bot:
        yield bot


def use(sandbox: SandboxServer, work: Callable[[Bot], Awaitable[Any]]) -> Any:
    """Run ``work`` with a bot that talks to the double."""

    async def go() -> Any:
        async with connected(sandbox) as bot:
            return await work(bot)

    return asyncio.run(go())


def call(sandbox: SandboxServer, method: str, **params: Any) -> tuple[int, str]:
    """A raw call: HTTP status and description."""
    answer = sandbox.http.post(f"/telegram/bot{TOKEN}/{method}", json=params)
    return answer.status_code, answer.json().get("description", "")


def test_me(sandbox: SandboxServer) -> None:
    me = use(sandbox, lambda bot: bot.get_me())
    assert (me.id, me.is_bot, me.first_name) == (7000000001, True, "Hariu")


def test_a_wrong_token_is_refused(sandbox: SandboxServer) -> None:
    async def go() -> None:
        async with connected(sandbox, "7000000001:wrong"):
            pass

    with pytest.raises(InvalidToken):
        asyncio.run(go())
    answer = sandbox.http.get("/telegram/bot1:x/getMe")
    assert answer.status_code == 401
    assert answer.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}


def test_an_unknown_method(sandbox: SandboxServer) -> None:
    assert call(sandbox, "sendPigeon") == (404, "Not Found")
    assert sandbox.http.get("/telegram/elsewhere").json()["error_code"] == 404


def test_a_text_with_buttons_reaches_the_phone(sandbox: SandboxServer) -> None:
    message = use(sandbox, lambda bot: bot.send_message(CHAT, "Тийм үү?", reply_markup=YES_NO))
    assert (message.text, message.chat.id, message.reply_markup) == ("Тийм үү?", CHAT, YES_NO)
    (shown,) = sandbox.messages(chat=CHAT)
    assert shown["buttons"] == [[{"text": "Тийм", "data": "yes"}, {"text": "Үгүй", "data": "no"}]]
    assert (shown["direction"], shown["message_id"]) == ("out", message.message_id)


def test_a_reply_quotes(sandbox: SandboxServer) -> None:
    asked = sandbox.telegram(CHAT, text="Асуулт")["message_id"]
    reply = use(
        sandbox,
        lambda bot: bot.send_message(CHAT, "Хариу", reply_parameters=ReplyParameters(asked)),
    )
    assert reply.reply_to_message.text == "Асуулт"
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        use(sandbox, lambda bot: bot.send_message(CHAT, "x", reply_parameters=ReplyParameters(1)))


@pytest.mark.parametrize("kind", ["photo", "voice", "document"])
def test_a_file_there_and_back(sandbox: SandboxServer, kind: str) -> None:
    content = bytes(range(256)) * 5

    async def work(bot: Bot) -> tuple[Any, bytes, Any]:
        send = getattr(bot, f"send_{kind}")
        message = await send(CHAT, content, caption="Зураг", filename="файл.bin")
        sent = getattr(message, kind)
        sent = sent[-1] if kind == "photo" else sent
        file = await bot.get_file(sent.file_id)
        return message, bytes(await file.download_as_bytearray()), await send(CHAT, sent.file_id)

    message, downloaded, again = use(sandbox, work)
    assert message.caption == "Зураг"
    assert downloaded == content
    assert getattr(again, kind) == getattr(message, kind)
    (shown, _) = sandbox.messages(chat=CHAT)
    assert sandbox.http.get(shown["media"][0]["url"]).content == content


def test_edits_and_deletion(sandbox: SandboxServer) -> None:
    async def work(bot: Bot) -> Any:
        message = await bot.send_message(CHAT, "Тийм үү?", reply_markup=YES_NO)
        key: dict[str, Any] = {"chat_id": CHAT, "message_id": message.message_id}
        bare = await bot.edit_message_reply_markup(**key)
        assert isinstance(bare, type(message))
        assert bare.reply_markup is None
        with pytest.raises(BadRequest, match="Message is not modified"):
            await bot.edit_message_text("Тийм үү?", **key)
        edited = await bot.edit_message_text("Баярлалаа", **key)
        (shown,) = sandbox.messages(chat=CHAT)
        assert (shown["text"], shown["buttons"]) == ("Баярлалаа", [])
        assert await bot.delete_message(**key)
        with pytest.raises(BadRequest, match="Message to delete not found"):
            await bot.delete_message(**key)
        with pytest.raises(BadRequest, match="Message to edit not found"):
            await bot.edit_message_text("x", **key)
        return edited

    edited = use(sandbox, work)
    assert (edited.text, edited.edit_date is not None) == ("Баярлалаа", True)
    assert sandbox.messages(chat=CHAT)[0]["status"] == "deleted"


def test_a_persons_message_cannot_be_edited_by_the_bot(sandbox: SandboxServer) -> None:
    message_id = sandbox.telegram(CHAT, text="Сайн уу")["message_id"]
    answer = call(sandbox, "editMessageText", chat_id=CHAT, message_id=message_id, text="x")
    assert answer == (400, "Bad Request: message can't be edited")


def test_small_methods(sandbox: SandboxServer) -> None:
    async def work(bot: Bot) -> None:
        commands = [BotCommand("start", "Эхлэх"), BotCommand("status", "Төлөв")]
        assert await bot.set_my_commands(commands, language_code="mn")
        assert await bot.get_my_commands(language_code="mn") == tuple(commands)
        assert await bot.get_my_commands() == ()
        assert await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
        assert await bot.send_chat_action(CHAT, "typing")
        assert await bot.answer_callback_query("123", text="OK")

    use(sandbox, work)


def button(**fields: Any) -> str:
    return json.dumps({"inline_keyboard": [[fields]]})


@pytest.mark.parametrize(
    ("method", "params", "says"),
    [
        ("sendMessage", {"chat_id": CHAT, "text": "x" * 4097}, "message is too long"),
        ("sendMessage", {"chat_id": CHAT, "text": "😀" * 2049}, "message is too long"),
        ("sendMessage", {"chat_id": CHAT, "text": "  "}, "message text is empty"),
        ("sendMessage", {"chat_id": CHAT}, "parameter text is required"),
        ("sendMessage", {"chat_id": "", "text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": "someone", "text": "x"}, "chat not found"),
        ("sendMessage", {"chat_id": CHAT, "text": "x", "txt": "y"}, "unknown parameter txt"),
        ("sendMessage", {"chat_id": CHAT, "text": "x", "reply_markup": "{"}, "can't parse"),
        (
            "sendMessage",
            {
                "chat_id": CHAT,
                "text": "x",
                "reply_markup": button(text="A", callback_data="ү" * 33),
            },
            "BUTTON_DATA_INVALID",
        ),
        (
            "sendMessage",
            {"chat_id": CHAT, "text": "x", "reply_markup": button(text="A")},
            "text buttons are unallowed",
        ),
        (
            "sendMessage",
            {"chat_id": CHAT, "text": "x", "reply_markup": button(callback_data="a")},
            "text is empty",
        ),
        ("sendPhoto", {"chat_id": CHAT, "photo": "nowhere"}, "wrong file identifier"),
        (
            "sendPhoto",
            {"chat_id": CHAT, "photo": "x", "caption": "x" * 1025},
            "message caption is too long",
        ),
        ("getFile", {"file_id": "nowhere"}, "invalid file_id"),
        ("sendChatAction", {"chat_id": CHAT, "action": "dance"}, "wrong parameter action"),
        ("answerCallbackQuery", {"callback_query_id": "none"}, "query is too old"),
        (
            "setMyCommands",
            {"commands": [{"command": "Эхлэх", "description": "x"}]},
            "COMMAND_INVALID",
        ),
        (
            "setMyCommands",
            {"commands": [{"command": "a", "description": ""}]},
            "DESCRIPTION_INVALID",
        ),
        ("setChatMenuButton", {"menu_button": {"type": "bell"}}, "unsupported type"),
        ("setWebhook", {"url": "http://127.0.0.1/", "secret_token": "a b"}, "unallowed characters"),
        ("setWebhook", {"url": "ftp://127.0.0.1/"}, "HTTPS URL must be provided"),
    ],
)
def test_mistakes_are_refused(
    sandbox: SandboxServer, method: str, params: dict[str, Any], says: str
) -> None:
    status, description = call(sandbox, method, **params)
    assert status == 400
    assert description.startswith("Bad Request: ")
    assert says in description
    assert sandbox.messages(chat=CHAT) == []


def test_the_longest_text_and_button_pass(sandbox: SandboxServer) -> None:
    markup = button(text="A", callback_data="ү" * 32)
    assert (
        call(sandbox, "sendMessage", chat_id=CHAT, text="😀" * 2048, reply_markup=markup)[0] == 200
    )


def test_library_errors_are_the_right_ones(sandbox: SandboxServer) -> None:
    sandbox.behave("telegram", "blocked", address=str(CHAT))
    with pytest.raises(Forbidden):
        use(sandbox, lambda bot: bot.send_message(CHAT, "x"))

    async def throttled(bot: Bot) -> None:
        sandbox.behave("telegram", "429", retry_after=3)
        await bot.send_message(CHAT, "x")

    with pytest.raises(RetryAfter):
        use(sandbox, throttled)


def test_updates_wait_when_the_webhook_is_gone(sandbox: SandboxServer) -> None:
    async def work(bot: Bot) -> None:
        with pytest.raises(Conflict):
            await bot.get_updates()
        await bot.delete_webhook()
        for text in ("нэг", "хоёр", "гурав"):
            sandbox.telegram(CHAT, text=text)
        assert (await bot.get_webhook_info()).pending_update_count == 3
        first = await bot.get_updates(limit=2)
        assert [u.message.text for u in first if u.message] == ["нэг", "хоёр"]
        rest = await bot.get_updates(offset=first[1].update_id + 1)
        assert [u.message.text for u in rest if u.message] == ["гурав"]
        assert len(await bot.get_updates()) == 1  # not confirmed yet
        assert await bot.get_updates(offset=rest[0].update_id + 1) == ()

    use(sandbox, work)


def test_the_last_updates_alone(sandbox: SandboxServer) -> None:
    call(sandbox, "deleteWebhook")
    for text in ("нэг", "хоёр"):
        sandbox.telegram(CHAT, text=text)
    answer = sandbox.http.get(f"/telegram/bot{TOKEN}/getUpdates?offset=-1").json()
    assert [update["message"]["text"] for update in answer["result"]] == ["хоёр"]


def test_long_polling_waits_for_an_update(sandbox: SandboxServer) -> None:
    async def work(bot: Bot) -> tuple[Update, ...]:
        await bot.delete_webhook()
        Thread(target=lambda: sandbox.telegram(CHAT, text="одоо")).start()
        return await bot.get_updates(timeout=10)

    (update,) = use(sandbox, work)
    assert update.message.text == "одоо"


def test_a_second_poller_ends_the_first(sandbox: SandboxServer) -> None:
    call(sandbox, "deleteWebhook")
    answers: list[tuple[int, str]] = []
    first = Thread(target=lambda: answers.append(call(sandbox, "getUpdates", timeout=20)))
    first.start()
    wait_for(lambda: sandbox.calls("telegram", since=1))
    call(sandbox, "getUpdates")
    first.join(10)
    assert answers[0][0] == 409
    assert "only one bot instance" in answers[0][1]


def test_poll_sets_one_update_aside(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    sandbox.telegram(CHAT, text="нэг", poll=True)
    assert endpoint.received == []
    call(sandbox, "deleteWebhook")
    answer = sandbox.http.get(f"/telegram/bot{TOKEN}/getUpdates").json()
    assert answer["result"][0]["message"]["text"] == "нэг"


def test_a_webhook_is_remembered(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    async def work(bot: Bot) -> None:
        url = f"{endpoint.url}/elsewhere"
        await bot.set_webhook(url, secret_token="s3cret", allowed_updates=["message"])
        info = await bot.get_webhook_info()
        assert (info.url, info.allowed_updates) == (url, ("message",))

    use(sandbox, work)
    sandbox.telegram(CHAT, text="нэг")
    sandbox.telegram(CHAT, callback={"message_id": 1, "data": "a"})  # of a kind not asked for
    (received,) = endpoint.received
    assert received.path == "/elsewhere"
    assert received.headers["X-Telegram-Bot-Api-Secret-Token"] == "s3cret"


def test_waiting_updates_can_be_dropped(sandbox: SandboxServer) -> None:
    call(sandbox, "deleteWebhook")
    sandbox.telegram(CHAT, text="нэг")
    call(sandbox, "deleteWebhook", drop_pending_updates=True)
    assert sandbox.http.get(f"/telegram/bot{TOKEN}/getUpdates").json()["result"] == []


def test_a_failed_webhook_is_repeated(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    endpoint.script = [500, 503]
    sent = sandbox.telegram(CHAT, text="Сайн уу")
    assert sent["status"] == 500
    info = sandbox.http.get(f"/telegram/bot{TOKEN}/getWebhookInfo").json()["result"]
    assert (info["pending_update_count"], "500" in info["last_error_message"]) == (1, True)
    bodies = {received.body for received in endpoint.wait(3)}
    assert len(bodies) == 1
    wait_for(lambda: sandbox.messages(chat=CHAT)[0]["status"] == "delivered")


def test_a_repeat_can_be_switched_off(sandbox: SandboxServer, endpoint: Endpoint) -> None:
    endpoint.script = [500]
    assert sandbox.telegram(CHAT, text="Сайн уу", retry=False)["status"] == 500
    (shown,) = sandbox.messages(chat=CHAT)
    assert (shown["status"], "500" in shown["error"]) == ("failed", True)
