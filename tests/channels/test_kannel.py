"""The gateway adapter and a real Kannel 1.4.5, through the public app on a real port."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from waitress.server import BaseWSGIServer, create_server

from channels import registry
from channels.base import Channel, ChannelDown, Rejected
from channels.web import create_app
from config.profile import profile
from config.settings import settings
from store.db import reading
from store.messages import Outbound
from store.schema import inbox
from tests import instance
from tests.channels.kannel import MISSING, PASSWORD, SHORT_NUMBER, USER, Kannel, free_ports, sms

pytestmark = [pytest.mark.tier2, pytest.mark.skipif(MISSING, reason="NOT RUN: needs Kannel")]

TOKEN = "kannel-test-token"
PHONE = "+97688110001"
WELL = "Манай сумын худаг ширгэсэн, ус алга. "
Row = tuple[str, str, str, str]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """This process in a fresh instance; the port where its public app is or will be."""
    before = dict(os.environ)
    (found,) = free_ports(1)
    instance.enter(instance.environment(tmp_path, HARIU_PUBLIC_URL=f"http://127.0.0.1:{found}"))
    yield found
    instance.forget()
    registry.active.cache_clear()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def app(port: int) -> Iterator[BaseWSGIServer]:
    server = serve(port)
    yield server
    server.close()


@pytest.fixture
def kannel(port: int, tmp_path: Path) -> Iterator[Kannel]:
    with started(port, tmp_path) as running:
        yield running


def started(port: int, folder: Path, *, recode: bool = True) -> Kannel:
    return Kannel(folder, f"http://127.0.0.1:{port}/in/gateway/kannel", TOKEN, recode)


def serve(port: int) -> BaseWSGIServer:
    server: BaseWSGIServer = create_server(create_app(), host="127.0.0.1", port=port)
    threading.Thread(target=server.run, daemon=True).start()
    return server


def configure(kannel: Kannel) -> Channel:
    """Point the adapter at this Kannel."""
    given = {
        "URL": kannel.sendsms, "TOKEN": TOKEN, "USER": USER, "PASSWORD": PASSWORD,
        "SENDER": SHORT_NUMBER,
    }  # fmt: skip
    os.environ |= {f"HARIU_GATEWAY_KANNEL_{key}": value for key, value in given.items()}
    for cached in (settings, profile, registry.active):
        cached.cache_clear()
    return registry.channel("gateway-kannel")


def outbound(text: str, address: str = PHONE) -> Outbound:
    return Outbound(1, "gateway-kannel", SHORT_NUMBER, address, text, "case:1:ack")


def rows() -> list[Row]:
    """(address, kind, text, choice) of all that was taken in."""
    with reading() as tx:
        found = tx.execute(
            select(inbox.c.address, inbox.c.kind, inbox.c.text, inbox.c.choice).order_by(inbox.c.id)
        )
        return [tuple(row) for row in found]  # type: ignore[misc]


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {rows()}"
        time.sleep(0.1)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("sender", ["97688110001", "+97688110001", "88110001"])
def test_an_sms_in(kannel: Kannel, sender: str) -> None:
    configure(kannel)
    kannel.operator(sms(sender, WELL.strip()))
    wait_for(lambda: len(rows()) == 1)
    assert rows() == [(PHONE, "text", WELL.strip(), "")]
    time.sleep(1)
    assert kannel.sent() == []  # our empty answer is not texted to anybody


@pytest.mark.usefixtures("app")
def test_a_long_one_with_lines_comes_whole(kannel: Kannel) -> None:
    configure(kannel)
    text = f"{WELL * 5}\n  Хариу өгнө үү: 50% + 50 & ₮100?"
    kannel.operator(sms("97688110001", text))
    wait_for(lambda: len(rows()) == 1)
    assert rows()[0][2] == text


@pytest.mark.usefixtures("app")
def test_without_mo_recode_cyrillic_is_read_all_the_same(port: int, tmp_path: Path) -> None:
    with started(port, tmp_path, recode=False) as kannel:
        configure(kannel)
        kannel.operator(sms("97688110001", WELL.strip()))
        wait_for(lambda: len(rows()) == 1)
        assert rows()[0][2] == WELL.strip()


@pytest.mark.usefixtures("app")
def test_an_sms_out_and_its_two_reports(kannel: Kannel) -> None:
    channel = configure(kannel)
    kannel.operator()
    text = "Таны гомдлыг бүртгэлээ. Дугаар 12345674"
    result = channel.send(outbound(text))
    (got,) = kannel.got(1)
    assert (got.sender, got.to, got.text) == (SHORT_NUMBER, PHONE, text)
    wait_for(lambda: len(rows()) == 2)
    assert sorted(row[3] for row in rows()) == ["delivered", "sent"]
    assert {row[1] for row in rows()} == {"delivery"}
    with reading() as tx:
        known = list(tx.execute(select(inbox.c.external_id)).scalars())
    assert sorted(known) == [f"{result.provider_id}:delivered", f"{result.provider_id}:sent"]


@pytest.mark.usefixtures("app")
def test_long_cyrillic_leaves_in_parts_of_67(kannel: Kannel) -> None:
    channel = configure(kannel)
    kannel.operator()
    text = (WELL * 4).strip()
    channel.send(outbound(text))
    parts = kannel.got(3)
    assert "".join(part.text for part in parts) == text
    assert [len(part.text) for part in parts] == [67, 67, len(text) - 134]
    heads = [tuple(part.header) for part in parts]  # TS 23.040, 9.2.3.24.1: 5 0 3 reference of this
    assert [head[-2:] for head in heads] == [(3, 1), (3, 2), (3, 3)]
    assert len({head[:-2] for head in heads}) == 1
    wait_for(lambda: len(rows()) == 2)  # one pair of reports for the whole message
    time.sleep(0.5)
    assert len(rows()) == 2


@pytest.mark.usefixtures("app")
def test_latin_letters_leave_as_gsm_7(kannel: Kannel) -> None:
    channel = configure(kannel)
    kannel.operator()
    channel.send(outbound("Tany gomdlyg burtgelee. Dugaar 12345674 {x} [y]"))
    assert kannel.got(1)[0].text == "Tany gomdlyg burtgelee. Dugaar 12345674 {x} [y]"


def test_while_we_are_away_kannel_tries_again(kannel: Kannel, port: int) -> None:
    configure(kannel)
    kannel.operator(sms("97688110001", WELL.strip()))
    time.sleep(2.5)  # some calls fail
    assert rows() == []
    server = serve(port)
    try:
        wait_for(lambda: len(rows()) == 1)
        time.sleep(2)
        assert rows() == [(PHONE, "text", WELL.strip(), "")]
    finally:
        server.close()


def test_with_the_operator_away_it_is_queued(kannel: Kannel) -> None:
    channel = configure(kannel)
    assert channel.send(outbound("Хүлээгээрэй")).provider_id
    kannel.operator()
    assert kannel.got(1)[0].text == "Хүлээгээрэй"


def test_a_wrong_password_and_a_wrong_number(kannel: Kannel) -> None:
    channel = configure(kannel)
    assert list(channel.check()) == []
    with pytest.raises(Rejected):
        channel.send(outbound("x", address=""))
    os.environ["HARIU_GATEWAY_KANNEL_PASSWORD"] = "old"
    settings.cache_clear()
    registry.active.cache_clear()
    with pytest.raises(ChannelDown) as caught:
        registry.channel("gateway-kannel").send(outbound("x"))
    assert caught.value.code == "403"


def test_kannel_away(kannel: Kannel) -> None:
    channel = configure(kannel)
    kannel.stop()
    with pytest.raises(ChannelDown):
        channel.send(outbound("x"))
    assert [problem.code for problem in channel.check()] == ["gateway-kannel.down"]
