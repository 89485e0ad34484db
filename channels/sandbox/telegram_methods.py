"""The methods of the Bot API that Hariu uses, with every parameter it may give.

Telegram ignores parameters it does not know; the double refuses them, so that our slips show.
A parameter of the API that Hariu does not use (``parse_mode``) is refused as well.
https://core.telegram.org/bots/api#available-methods
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import FileStorage

from channels.sandbox.telegram_keyboard import inline, shown
from channels.sandbox.telegram_state import File, Json, Refusal, Telegram, Webhook, bad
from store.text import ucs2_units

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LARGEST_FILE = 20 * 1024 * 1024
ACTIONS = ("typing", "upload_photo", "upload_voice", "upload_document")


@dataclass(frozen=True)
class Ask:
    """One call of a method: its parameters and uploaded files."""

    params: Json
    files: dict[str, FileStorage]

    def text(self, name: str) -> str:
        """A parameter as text, empty if absent."""
        value = self.params.get(name, "")
        return value if isinstance(value, str) else json.dumps(value)

    def number(self, name: str, default: int = 0) -> int:
        """A whole number; Telegram reads what is none as 0."""
        text = self.text(name) or str(default)
        return int(text) if re.fullmatch(r"-?\d+", text) else 0

    def data(self, name: str) -> Any:
        """A parameter that is JSON, whether it came as JSON or as text; None if absent."""
        value = self.params.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise bad(f"can't parse {name.replace('_', ' ')} JSON object") from None


def _chat(telegram: Telegram, ask: Ask) -> int:
    chat_id = ask.number("chat_id")
    if not ask.text("chat_id"):
        raise bad("chat_id is empty")
    if chat_id == 0:
        raise bad("chat not found")
    if telegram.world.behaviour.error("telegram", str(chat_id)):
        raise Refusal(403, "Forbidden: bot was blocked by the user")
    return chat_id


def _text(ask: Ask) -> str:
    text = ask.text("text").strip()
    if not text:
        raise bad("message text is empty")
    if ucs2_units(text) > LONGEST_TEXT:
        raise bad("message is too long")
    return text


def get_me(telegram: Telegram, ask: Ask) -> Json:
    """https://core.telegram.org/bots/api#getme"""
    return {
        **telegram.bot,
        "can_join_groups": False,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }


def send_message(telegram: Telegram, ask: Ask) -> Json:
    """https://core.telegram.org/bots/api#sendmessage"""
    chat_id, text, markup = _chat(telegram, ask), _text(ask), ask.data("reply_markup")
    content = {"text": text, **inline(markup), **_reply_to(telegram, ask, chat_id)}
    return telegram.say(chat_id, content, text=text, buttons=shown(markup))


def _reply_to(telegram: Telegram, ask: Ask, chat_id: int) -> Json:
    wanted = ask.data("reply_parameters")
    if not wanted:
        return {}
    message = telegram.messages.get((chat_id, int(wanted.get("message_id", 0))))
    if message is None and not wanted.get("allow_sending_without_reply"):
        raise bad("message to be replied not found")
    return {"reply_to_message": message} if message else {}


def _sender(kind: str) -> Method:
    def send(telegram: Telegram, ask: Ask) -> Json:
        chat_id, markup = _chat(telegram, ask), ask.data("reply_markup")
        caption = ask.text("caption")
        if ucs2_units(caption) > LONGEST_CAPTION:
            raise bad("message caption is too long")
        file = _file(telegram, ask, kind)
        content = {kind: described(kind, file, ask.number("duration")), **inline(markup)}
        if caption:
            content["caption"] = caption
        media = [{"url": f"/phone/file/{file.id}", "content_type": file.content_type}]
        return telegram.say(
            chat_id, content, kind=kind, text=caption, buttons=shown(markup), media=media
        )

    return send


def _file(telegram: Telegram, ask: Ask, kind: str) -> File:
    """The uploaded file, or the known one whose id is given."""
    given = ask.text(kind)
    upload = ask.files.get(given.removeprefix("attach://") if given else kind)
    if upload is not None:
        name = (upload.filename or kind).rpartition("/")[2]
        return telegram.keep(upload.read(), upload.mimetype, f"{kind}s/{name}")
    if given not in telegram.files:
        raise bad("wrong file identifier/HTTP URL specified")
    return telegram.files[given]


def described(kind: str, file: File, seconds: int = 0) -> Any:
    """``file`` as PhotoSize list, Voice, Video, Sticker or Document."""
    known = {"file_id": file.id, "file_unique_id": file.id[:16], "file_size": len(file.content)}
    if kind == "photo":
        return [{**known, "width": 800, "height": 600}]
    if kind == "sticker":
        still = {"type": "regular", "is_animated": False, "is_video": False, "emoji": "👍"}
        return {**known, **still, "width": 512, "height": 512}
    if kind == "voice":
        return {**known, "duration": seconds or 2, "mime_type": file.content_type}
    if kind == "video":
        size = {"width": 640, "height": 360, "duration": seconds or 2}
        return {**known, **size, "mime_type": file.content_type}
    name = file.path.partition("_")[2]
    return {**known, "file_name": name, "mime_type": file.content_type}


def edit_text(telegram: Telegram, ask: Ask) -> Json:
    """https://core.telegram.org/bots/api#editmessagetext"""
    return _edit(telegram, ask, {"text": _text(ask)})


def edit_markup(telegram: Telegram, ask: Ask) -> Json:
    """https://core.telegram.org/bots/api#editmessagereplymarkup"""
    return _edit(telegram, ask, {})


def _edit(telegram: Telegram, ask: Ask, change: Json) -> Json:
    markup = ask.data("reply_markup")
    key = (_chat(telegram, ask), ask.number("message_id"))
    with telegram.lock:
        message = telegram.messages.get(key)
        if message is None:
            raise bad("message to edit not found")
        if message["from"] != telegram.bot:
            raise bad("message can't be edited")
        bare = {name: value for name, value in message.items() if name != "reply_markup"}
        edited = {**bare, **change, **inline(markup)}
        if edited == message:
            raise bad(
                "message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message"
            )
        edited["edit_date"] = int(time.time())
        telegram.messages[key] = edited
    telegram.world.history.change(telegram.entries[key], **change, buttons=shown(markup))
    return edited


def delete_message(telegram: Telegram, ask: Ask) -> bool:
    """https://core.telegram.org/bots/api#deletemessage"""
    key = (_chat(telegram, ask), ask.number("message_id"))
    with telegram.lock:
        if telegram.messages.pop(key, None) is None:
            raise bad("message to delete not found")
    telegram.world.history.change(telegram.entries[key], status="deleted", text="", buttons=[])
    return True


def answer_callback(telegram: Telegram, ask: Ask) -> bool:
    """https://core.telegram.org/bots/api#answercallbackquery"""
    if not ask.text("callback_query_id").isdigit():
        raise bad("query is too old and response timeout expired or query ID is invalid")
    return True


def chat_action(telegram: Telegram, ask: Ask) -> bool:
    """https://core.telegram.org/bots/api#sendchataction"""
    _chat(telegram, ask)
    if ask.text("action") not in ACTIONS:
        raise bad("wrong parameter action in request")
    return True


def _scope(ask: Ask) -> tuple[str, str]:
    scope = ask.data("scope") or {"type": "default"}
    return json.dumps(scope, sort_keys=True), ask.text("language_code")


def set_commands(telegram: Telegram, ask: Ask) -> bool:
    """https://core.telegram.org/bots/api#setmycommands"""
    commands = ask.data("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad("can't parse commands: expected an Array of at most 100")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", command.get("command", "")):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(command.get("description", "")) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    telegram.commands[_scope(ask)] = commands
    return True


def get_commands(telegram: Telegram, ask: Ask) -> list[Json]:
    """https://core.telegram.org/bots/api#getmycommands"""
    return telegram.commands.get(_scope(ask), [])


def menu_button(telegram: Telegram, ask: Ask) -> bool:
    """https://core.telegram.org/bots/api#setchatmenubutton"""
    button = ask.data("menu_button") or {"type": "default"}
    if button.get("type") not in ("default", "commands", "web_app"):
        raise bad("can't parse menu button: unsupported type")
    return True


def set_webhook(telegram: Telegram, ask: Ask) -> bool:
    """https://core.telegram.org/bots/api#setwebhook (plain http is taken here: all is local)"""
    secret = ask.text("secret_token")
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise bad("secret token contains unallowed characters")
    if not re.match(r"https?://", ask.text("url")) and ask.text("url"):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    allowed = tuple(ask.data("allowed_updates") or ())
    telegram.webhook = Webhook(ask.text("url"), secret, allowed, ask.number("max_connections", 40))
    return _drop_pending(telegram, ask)


def delete_webhook(telegram: Telegram, ask: Ask) -> bool:
    """https://core.telegram.org/bots/api#deletewebhook"""
    telegram.webhook = Webhook()
    return _drop_pending(telegram, ask)


def _drop_pending(telegram: Telegram, ask: Ask) -> bool:
    if ask.text("drop_pending_updates").lower() == "true":
        with telegram.lock:
            telegram.pending.clear()
    return True


def webhook_info(telegram: Telegram, ask: Ask) -> Json:
    """https://core.telegram.org/bots/api#getwebhookinfo"""
    webhook, waiting = telegram.webhook, len(telegram.pending) + len(telegram.failing)
    info: Json = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": waiting,
    }
    if webhook.url:
        info |= {"max_connections": webhook.connections, "ip_address": "127.0.0.1"}
    if telegram.allowed:
        info["allowed_updates"] = list(telegram.allowed)
    if telegram.last_error:
        info["last_error_date"], info["last_error_message"] = telegram.last_error
    return info


def get_updates(telegram: Telegram, ask: Ask) -> list[Json]:
    """https://core.telegram.org/bots/api#getupdates"""
    allowed = ask.data("allowed_updates")
    if allowed is not None:
        telegram.allowed = tuple(allowed)
    limit = min(max(ask.number("limit", 100), 1), 100)
    return telegram.poll(ask.number("offset"), limit, min(ask.number("timeout"), 50))


def get_file(telegram: Telegram, ask: Ask) -> Json:
    """https://core.telegram.org/bots/api#getfile"""
    file = telegram.files.get(ask.text("file_id"))
    if file is None:
        raise bad("invalid file_id")
    if len(file.content) > LARGEST_FILE:
        raise bad("file is too big")
    return {
        "file_id": file.id,
        "file_unique_id": file.id[:16],
        "file_size": len(file.content),
        "file_path": file.path,
    }


Method = Callable[[Telegram, Ask], Any]
_SEND = "disable_notification protect_content reply_parameters reply_markup"
_EDIT = "chat_id message_id reply_markup"

# Method: what does it, required parameters, optional parameters.
METHODS: dict[str, tuple[Method, str, str]] = {
    "getMe": (get_me, "", ""),
    "sendMessage": (send_message, "chat_id text", f"link_preview_options {_SEND}"),
    "sendPhoto": (_sender("photo"), "chat_id photo", f"caption {_SEND}"),
    "sendVoice": (_sender("voice"), "chat_id voice", f"caption duration {_SEND}"),
    "sendDocument": (_sender("document"), "chat_id document", f"caption {_SEND}"),
    "editMessageText": (edit_text, "text", f"link_preview_options {_EDIT}"),
    "editMessageReplyMarkup": (edit_markup, "", _EDIT),
    "deleteMessage": (delete_message, "chat_id message_id", ""),
    "answerCallbackQuery": (
        answer_callback,
        "callback_query_id",
        "text show_alert cache_time",
    ),
    "sendChatAction": (chat_action, "chat_id action", ""),
    "setMyCommands": (set_commands, "commands", "scope language_code"),
    "getMyCommands": (get_commands, "", "scope language_code"),
    "setChatMenuButton": (menu_button, "", "chat_id menu_button"),
    "setWebhook": (
        set_webhook,
        "url",
        "max_connections allowed_updates drop_pending_updates secret_token",
    ),
    "deleteWebhook": (delete_webhook, "", "drop_pending_updates"),
    "getWebhookInfo": (webhook_info, "", ""),
    "getUpdates": (get_updates, "", "offset limit timeout allowed_updates"),
    "getFile": (get_file, "file_id", ""),
}
