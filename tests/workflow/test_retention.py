"""What need not be kept goes, in small batches, on both stores; what else stays as it was."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from config import clock, profile
from config.care import Retention
from store import attempts, desk, erasure, hooks, inbox, officers, people, slots, sweeping
from store.db import reading, transaction
from store.inbox import Receipt
from store.messages import DeliveryReport, Inbound, OutboundState
from store.schema import (
    attempt,
    hook_call,
    metadata,
    officer_session,
    raw_event,
    slot,
)
from store.schema import inbox as inbox_table
from store.sweeping import sweep
from tests.admin import town
from workflow import erasing, jobs, open_figures, retention

RULES = Retention(closed_months=24, withdrawn_days=30, loose_days=90, raw_days=60, dead_days=180)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _rules(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = profile.profile().model_copy(update={"retention": RULES})
    monkeypatch.setattr(retention, "profile", lambda: kept)


def count(table: str) -> int:
    with reading() as tx:
        return int(tx.scalar(select(func.count()).select_from(metadata.tables[table])))


def arrive(text: str, address: str, at: datetime) -> int:
    message = Inbound("sms", "+97675000000", f"{address}{text}", address, text=text)
    inbox.accept(Receipt("sms", "+97675000000", text.encode(), at, (message,)))
    with reading() as tx:
        return int(tx.scalar(select(func.max(inbox_table.c.id))))


def test_counted_tries_go_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now()
    with transaction() as tx:
        for number in range(40):
            attempts.hit(tx, "form", number, now - 3 * DAY)
        for number in range(7):
            attempts.hit(tx, "form", number, now)
    monkeypatch.setattr(sweeping, "BATCH", 15)
    window = int((now - DAY).timestamp()) // attempts.WINDOW_SECONDS
    assert list(sweep(attempt, attempt.c.window < window)) == [15, 15, 10]
    assert count("attempt") == 7
    assert retention.run(now)
    assert count("attempt") == 7
    with transaction() as tx:
        assert attempts.hit(tx, "form", 0, now) == 2, "this hour's count goes on"


def test_what_only_tells_how_the_house_was_run_goes() -> None:
    saraa, now = town.join(), clock.now()
    town.channels_known()
    case = town.arrive(town.PEOPLE[0], now)
    with transaction() as tx:
        for age in (100, 1):
            officers.start_session(tx, saraa, "a browser", now - age * DAY)
            assert slots.take(tx, "digest", f"{now - age * DAY:%Y-%m-%d}", now - age * DAY)
        assert slots.take(tx, "rounds", "escalation", now - 900 * DAY)
        slots.remember(tx, "reconcile:sms", now - 900 * DAY)
        desk.look(tx, saraa, case.id, now - 2 * DAY)
    assert retention.run(now)
    with reading() as tx:
        seen = list(tx.execute(select(officer_session.c.seen_at)).scalars())
        done = set(tx.execute(select(slot.c.slot)).scalars())
    assert [(now - at).days for at in seen] == [1]
    assert done == {f"{now - DAY:%Y-%m-%d}", "escalation", "last"}
    assert count("looking") == 0
    with transaction() as tx:
        desk.look(tx, saraa, case.id, now)
    retention.run(now)
    assert count("looking") == 1


def test_calls_that_were_given_up_go_and_those_that_wait_stay() -> None:
    now = clock.now()
    with transaction() as tx:
        number, _ = hooks.add(tx, "x", "https://example.invalid/", ("*",), now, active=True)
        row = {"hook_id": number, "event": "registered", "body": "{}", "not_before": now}
        made = [("dead", 200), ("dead", 10), ("queued", 200)]
        tx.execute(
            hook_call.insert(),
            [
                row | {"key": f"k{n}", "state": state, "created_at": now - age * DAY}
                for n, (state, age) in enumerate(made)
            ],
        )
    assert retention.run(now)
    with reading() as tx:
        assert set(tx.execute(select(hook_call.c.key)).scalars()) == {"k1", "k2"}


def test_a_message_nobody_could_handle_loses_its_words_in_time() -> None:
    start = clock.now() - 1000 * DAY
    number = arrive("миний нэр Жишээ, утас 70004711", "+97670004711", start)
    with transaction() as tx:
        inbox.set_aside(tx, number, "could not be handled: KeyError", start)
    one = select(inbox_table).where(inbox_table.c.id == number)
    retention.run(start + 179 * DAY)
    with reading() as tx:
        assert "Жишээ" in tx.execute(one).one().text
    retention.run(start + 181 * DAY)
    with reading() as tx:
        row = tx.execute(one).one()
        raw = tx.execute(select(raw_event.c.body)).scalar_one()
    assert (row.text, row.address, row.error, bytes(raw)) == ("", "", "", b"")
    assert row.state == "ignored", "it is no dead letter any more"


def test_reports_of_letters_go_once_the_letters_know() -> None:
    start = clock.now() - 300 * DAY
    for number in range(3):
        report = DeliveryReport(
            "sms", "+97675000000", f"SM{number}", OutboundState.DELIVERED, "+97670000001"
        )
        inbox.accept(Receipt("sms", "+97675000000", b"{}", start, (report,)))
    arrive("ус алга", "+97670000001", start)
    with transaction() as tx:
        numbers = list(tx.execute(select(inbox_table.c.id).order_by(inbox_table.c.id)).scalars())
        inbox.finish(tx, [(number, None, None) for number in (*numbers[:2], numbers[3])], start)
    retention.run(start + 59 * DAY)
    assert count("inbox") == 4
    retention.run(start + 61 * DAY)
    with reading() as tx:
        left = list(tx.execute(select(inbox_table.c.id).order_by(inbox_table.c.id)).scalars())
    assert left == numbers[2:], "one nobody has read yet, and what a person wrote, stay"


@pytest.mark.parametrize("looked", [False, True])
def test_erasing_finds_messages_that_nobody_handled(looked: bool) -> None:
    """Also those that come between the look beforehand and the erasing itself."""
    town.channels_known()
    now, phone = clock.now(), "+97670000001"
    case = town.arrive(town.PEOPLE[0], now)
    other = arrive("өөр хүн", "+97670009999", now)
    before = arrive("дахиад асууя", phone, now)
    assert case.address_id
    with reading() as tx:
        ends = [case.address_id]
        heard = erasure.heard(tx, ends) if looked else erasure.NOTHING
        assert sum(map(len, heard.rows.values())) == int(looked)
    after = arrive("гурав дахь", phone, now + HOUR)
    with transaction() as tx:
        erasing.addresses(tx, ends, now, heard)
    with reading() as tx:
        rows = tx.execute(select(inbox_table.c.id, inbox_table.c.text))
        texts = {row.id: row.text for row in rows}
    assert (texts[before], texts[after], texts[other]) == ("", "", "өөр хүн")


def test_a_late_commit_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look is trusted up to some rows before its end, not for the newest ones."""
    monkeypatch.setattr(erasure, "_LATE", 1)
    ids = [arrive(str(number), "+97670000001", clock.now()) for number in range(3)]
    with transaction() as tx:
        index = people.address_index("sms", "+97670000001")
        end = people.Endpoint("sms", "+97675000000", "+97670000001", index)
        (row,) = people.resolve(tx, [end], clock.now()).values()
        assert erasure.heard(tx, [row.id]).upto == ids[1]
        lately = erasure.heard(tx, [row.id], ids[1])
    assert list(lately.rows.values()) == [[ids[2]]]


def test_an_interrupted_night_goes_on_where_it_was() -> None:
    now = clock.now()
    with transaction() as tx:
        for number in range(3):
            attempts.hit(tx, "form", number, now - 3 * DAY)
    assert not retention.run(now, -1)
    assert count("attempt") == 0, "a batch is done before time is looked at"
    assert retention.run(now)


def test_the_clock_does_it_beside_its_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"figures", "retention"} == jobs._BESIDE.keys()
    retention._done.clear()
    open_figures._done.clear()
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 0.02)
    stop = threading.Event()
    with time_machine.travel(datetime(2026, 9, 1, 21, tzinfo=clock.now().tzinfo), tick=True):
        thread = threading.Thread(target=jobs._beside, args=(stop,))
        thread.start()
        deadline = time.monotonic() + 10
        while "day" not in retention._done and time.monotonic() < deadline:
            time.sleep(0.02)
        stop.set()
        thread.join()
    assert retention._done["day"] == "2026-09-02", "five in the morning there"
    with reading() as tx:
        assert slots.last(tx, "retention") is not None
