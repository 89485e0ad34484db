"""The channels, one explicit line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from channels.base import Channel
from channels.mail import Email
from channels.messenger import Messenger
from channels.sms_gateway import gateways
from channels.sms_twilio import TwilioSms
from channels.telegram import Telegram
from channels.voice import TwilioVoice, number_of
from channels.webform import Webform
from config.settings import Settings, settings

Factory = Callable[[Settings], Iterable[Channel]]


def _with(group: str, make: Callable[[Settings], Channel]) -> Factory:
    """``make``, as soon as the settings ``group`` (of `CHANNEL_SETTINGS`) is there."""
    return lambda chosen: (make(chosen),) if chosen.configured(group) else ()


# What makes the channels of a kind: none where it is not configured.
CHANNELS: tuple[Factory, ...] = (
    _with("telegram", Telegram),
    _with("messenger", Messenger),
    _with("sms", TwilioSms),
    lambda chosen: (TwilioVoice(chosen),) if chosen.configured("sms") and number_of(chosen) else (),
    gateways,
    _with("mail", Email),
    lambda chosen: (Webform(chosen),),  # needs no settings
)


@cache
def active() -> dict[str, Channel]:
    """The configured channels of this process by code; made once."""
    made = (channel for make in CHANNELS for channel in make(settings()))
    return {channel.code: channel for channel in made}


def channel(code: str) -> Channel:
    """The configured channel ``code``; raises KeyError where there is none."""
    return active()[code]
