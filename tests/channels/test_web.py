"""Uptake by its real route, on both stores: the right status code, nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator
from waitress.server import create_server

from bot.jobs import drain
from channels import registry
from channels.web import create_app
from config.settings import settings
from store.db import reading
from store.queue import PARTITIONS
from store.schema import grievance, raw_event
from store.schema import inbox as table
from tests import instance

TOKEN = "0123456789abcdef0123456789abcdef"
SECRET = "a-telegram-secret"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def base(store: str) -> Iterator[str]:
    """The public app on a real port, with two channels configured."""
    os.environ |= {
        "HARIU_PUBLIC_URL": "https://grm.example.mn",
        "HARIU_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "HARIU_TWILIO_AUTH_TOKEN": TOKEN,
        "HARIU_TWILIO_FROM": "+97675000000",
        "HARIU_TELEGRAM_TOKEN": "700:" + "t" * 35,
        "HARIU_TELEGRAM_SECRET": SECRET,
    }
    settings.cache_clear()
    registry.active.cache_clear()
    server = create_server(create_app(), host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(5)
    registry.active.cache_clear()


def sms(base: str, fields: dict[str, str], token: str = TOKEN, body: bytes = b"") -> httpx.Response:
    """A form webhook, signed for the *public* address as behind a proxy."""
    url = "https://grm.example.mn/in/sms"
    signature = RequestValidator(token).compute_signature(url, fields)
    content = body or urlencode(fields).encode()
    headers = FORM | {"x-twilio-signature": signature}
    return httpx.post(f"{base}/in/sms", content=content, headers=headers, timeout=20)


def telegram(base: str, content: bytes, secret: str = SECRET) -> httpx.Response:
    headers = {"content-type": "application/json", "x-telegram-bot-api-secret-token": secret}
    return httpx.post(f"{base}/in/telegram", content=content, headers=headers, timeout=20)


def fields(number: int = 1, text: str = "Ус алга") -> dict[str, str]:
    sid = f"SM{number:032x}"
    return {"MessageSid": sid, "From": "+97688110001", "To": "+97675000000", "Body": text}


def stored() -> list[tuple[str, str, str]]:
    """(state, text, error) of every inbox row."""
    with reading() as tx:
        rows = tx.execute(select(table.c.state, table.c.text, table.c.error).order_by(table.c.id))
        return [(row.state, row.text, row.error) for row in rows]


def raws() -> int:
    with reading() as tx:
        return int(tx.scalar(select(func.count()).select_from(raw_event)))


def test_a_signed_message_is_stored_before_its_200(base: str) -> None:
    assert sms(base, fields()).status_code == 200
    assert stored() == [("new", "Ус алга", "")]


def test_a_replayed_message_is_stored_once(base: str) -> None:
    assert {sms(base, fields()).status_code for _ in range(3)} == {200}
    assert len(stored()) == 1


@pytest.mark.parametrize("token", ["", "wrong"])
def test_an_unsigned_or_wrongly_signed_message_is_refused(base: str, token: str) -> None:
    if token:
        assert sms(base, fields(), token=token).status_code == 403
    else:
        answer = httpx.post(f"{base}/in/sms", content=urlencode(fields()), headers=FORM)
        assert answer.status_code == 403
    assert telegram(base, b"{}", secret=token).status_code == 403
    assert stored() == []
    assert raws() == 0


def test_a_body_changed_after_signing_is_refused(base: str) -> None:
    assert sms(base, fields(), body=urlencode(fields(text="өөр")).encode()).status_code == 403


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"update_id": 1, "message": {"chat"', b"\xff\xfe\x00", b"[]", b'"x"', b"7"],
)
def test_a_genuine_event_that_is_broken_becomes_a_dead_letter(base: str, body: bytes) -> None:
    assert telegram(base, body).status_code == 200
    assert telegram(base, body).status_code == 200  # the provider repeats it
    ((state, _, error),) = stored()
    assert state == "dead"
    assert error.startswith("unparseable")


def test_an_unknown_event_is_kept_and_ignored(base: str) -> None:
    assert telegram(base, b'{"update_id": 5, "something_new": {"a": 1}}').status_code == 200
    assert stored() == []
    assert raws() == 1


def test_ten_megabytes_are_refused(base: str) -> None:
    try:
        answer = telegram(base, b"x" * 10_000_000)
    except httpx.TransportError:
        answer = None  # the server may close while we still send
    assert answer is None or answer.status_code == 413
    assert stored() == []


def test_nul_and_odd_characters_are_stored(base: str) -> None:
    assert sms(base, fields(text="ус\x00 алга \ufffd 😀")).status_code == 200
    ((_, text, _),) = stored()
    assert text == "ус алга \ufffd 😀"


def test_a_lone_surrogate_in_json_is_stored(base: str) -> None:
    update = {
        "update_id": 9,
        "message": {
            "message_id": 3, "date": 1_800_000_000, "text": "ус \ud83d алга",
            "chat": {"id": 77, "type": "private"}, "from": {"id": 77, "first_name": "Т"},
        },
    }  # fmt: skip
    assert telegram(base, json.dumps(update).encode()).status_code == 200
    ((state, text, _),) = stored()
    assert state == "new"
    assert text.startswith("ус ")


def test_an_empty_text_is_kept_and_answered_but_registers_nothing(base: str) -> None:
    assert sms(base, fields(text="")).status_code == 200
    assert sum(drain(part) for part in range(PARTITIONS)) == 1
    assert [row[0] for row in stored()] == ["done"]
    with reading() as tx:
        assert tx.scalar(select(func.count()).select_from(grievance)) == 0


def test_strange_ways_in(base: str) -> None:
    assert httpx.get(f"{base}/in/sms").status_code in {403, 405}
    assert httpx.post(f"{base}/in/nobody").status_code == 404
    assert httpx.get(f"{base}/healthz").text == "ok\n"
    assert httpx.get(f"{base}/readyz").text == "ready\n"


def test_without_a_database_readiness_says_so_in_words(base: str) -> None:
    os.environ["HARIU_DATABASE_URL"] = "postgresql://127.0.0.1:1/none"
    instance.forget()
    answer = httpx.get(f"{base}/readyz")
    assert (answer.status_code, answer.text) == (503, "the database is away\n")
    assert httpx.get(f"{base}/healthz").status_code == 200


def test_concurrent_requests_share_commits_and_each_is_stored(base: str) -> None:
    def send(start: int) -> None:
        for number in range(start, start + 10):
            assert sms(base, fields(number)).status_code == 200

    threads = [threading.Thread(target=send, args=(100 * n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stored()) == 80


def test_a_dead_letter_is_read_again_when_its_reader_was_mended(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from channels.base import Unparseable
    from channels.replay import NothingToReplay, replay

    sound = registry.active()["sms"].parse

    def broken(request: object) -> list[object]:
        raise Unparseable("a form we do not know yet")

    monkeypatch.setattr(registry.active()["sms"], "parse", broken)
    assert sms(base, fields()).status_code == 200
    assert [row[0] for row in stored()] == ["dead"]
    with pytest.raises(NothingToReplay):
        replay(1)
    monkeypatch.setattr(registry.active()["sms"], "parse", sound)
    assert "1 messages" in replay(1)
    assert [row[:2] for row in stored()][-1] == ("new", "Ус алга")
    with pytest.raises(NothingToReplay):
        replay(77)
