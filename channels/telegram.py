"""Telegram: private chats with our bot, by webhook or by long polling.

Plain JSON over our own client; `telegram_update` reads what people do into `Inbound`.
https://core.telegram.org/bots/api
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from channels import http
from channels.base import (
    AddressBlocked,
    BadSignature,
    ChannelDown,
    Fetched,
    Problem,
    Rejected,
    Request,
    Response,
    SendError,
    Unanswered,
    Unparseable,
)
from channels.fields import Json, obj, objects, parsed, same, text, whole
from channels.menu import menu
from channels.telegram_update import read
from config.i18n import LANGUAGES
from config.log import mask
from config.settings import LOOPBACK, Settings
from store.messages import Attachment, Capabilities, Inbound, Outbound, SendResult
from store.text import shorten, split_text

API = "https://api.telegram.org/bot"
UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
MANY_PENDING = 100
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the header's name

_NO_SUCH_CHAT = ("chat not found", "user not found", "peer_id_invalid", "user is deactivated")


class Telegram:
    """The bot of ``chosen.telegram_token``; ``account`` is its id.

    ``polled`` says whether messages must be fetched because no webhook can reach us.
    """

    code = "telegram"
    capabilities = Capabilities(
        form="chat",
        longest=4096,
        buttons=12,
        button_label=64,
        media=True,
        per_second=25.0,
        per_address_seconds=1.0,
        abroad=True,
    )

    def __init__(self, chosen: Settings) -> None:
        token = chosen.telegram_token.get_secret_value()
        self.account = token.partition(":")[0]
        self._base = chosen.telegram_api or API
        self._token = token
        self._secret = chosen.telegram_webhook_secret
        self._public_url = chosen.public_url
        # Telegram calls https alone; the sandbox, and a Bot API server beside us, call us anyway.
        beside = urlsplit(chosen.telegram_api).hostname in LOOPBACK
        self.polled = not (beside or chosen.public_url.startswith("https://"))
        self._timeout = chosen.provider_timeout
        self._offset = 0

    def verify(self, request: Request) -> None:
        """https://core.telegram.org/bots/api#setwebhook, ``secret_token``."""
        if not same(request.headers.get(SECRET_HEADER, ""), self._secret):
            raise BadSignature("the secret token is missing or wrong")

    def parse(self, request: Request) -> Sequence[Inbound]:
        """What one update says."""
        update = parsed(request.body)
        if not isinstance(update, dict) or whole(update, "update_id") is None:
            raise Unparseable("not an update")
        return read(update, self.account)

    def respond(self, request: Request) -> Response | None:
        """Stop the spinning of a pressed button: a method call in the answer to the webhook.

        https://core.telegram.org/bots/api#making-requests-when-getting-updates
        """
        try:
            update = parsed(request.body)
        except Unparseable:
            return None
        query = text(obj(update, "callback_query"), "id") if isinstance(update, dict) else ""
        if not query:
            return None
        answer = {"method": "answerCallbackQuery", "callback_query_id": query}
        return Response(json.dumps(answer), "application/json")

    def send(self, outbound: Outbound) -> SendResult:
        """https://core.telegram.org/bots/api#sendmessage; choices are buttons, one a row."""
        parts = split_text(outbound.text, self.capabilities.longest)
        if not parts:
            raise Rejected("the text is empty", code="empty")
        sent: Json = {}
        for number, part in enumerate(parts, 1):
            message: dict[str, object] = {
                "chat_id": outbound.address,
                "text": part,
                "link_preview_options": {"is_disabled": True},
            }
            if outbound.choices and number == len(parts):
                message["reply_markup"] = {"inline_keyboard": self._buttons(outbound)}
            sent = self._result("sendMessage", message)
        return SendResult(f"{outbound.address}:{text(sent, 'message_id')}")

    def fetch(self, attachment: Attachment) -> Fetched:
        """https://core.telegram.org/bots/api#getfile: at most 20 MB, the link lives an hour."""
        path = text(self._result("getFile", {"file_id": attachment.handle}), "file_path")
        if not path:
            raise Rejected("Telegram no longer has the file", code="gone")
        url = f"{self._base.removesuffix('bot')}file/bot{self._token}/{path}"
        return http.file(url, attachment, code=self.code)

    def poll(self, timeout: float) -> Iterator[tuple[bytes, Sequence[Inbound]]]:
        """https://core.telegram.org/bots/api#getupdates; waits up to ``timeout`` seconds."""
        try:
            updates = self._updates(timeout)
        except ChannelDown as error:
            if error.code != "409":
                raise
            # A webhook is set, which excludes polling.
            self._call("deleteWebhook")
            updates = self._updates(timeout)
        for update in updates:
            yield json.dumps(update, ensure_ascii=False).encode(), self._read_kindly(update)
            # Only now has the caller stored it: a new offset makes Telegram forget the update.
            self._offset = (whole(update, "update_id") or 0) + 1
            if query := text(obj(update, "callback_query"), "id"):
                with suppress(SendError):  # the button spins a little longer, no more
                    self._call("answerCallbackQuery", {"callback_query_id": query})

    def set_up(self, public_url: str) -> Iterator[str]:
        """Register the webhook, or end it where Telegram cannot call us; name the commands."""
        if self.polled:
            self._call("deleteWebhook")
            yield "Telegram: no public https address, so messages are fetched by long polling"
        else:
            webhook = {
                "url": f"{public_url}/in/telegram",
                "secret_token": self._secret,
                "allowed_updates": UPDATES,
                "max_connections": 20,
            }
            self._call("setWebhook", webhook)
            yield f"Telegram: webhook set to {public_url}/in/telegram"
        for language in ("", *LANGUAGES):
            commands = [
                {"command": name, "description": words} for name, words in menu(language or "mn")
            ]
            self._call("setMyCommands", {"commands": commands, "language_code": language})
        yield f"Telegram: menu set in {', '.join(LANGUAGES)}"

    def check(self) -> Iterator[Problem]:
        """Whether the token works, and whether Telegram reaches us."""
        try:
            self._call("getMe")
            webhook = self._result("getWebhookInfo")
        except SendError as error:
            if error.code in ("401", "404"):
                yield Problem("telegram.token", "Telegram refuses HARIU_TELEGRAM_TOKEN: renew it")
            else:
                yield Problem("telegram.down", f"Telegram does not answer ({error.code})")
            return
        yield from self._webhook_problems(webhook)

    def _webhook_problems(self, webhook: Json) -> Iterator[Problem]:
        expected = "" if self.polled else f"{self._public_url}/in/telegram"
        if text(webhook, "url") != expected:
            advice = "Telegram sends messages elsewhere: run `hariu channel set-up telegram`"
            yield Problem("telegram.webhook", advice)
        if reason := text(webhook, "last_error_message"):
            advice = f"Telegram could not deliver to us lately: {mask(reason)[:200]}"
            yield Problem("telegram.delivery", advice)
        if (waiting := whole(webhook, "pending_update_count") or 0) > MANY_PENDING:
            advice = f"{waiting} messages wait at Telegram: is the public app (or poll) running?"
            yield Problem("telegram.pending", advice)

    def _buttons(self, outbound: Outbound) -> list[list[dict[str, str]]]:
        longest = self.capabilities.button_label
        return [
            [{"text": shorten(choice.label, longest), "callback_data": choice.value}]
            for choice in outbound.choices
        ]

    def _updates(self, timeout: float) -> list[Json]:
        wish = {"offset": self._offset, "timeout": int(timeout), "allowed_updates": UPDATES}
        return objects(self._call("getUpdates", wish, wait=timeout), "result")

    def _result(self, method: str, params: Json | None = None) -> Json:
        return obj(self._call(method, params), "result")

    def _call(self, method: str, params: Json | None = None, wait: float = 0.0) -> Json:
        """Call a method of the Bot API; returns the whole answer, whose ``ok`` is true."""
        response = http.call(
            "POST",
            f"{self._base}{self._token}/{method}",
            code=self.code,
            json=params or {},
            timeout=wait + self._timeout if wait else None,
        )
        answer = http.object_in(response)
        if response.is_success:
            if answer and answer.get("ok") is True:
                return answer
            raise Unanswered("telegram: unreadable answer", code="unreadable")
        raise _refusal(response.status_code, answer)

    def _read_kindly(self, update: Json) -> Sequence[Inbound]:
        """A polled update that cannot be read must not stop those behind it."""
        try:
            return read(update, self.account)
        except Unparseable:
            return ()


def _refusal(status: int, answer: Json | None) -> SendError:
    """The error for a 4xx (or 3xx); the description is Telegram's own wording, never our text."""
    code, description = str(status), mask(text(answer or {}, "description"))[:200]
    gone = any(words in description.lower() for words in _NO_SUCH_CHAT)
    if answer is None or status in (401, 404, 409) or status < 400:
        return ChannelDown(f"telegram: {description or 'unreadable refusal'}", code=code)
    if status == 403 or gone:
        return AddressBlocked(f"telegram: {description}", code=code)
    return Rejected(f"telegram: {description}", code=code)
