"""Cases that every channel with a webhook passes: each channel's tests inherit them.

A payload ``payloads/<code>/<event>__<detail>.<ext>`` is the body as the provider sends it; beside
it ``….expected.json`` lists what it says, or ``{"unparseable": code}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from channels.base import BadSignature, Channel, Request, Responds, Unparseable
from store.messages import DeliveryReport, Inbound

PAYLOADS = Path(__file__).parent / "payloads"
Said = Sequence[Inbound | DeliveryReport]


def payloads(code: str) -> list[Path]:
    """Every captured body of a channel."""
    files = (PAYLOADS / code).iterdir()
    return sorted(path for path in files if not path.name.endswith(".expected.json"))


def plain(value: Any) -> Any:
    """A message as JSON holds it, without what is empty."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        found = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        return {name: item for name, item in found.items() if item not in ("", None, [], {})}
    return value.isoformat() if isinstance(value, datetime) else value


class WebhookCases:
    """Subclass per channel: the ``channel`` fixture, and how the provider would call it."""

    code: str

    @pytest.fixture
    def channel(self) -> Channel:
        raise NotImplementedError

    def request(self, body: bytes, *, secret: str | None = None) -> Request:
        """``body`` as the provider posts it, signed; with ``secret`` in place of the right one."""
        raise NotImplementedError

    def unsigned(self, request: Request) -> Request:
        """``request`` without its signature."""
        raise NotImplementedError

    def message(self, text: str) -> bytes:
        """The body of one message that says ``text``."""
        raise NotImplementedError

    def unknown_event(self) -> bytes:
        """A genuine event of a kind that did not exist when the adapter was written."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        every = payloads(self.code)
        if "payload" in metafunc.fixturenames:
            metafunc.parametrize("payload", every, ids=lambda path: path.stem)
        if "json_payload" in metafunc.fixturenames:
            of_json = [path for path in every if path.suffix == ".json"]
            metafunc.parametrize("json_payload", of_json, ids=lambda path: path.stem)

    def take(self, channel: Channel, body: bytes) -> Said:
        """Verify and parse a signed body, as the route does."""
        request = self.request(body)
        channel.verify(request)
        return channel.parse(request)

    # What genuine events say

    def test_payload(self, channel: Channel, payload: Path) -> None:
        beside = payload.with_name(f"{payload.stem}.expected.json")
        expected = json.loads(beside.read_text())
        if isinstance(expected, dict):
            with pytest.raises(Unparseable) as caught:
                self.take(channel, payload.read_bytes())
            assert caught.value.code == expected["unparseable"]
        else:
            assert plain(self.take(channel, payload.read_bytes())) == expected

    def test_a_repeated_event_is_recognised(self, channel: Channel) -> None:
        body = self.message("Ус алга")
        assert self.take(channel, body) == self.take(channel, body) != []

    def test_an_unknown_event_is_nothing(self, channel: Channel) -> None:
        assert list(self.take(channel, self.unknown_event())) == []

    @pytest.mark.parametrize(
        "text",
        [
            "Ө" * 500_000,
            "a\0b",
            "\u202eалга\u2066",
            "👩🏽‍🌾",
            "ᠮᠣᠩᠭᠣᠯ",
            "' OR 1=1 --",
            "<b>&amp;</b>",
            "%00%FF+",
        ],
        ids=["1 MB", "NUL", "bidi", "emoji", "script", "SQL", "HTML", "escapes"],
    )
    def test_a_text_arrives_as_it_was_written(self, channel: Channel, text: str) -> None:
        assert [self.text_of(item) for item in self.take(channel, self.message(text))] == [text]

    # Who may call

    def test_unsigned(self, channel: Channel) -> None:
        with pytest.raises(BadSignature):
            channel.verify(self.unsigned(self.request(self.message("Ус алга"))))

    @pytest.mark.parametrize("secret", ["another-secret", "", "нууц", "\x80"])
    def test_signed_with_another_secret(self, channel: Channel, secret: str) -> None:
        with pytest.raises(BadSignature):
            channel.verify(self.request(self.message("Ус алга"), secret=secret))

    def test_a_wrong_signature_of_any_form(self, channel: Channel) -> None:
        good = self.request(self.message("Ус алга"))
        for name in good.headers.keys() - self.unsigned(good).headers.keys():
            value = good.headers[name]
            for wrong in (value[:-1], value + "=", value.swapcase() + "x", "ш", "\udcff", " "):
                with pytest.raises(BadSignature):
                    channel.verify(changed(good, headers={**good.headers, name: wrong}))

    def test_nothing_of_the_secret_is_in_the_error(self, channel: Channel) -> None:
        with pytest.raises(BadSignature) as caught:
            channel.verify(self.request(self.message("Ус алга"), secret="another-secret"))
        assert "another-secret" not in str(caught.value)

    # What breaks on the way

    def test_empty(self, channel: Channel) -> None:
        with pytest.raises(Unparseable):
            self.take(channel, b"")

    def test_cut_anywhere(self, channel: Channel) -> None:
        body = self.message("Ус алга")
        for end in range(len(body)):
            self.survive(channel, body[:end])

    @pytest.mark.parametrize("junk", [b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80", b"\0", b"%FF%FE"])
    def test_not_utf_8(self, channel: Channel, junk: bytes) -> None:
        body = self.message("Ус алга")
        for place in (0, len(body) // 2, len(body)):
            self.survive(channel, body[:place] + junk + body[place:])

    @pytest.mark.parametrize(
        "body",
        [b"null", b"[]", b"{}", b"0", b'"x"', b"[" * 100_000, b'{"a":' * 100_000, b"NaN", b"&=&;"],
    )
    def test_not_an_event(self, channel: Channel, body: bytes) -> None:
        self.survive(channel, body)

    def test_any_value_of_a_wrong_type(self, channel: Channel, json_payload: Path) -> None:
        for body in spoilt(json.loads(json_payload.read_text())):
            self.survive(channel, json.dumps(body).encode())

    def survive(self, channel: Channel, body: bytes) -> None:
        """Read, or refused by the errors agreed upon; anything else fails."""
        request = self.request(body)
        try:
            channel.verify(request)
            channel.parse(request)
        except (BadSignature, Unparseable):
            pass
        if isinstance(channel, Responds):
            channel.respond(request)

    @staticmethod
    def text_of(item: Inbound | DeliveryReport) -> str:
        assert isinstance(item, Inbound)
        return item.text


class SignedBodyCases(WebhookCases):
    """For providers whose signature covers the body."""

    def test_body_changed_after_signing(self, channel: Channel) -> None:
        request = self.request(self.message("Ус алга"))
        other = self.message("Ус бий")
        with pytest.raises(BadSignature):
            channel.verify(changed(request, body=other))

    def test_any_change_of_a_byte(self, channel: Channel) -> None:
        request = self.request(self.message("Us alga"))
        for place in range(0, len(request.body), 7):
            body = bytearray(request.body)
            body[place] ^= 1
            with pytest.raises(BadSignature):
                channel.verify(changed(request, body=bytes(body)))


def changed(request: Request, **fields: Any) -> Request:
    """A copy of ``request`` with other ``fields``."""
    known = {name: getattr(request, name) for name in Request.__slots__}
    return Request(**{**known, **fields})


def spoilt(value: Any) -> Iterator[Any]:
    """``value`` with each of its parts in turn replaced by values of other types."""
    yield from (None, 0, -1, True, 1e300, "", "x", [], [None], {}, {"x": None})
    if isinstance(value, dict):
        for name, part in value.items():
            yield {key: item for key, item in value.items() if key != name}
            for other in spoilt(part):
                yield {**value, name: other}
    elif isinstance(value, list):
        for place, part in enumerate(value):
            for other in spoilt(part):
                yield [*value[:place], other, *value[place + 1 :]]
