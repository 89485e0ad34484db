"""The website on a real server and both stores: nothing lost, nothing twice, nothing told away."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import select, update

from bot.jobs import drain
from channels import jobs, registry
from channels.jobs import deliver
from channels.release import release
from channels.webform import Webform, read
from config import clock, i18n
from config.profile import profile
from store import channels, files, inbox
from store.db import reading, transaction
from store.messages import Capabilities
from store.queue import PARTITIONS
from store.schema import address, attachment, attempt, grievance, outbox, person, task
from store.schema import inbox as inbox_table
from tests.channels.website import PHOTO, VOICE, WELL, Citizen, served, words
from tests.store.test_spool import come_back, go_away
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

OFFICER = Actor(Role.OFFICER)
PAGES = ("/", "/grievances", "/status", "/how", "/privacy")
LARGEST = 50_000
REACHABLE = {"phone": "8811 0001", "agreed": ["contact"]}


@pytest.fixture
def base(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The public app of an instance that can also send SMS, by nobody."""
    registry.active.cache_clear()
    jobs.lanes.cache_clear()
    monkeypatch.setattr(inbox, "_drainer", lambda: None)  # the tests drain by hand
    release()
    sms = Capabilities(form="sms", longest=1600, units=134)
    with transaction() as tx:
        channels.sync(tx, {"web": ("site", Webform.capabilities), "sms": ("+97675000000", sms)})
    with served() as url:
        yield url
    registry.active.cache_clear()
    jobs.lanes.cache_clear()


@pytest.fixture
def citizen(base: str) -> Citizen:
    return Citizen(base)


def rows(query: Any) -> list[Any]:
    with reading() as tx:
        return list(tx.execute(query).all())


def act(command: str, **values: Any) -> None:
    """An officer acts on the only grievance."""
    (case,) = rows(select(grievance.c.id))
    with transaction() as tx:
        casework = Casework(tx, clock.now())
        casework.act(Act(command, case.id, OFFICER, values))
        casework.flush()


# -- pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_page_is_small_quiet_and_in_its_language(base: str, language: str) -> None:
    citizen = Citizen(base, language)
    style = citizen.http.get("/static/site.css")
    assert "immutable" in style.headers["cache-control"]
    for path in PAGES:
        page = citizen.open(path)
        assert page.status_code == 200
        assert len(page.content) + len(style.content) < LARGEST
        assert f'<html lang="{language}">' in page.text
        assert page.text.count("<h1>") == 1
        assert not re.search(r"<script|<style| style=|javascript:| on\w+=", page.text)
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_language_is_remembered_and_nothing_else_is(base: str) -> None:
    citizen = Citizen(base, "kk")
    citizen.open("/")
    assert '<html lang="kk">' in citizen.http.get("/how").text
    assert {cookie.name: cookie.value for cookie in citizen.http.cookies.jar} == {
        "lang": "kk", "form": "1",
    }  # fmt: skip
    fresh = httpx.get(f"{base}/", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert '<html lang="en">' in fresh.text
    assert '<html lang="mn">' in httpx.get(f"{base}/?lang=de").text


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_errors_are_words_for_people_and_short_for_machines(citizen: Citizen, base: str) -> None:
    page = citizen.open("/nowhere")
    assert page.status_code == 404
    assert "<h1>Ийм хуудас алга</h1>" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert httpx.get(f"{base}/nowhere").text == "Not Found.\n"


# -- the form -------------------------------------------------------------------------------------


def test_a_form_becomes_a_grievance_inside_its_request(citizen: Citizen) -> None:
    citizen.language = "kk"
    page = citizen.send(
        text="Біздің ауылда су жоқ", kind="suggestion", aimag="bayan-ulgii",
        soum="Улаанхус, 3-р баг", name="Жишээ Жаркын", **REACHABLE,
    )  # fmt: skip
    assert page.url.path == "/receipt"
    number, code = citizen.numbers()
    (case,) = rows(select(grievance))
    assert (case.reference, case.code, case.channel) == (number, code, "web")
    assert (case.kind, case.language, case.anonymous) == ("suggestion", "kk", False)
    assert case.place == "bayan-ulgii/ulaankhus"
    assert case.facts == {"consent": "agree", "contact": True, "place": "Улаанхус, 3-р баг"}
    assert (case.due_at - case.received_at).days >= 89  # a suggestion has a time of its own
    assert case.status == "acknowledged"
    (name,) = rows(select(person.c.name).where(person.c.id == case.complainant_id))
    assert name.name == "Жишээ Жаркын"
    ends = {row.channel: row for row in rows(select(address))}
    assert ends["sms"].value == "+97688110001"
    assert ends["sms"].person_id == case.complainant_id
    assert ends["web"].value.startswith("+97688110001 #")
    assert ends["web"].language_chosen
    assert inbox_state() == ["done"]


def inbox_state() -> list[str]:
    return [row.state for row in rows(select(inbox_table.c.state).order_by(inbox_table.c.id))]


def test_nothing_of_a_person_stands_in_an_address(citizen: Citizen) -> None:
    citizen.send(text=WELL, name="Жишээ", **REACHABLE)
    number, code = citizen.numbers()
    urls = [item.url.raw_path.decode() for item in (*citizen.page.history, citizen.page)]
    assert urls == ["/grievances?lang=mn", "/receipt?lang=mn"]
    assert citizen.page.headers["cache-control"] == "no-store"
    cookies = " ".join(cookie.value or "" for cookie in citizen.http.cookies.jar)
    for secret in (number, code, "Жишээ", "8811"):
        assert secret not in cookies
        assert secret not in str(citizen.page.headers)


def test_without_a_name_nobody_is_written_to_and_showing_acknowledges(citizen: Citizen) -> None:
    token = citizen.open("/") and citizen.token()
    citizen.http.follow_redirects = False
    assert citizen.send(text=WELL, token=token).status_code == 303
    (case,) = rows(select(grievance))
    assert (case.status, case.acknowledged_at, case.anonymous) == ("registered", None, True)
    assert rows(select(outbox)) == []
    assert citizen.open("/receipt").status_code == 200
    (case,) = rows(select(grievance))
    assert case.status == "acknowledged"
    assert case.acknowledged_at is not None
    assert rows(select(address.c.value).where(address.c.value.is_not(None)))[0].value[0] == "#"


def test_a_double_click_or_a_reload_gives_the_same_receipt(citizen: Citizen) -> None:
    token = citizen.open("/") and citizen.token()
    pages: list[str] = []

    def click() -> None:
        other = Citizen(str(citizen.http.base_url))
        other.open("/")
        other.send(text=WELL, token=token)
        pages.append("/".join(other.numbers()))

    clicks = [threading.Thread(target=click) for _ in range(5)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    citizen.send(text=WELL, token=token)
    assert citizen.open("/receipt").status_code == 200
    assert {*pages, "/".join(citizen.numbers())} == {pages[0]}
    assert len(pages) == 5
    assert len(rows(select(grievance))) == 1
    assert inbox_state() == ["done"]


def test_the_same_form_with_other_words_adds_them(citizen: Citizen) -> None:
    token = citizen.open("/") and citizen.token()
    citizen.send(text=WELL, token=token)
    first = citizen.numbers()
    citizen.send(text=f"{WELL}. Хоёр хоног боллоо.", token=token)
    assert citizen.numbers() == first
    (case,) = rows(select(grievance))
    assert "Хоёр хоног боллоо." in case.text


@pytest.mark.parametrize(
    ("fields", "field", "key"),
    [
        ({"text": " "}, "text", "text"),
        ({"text": "ус " * 10_000}, "text", "long"),
        ({"text": WELL, "phone": "12", "agreed": "contact"}, "phone", "phone"),
        ({"text": WELL, "email": "a@b", "agreed": "contact"}, "email", "email"),
        ({"text": WELL, "name": "Жишээ"}, "contact", "consent"),
        ({"text": WELL, "website": "http://spam.example"}, "website", "trap"),
    ],
)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    citizen: Citizen, fields: dict[str, str], field: str, key: str
) -> None:
    page = citizen.send(**fields)
    assert page.status_code == 422
    said = i18n.text(f"public.error.{key}", "mn", count=20_000)
    assert f'<a href="#{field}">{said}</a>' in page.text
    assert f'id="{field}-wrong"' in page.text
    assert (fields["text"].strip() or "</textarea>") in page.text
    assert rows(select(inbox_table)) == []
    fixed = {**fields, "text": WELL, "phone": "", "email": "", "name": "", "website": ""}
    citizen.send(token=citizen.token(), **fixed)
    assert citizen.numbers()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_form_that_is_not_ours_is_shown_again_and_not_stored(citizen: Citizen) -> None:
    for token in ("made up", "a.b.c"):
        assert citizen.send(text=WELL, token=token).status_code == 422
        assert WELL in citizen.page.text
    token = citizen.open("/") and citizen.token()
    citizen.http.headers["Sec-Fetch-Site"] = "cross-site"
    assert citizen.send(text=WELL, token=token).status_code == 422
    assert rows(select(inbox_table)) == []


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_without_cookies_the_number_is_shown_at_once(citizen: Citizen) -> None:
    token = citizen.open("/") and citizen.token()
    citizen.http.cookies.clear()
    page = citizen.send(text=WELL, token=token)
    assert page.url.path == "/grievances"
    assert citizen.numbers()[0] == rows(select(grievance.c.reference))[0].reference
    citizen.http.cookies.clear()
    assert citizen.open("/receipt").status_code == 410


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_receipt_can_be_removed_from_a_shared_device(citizen: Citizen) -> None:
    citizen.send(text=WELL)
    assert citizen.numbers()
    citizen.http.post("/receipt")
    assert citizen.open("/receipt").status_code == 410
    assert "Аюулгүй байдлын" in words(citizen.page)


# -- files ----------------------------------------------------------------------------------------


def test_files_are_kept_at_once_and_refused_ones_are_told(citizen: Citizen) -> None:
    parts = [
        ("C:\\зураг\\худаг.jpg", PHOTO, "image/jpeg"),
        ("яриа.ogg", VOICE, "audio/ogg"),
        ("вирус.jpg", b"MZ\x90\x00" * 50, "image/jpeg"),
        ("4.jpg", PHOTO + b"4", "image/jpeg"), ("5.jpg", PHOTO + b"5", "image/jpeg"),
        ("6.jpg", PHOTO + b"6", "image/jpeg"),
    ]  # fmt: skip
    citizen.send(files=parts, text=WELL)
    citizen.numbers()
    found = rows(select(attachment).order_by(attachment.c.id))
    assert [(row.name, row.kind, row.state) for row in found] == [
        ("худаг.jpg", "image", "stored"), ("яриа.ogg", "audio", "stored"),
        ("вирус.jpg", "document", "refused"), ("4.jpg", "image", "stored"),
        ("5.jpg", "image", "stored"), ("6.jpg", "document", "refused"),
    ]  # fmt: skip
    assert files.get(found[0].sha256) == PHOTO
    assert {row.grievance_id for row in found} == {rows(select(grievance.c.id))[0].id}
    said = words(citizen.page)
    assert "вирус.jpg: ийм төрлийн файл авах боломжгүй" in said
    assert "6.jpg: 5 хүртэл файл авна" in said


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_recording_says_enough_by_itself(citizen: Citizen) -> None:
    citizen.send(files=[("яриа.ogg", VOICE, "audio/ogg")])
    assert citizen.numbers()
    assert [row.state for row in rows(select(attachment))] == ["stored"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_large_file_is_refused_and_the_words_are_not(citizen: Citizen) -> None:
    citizen.send(files=[("видео.mp4", PHOTO + b"0" * 20 * 1024 * 1024, "video/mp4")], text=WELL)
    assert citizen.numbers()
    assert "видео.mp4: файл 20 МБ хэмжээнээс том" in words(citizen.page)
    assert [row.state for row in rows(select(attachment))] == ["refused"]


# -- trouble --------------------------------------------------------------------------------------


def test_with_the_database_away_a_form_waits_on_disk_with_all_it_said(citizen: Citizen) -> None:
    token = citizen.open("/") and citizen.token()
    url = go_away()
    page = citizen.send(
        files=[("зураг.jpg", PHOTO, "image/jpeg")], token=token, text=WELL, name="Жишээ",
        email="Jishee@example.mn", aimag="khovd", **REACHABLE,
    )  # fmt: skip
    assert page.status_code == 202
    assert "найдвартай хадгалагдсан" in words(page)
    come_back(url)
    assert inbox.drain_spool() == 1
    assert sum(drain(part) for part in range(PARTITIONS)) == 1  # a worker was first
    (case,) = rows(select(grievance))
    assert (case.place, case.language, case.status) == ("khovd", "mn", "registered")
    assert rows(select(person.c.name))[0].name == "Жишээ"
    assert "+97688110001" in {row.value for row in rows(select(address))}
    citizen.open("/receipt")
    assert citizen.numbers() == (case.reference, case.code)
    there = case.due_at.astimezone(ZoneInfo("Asia/Hovd")).date()
    assert there < case.due_at.astimezone(profile().timezone).date()
    promised = i18n.format_date(there, "mn", "long")  # the whole day counts where the person is
    assert promised in citizen.page.text
    assert promised in citizen.ask(case.reference, case.code).text
    (row,) = rows(select(attachment))
    assert row.state == "waiting"  # the poller puts it where the others are
    fetched = registry.active()["web"].fetch(inbox.Attachment(**row.source))  # type: ignore[attr-defined]
    assert fetched.content == PHOTO


def test_a_kept_submission_can_be_read_again(citizen: Citizen) -> None:
    from store.schema import raw_event

    citizen.send(text=WELL, **REACHABLE)
    (raw,) = rows(select(raw_event.c.body, raw_event.c.state))
    message = read(raw.body)
    assert (message.text, message.answers["phone"]) == (WELL, "+97688110001")
    assert message.external_id == rows(select(inbox_table.c.external_id))[0].external_id


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_provider_cannot_post_forms(base: str) -> None:
    assert httpx.post(f"{base}/in/web", content=b"{}").status_code == 403


def test_a_flood_is_told_in_words_and_loses_no_text(
    citizen: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.site.FORMS_PER_VISITOR", 2)
    for number in range(2):
        citizen.send(text=f"{WELL} {number}")
        citizen.numbers()
    page = citizen.send(text=f"{WELL} хэвээр")
    assert page.status_code == 429
    assert f"{WELL} хэвээр" in page.text
    assert "51-261068" in words(page)
    assert page.text.count('href="tel:51261068">51-261068</a>') == 2, (
        "in the advice and at the foot"
    )
    assert len(rows(select(inbox_table))) == 2
    Citizen(str(citizen.http.base_url), ip="203.0.113.2").send(text=WELL)
    assert len(rows(select(inbox_table))) == 3
    with transaction() as tx:  # an hour later
        tx.execute(update(attempt).values(window=attempt.c.window - 1))
    citizen.send(token=citizen.token(), text=f"{WELL} хэвээр")
    assert citizen.numbers()


# -- letters and progress -------------------------------------------------------------------------


def test_letters_go_to_what_the_person_left(citizen: Citizen) -> None:
    citizen.send(text=WELL, **REACHABLE)
    number, _ = citizen.numbers()
    deliver()
    (letter,) = rows(select(outbox).where(outbox.c.channel == "sms"))
    assert (letter.template, letter.state) == ("ack", "queued")
    assert number in letter.text
    assert rows(select(task)) == []


def test_who_left_nothing_reads_the_answer_on_the_page(citizen: Citizen) -> None:
    citizen.send(text=WELL)
    numbers = citizen.numbers()
    act("reply", text="Маргааш <b>очно</b>.")
    deliver()
    assert [row.state for row in rows(select(outbox))] == ["sent"]
    citizen.ask(*numbers)
    assert "Маргааш &lt;b&gt;очно&lt;/b&gt;." in citizen.page.text
    assert [row.state for row in rows(select(outbox))] == ["delivered"]
    assert rows(select(task)) == []


def test_the_progress_shows_dates_steps_and_the_way_to_appeal(citizen: Citizen) -> None:
    citizen.send(text=WELL, aimag="khovd")
    number, code = citizen.numbers()
    page = citizen.ask(f"{number[:2]} {number[2:]}", f"{code[:3]}-{code[3:]}")
    assert page.status_code == 200
    assert "Хүлээн авсан" in words(page)
    assert WELL not in page.text
    assert "appeal" not in page.text
    act("close", outcome="resolved", summary="Насосыг сольсон")
    said = words(citizen.ask(number, code))
    for expected in (
        "Хаасан",
        "Шийдвэрлэсэн",
        "Насосыг сольсон",
        "Төслийн удирдах хороо",
        "Ховд",
    ):
        assert expected in said
    citizen.ask(number, code, wish="appeal")
    (case,) = rows(select(grievance))
    assert (case.stage, case.status) == (3, "registered")
    assert "Дахин хянуулах хүсэлт гаргасан" in words(citizen.page)
    citizen.ask(number, code, wish="appeal")  # a reload appeals once
    assert rows(select(grievance.c.stage))[0].stage == 3


def test_unknown_numbers_and_wrong_codes_get_one_answer_and_few_tries(citizen: Citizen) -> None:
    citizen.send(text=WELL)
    number, code = citizen.numbers()
    wrong = "000000" if code != "000000" else "000001"
    answers = {
        re.sub(r'value="\d*"', "", citizen.ask(*pair).text)
        for pair in ((number, wrong), ("26000000", wrong), ("26000011", code), ("", ""), ("x", "٣"))
    }
    assert len(answers) == 1
    assert citizen.page.status_code == 422
    for _ in range(20):
        citizen.ask(number, wrong)
    assert citizen.page.status_code == 429
    assert citizen.ask(number, code).status_code == 429
    other = Citizen(str(citizen.http.base_url), ip="203.0.113.2")
    assert other.ask(number, code).status_code == 422  # this number is shut for an hour
    with transaction() as tx:
        tx.execute(update(attempt).values(window=attempt.c.window - 1))
    assert other.ask(number, code).status_code == 200


def test_a_late_answer_is_admitted(citizen: Citizen) -> None:
    citizen.send(text=WELL)
    numbers = citizen.numbers()
    with transaction() as tx:
        tx.execute(update(grievance).values(due_at=clock.now() - timedelta(days=1)))
    assert "Уучлаарай" in words(citizen.ask(*numbers))


def test_a_sensitive_matter_is_sealed_and_told_of_in_neutral_words(citizen: Citizen) -> None:
    citizen.send(text="Дарга намайг бэлгийн дарамт үзүүлж байна", name="Жишээ", **REACHABLE)
    numbers = citizen.numbers()
    (case,) = rows(select(grievance))
    assert case.sensitive
    assert case.text == ""
    assert "дарамт үзүүлж" not in str(rows(select(inbox_table.c.text, inbox_table.c.details)))
    assert "Хариу өгөх хугацаа" not in words(citizen.page)
    said = words(citizen.ask(*numbers))
    assert "Таны мэдээллийг хүлээн авсан" in said
    assert "Бүртгэсэн" not in said
    assert "дарамт" not in said


def test_consent_is_asked_for_each_purpose(citizen: Citizen) -> None:
    citizen.send(text=WELL)
    (facts,) = rows(select(grievance.c.facts))
    assert facts.facts == {"consent": "anonymous", "contact": False}
    citizen.send(text=WELL, agreed=["refer", "survey"])
    facts = rows(select(grievance.c.facts).order_by(grievance.c.id))[-1]
    assert facts.facts == {"consent": "anonymous", "contact": False, "refer": True, "survey": True}
