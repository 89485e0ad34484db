"""What the files of the database still hold of words that were sealed."""

from __future__ import annotations

import pytest

from bot.jobs import drain
from config import clock
from config.settings import settings
from store import channels, inbox
from store.db import transaction
from store.inbox import Receipt
from store.messages import Capabilities, Inbound
from store.queue import PARTITIONS
from workflow import jobs

WORDS = "Захирал ажилд авахын тулд мөнгө нэхэж байна"


def held() -> bytes:
    return b"".join(path.read_bytes() for path in settings().home.glob("hariu.db*"))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_minutes_after_sealing_no_page_holds_the_words(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(jobs._emptied, "at", float("-inf"))
    with transaction() as tx:
        channels.sync(tx, {"sms": ("+97675000000", Capabilities(form="sms", units=134))})
    message = Inbound("sms", "+97675000000", "SM1", "+97688110001", text=WORDS)
    inbox.accept(Receipt("sms", "+97675000000", WORDS.encode(), clock.now(), (message,)))
    assert WORDS.encode() in held()

    assert sum(drain(part) for part in range(PARTITIONS)) == 1
    jobs.forget_pages(clock.now())

    assert WORDS.encode() not in held()
    assert WORDS[:12].encode() not in held()
