"""Cases that every channel that sends passes: what it raises when its provider is in trouble."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from channels.base import Channel, ChannelDown, SendError, Throttled, Unanswered
from store.messages import Outbound

# How a provider misbehaves, by the words of `POST /behave`: mode, switches, what it means.
TROUBLE = [
    ("500", {}, ChannelDown),
    ("timeout", {"seconds": 3}, Unanswered),
    ("drop", {}, Unanswered),
    ("garbage", {"accept": True}, Unanswered),
]
Behave = Callable[..., object]


class OutageCases:
    """Subclass per channel: how to make it and its provider's moods, and what must not show.

    ``secrets`` are words that no error may hold: passwords, the address, the text.
    """

    secrets: tuple[str, ...]

    @pytest.fixture
    def behave(self) -> Behave:
        """``behave(mode, **switches)`` for the provider's double, which the settings point at."""
        raise NotImplementedError

    def sender(self) -> Channel:
        """The channel, made anew from the settings."""
        raise NotImplementedError

    def letter(self) -> Outbound:
        """A message that the double takes."""
        raise NotImplementedError

    @pytest.mark.parametrize(("mode", "switches", "error"), TROUBLE)
    def test_a_provider_in_trouble(
        self, behave: Behave, mode: str, switches: dict[str, Any], error: type[SendError]
    ) -> None:
        behave(mode, **switches)
        with pytest.raises(error) as caught:
            self.sender().send(self.letter())
        assert caught.value.retryable
        assert self.secrets
        assert [
            word for word in self.secrets if word in f"{caught.value} {caught.value.code}"
        ] == []
        behave("ok")
        assert self.sender().send(self.letter()).provider_id

    def test_throttled(self, behave: Behave) -> None:
        behave("429", retry_after=17)
        with pytest.raises(Throttled) as caught:
            self.sender().send(self.letter())
        assert caught.value.after >= 17
        behave("ok")
        assert self.sender().send(self.letter()).provider_id

    def test_slow_is_not_down(self, behave: Behave) -> None:
        behave("slow", seconds=0.3)
        assert self.sender().send(self.letter()).provider_id
