"""The visitor behind one proxy, several, or none; and the allow-list that looks at them."""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest

from channels.proxies import visitor
from config.profile import SHIPPED, profile
from config.settings import Settings, SettingsError, settings
from tests import instance
from tests.channels.conftest import SECRETS
from tests.channels.everything import forget
from tests.channels.website import served

TRUSTED = tuple(ip_network(name) for name in ("127.0.0.0/8", "::1", "10.0.0.0/24", "2001:db8::/32"))
PHONE = {"token": SECRETS["HARIU_GATEWAY_OPERATOR_TOKEN"], "from": "88110001", "text": "Ус алга"}


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # nobody told us to believe it
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("::1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("10.0.1.7", "198.51.100.1", "10.0.1.7"),
        ("10.0.0.7", "192.0.2.66, 198.51.100.1", "198.51.100.1"),  # made up beforehand
        ("127.0.0.1", "198.51.100.1, 10.0.0.7", "198.51.100.1"),  # two proxies of ours
        ("127.0.0.1", "192.0.2.66,198.51.100.1,10.0.0.7", "198.51.100.1"),
        ("127.0.0.1", "10.0.0.7", "10.0.0.7"),  # the proxy itself asks
        ("10.0.0.7", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.7", "[2001:db9::1]:4711", "2001:db9::1"),
        ("::ffff:10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "::ffff:198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "unknown", "10.0.0.7"),
        ("10.0.0.7", "198.51.100.1, ", "10.0.0.7"),
        ("10.0.0.7", ",,,", "10.0.0.7"),
        ("", "198.51.100.1", ""),
        ("10.0.0.7", "нууц", "10.0.0.7"),
    ],
)
def test_visitor(peer: str, forwarded: str, found: str) -> None:
    assert visitor(peer, forwarded, TRUSTED) == found


def test_only_this_host_is_believed_unless_told_otherwise() -> None:
    assert [str(network) for network in Settings().proxies] == ["127.0.0.0/8", "::1/128"]
    assert len(Settings(trusted_proxies="192.0.2.7, 2001:db8::/32").proxies) == 4


@pytest.mark.parametrize("wrong", ["proxy.example.org", "192.0.2.1/8", "*"])
def test_a_network_that_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wrong: str
) -> None:
    monkeypatch.setenv("HARIU_HOME", str(tmp_path))
    monkeypatch.setenv("HARIU_TRUSTED_PROXIES", wrong)
    settings.cache_clear()
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        settings()
    settings.cache_clear()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("192.0.2.10", 200),
        ("192.0.2.10, 198.51.100.5", 200),  # through the proxy on another host
        ("203.0.113.1", 403),
        ("192.0.2.10, 203.0.113.1", 403),  # the caller claims to be the operator
        ("198.51.100.5", 403),
        ("", 403),
    ],
)
def test_the_allow_list_of_a_gateway_behind_proxies(
    tmp_path: Path, forwarded: str, status: int
) -> None:
    own = tmp_path / "own.toml"
    text = (SHIPPED / "smart-government-2.toml").read_text()
    own.write_text(
        text.replace("[gateways.operator]", '[gateways.operator]\nallow = ["192.0.2.0/24"]')
    )
    more = {"HARIU_PROFILE": str(own), "HARIU_TRUSTED_PROXIES": "198.51.100.5", **SECRETS}
    instance.enter(instance.environment(tmp_path, "", **more))
    forget()
    profile.cache_clear()
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with served() as url:
        answer = httpx.get(f"{url}/in/gateway/operator", params=PHONE, headers=headers)
    forget()
    assert (answer.status_code, os.environ["HARIU_PROFILE"]) == (status, str(own))
