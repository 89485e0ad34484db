"""Dead letters are read again as they came: where to, by GET or POST, with what."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from channels.replay import NothingToReplay, replay
from config import clock
from config.profile import SHIPPED, profile
from store import spool
from store.db import reading, transaction
from store.inbox import drain_spool, insert
from store.receipts import Receipt, rows_of
from store.schema import inbox, raw_event
from tests.channels.conftest import SECRETS
from tests.channels.everything import Everything, everything, forget

TOKEN = SECRETS["HARIU_GATEWAY_KANNEL_TOKEN"]


@pytest.fixture
def all_of(tmp_path: Path) -> Iterator[Everything]:
    with everything(tmp_path) as found:
        yield found


def mend(folder: Path, table: str) -> None:
    """The operator corrects the gateway's table in a profile of their own."""
    text = (SHIPPED / "smart-government-2.toml").read_text()
    own = folder / "own.toml"
    own.write_text(
        text.replace('[gateways.kannel]\nkind = "kannel"', f"[gateways.kannel]\n{table}")
    )
    os.environ["HARIU_PROFILE"] = str(own)
    forget()
    profile.cache_clear()


def states() -> list[tuple[str, str, str]]:
    with reading() as tx:
        rows = tx.execute(select(inbox.c.kind, inbox.c.state, inbox.c.choice).order_by(inbox.c.id))
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_gateway_s_report_stays_a_report(all_of: Everything, tmp_path: Path, method: str) -> None:
    path = f"{all_of.url}/in/gateway/kannel/report"
    fields = {"token": TOKEN, "msgid": "0123abc", "state": "1"}
    answer = httpx.request(method, path, params=fields)
    assert (answer.status_code, answer.text) == (200, "")
    assert [state for _, state, _ in states()] == ["dead"]
    with reading() as tx:
        kept = tx.execute(select(raw_event.c.path, raw_event.c.body)).one()
    assert kept == ("/in/gateway/kannel/report", b"msgid=0123abc&state=1")  # and no token
    with pytest.raises(NothingToReplay):
        replay(1)
    mend(tmp_path, 'kind = "kannel"\nreport = { id = "msgid", state = "state" }')
    assert "1 messages" in replay(1)
    assert states()[-1] == ("delivery", "new", "delivered")


def test_a_gateway_s_message_stays_a_message(all_of: Everything, tmp_path: Path) -> None:
    fields = {"token": TOKEN, "msisdn": "97688110001", "text": "Ус алга", "state": "1"}
    assert httpx.get(f"{all_of.url}/in/gateway/kannel", params=fields).status_code == 200
    mend(tmp_path, 'kind = "kannel"\ninbound = { from = "msisdn", text = "text" }')
    assert "1 messages" in replay(1)
    assert states()[-1] == ("text", "new", "")


@pytest.mark.usefixtures("all_of")
def test_what_was_kept_without_a_path_is_read_as_a_message(tmp_path: Path) -> None:
    """Rows of the first release have none."""

    receipt = Receipt(
        "gateway-kannel", "1414", b"msisdn=97688110001&text=x", clock.now(),
        content_type="application/x-www-form-urlencoded", error="unparseable.sender: no sender",
    )  # fmt: skip
    with transaction() as tx:
        insert(tx, [rows_of(receipt)])
    mend(tmp_path, 'kind = "kannel"\ninbound = { from = "msisdn", text = "text" }')
    assert "1 messages" in replay(1)


@pytest.mark.usefixtures("all_of")
def test_what_a_release_without_paths_spooled_comes_in() -> None:

    rows = rows_of(Receipt("sms", "+97677000001", b"x", clock.now(), error="unparseable: x"))
    older = {name: value for name, value in rows.raw.items() if name != "path"}
    spool.append([{"raw": older, "messages": rows.messages}])
    assert drain_spool() == 1
    assert [state for _, state, _ in states()] == ["dead"]
