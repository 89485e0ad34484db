"""SMS by a local gateway: who may call us, and what it says; by GET through the real route too."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
import time_machine
from sqlalchemy import select

from channels import registry
from channels.base import BadSignature, Channel, Request, TakesGet, Unparseable
from channels.web import create_app
from config.profile import profile
from config.settings import settings
from store.db import reading
from store.messages import DeliveryReport, Inbound
from store.schema import inbox, raw_event
from tests.channels.cases import Said, WebhookCases, changed, payloads
from tests.channels.conftest import PUBLIC_URL, SECRETS, forget
from tests.served import served

TOKEN = SECRETS["HARIU_GATEWAY_KANNEL_TOKEN"]
HEADER = "x-hariu-token"
PHONE = "97688110001"


def kannel() -> Channel:
    return registry.channel("gateway-kannel")


@pytest.mark.usefixtures("environment")
class TestWebhook(WebhookCases):
    code = "gateway"

    @pytest.fixture
    def channel(self) -> Channel:
        return kannel()

    def request(self, body: bytes, *, secret: str | None = None) -> Request:
        report = b"state=" in body
        path = "/in/gateway/kannel" + ("/report" if report else "")
        headers = {HEADER: TOKEN if secret is None else secret}
        return Request("POST", f"{PUBLIC_URL}{path}", headers, body, path=path)

    def unsigned(self, request: Request) -> Request:
        return changed(request, headers={})

    def message(self, text: str) -> bytes:
        form = {"from": PHONE, "to": "1414", "text": text, "time": "1795000000", "id": "a-1"}
        return urlencode(form).encode()

    def unknown_event(self) -> bytes:
        return b"hologram=1"

    def test_all_captured_messages_differ(self, channel: Channel) -> None:
        found = []
        for path in payloads("gateway"):
            expected = json.loads(path.with_name(f"{path.stem}.expected.json").read_text())
            if isinstance(expected, list):
                said = self.take(channel, path.read_bytes())
                found += [item.external_id for item in said if isinstance(item, Inbound)]
        assert len(found) == len(set(found)) > 25


@pytest.mark.usefixtures("environment")
class TestToken:
    def ask(self, query: dict[str, str], headers: dict[str, str] | None = None) -> Request:
        return Request("GET", f"{PUBLIC_URL}/in/gateway/kannel", headers or {}, b"", query)

    def test_in_the_query(self) -> None:
        kannel().verify(self.ask({"token": TOKEN}))

    @pytest.mark.parametrize("token", ["", "another", "нууц", "\udcff", f"{TOKEN} "])
    def test_a_wrong_one(self, token: str) -> None:
        with pytest.raises(BadSignature):
            kannel().verify(self.ask({"token": token}))

    def test_of_another_gateway(self) -> None:
        with pytest.raises(BadSignature):
            kannel().verify(self.ask({"token": SECRETS["HARIU_GATEWAY_OPERATOR_TOKEN"]}))


class TestAllowList:
    @pytest.fixture(autouse=True)
    def _listed(self, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A profile whose Kannel may call from two networks only."""
        shipped = Path("config/profiles/smart-government-2.toml").read_text()
        allow = 'kind = "kannel"\nallow = ["192.0.2.0/28", "2001:db8::7/128"]'
        path = tmp_path / "listed.toml"
        path.write_text(shipped.replace('kind = "kannel"', allow))
        environment.setenv("HARIU_PROFILE", str(path))
        forget()

    def ask(self, remote: str) -> Request:
        return Request(
            "GET", f"{PUBLIC_URL}/in/gateway/kannel", {HEADER: TOKEN}, b"", remote=remote
        )

    @pytest.mark.parametrize("remote", ["192.0.2.1", "192.0.2.15", "2001:db8::7"])
    def test_listed(self, remote: str) -> None:
        kannel().verify(self.ask(remote))

    @pytest.mark.parametrize("remote", ["192.0.2.16", "127.0.0.1", "2001:db8::8", "", "unix"])
    def test_not_listed(self, remote: str) -> None:
        with pytest.raises(BadSignature):
            kannel().verify(self.ask(remote))


@pytest.mark.usefixtures("environment")
class TestMadeUpId:
    """An operator that tells neither id nor time."""

    def take(self, text: str = "Ус алга", sender: str = PHONE, **more: str) -> str:
        body = urlencode({"from": sender, "text": text, **more}).encode()
        (said,) = registry.channel("gateway-operator").parse(Request("POST", "", {}, body))
        assert isinstance(said, Inbound)
        return said.external_id

    def test_a_repeat_within_the_minute_is_one_message(self) -> None:
        with time_machine.travel("2026-11-18T11:06:01+00:00", tick=False) as clock:
            first = self.take()
            clock.shift(50)
            assert self.take() == first
            assert self.take(sender="+97688110001") == first  # the same phone, written otherwise
            clock.shift(10)
            assert self.take() != first

    def test_sender_text_and_time_tell_messages_apart(self) -> None:
        with time_machine.travel("2026-11-18T11:06:01+00:00", tick=False):
            ids = {
                self.take(),
                self.take(text="Ус бий"),
                self.take(sender="97688110002"),
                self.take(time="2026-11-18 19:06:01"),
                self.take(time="2026-11-18 19:06:02"),
            }
        assert len(ids) == 5

    def test_the_id_tells_nothing_of_the_person(self, environment: pytest.MonkeyPatch) -> None:
        before = self.take(time="1")
        environment.setenv("HARIU_GATEWAY_OPERATOR_TOKEN", "another-token")
        forget()
        assert self.take(time="1") != before  # keyed: nobody can try all phones
        assert PHONE not in before


@pytest.mark.usefixtures("environment")
def test_an_operators_own_words_for_states() -> None:
    channel = registry.channel("gateway-operator")
    states = {
        "DELIVRD": "delivered", "Delivered": "delivered", "UNDELIV": "failed", "EXPIRED": "failed",
        "Failed": "failed", "REJECTD": "failed", "ACCEPTD": "sent", "sent": "sent",
    }  # fmt: skip

    def read(word: str) -> Said:
        body = urlencode({"id": "77", "status": word}).encode()
        return channel.parse(Request("POST", "", {}, body, path="/in/gateway/operator/report"))

    for word, state in states.items():
        (said,) = read(word)
        assert isinstance(said, DeliveryReport)
        assert (said.provider_id, said.state, said.error) == (
            "77", state, word if state == "failed" else "",
        )  # fmt: skip
    assert list(read("banana")) == []


@pytest.fixture
def base(store: str) -> Iterator[str]:
    """The public app on a real port, with a gateway."""
    os.environ |= {name: value for name, value in SECRETS.items() if "GATEWAY" in name}
    for cached in (settings, profile, registry.active):
        cached.cache_clear()
    with served(create_app()) as url:
        yield url
    registry.active.cache_clear()


class TestRoute:
    QUERY = {"from": PHONE, "to": "1414", "text": "Ус алга", "time": "1795000000", "id": "a-1"}

    def get(self, base: str, path: str, **changes: str) -> httpx.Response:
        params = {"token": TOKEN, **self.QUERY, **changes}
        return httpx.get(f"{base}/in/gateway/{path}", params=params, timeout=20)

    def rows(self) -> list[tuple[str, str, str, str]]:
        with reading() as tx:
            query = select(inbox.c.channel, inbox.c.external_id, inbox.c.text, inbox.c.state)
            return [tuple(row) for row in tx.execute(query.order_by(inbox.c.id))]  # type: ignore[misc]

    def test_a_get_is_stored_once_and_answered_with_nothing(self, base: str) -> None:
        for _ in range(2):
            answer = self.get(base, "kannel")
            assert (answer.status_code, answer.content) == (200, b"")
        assert self.rows() == [("gateway-kannel", "a-1", "Ус алга", "new")]

    def test_the_token_is_not_kept(self, base: str) -> None:
        self.get(base, "kannel")
        with reading() as tx:
            (kept,) = tx.execute(select(raw_event.c.body)).scalars()
        assert dict(parse_qsl(bytes(kept).decode())) == self.QUERY

    def test_a_post_and_a_report(self, base: str) -> None:
        url = f"{base}/in/gateway/kannel"
        headers = {HEADER: TOKEN}
        assert httpx.post(url, data=self.QUERY, headers=headers).status_code == 200
        report = httpx.get(f"{url}/report", params={"token": TOKEN, "id": "b-2", "state": "1"})
        assert (report.status_code, report.content) == (200, b"")
        assert [row[1] for row in self.rows()] == ["a-1", "b-2:delivered"]

    def test_what_cannot_be_read_is_a_dead_letter_each(self, base: str) -> None:
        for text in ("нэг", "хоёр"):
            assert self.get(base, "kannel", text=text, **{"from": ""}).status_code == 200
        assert [row[3] for row in self.rows()] == ["dead", "dead"]

    def test_strangers(self, base: str) -> None:
        assert self.get(base, "kannel", token="wrong").status_code == 403
        assert self.get(base, "nowhere").status_code == 404
        assert self.get(base, "kannel/elsewhere").status_code == 404
        assert httpx.head(f"{base}/in/gateway/kannel", params={"token": TOKEN}).status_code == 405
        assert self.rows() == []

    def test_other_channels_take_nothing_by_get(self, base: str) -> None:
        assert isinstance(kannel(), TakesGet)
        assert httpx.get(f"{base}/in/telegram").status_code in (403, 404)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("body", [b"{", b'{"from": ', b"{}", b"[]"])
def test_broken_json(body: bytes) -> None:
    with pytest.raises(Unparseable):
        kannel().parse(Request("POST", "", {}, body))
