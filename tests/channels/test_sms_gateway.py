"""SMS by local gateways: settings, and sending against their double in all its moods."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from channels import registry
from channels.base import (
    Channel,
    ChannelDown,
    Fetches,
    Finds,
    Polls,
    Rejected,
    Request,
)
from channels.sandbox.server import SandboxServer
from config.gateway import Gateway
from config.profile import ProfileError, profile
from config.settings import SettingsError, settings
from store.messages import DeliveryReport, Outbound
from tests.channels.conftest import SECRETS, Scripted, forget
from tests.channels.outages import Behave, OutageCases
from tests.channels.sandbox.conftest import wait_for

PHONE = "+97688110001"
NAMES = ("kannel", "operator", "aggregator")
TEXT = "Таны гомдлыг бүртгэлээ. Дугаар 12345674"


def gateway(name: str) -> Channel:
    return registry.channel(f"gateway-{name}")


def outbound(text: str = TEXT, address: str = PHONE, key: str = "case:1:ack") -> Outbound:
    return Outbound(1, "gateway-kannel", "1414", address, text, key)


class TestSettings:
    @pytest.mark.usefixtures("environment")
    def test_each_configured_gateway_is_a_channel(self) -> None:
        codes = [code for code in registry.active() if code.startswith("gateway-")]
        assert sorted(codes) == ["gateway-aggregator", "gateway-kannel", "gateway-operator"]
        channel = gateway("aggregator")
        assert channel.account == "1414"
        assert (channel.capabilities.form, channel.capabilities.per_second) == ("sms", 5)
        assert (channel.capabilities.abroad, channel.capabilities.units) == (False, 134)
        for protocol in (Fetches, Finds, Polls):
            assert not isinstance(channel, protocol)

    def test_none_without_settings(self, environment: pytest.MonkeyPatch) -> None:
        for name in SECRETS:
            if "GATEWAY" in name:
                environment.setenv(name, "")
        forget()
        assert not [code for code in registry.active() if code.startswith("gateway-")]

    def test_half_configured_is_an_error_that_names_what_is_missing(
        self, environment: pytest.MonkeyPatch
    ) -> None:
        environment.delenv("HARIU_GATEWAY_KANNEL_TOKEN")
        environment.setenv("HARIU_GATEWAY_AGGREGATOR_KEY", "")
        environment.setenv("HARIU_GATEWAY_NOWHERE_URL", "http://192.0.2.1/")
        forget()
        with pytest.raises(SettingsError) as caught:
            registry.active()
        said = str(caught.value)
        assert "set HARIU_GATEWAY_KANNEL_TOKEN as well" in said
        assert "set HARIU_GATEWAY_AGGREGATOR_KEY as well" in said
        assert "no [gateways.nowhere]" in said
        assert "gateway-test" not in said  # no value of any setting

    @pytest.mark.parametrize(
        "table",
        [
            "kind = 'pigeon'",
            "params = { to = '{to}' }\naccepted = 'OK'",
            "params = { to = '{to}', text = '{text}' }",
            "params = { to = '{to}', text = '{text}' }\naccepted = '('",
            "kind = 'kannel'\nallow = ['everybody']",
            "kind = 'kannel'\ninbound = { text = 'text' }",
            "kind = 'kannel'\ncolour = 'blue'",
        ],
    )
    def test_a_wrong_table(
        self, environment: pytest.MonkeyPatch, tmp_path: Path, table: str
    ) -> None:
        path = tmp_path / "wrong.toml"
        shipped = Path("config/profiles/smart-government-2.toml").read_text()
        path.write_text(f"{shipped}\n[gateways.wrong]\n{table}\n")
        environment.setenv("HARIU_PROFILE", str(path))
        forget()
        with pytest.raises(ProfileError, match="wrong"):
            profile()

    def test_a_name_no_variable_could_have(self) -> None:
        with pytest.raises(ValueError, match="gateways"):
            type(profile()).model_validate(
                {**profile().model_dump(), "gateways": {"my-gateway": {"kind": "kannel"}}}
            )

    def test_kannels_table_may_be_changed_in_part(self) -> None:
        changed = Gateway.model_validate({"kind": "kannel", "number": "plain"})
        assert (changed.number, changed.per_second) == ("plain", 20)


class TestSend:
    def params(self, sandbox: SandboxServer) -> dict[str, str]:
        found: dict[str, str] = sandbox.calls("gateway")[-1]["params"]
        return found

    def test_kannel(self, opposite: SandboxServer) -> None:
        result = gateway("kannel").send(outbound())
        params = self.params(opposite)
        report = params.pop("dlr-url")
        assert params == {
            "username": "hariu",
            "password": "gateway-test-password",
            "from": "1414",
            "to": PHONE,
            "text": TEXT,
            "coding": "2",
            "charset": "UTF-8",
            "dlr-mask": "31",
        }
        assert urlsplit(report).path == "/in/gateway/kannel/report"
        assert dict(parse_qsl(urlsplit(report).query)) == {
            "token": SECRETS["HARIU_GATEWAY_KANNEL_TOKEN"],
            "id": result.provider_id,
            "state": "%d",
        }
        assert PHONE[1:] not in report

    def test_latin_letters_cost_less(self, opposite: SandboxServer) -> None:
        gateway("kannel").send(outbound("Tany gomdlyg burtgelee"))
        assert self.params(opposite)["coding"] == "0"

    def test_a_token_that_kannel_would_misread(
        self, opposite: SandboxServer, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_GATEWAY_KANNEL_TOKEN", "100%d&x=ы")
        forget()
        opposite.world.settings = settings()
        gateway("kannel").send(outbound())
        report = self.params(opposite)["dlr-url"].replace("%%", "%")
        assert dict(parse_qsl(urlsplit(report).query))["token"] == "100%d&x=ы"

    def test_an_operator(self, opposite: SandboxServer) -> None:
        gateway("operator").send(outbound())
        assert self.params(opposite) == {
            "user": "hariu",
            "password": "gateway-test-password",
            "sender": "1414",
            "to": "88110001",
            "text": TEXT,
        }

    def test_an_aggregator_tells_its_id(
        self, scripted: Scripted, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_GATEWAY_AGGREGATOR_URL", f"{scripted.url}/send")
        forget()
        scripted.then(200, b'[{"Result": "SUCCESS", "Message ID": 131231}]')
        scripted.then(200, b'[{"Message ID": "131232", "Result": "SUCCESS"}]')
        assert gateway("aggregator").send(outbound()).provider_id == "131231"
        assert gateway("aggregator").send(outbound()).provider_id == "131232"
        assert scripted.requests[0]["x-api-key"] == "gateway-test-key"
        path = urlsplit(scripted.requests[0][":path"])
        sent = {"from": "1414", "to": "88110001", "text": TEXT}
        assert (path.path, dict(parse_qsl(path.query))) == ("/send", sent)

    @pytest.mark.parametrize("body", ["form", "json"])
    def test_by_post(
        self, scripted: Scripted, environment: pytest.MonkeyPatch, tmp_path: Path, body: str
    ) -> None:
        shipped = Path("config/profiles/smart-government-2.toml").read_text()
        table = f"""
[gateways.posted]
method = "POST"
body = "{body}"
number = "plain"
params = {{ phone = "{{to}}", message = "{{text}}", ref = "{{id}}", flash = "0" }}
accepted = "OK"
"""
        (tmp_path / "posted.toml").write_text(shipped + table)
        environment.setenv("HARIU_PROFILE", str(tmp_path / "posted.toml"))
        environment.setenv("HARIU_GATEWAY_POSTED_URL", f"{scripted.url}/post")
        environment.setenv("HARIU_GATEWAY_POSTED_TOKEN", "posted-token")
        forget()
        scripted.then(200, b"OK")
        result = gateway("posted").send(outbound("x y"))
        sent = scripted.bodies[0].decode()
        ref = result.provider_id
        if body == "form":
            assert sent == f"phone=97688110001&message=x+y&ref={ref}&flash=0"
        else:
            assert sent == f'{{"phone":"97688110001","message":"x y","ref":"{ref}","flash":"0"}}'
        assert scripted.requests[0][":path"] == "/post"

    @pytest.mark.parametrize("name", NAMES)
    def test_it_arrives(self, opposite: SandboxServer, name: str) -> None:
        assert gateway(name).send(outbound()).provider_id
        wait_for(lambda: opposite.messages(phone=PHONE)[-1]["status"] == "delivered")
        assert opposite.messages(phone=PHONE)[-1]["text"] == TEXT

    def test_a_long_text_is_several_calls_with_one_id(self, opposite: SandboxServer) -> None:
        words = "Худаг хаалттай байна. " * 60
        result = gateway("kannel").send(outbound(words))
        sent = opposite.calls("gateway")
        assert " ".join(call["params"]["text"] for call in sent) == words.strip()
        assert len({call["params"]["dlr-url"] for call in sent}) == 1
        assert result.provider_id in sent[0]["params"]["dlr-url"]

    def test_every_try_of_a_message_has_the_same_id(self, opposite: SandboxServer) -> None:
        first, again, other = (
            gateway("kannel").send(outbound(key=key)).provider_id for key in ("a", "a", "b")
        )
        assert first == again != other

    @pytest.mark.parametrize("text", ["", " \n "])
    def test_an_empty_text_is_not_sent(self, opposite: SandboxServer, text: str) -> None:
        with pytest.raises(Rejected):
            gateway("kannel").send(outbound(text))
        assert opposite.calls("gateway") == []

    @pytest.mark.parametrize(
        ("name", "code"), [("operator", "refused"), ("aggregator", "INVALID_NUMBER")]
    )
    def test_a_number_it_never_takes(self, opposite: SandboxServer, name: str, code: str) -> None:
        opposite.behave("gateway", "error", address=PHONE)
        with pytest.raises(Rejected) as caught:
            gateway(name).send(outbound())
        assert (caught.value.code, caught.value.retryable) == (code, False)

    @pytest.mark.parametrize("status", [400, 413, 422])
    def test_a_bad_request_is_never_repeated(
        self, scripted: Scripted, environment: pytest.MonkeyPatch, status: int
    ) -> None:
        environment.setenv("HARIU_GATEWAY_KANNEL_URL", scripted.url)
        forget()
        scripted.then(status, f"Bad number {PHONE}".encode())
        with pytest.raises(Rejected) as caught:
            gateway("kannel").send(outbound())
        assert caught.value.code == str(status)
        assert PHONE not in str(caught.value)

    @pytest.mark.parametrize("name", NAMES)
    def test_a_wrong_password_is_for_the_operator(
        self, opposite: SandboxServer, environment: pytest.MonkeyPatch, name: str
    ) -> None:
        key = "KEY" if name == "aggregator" else "PASSWORD"
        environment.setenv(f"HARIU_GATEWAY_{name.upper()}_{key}", "old")
        forget()
        with pytest.raises(ChannelDown) as caught:
            gateway(name).send(outbound())
        assert (caught.value.code, caught.value.retryable) == ("403", True)


class _GatewayOutages(OutageCases):
    name: str
    secrets = ("gateway-test", "88110001")

    @pytest.fixture
    def behave(self, opposite: SandboxServer) -> Behave:
        return partial(opposite.behave, "gateway")

    def sender(self) -> Channel:
        return gateway(self.name)

    def letter(self) -> Outbound:
        return outbound()


class TestKannelOutages(_GatewayOutages):
    name = "kannel"


class TestOperatorOutages(_GatewayOutages):
    name = "operator"


class TestAggregatorOutages(_GatewayOutages):
    name = "aggregator"


class TestReports:
    @pytest.mark.parametrize(("code", "last"), [(None, "delivered"), (2, "failed"), (16, "failed")])
    def test_kannel_reports_twice(
        self,
        opposite: SandboxServer,
        scripted: Scripted,
        environment: pytest.MonkeyPatch,
        code: int | None,
        last: str,
    ) -> None:
        environment.setenv("HARIU_PUBLIC_URL", scripted.url)
        forget()
        if code:
            opposite.behave("gateway", "error", address=PHONE, code=code)
        channel = gateway("kannel")
        result = channel.send(outbound())
        said = []
        for number in range(2):
            request = self.reported(scripted, number)
            channel.verify(request)
            said += channel.parse(request)
        assert [item.state for item in said if isinstance(item, DeliveryReport)] == ["sent", last]
        assert {item.provider_id for item in said if isinstance(item, DeliveryReport)} == {
            result.provider_id
        }

    @staticmethod
    def reported(scripted: Scripted, number: int) -> Request:
        got = scripted.received(number)
        query = urlsplit(got.url).query
        path = urlsplit(got.url).path
        return Request("GET", got.url, got.headers, b"", dict(parse_qsl(query)), path=path)


class TestPerson:
    @pytest.mark.parametrize("name", NAMES)
    def test_an_sms_comes_as_the_profile_says(
        self,
        opposite: SandboxServer,
        scripted: Scripted,
        environment: pytest.MonkeyPatch,
        name: str,
    ) -> None:
        environment.setenv("HARIU_PUBLIC_URL", scripted.url)
        forget()
        opposite.world.settings = settings()
        scripted.then(200, b"")
        opposite.gateway(name, PHONE, "Ус алга, 50%+ & ү")
        request = TestReports.reported(scripted, 0)
        gateway(name).verify(request)
        (said,) = gateway(name).parse(request)
        assert (said.address, said.text) == (PHONE, "Ус алга, 50%+ & ү")  # type: ignore[union-attr]
        assert [entry["text"] for entry in opposite.messages(phone=PHONE)] == ["Ус алга, 50%+ & ү"]

    def test_what_a_gateway_is_answered_reaches_the_citizen(
        self, opposite: SandboxServer, scripted: Scripted, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("HARIU_PUBLIC_URL", scripted.url)
        forget()
        opposite.world.settings = settings()
        scripted.then(200, b"ok")
        opposite.gateway("kannel", PHONE, "Ус алга")
        assert opposite.messages(phone=PHONE)[-1]["text"] == "ok"


class TestCheck:
    @pytest.mark.parametrize("name", NAMES)
    def test_all_is_well(self, opposite: SandboxServer, name: str) -> None:
        assert list(gateway(name).check()) == []
        assert opposite.messages(phone=PHONE) == []

    def test_down(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("HARIU_GATEWAY_KANNEL_URL", "http://127.0.0.1:9/")
        forget()
        assert [problem.code for problem in gateway("kannel").check()] == ["gateway-kannel.down"]
