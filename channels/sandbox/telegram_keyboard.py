"""Keyboards under messages: checked as Telegram checks them, and flattened for the phone."""

from __future__ import annotations

from typing import Any

from channels.sandbox.telegram_state import Json, bad

LONGEST_DATA = 64  # bytes: https://core.telegram.org/bots/api#inlinekeyboardbutton


def inline(markup: Any) -> Json:
    """The part of ``markup`` that a Message repeats: only inline keyboards."""
    if not isinstance(markup, dict) or "inline_keyboard" not in markup:
        return {}
    for button in _buttons(markup["inline_keyboard"]):
        data = button.get("callback_data")
        if data is None and "url" not in button:
            raise bad("text buttons are unallowed in the inline keyboard")
        if data is not None and not 1 <= len(str(data).encode()) <= LONGEST_DATA:
            raise bad("BUTTON_DATA_INVALID")
    return {"reply_markup": {"inline_keyboard": markup["inline_keyboard"]}}


def shown(markup: Any) -> list[list[dict[str, str]]]:
    """The rows of buttons, each ``{"text"}`` with ``data``, ``url``, or ``send`` (text, …)."""
    if not isinstance(markup, dict):
        return []
    rows = markup.get("inline_keyboard") or markup.get("keyboard") or []
    return [[_shown(button) for button in row] for row in rows]


def _shown(button: Any) -> dict[str, str]:
    if isinstance(button, str):
        return {"text": button, "send": "text"}
    for name, key in (("callback_data", "data"), ("url", "url")):
        if name in button:
            return {"text": button["text"], key: button[name]}
    wish = "contact" if button.get("request_contact") else "text"
    wish = "location" if button.get("request_location") else wish
    return {"text": button["text"], "send": wish}


def _buttons(rows: Any) -> list[Json]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    buttons = [button for row in rows for button in row]
    if not all(isinstance(button, dict) and button.get("text") for button in buttons):
        raise bad("can't parse inline keyboard button: text is empty")
    return buttons
