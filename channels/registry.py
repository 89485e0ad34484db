"""The channels, one explicit line each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from channels.base import Channel
from channels.sms_twilio import TwilioSms
from channels.telegram import Telegram
from config.settings import Settings, settings

Factory = Callable[[Settings], Channel | None]


def _with(group: str, make: Callable[[Settings], Channel]) -> Factory:
    """``make``, as soon as the settings ``group`` (of `CHANNEL_SETTINGS`) is there."""
    return lambda chosen: make(chosen) if chosen.configured(group) else None


# (code, what makes the channel, or None where it is not configured)
CHANNELS: tuple[tuple[str, Factory], ...] = (
    ("telegram", _with("telegram", Telegram)),
    ("sms", _with("sms", TwilioSms)),
)


@cache
def active() -> dict[str, Channel]:
    """The configured channels of this process by code; made once."""
    made = ((code, make(settings())) for code, make in CHANNELS)
    return {code: channel for code, channel in made if channel}


def channel(code: str) -> Channel:
    """The configured channel ``code``; raises KeyError where there is none."""
    return active()[code]
