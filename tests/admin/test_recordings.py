"""Recordings at the desk: player, words, gist, heard; and the clips of the hotline."""

from __future__ import annotations

import io
import wave

import pytest
from flask import Flask
from sqlalchemy import select

from config import clock, prompts
from store import files, inbox
from store.attachments import STORED
from store.db import reading, transaction
from store.grievances import by_references
from store.inbox import Receipt
from store.messages import Attachment, Inbound, Kind
from store.schema import attachment, recording_note
from store.schema import inbox as inbox_table
from tests.admin.conftest import Desk, another, fresh
from tests.channels.hotline import voice
from workflow.commands import Act, Actor, Register
from workflow.handlers import Casework
from workflow.states import Role


def spoken(sensitive: bool = False) -> tuple[str, int]:
    """A grievance that is a recording: its reference and the number of the file."""
    now = clock.now()
    message = Inbound("voice", "+97675000000", "CA1:RE1", "+97688110001", Kind.MEDIA)
    inbox.accept(Receipt("voice", "+97675000000", b"", now, (message,)))
    with transaction() as tx:
        (row,) = tx.execute(select(inbox_table.c.id)).all()
        work = Casework(tx, now)
        case = work.register(Register("voice", "", now, language="mn", quiet=True))
        work.flush()
        if sensitive:
            work = Casework(tx, now)
            work.act(Act("seal", case.id, Actor(Role.SYSTEM), {"sensitive": "sea"}))
            work.flush()
        tx.execute(inbox_table.update().values(grievance_id=case.id, state="done"))
        values = {
            "inbox_id": row.id, "grievance_id": case.id, "channel": "voice", "kind": "audio",
            "content_type": "audio/x-wav", "source": {"kind": "audio"}, "state": STORED,
            "sha256": files.put(voice(1.0)), "size": 16044,
        }  # fmt: skip
        (number,) = tx.insert_ids(attachment, [values])
    assert Attachment("audio").kind == "audio"
    return case.reference, number


def test_a_recording_is_heard_and_written_down(desk: Desk) -> None:
    reference, number = spoken()
    page = desk.page(f"/cases/{reference}")
    assert f'id="recording-{number}"' in page
    assert f'src="/cases/{reference}/files/{number}"' in page
    form = {
        "transcript": "Манай сумын худаг ширгэсэн", "what": "Худаг ширгэсэн",
        "where": "Баян сум", "wish": "Шинэ худаг", "heard": "1",
    }  # fmt: skip
    for _ in range(2):  # saved again, nothing is added twice
        answer = desk.post(f"/cases/{reference}/recordings/{number}", **form)
        assert answer.status_code == 303
    with reading() as tx:
        (note,) = tx.execute(select(recording_note)).all()

        case = by_references(tx, [reference])[reference]
    assert case.text == form["transcript"]
    assert case.gist == "Худаг ширгэсэн. Баян сум. Шинэ худаг"
    assert not case.unread
    assert note.heard_at is not None
    again = desk.page(f"/cases/{reference}")
    assert "Шинэ худаг" in again
    assert "Жишээ Сараа" in again
    assert fresh(case).version == case.version


def test_the_words_of_a_sealed_matter_stay_in_their_place(desk: Desk, app: Flask) -> None:
    reference, number = spoken(sensitive=True)
    path = f"/cases/{reference}/recordings/{number}"
    assert desk.post(path, transcript="нууц үг").status_code == 404
    focal = another(app, "focal", "focal_point")
    assert focal.post(path, transcript="нууц үг", what="хэн", heard="1").status_code == 303
    with reading() as tx:
        (note,) = tx.execute(select(recording_note)).all()

        case = by_references(tx, [reference])[reference]
    assert (note.transcript, note.gist, case.text, case.gist) == ("", {}, "", "")
    assert "нууц үг" in focal.page(f"/cases/{reference}")


def test_a_file_of_another_grievance_is_not_there(desk: Desk) -> None:
    reference, number = spoken()
    assert desk.post(f"/cases/{reference}/recordings/{number + 1}").status_code == 404
    assert desk.post(f"/cases/10000000/recordings/{number}").status_code == 404


def test_an_auditor_writes_nothing_down(desk: Desk, app: Flask) -> None:
    reference, number = spoken()
    auditor = another(app, "auditor", "auditor")
    assert auditor.post(f"/cases/{reference}/recordings/{number}").status_code == 403


def test_clips_are_listed_replaced_and_given_back(desk: Desk) -> None:
    parts = range(0, len(prompts.names()), 48)
    pages = [desk.page(f"/prompts?language=kk&first={first}") for first in parts]
    assert sum(each.count("<audio") for each in pages) == len(prompts.names())
    assert all(len(each.encode()) < 50_000 for each in pages)
    clip = io.BytesIO(voice(1.0))
    answer = desk.post("/prompts/kk/menu", file=(clip, "menu.wav"))
    assert answer.status_code == 303
    assert prompts.source("menu", "kk") == "recorded"
    heard = desk.get("/prompts/kk/menu.wav")
    with wave.open(io.BytesIO(heard.data)) as file:
        assert file.getnframes() == 8000
    desk.post("/prompts/kk/menu", forget="1")
    assert prompts.source("menu", "kk") == "missing"


@pytest.mark.parametrize(
    "path",
    ["/prompts/kk/../menu", "/prompts/ru/menu", "/prompts/kk/nothing", "/prompts/kk/a%0D%0Ab"],
)
def test_other_files_are_no_clips(desk: Desk, path: str) -> None:
    answer = desk.post(path, file=(io.BytesIO(voice(1.0)), "x.wav"))
    assert answer.status_code in {404, 405}
    assert not list((prompts.settings().home / "prompts").glob("**/*.wav"))


def test_the_microphone_is_open_on_that_page_alone(desk: Desk) -> None:
    assert "microphone=(self)" in desk.get("/prompts").headers["Permissions-Policy"]
    assert "microphone=()" in desk.get("/").headers["Permissions-Policy"]
