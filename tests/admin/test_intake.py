"""Staff entry on both stores: registered once, dates apart, consent kept, files by content."""

from __future__ import annotations

import re
from datetime import date, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from bot import filings
from bot.jobs import drain
from config import clock, i18n
from config.profile import profile
from store import files
from store.db import reading
from store.queue import PARTITIONS
from store.schema import address, attachment, case_event, grievance, outbox, person
from store.schema import inbox as inbox_table
from tests.admin import town
from tests.admin.conftest import Desk, another
from tests.channels.website import PHOTO, VOICE

WELL = "Худгийн насос эвдэрсэн, ус алга"


def rows(query: Any) -> list[Any]:
    with reading() as tx:
        return list(tx.execute(query).all())


def today() -> date:
    return clock.now().astimezone(profile().timezone).date()


@pytest.fixture
def known(desk: Desk) -> Desk:
    """The officer's browser, where texts can be sent."""
    town.channels_known()
    return desk


def opened(desk: Desk) -> dict[str, Any]:
    """A fresh form: its tokens, and what a visit has chosen already."""
    page = desk.page("/intake")
    token = re.search(r'name="token" value="([a-z]{24})"', page)
    assert token
    return {
        "token": token[1], "channel": "visit", "received": today().isoformat(), "language": "mn",
        "kind": "complaint", "behalf": "self",
    }  # fmt: skip


def enter(desk: Desk, form: dict[str, Any] | None = None, **fields: Any) -> TestResponse:
    form = form or opened(desk)
    sent = {"csrf_token": desk.token("/intake"), **form, **fields}
    return desk.client.post("/intake", data=sent, content_type="multipart/form-data")


def slip(desk: Desk, answer: TestResponse) -> str:
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return desk.page(answer.headers["location"])


def test_a_call_of_last_week_becomes_a_grievance_with_its_slip(known: Desk, saraa: int) -> None:
    day = today() - timedelta(days=6)
    answer = enter(
        known, channel="call", received=day.isoformat(), text=WELL, category="environment",
        aimag="khovd", soum="Мянгад", language="kk", name="Жишээ Бат", phone="8811 0001",
        agreed=["contact", "refer"], gender="female", group="herder",
    )  # fmt: skip
    page = slip(known, answer)
    (case,) = rows(select(grievance))
    for digits in (case.reference, case.code):
        assert re.sub(r"(?<=\d)(?=(\d{3})+$)", " ", digits) in page
    assert 'class="qr"' in page
    assert (case.channel, case.language, case.place) == ("call", "kk", "khovd/myangad")
    assert (case.category, case.anonymous, case.submitter_id) == ("environment", False, None)
    zone = profile().timezone
    assert case.received_at.astimezone(zone).date() == day
    assert case.registered_at.astimezone(zone).date() == today()
    there = ZoneInfo("Asia/Hovd")  # the whole day counts where the person is
    assert case.due_at.astimezone(there).date() == day + timedelta(days=30)  # from the receipt
    promised = i18n.format_date(case.due_at.astimezone(there).date(), "mn")
    assert case.due_at.astimezone(zone).date() > case.due_at.astimezone(there).date()
    assert promised in page, "the slip says that day, not the capital's"
    assert f"<dd>{promised}</dd>" in known.page(f"/cases/{case.reference}")
    assert case.acknowledged_at is not None
    assert {"gender": "female", "group": "herder", "behalf": "self", "refer": True}.items() <= (
        case.facts.items()
    )
    (name,) = rows(select(person.c.name).where(person.c.id == case.complainant_id))
    assert name.name == "Жишээ Бат"
    (first, *_) = rows(select(case_event).order_by(case_event.c.seq))
    assert (first.kind, first.actor) == ("registered", f"officer:{saraa}")
    (letter,) = rows(select(outbox.c.template, outbox.c.channel))
    assert tuple(letter) == ("ack", "web")  # goes on to the phone, see test_filings
    assert "+97688110001" in {row.value for row in rows(select(address))}


def test_a_double_click_and_a_worker_register_once(known: Desk) -> None:
    form = opened(known)
    pages = {slip(known, enter(known, form, text=WELL)) for _ in range(3)}
    assert len({re.sub(r'value="[^"]+"', "", page) for page in pages}) == 1
    for part in range(PARTITIONS):
        drain(part)
    (case,) = rows(select(grievance))
    assert case.text == WELL
    assert len(rows(select(inbox_table))) == 1


def test_what_a_worker_takes_up_first_is_the_same(known: Desk, saraa: int) -> None:
    """The desk died between keeping and registering."""
    day = (today() - timedelta(days=2)).isoformat()
    filing = filings.Filing(
        "a" * 24, "desk", "meeting", f"officer:{saraa}", day, WELL, "mn", "complaint",
        name="Жишээ Дулмаа", behalf="other", submitter="Жишээ Бат", submitter_phone="+97688110002",
        told="submitter", agreed=("contact",),
    )  # fmt: skip
    external = filings.accept(filing)
    assert filings.accept(filing) == external
    assert sum(drain(part) for part in range(PARTITIONS)) == 1
    (case,) = rows(select(grievance))
    names = {row.id: row.name for row in rows(select(person.c.id, person.c.name))}
    assert names[case.complainant_id] == "Жишээ Дулмаа"
    assert names[case.submitter_id] == "Жишээ Бат"
    assert case.channel == "meeting"
    assert case.received_at.astimezone(profile().timezone).date().isoformat() == day
    reached = {row.id: row.value for row in rows(select(address.c.id, address.c.value))}
    assert reached[case.facts["reach"]] == "+97688110002"


def test_a_phone_that_is_not_to_be_written_to_is_shown_for_a_reason(known: Desk) -> None:
    slip(
        known,
        enter(
            known, text=WELL, name="Жишээ Дулмаа", phone="88110003", agreed="contact",
            behalf="other", submitter="Жишээ Бат", submitter_phone="88110004", told="submitter",
        ),
    )  # fmt: skip
    (case,) = rows(select(grievance))
    page = known.page(f"/cases/{case.reference}")
    assert "88110003" not in page
    page = known.post(f"/cases/{case.reference}/contact", reason="Утасдах").get_data(as_text=True)
    for shown in ("Жишээ Дулмаа / Жишээ Бат", "+97688110003", "+97688110004"):
        assert shown in page
    assert "+97688110003" not in {row.value for row in rows(select(address.c.value))}


def test_scans_are_judged_by_content_and_refused_ones_are_told(known: Desk) -> None:
    parts = [
        (BytesIO(PHOTO), "скан/захидал.jpg"), (BytesIO(VOICE), "яриа.ogg"),
        (BytesIO(b"MZ\x90\x00" * 50), "захидал.pdf"),
    ]  # fmt: skip
    page = slip(known, enter(known, channel="letter", text="", files=parts))
    found = rows(select(attachment).order_by(attachment.c.id))
    assert [(row.name, row.kind, row.state) for row in found] == [
        ("захидал.jpg", "image", "stored"), ("яриа.ogg", "audio", "stored"),
        ("захидал.pdf", "document", "refused"),
    ]  # fmt: skip
    assert files.get(found[0].sha256) == PHOTO
    assert "захидал.pdf: ийм төрлийн файл авах боломжгүй" in page


def test_a_large_scan_passes_the_desk(known: Desk) -> None:
    large = PHOTO + b"\0" * (5 << 20)
    slip(known, enter(known, text=WELL, files=[(BytesIO(large), "скан.jpg")]))
    assert rows(select(attachment.c.state))[0].state == "stored"


@pytest.mark.parametrize(
    ("fields", "where", "key"),
    [
        ({"text": " "}, "text", "text"),
        ({"text": WELL, "received": "2999-01-01"}, "received", "future"),
        ({"text": WELL, "received": "өчигдөр"}, "received", "day"),
        ({"text": WELL, "received": "1980-01-01"}, "received", "old"),
        ({"text": WELL, "phone": "12", "agreed": "contact"}, "phone", "phone"),
        ({"text": WELL, "name": "Жишээ"}, "contact", "consent"),
        ({"text": WELL, "behalf": "other"}, "submitter", "submitter"),
        ({"text": WELL, "channel": "pigeon"}, "channel", "channel"),
    ],
)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    known: Desk, fields: dict[str, str], where: str, key: str
) -> None:
    answer = enter(known, **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    said = i18n.text(f"desk.intake.problem.{key}", "mn", count=20_000)
    assert f'<a href="#{where}">{said}</a>' in page
    assert f'id="{where}-wrong"' in page
    assert rows(select(inbox_table)) == []


def test_without_consent_nothing_of_a_person_is_kept(known: Desk) -> None:
    slip(known, enter(known, text=WELL))
    (case,) = rows(select(grievance))
    assert (case.anonymous, case.facts["contact"], case.facts["consent"]) == (
        True, False, "anonymous",
    )  # fmt: skip
    assert rows(select(outbox)) == []
    assert [row.value[0] for row in rows(select(address.c.value))] == ["#"]


def test_a_sensitive_matter_is_sealed_before_anything_else(known: Desk) -> None:
    page = slip(known, enter(known, text=WELL, sensitive="corruption"))
    (case,) = rows(select(grievance))
    assert (case.sensitive, case.text) == ("corruption", "")
    assert rows(select(inbox_table.c.text))[0].text == ""
    assert "Хариу өгөх" not in re.sub(r"<[^>]+>", " ", page)  # no date that would say more
    assert known.get(f"/cases/{case.reference}").status_code == 404


def test_the_slip_is_for_who_entered_it_and_for_half_an_hour(
    known: Desk, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = enter(known, text=WELL).headers["location"]
    other = another(app, "bold", "officer")
    assert other.get(where).status_code == 404
    assert known.get(f"{where}x").status_code == 404
    monkeypatch.setattr("admin.intake.SLIP_SECONDS", -1)
    assert known.get(where).status_code == 404


@pytest.mark.parametrize("role", ["auditor", "assignee", "administrator", "coordinator"])
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_only_officers_take_down(app: Flask, stranger: Desk, role: str) -> None:
    assert stranger.get("/intake").status_code == 303
    other = another(app, "bold", role)
    assert other.get("/intake").status_code == 403
    assert other.post("/intake", token="a" * 24, text=WELL).status_code == 403
    assert rows(select(inbox_table)) == []


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_words_to_read_aloud_stand_beside_in_every_language(known: Desk) -> None:
    page = known.page("/intake")
    for language in profile().languages:
        for number in (2, 3, 5, 6):
            assert i18n.text(f"intake.script.{number}", language) in page
