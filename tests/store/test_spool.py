"""The spool: on disk before the 200, encrypted, in order, drained once, torn ends left out."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from config import clock
from config.settings import settings
from store import db, inbox, migrate, spool
from store.db import reading
from store.messages import Inbound
from store.receipts import Receipt, rows_of
from store.schema import inbox as table
from tests.postgres import Postgres


def receipt(number: int, words: str = "Ус алга") -> Receipt:
    message = Inbound("sms", "+97675000000", f"SM{number}", "+97688110001", text=words)
    return Receipt("sms", "+97675000000", b"raw \xff", clock.now(), (message,))


def come_back(url: str) -> None:
    """The settings name the real database again."""
    os.environ["HARIU_DATABASE_URL"] = url
    settings.cache_clear()
    db.dispose()


def go_away() -> str:
    """From now on the database does not answer; its URL."""
    url = settings().database_url
    come_back("postgresql+psycopg://nobody@127.0.0.1:1/none")
    return url


def texts() -> list[str]:
    with reading() as tx:
        return list(tx.execute(select(table.c.text).order_by(table.c.id)).scalars())


@pytest.fixture(autouse=True)
def _no_drainer(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "_drainer", lambda: None)  # the tests drain by hand


def test_with_the_database_away_messages_wait_on_disk_and_come_in_order() -> None:
    url = go_away()
    for number in range(5):
        inbox.accept(receipt(number, f"үг {number}"), timeout=10)
    assert spool.holds()
    assert inbox.drain_spool() == 0
    come_back(url)
    assert inbox.drain_spool() == 5
    assert texts() == [f"үг {number}" for number in range(5)]
    assert not spool.holds()


def test_later_messages_queue_behind_spooled_ones() -> None:
    url = go_away()
    inbox.accept(receipt(1, "эхний"), timeout=10)
    come_back(url)
    inbox.accept(receipt(2, "дараагийн"))
    assert texts() == []
    assert inbox.drain_spool() == 2
    assert texts() == ["эхний", "дараагийн"]


def test_a_repeat_is_known_however_it_came() -> None:
    inbox.accept(receipt(1))
    url = go_away()
    inbox.accept(receipt(1), timeout=10)
    inbox.accept(receipt(1), timeout=10)
    come_back(url)
    inbox.drain_spool()
    assert texts() == ["Ус алга"]


def test_nothing_personal_can_be_read_in_the_file() -> None:
    url = go_away()
    inbox.accept(receipt(1, "нууц үг"), timeout=10)
    (file,) = spool.folder().glob("*.spool")
    assert file.stat().st_mode & 0o777 == 0o600
    content = file.read_bytes()
    assert b"88110001" not in content
    assert "нууц".encode() not in content
    come_back(url)


def test_a_torn_last_record_is_left_out() -> None:
    url = go_away()
    for number in range(3):
        inbox.accept(receipt(number), timeout=10)
    (file,) = spool.folder().glob("*.spool")
    file.write_bytes(file.read_bytes()[:-7])
    come_back(url)
    assert inbox.drain_spool() == 2


def test_files_of_several_processes_are_merged_by_time() -> None:
    start = clock.now()
    for number, seconds in ((1, 2), (2, 0), (3, 1)):
        item = receipt(number, f"{seconds}")
        moved = Receipt(**{
            name: getattr(item, name) for name in Receipt.__slots__
        } | {"received_at": start + timedelta(seconds=seconds)})  # fmt: skip
        rows = rows_of(moved)
        spool.append([{"raw": rows.raw, "messages": rows.messages}])
        own = spool.folder() / f"{os.getpid()}.spool"
        own.rename(spool.folder() / f"{number}.spool")
    assert inbox.drain_spool() == 3
    assert texts() == ["0", "1", "2"]


def test_a_drain_that_died_is_done_again_and_nothing_comes_twice() -> None:
    url = go_away()
    inbox.accept(receipt(1), timeout=10)
    (file,) = spool.folder().glob("*.spool")
    left = file.rename(file.with_suffix(".0.draining"))
    come_back(url)
    inbox.accept(receipt(2))
    assert left.exists()
    assert inbox.drain_spool() == 2
    assert len(texts()) == 2


def test_a_full_disk_is_an_error_in_words(tmp_path: Path) -> None:
    folder = spool.folder()
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way")
    with pytest.raises(spool.SpoolFailed, match="cannot be written"):
        spool.append([{"raw": {}, "messages": []}])


@pytest.fixture
def outage(store: str) -> Iterator[Postgres]:
    """A server of this test's own, so that its outage is nobody else's."""
    if store != "postgresql":
        pytest.skip("SQLite cannot go away")
    with Postgres(synced=False) as server:
        come_back(server.database())
        migrate.upgrade()
        yield server


def test_a_real_outage_while_many_write(outage: Postgres) -> None:
    done = []

    def write(start: int) -> None:
        for number in range(start, start + 20):
            inbox.accept(receipt(number), timeout=10)
            done.append(number)

    threads = [threading.Thread(target=write, args=(100 * n,)) for n in range(4)]
    for thread in threads[:2]:
        thread.start()
    outage.stop()
    for thread in threads[2:]:
        thread.start()
    for thread in threads:
        thread.join(60)
    outage.start()
    assert len(done) == 80
    while spool.holds():
        inbox.drain_spool()
    assert len(texts()) == 80
