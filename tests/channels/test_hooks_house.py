"""Webhooks of a running house: added in the desk, killed in between, never in anybody's way."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from html import unescape

import pytest

from tests.channels.receiver import OK, Receiver, raw, status
from tests.house import House, until
from tests.test_path import WELL, Desk

pytestmark = pytest.mark.slow
HOOKS = "/settings/hooks/"
TOLD = {"registered": "grievance.registered", "acknowledged": "grievance.acknowledged"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    on = {}
    if request.param == "postgresql":
        on = {"HARIU_DATABASE_URL": request.getfixturevalue("postgres").database()}
    with House(tmp_path_factory.mktemp("house") / "home", **on) as running:
        yield running


@pytest.fixture(scope="module")
def other(house: House) -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def desk(house: House) -> Desk:
    """The first officer's browser, who is an administrator too."""
    found, new = Desk(house), "urt nuuts ug 2026"
    answer = found.post("/sign-in", "/sign-in", login="officer", password=house.password)
    found.post(str(answer.url), "/account/password", old=house.password, new=new, again=new)
    return found


@pytest.fixture(scope="module")
def secret(desk: Desk, other: Receiver) -> str:
    """The hook, added in the desk; its secret is shown this once."""
    form = {"label": "Жишээ систем", "url": other.url, "active": "1"}
    answer = desk.post(HOOKS, f"{HOOKS}0", **form, events=[*TOLD.values()])  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    shown = re.search(r"whsec_[A-Za-z0-9+/=]+", unescape(answer.text))
    assert shown
    assert shown[0] not in desk.http.get(HOOKS).text
    return shown[0]


def _shows(desk: Desk, words: str) -> bool:
    return words in desk.http.get(HOOKS).text


def test_a_test_event_is_answered_in_words(
    house: House, desk: Desk, other: Receiver, secret: str
) -> None:
    for answer, words in ((status(404), "404 гэж хариулсан"), (OK, "Нөгөө систем хүлээж авлаа")):
        other.answer = answer
        desk.post(HOOKS, f"{HOOKS}1/test")
        until(partial(_shows, desk, words), 5, words)
    assert [each.json["type"] for each in other.received] == ["hook.test"] * 2
    assert all(each.signed_by(secret) for each in other.received)
    other.received.clear()


def test_a_step_is_told_within_seconds(house: House, other: Receiver, secret: str) -> None:
    house.sms("+97688120001", WELL)
    (registered, acknowledged) = other.wait(2, 5)
    assert registered.signed_by(secret)
    assert (registered.json["type"], acknowledged.json["type"]) == tuple(TOLD.values())
    assert registered.json["data"]["reference"] in house.told("+97688120001", "Дугаар")


def test_a_hook_that_hangs_delays_no_letter(house: House, other: Receiver, secret: str) -> None:
    other.answer = raw(b"", pause=12)
    try:
        for number in range(3):
            began = time.monotonic()
            house.sms(f"+9768812010{number}", WELL)
            house.told(f"+9768812010{number}", "Дугаар")
            assert time.monotonic() - began < 2
    finally:
        other.answer = OK


def test_killing_the_deliverer_loses_nothing_and_keeps_the_order(
    house: House, other: Receiver, secret: str
) -> None:
    slow, down = raw(b"HTTP/1.1 200 OK\r\n", b"Content-Length: 0\r\n\r\n", pause=0.3), status(500)
    other.answer = lambda handler, got: (down if len(other.received) % 7 == 0 else slow)(
        handler, got
    )
    for number in range(12):
        house.sms(f"+9768812020{number:02}", WELL)
        if number % 4 == 3:
            time.sleep(0.6)
            house.kill("deliver")
    for number in range(12):
        house.told(f"+9768812020{number:02}", "Дугаар", 40)
    other.answer = OK
    happened = {
        (event["grievance"], TOLD[event["kind"]])
        for event in house.dump("events")
        if event["kind"] in TOLD
    }
    until(lambda: set(other.told) == happened, 60, "everything told")
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    order: dict[str, list[str]] = defaultdict(list)
    for each, (reference, event) in zip(other.received, other.told, strict=True):
        assert each.signed_by(secret)
        ids[reference, event].add(each.id)
        if event not in order[reference]:
            order[reference].append(event)
    assert {len(found) for found in ids.values()} == {1}
    assert all(found == list(TOLD.values()) for found in order.values())


def test_metrics_the_doctor_and_the_log_know_without_the_address(
    house: House, desk: Desk, other: Receiver, secret: str
) -> None:
    other.answer, before = status(500), len(other.received)
    house.sms("+97688120300", WELL)
    other.wait(before + 1)
    until(lambda: "hook not told" in _logged(house), 10, "a line in the log")
    assert "Жишээ систем does not get through (500)" in house.hariu("doctor").stdout
    other.answer = OK
    until(lambda: "Жишээ систем told" in house.hariu("doctor").stdout, 20, "through again")
    token = re.search(r"HARIU_METRICS_TOKEN=(\S+)", (house.home / "keys.env").read_text())
    assert token
    metrics = desk.http.get("/metrics", headers={"Authorization": f"Bearer {token[1]}"}).text
    sent, failed = (
        re.search(rf'hariu_hook_calls_total{{hook="1",result="{result}"}} (\d+)', metrics)
        for result in ("sent", "failed")
    )
    assert sent
    assert failed
    assert (int(sent[1]) >= 1, int(failed[1]) >= 1) == (True, True)
    assert "of-theirs" not in _logged(house) + metrics
    assert secret not in _logged(house) + metrics


def _logged(house: House) -> str:
    return "".join(path.read_text() for path in (house.home / "log").glob("*"))
