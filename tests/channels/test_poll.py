"""What the poller brings, on both stores: files of messages, and messages a provider has alone."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.jobs import drain
from channels import media, poll, registry
from channels.media import LARGEST, content_type, fetch_due
from channels.poll import reconcile
from channels.sandbox.server import SandboxServer
from channels.sms_twilio import TwilioSms
from config import clock
from store import files
from store.db import DatabaseAway, reading, transaction
from store.messages import Attachment, Kind
from store.queue import PARTITIONS
from store.schema import attachment, grievance
from store.schema import inbox as inbox_table
from tests.channels.test_jobs import come, sandbox

__all__ = ["sandbox"]

PHOTO = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")


def kept() -> tuple[str, str, int]:
    with reading() as tx:
        row = tx.execute(select(attachment)).one()
    return row.state, row.error, row.tries


def fetch() -> None:
    """As if every pause were over."""
    with transaction() as tx:
        tx.execute(attachment.update().values(not_before=clock.now() - timedelta(seconds=1)))
    fetch_due(registry.active())


def test_a_file_is_fetched_judged_by_content_and_stored_encrypted(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = Attachment("image", "image/jpeg", 10, "зураг.jpg", handle="photo")
    come("telegram", "5001", "Ус бохир", kind=Kind.MEDIA, attachments=(part,))
    channel = registry.active()["telegram"]
    monkeypatch.setattr(channel, "fetch", lambda wanted: media.Fetched(PHOTO, "text/html", "x"))
    fetch()
    assert kept()[:2] == ("stored", "")
    with reading() as tx:
        row = tx.execute(select(attachment)).one()
    assert row.content_type == "image/jpeg"
    assert files.get(row.sha256) == PHOTO
    assert PHOTO not in files._path(row.sha256).read_bytes()


def test_a_provider_in_trouble_is_asked_again_and_the_message_never_waits(
    sandbox: SandboxServer,
) -> None:
    part = Attachment("image", handle="no such file")
    come("telegram", "5001", "Ус бохир", kind=Kind.MEDIA, attachments=(part,))
    with reading() as tx:
        assert len(tx.execute(select(grievance)).all()) == 1
    sandbox.behave("telegram", "500")
    fetch()
    state, error, tries = kept()
    assert (state, tries) == ("waiting", 1)
    assert error
    for _ in range(media.TRIES):
        fetch()
    assert kept()[0] == "lost"


def test_too_large_and_unwanted_files_are_refused_with_the_reason(sandbox: SandboxServer) -> None:
    big = Attachment("video", "video/mp4", LARGEST + 1, handle="big")
    come("telegram", "5001", "Ус бохир", kind=Kind.MEDIA, attachments=(big,))
    fetch()
    assert kept()[:2] == ("refused", "too large")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PHOTO, "image/jpeg"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"OggS" + bytes(60), "audio/ogg"),
        ("Ус алга".encode(), "text/plain"),
        (b"MZ\x90\0" + bytes(100), None),
        (b"PK\x03\x04" + bytes(100), None),
        (b"", None),
        (b"\xff\xfe\xfa\xfb", None),
    ],
)
def test_files_are_judged_by_what_they_are(content: bytes, kind: str | None) -> None:
    assert content_type(content) == kind


def test_what_only_the_provider_has_is_taken_in_after_an_outage(sandbox: SandboxServer) -> None:
    """The phone's webhook reaches nobody: "logged and nothing more"; the list still has it."""
    for number in range(3):
        sandbox.sms("+97688110001", f"Ус алга {number}")
    channel = registry.active()["sms"]
    assert isinstance(channel, TwilioSms)
    assert reconcile(channel) == 3
    assert reconcile(channel) == 3  # listing twice does no harm
    for part in range(PARTITIONS):
        drain(part)
    with reading() as tx:
        texts = list(tx.execute(select(inbox_table.c.text).order_by(inbox_table.c.id)).scalars())
    assert texts == [f"Ус алга {number}" for number in range(3)]


def test_trouble_that_nobody_foresaw_does_not_end_a_channel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poll, "PAUSE_SECONDS", 0.0)
    stop = threading.Event()
    monkeypatch.setattr(poll, "_stop", stop)
    asked: list[int] = []

    def work() -> None:
        asked.append(1)
        if len(asked) == 3:
            stop.set()
        raise (ValueError, KeyError, DatabaseAway)[len(asked) - 1]

    poll.repeat(work, 0.0)
    assert len(asked) == 3
