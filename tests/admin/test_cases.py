"""The page of one grievance: from the queue to closed, and every way to be refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from flask import Flask
from sqlalchemy import select

from admin.acts import FIELDS
from config import clock, i18n
from store import attachments, files
from store.case import Case
from store.db import reading, transaction
from store.schema import access_log, address, attachment, inbox, outbox, task
from tests.admin import town
from tests.admin.conftest import Desk, another, fresh
from workflow.states import TRANSITIONS, Role, Status, legal

Cases = list[Case]


def offered(page: str) -> set[str]:
    return set(re.findall(r'action="/cases/\d+/do/(\w+)"', page))


def open_page(desk: Desk, case: Case) -> str:
    return desk.page(f"/cases/{case.reference}")


def letters(case: Case) -> list[str]:
    with reading() as tx:
        query = select(outbox.c.text).where(outbox.c.grievance_id == case.id)
        return list(tx.execute(query.order_by(outbox.c.id)).scalars())


def looks(case: Case) -> list[tuple[str, str, str]]:
    with reading() as tx:
        query = select(access_log.c.actor, access_log.c.action, access_log.c.reason)
        rows = tx.execute(
            query.where(access_log.c.grievance_id == case.id).order_by(access_log.c.id)
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]


def test_a_whole_case_from_the_queue_to_closed(desk: Desk, saraa: int) -> None:
    town.channels_known()
    case = town.arrive(town.PEOPLE[0], clock.now())
    assert f"/cases/{case.reference}" in desk.page("/?view=first")
    page = open_page(desk, case)
    assert "Худгийн насос гурав хоног" in page
    assert {"assign", "propose_redress", "close"} <= offered(page)
    steps: list[tuple[str, dict[str, object], Status, str]] = [
        ("assign", {"assignee": saraa}, Status.ASSIGNED, "assigned"),
        ("investigate", {}, Status.UNDER_INVESTIGATION, "investigation"),
        (
            "propose_redress",
            {"summary": "Насосыг солино"},
            Status.REDRESS_PROPOSED,
            "redress_proposed",
        ),
        ("close", {"outcome": "resolved", "summary": "Насос сольсон"}, Status.CLOSED, "closed"),
    ]
    for command, form, status, letter in steps:
        answer = desk.do(case, command, **form)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        assert fresh(case).status == status
        assert town.letters_of(case)[-1] == letter
    assert fresh(case).assignee_id == saraa
    assert fresh(case).outcome == "resolved"
    assert "Насос сольсон" in letters(case)[-1]
    page = open_page(desk, case)
    assert "Хаасан: Шийдвэрлэсэн" in page
    for words in ("Бүртгэсэн", "Хариуцагч: Жишээ Сараа", "Шалгаж эхэлсэн", "Шийдэл санал болгосон"):
        assert words in page
    assert case.reference in desk.page("/?view=closed")
    assert offered(page) == {
        *(
            "appeal",
            "record_court",
            "reopen",
            "note",
            "reply",
            "classify",
            "seal",
            "notify_bank",
            "redact",
        )
    }


def test_an_officer_corrects_the_place(desk: Desk, cases: Cases) -> None:
    desk.do(cases[0], "classify", place="Хөвсгөл, Алаг-Эрдэнэ 3-р баг")
    assert (fresh(cases[0]).place, fresh(cases[0]).bag) == ("khuvsgul/alag-erdene", "3")
    page = desk.get(f"/cases/{cases[0].reference}").get_data(as_text=True)
    assert 'value="Хөвсгөл, Алаг-Эрдэнэ"' in page
    desk.do(cases[0], "classify", place="Хөвсгөл, Алаг-Эрдэнэ", kind="request")
    assert fresh(cases[0]).bag == "3", "the place stayed, and its bag with it"
    answer = desk.post(
        f"/cases/{cases[0].reference}/do/classify",
        place="Хаана ч үгүй",
        version=fresh(cases[0]).version,
    )
    assert i18n.text("desk.problem.refused.place", "mn") in answer.get_data(as_text=True)
    assert fresh(cases[0]).place == "khuvsgul/alag-erdene"


def test_the_timeline_says_what_was_classified(desk: Desk, cases: Cases) -> None:
    desk.do(cases[0], "classify", category="training", kind="request", place="Увс, Тэс")
    steps = re.search(r'class="timeline">.*?</li>', open_page(desk, cases[0]), re.DOTALL)
    assert steps
    assert "Сургалт" in steps[0]
    assert "Хүсэлт" in steps[0]
    assert "Увс, Тэс" in steps[0]


def test_a_letter_that_went_on_to_the_next_address_is_no_failure(desk: Desk, cases: Cases) -> None:
    about = outbox.c.grievance_id == cases[0].id
    with transaction() as tx:
        first = tx.execute(outbox.select().where(about).order_by(outbox.c.id)).first()
        assert first
        failed = {"state": "failed", "error": "window.closed"}
        tx.execute(outbox.update().where(outbox.c.id == first.id).values(failed))
    assert "delivery-failed" in open_page(desk, cases[0])

    again = {name: value for name, value in first._mapping.items() if name != "id"}
    with transaction() as tx:
        tx.execute(outbox.insert(), [again | {"key": f"{first.key}>1", "state": "delivered"}])
    page = open_page(desk, cases[0])
    assert "delivery-failed" not in page
    assert i18n.text("desk.delivery.onwards", "mn") in page


@pytest.mark.parametrize("status", list(Status))
def test_buttons_are_drawn_from_the_table(desk: Desk, saraa: int, status: Status) -> None:
    """In each status exactly what the table allows an officer, less what makes no sense now."""
    town.channels_known()
    case = town.arrive(town.PEOPLE[0], clock.now())
    with transaction() as tx:
        tx.connection.exec_driver_sql(
            f"UPDATE grievance SET status = '{status}' WHERE id = {case.id}"
        )
    allowed = {row.command for row in legal(status, {Role.OFFICER})} & set(FIELDS)
    assert offered(open_page(desk, case)) == allowed - {
        "append", "resume", "take_back", "convene", "decide", "unassign",
    }  # fmt: skip
    primary = {row.command for row in legal(status, {Role.OFFICER}) if row.step}
    page = open_page(desk, case)
    drawn = re.findall(
        r'btn-step">.*?</summary>\s*<form method="post" action="/cases/\d+/do/(\w+)"',
        page,
        re.DOTALL,
    )
    assert set(drawn) == primary


def test_every_command_of_the_table_has_its_form_or_is_not_the_desks() -> None:
    mine = {Role.OFFICER, Role.COORDINATOR, Role.PSC_SECRETARY, Role.FOCAL_POINT, Role.ASSIGNEE}
    desks = {row.command for row in TRANSITIONS if row.who & mine}
    assert desks - set(FIELDS) == {
        "register", "append", "propose_closure", "merge", "split", "unsend",
    }  # fmt: skip


REFUSED: list[tuple[str, Mapping[str, object], str]] = [
    ("assign", {"assignee": ""}, "Хариуцах ажилтныг сонгоно уу"),
    ("assign", {"assignee": "999999"}, "Хариуцах ажилтныг сонгоно уу"),
    ("assign", {"assignee": "x"}, "Хариуцах ажилтныг сонгоно уу"),
    ("propose_redress", {"summary": "  "}, "Товч агуулгыг бичнэ үү"),
    ("close", {"outcome": "", "summary": "а"}, "Үр дүнг сонгоно уу"),
    ("close", {"outcome": "king", "summary": "а"}, "Үр дүнг сонгоно уу"),
    ("close", {"outcome": "resolved", "summary": ""}, "Товч агуулгыг бичнэ үү"),
    ("extend", {"days": "5", "reason": ""}, "Шалтгааныг бичнэ үү"),
    ("extend", {"days": "0", "reason": "а"}, "Хоногийн тоо"),
    ("extend", {"days": "31", "reason": "а"}, "Хоногийн тоо"),
    ("extend", {"days": "many", "reason": "а"}, "Хоногийн тоо"),
    ("pause", {"reason": ""}, "Шалтгааныг бичнэ үү"),
    ("escalate", {"reason": ""}, "Шалтгааныг бичнэ үү"),
    ("resume", {}, "Түр зогсоогоогүй"),
    ("reopen", {}, "Одоогийн төлөвт"),
    ("append", {"text": "а"}, "Одоогийн төлөвт"),
    ("nonsense", {}, "Одоогийн төлөвт"),
    ("note", {"text": ""}, "Текстээ бичнэ үү"),
    ("reply", {"text": " "}, "Текстээ бичнэ үү"),
]


@pytest.mark.parametrize(("command", "form", "words"), REFUSED)
def test_a_refusal_is_told_in_words_and_changes_nothing(
    desk: Desk, cases: Cases, command: str, form: Mapping[str, object], words: str
) -> None:
    case = cases[4]
    before = fresh(case)
    answer = desk.do(case, command, **form)
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    assert fresh(case) == before


def test_what_was_typed_comes_back_with_the_refusal(desk: Desk, cases: Cases) -> None:
    page = desk.do(cases[4], "close", outcome="", summary="Урт тайлбар").get_data(as_text=True)
    form = page[page.index("/do/close") :]
    assert "Урт тайлбар" in form[: form.index("</form>")]


def test_nothing_is_paused_twice(desk: Desk, cases: Cases) -> None:
    assert desk.do(cases[4], "pause", reason="Эмчийн дүгнэлт").status_code == 303
    again = desk.do(cases[4], "pause", reason="Дахин")
    assert again.status_code == 422
    assert "Аль хэдийн түр зогссон" in again.get_data(as_text=True)
    page = open_page(desk, cases[4])
    assert "resume" in offered(page)
    assert "pause" not in offered(page)
    assert desk.do(cases[4], "resume").status_code == 303


def test_the_last_stage_has_none_above_it(desk: Desk, cases: Cases) -> None:
    case = cases[4]
    while "escalate" in offered(open_page(desk, case)):
        assert desk.do(case, "escalate", reason="Шийдэгдээгүй").status_code == 303
    assert fresh(case).stage == 4
    answer = desk.do(case, "escalate", reason="Дахин")
    assert answer.status_code == 422
    assert "дээш шат байхгүй" in answer.get_data(as_text=True)


def test_somebody_faster_is_told_with_what_changed_and_what_was_typed(
    app: Flask, desk: Desk, cases: Cases
) -> None:
    case = cases[4]
    seen = fresh(case).version
    colleague = another(app, "bold", "officer")
    assert colleague.do(case, "investigate").status_code == 303
    answer = desk.do(case, "close", version=seen, outcome="resolved", summary="Миний урт тайлбар")
    assert answer.status_code == 409
    text = answer.get_data(as_text=True)
    assert "Өөр хүн энэ хооронд" in text
    assert "Шалгаж эхэлсэн" in text
    assert "Жишээ Bold" in text
    assert "Миний урт тайлбар" in text
    assert "Бүртгэсэн" not in text, "what was known before is not news"
    assert fresh(case).status == Status.UNDER_INVESTIGATION


@pytest.mark.parametrize("version", ["", "0", "x", "99999999999999"])
def test_a_form_without_its_version_is_not_carried_out(
    desk: Desk, cases: Cases, version: str
) -> None:
    path = f"/cases/{cases[4].reference}/do/investigate"
    assert desk.post(path, version=version).status_code == 409


def test_an_auditor_looks_and_notes_and_nothing_else(app: Flask, cases: Cases) -> None:
    auditor = another(app, "audit", "auditor")
    page = open_page(auditor, cases[4])
    assert offered(page) == {"note"}
    answer = auditor.do(cases[4], "close", outcome="resolved", summary="а")
    assert answer.status_code == 422
    assert "Таны эрх үүнд хүрэхгүй" in answer.get_data(as_text=True)
    assert auditor.do(cases[4], "note", text="Шалгав").status_code == 303


def test_an_administrator_only_looks(app: Flask, cases: Cases) -> None:
    administrator = another(app, "boss", "administrator")
    assert offered(open_page(administrator, cases[4])) == set()
    assert administrator.do(cases[4], "investigate").status_code == 422


def test_an_assignee_acts_on_their_own_alone(app: Flask, desk: Desk, cases: Cases) -> None:
    engineer = another(app, "bold", "assignee")
    options = re.search(r'<option value="(\d+)"[^>]*>Жишээ Bold', open_page(desk, cases[4]))
    assert options
    desk.do(cases[4], "assign", assignee=options[1])
    page = open_page(engineer, cases[4])
    assert {"investigate", "propose_redress", "hand_off", "note", "reply"} == offered(page)
    assert engineer.do(cases[4], "propose_redress", summary="Засна").status_code == 303
    assert engineer.do(cases[0], "investigate").status_code == 404


def test_a_note_is_for_the_office_alone(desk: Desk, cases: Cases) -> None:
    case = cases[4]
    sent = letters(case)
    assert desk.do(case, "note", text="Дотоод үг").status_code == 303
    assert letters(case) == sent
    page = open_page(desk, case)
    assert re.search(r'class="entry note">.*?Дотоод тэмдэглэл.*?Дотоод үг', page, re.DOTALL)


def test_a_reply_goes_to_the_person(desk: Desk, cases: Cases) -> None:
    case = cases[5]
    assert desk.do(case, "reply", text="Маргааш очно").status_code == 303
    assert "Маргааш очно" in letters(case)[-1]
    assert fresh(case).waiting_on == "them"


def preview(desk: Desk, case: Case, command: str, **form: object) -> str:
    token = desk.token()
    answer = desk.client.post(
        f"/cases/{case.reference}/preview/{command}",
        data={"csrf_token": token, "version": fresh(case).version, **form},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("times", [1, 4])  # short enough to name the World Bank, and too long
def test_the_preview_is_what_will_be_sent_with_its_parts(
    desk: Desk, cases: Cases, times: int
) -> None:
    case = cases[0]
    summary = "Худгийг цэвэрлэж, насосыг сольсон. " * times
    foot = preview(desk, case, "close", outcome="resolved", summary=summary)
    text = re.search(r'class="words">(.*?)</p>', foot, re.DOTALL)
    assert text
    assert "2 SMS" in foot
    assert "SMS, " in foot
    desk.do(case, "close", outcome="resolved", summary=summary)
    assert letters(case)[-1] == text[1]


def test_the_preview_counts_parts_of_a_long_reply(desk: Desk, cases: Cases) -> None:
    foot = preview(desk, cases[0], "reply", text="Сайн байна уу. " * 30)
    parts = re.findall(r"(\d+) SMS", foot)
    assert parts
    assert int(parts[0]) > 2
    assert "монголоор" in foot


def test_a_preview_changes_nothing_and_names_another_channel(desk: Desk, cases: Cases) -> None:
    case = cases[1]
    before, sent = fresh(case), letters(case)
    foot = preview(desk, case, "reply", text="Хариу")
    assert "Telegram" in foot
    assert "SMS" not in foot
    assert fresh(case) == before
    assert letters(case) == sent


def test_the_preview_works_without_scripts(desk: Desk, cases: Cases) -> None:
    case = cases[4]
    page = desk.post(
        f"/cases/{case.reference}/preview/close",
        version=fresh(case).version, outcome="resolved", summary="Засав",
    ).get_data(as_text=True)  # fmt: skip
    assert "<!doctype html>" in page
    form = page[page.index("/do/close") :]
    form = form[: form.index("</form>")]
    assert "Засав" in form
    assert "Иргэнд очих текст" in form
    unready = desk.post(
        f"/cases/{case.reference}/preview/close",
        version=fresh(case).version,
        outcome="",
        summary="",
    )
    assert "Үр дүнг сонгоно уу" in unready.get_data(as_text=True)


def test_delivery_and_its_failure_are_told_in_words(desk: Desk, cases: Cases) -> None:
    assert "Хүргэгдсэн" in open_page(desk, cases[0])
    page = open_page(desk, cases[3])
    assert "утас унтраалттай" in page
    assert "Хариу хүрээгүй" in page
    with transaction() as tx:
        town.delivered(tx, cases[3], "failed", "77777")
    assert "(код 77777)" in open_page(desk, cases[3])


def test_a_call_that_was_made_leaves_the_list(desk: Desk, cases: Cases, saraa: int) -> None:
    with reading() as tx:
        row = tx.execute(select(task)).one()
    wrong = desk.post(f"/cases/{cases[0].reference}/tasks/{row.id}")
    assert wrong.status_code == 303
    assert cases[3].reference in desk.page("/?view=failed")
    desk.post(f"/cases/{cases[3].reference}/tasks/{row.id}")
    assert cases[3].reference not in desk.page("/?view=failed")
    with reading() as tx:
        assert tx.execute(select(task.c.officer_id)).scalar() == saraa


@pytest.mark.parametrize(
    ("column", "words"),
    [("blocked_at", "Энэ хаягт хүрэхгүй"), ("stopped_at", "авахаа зогсоосон")],
)
def test_an_address_that_cannot_be_reached_is_said_beforehand(
    desk: Desk, cases: Cases, column: str, words: str
) -> None:
    with transaction() as tx:
        mine = address.update().where(address.c.id == cases[4].address_id)
        tx.execute(mine.values({column: clock.now()}))
    assert words in open_page(desk, cases[4])


def test_who_it_is_is_shown_for_a_reason_that_is_kept(desk: Desk, cases: Cases, saraa: int) -> None:
    case = cases[0]
    assert "70000001" not in open_page(desk, case)
    refused = desk.post(f"/cases/{case.reference}/contact", reason=" ")
    assert refused.status_code == 422
    assert "70000001" not in refused.get_data(as_text=True)
    assert looks(case) == []
    answer = desk.post(f"/cases/{case.reference}/contact", reason="Утсаар ярих")
    assert "+97670000001" in answer.get_data(as_text=True)
    assert looks(case) == [(f"officer:{saraa}", "reveal", "Утсаар ярих")]


def test_the_private_code_is_not_shown_to_staff(desk: Desk, cases: Cases) -> None:
    for case in cases:
        assert any(case.code in text for text in letters(case)) or case.address_id
        assert case.code not in open_page(desk, case)


def test_a_sensitive_matter_is_not_there_for_others_and_remembers_who_looked(
    app: Flask, desk: Desk, cases: Cases
) -> None:
    case = cases[0]
    answer = desk.do(case, "seal", sensitive="violence")
    assert answer.headers["Location"] == "/", "who marks it no longer sees it"
    path = f"/cases/{case.reference}"
    assert desk.get(path).status_code == 404
    for act in ("do/close", "preview/close", "contact", "tasks/1"):
        assert desk.post(f"{path}/{act}", reason="а").status_code == 404, act
    assert looks(case) == []
    assert "70000001" not in desk.page("/")
    others = open_page(desk, town.arrive(town.PEOPLE[0], clock.now()))
    assert case.reference not in others
    focal = another(app, "focal", "focal_point")
    page = open_page(focal, case)
    assert "Худгийн насос" in page
    assert [look[1] for look in looks(case)] == ["view"]
    assigned = re.search(r'name="assignee">(.*?)</select>', page, re.DOTALL)
    assert assigned
    assert "Сараа" not in assigned[1]
    assert "unseal" in offered(page)
    assert focal.do(case, "unseal", reason="").status_code == 422
    assert focal.do(case, "unseal", reason="Эндүүрч нууцалсан").status_code == 303
    assert "Худгийн насос" in open_page(desk, case)


@pytest.mark.parametrize("reference", ["00000000", "x", "1" * 300, "'", "२६"])
def test_a_number_that_is_none_is_not_found(desk: Desk, reference: str) -> None:
    assert desk.get(f"/cases/{reference}").status_code == 404


def test_what_people_write_is_shown_as_they_wrote_it(desk: Desk) -> None:
    town.channels_known()
    nasty = '<script>alert(1)</script> & "quotes" {{ 7*7 }}\nхоёр дахь мөр'
    case = town.arrive(town.Person("sms", "+97670000077", nasty), clock.now())
    for page in (open_page(desk, case), desk.page("/")):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "{{ 7*7 }}" in page


def test_an_unknown_language_is_answered_in_both(desk: Desk, cases: Cases) -> None:
    page = open_page(desk, cases[5])
    assert "монгол, казахаар" in page


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def attach(case: Case, content_type: str, state: str, content: bytes = PIXEL) -> str:
    """A file came with the grievance's first message; its address at the desk."""
    with transaction() as tx:
        message = select(inbox.c.id).where(inbox.c.grievance_id == case.id).limit(1)
        row = {
            "inbox_id": tx.scalar(message),
            "grievance_id": case.id,
            "channel": "telegram",
            "kind": "image",
            "content_type": content_type,
            "size": len(content),
            "source": {},
            "state": state,
            "sha256": files.put(content) if state == attachments.STORED else None,
        }
        (number,) = tx.insert_ids(attachment, [row])
    return f"/cases/{case.reference}/files/{number}"


def test_photos_and_recordings_are_shown_and_sent_safely(desk: Desk, cases: Cases) -> None:
    case = cases[1]
    photo = attach(case, "image/png", attachments.STORED)
    voice = attach(case, "audio/ogg", attachments.STORED, b"OggS" + bytes(2000))
    paper = attach(case, "text/html", attachments.STORED, b"<script>alert(1)</script>")
    page = open_page(desk, case)
    assert f'<img src="{photo}"' in page
    assert re.search(rf'<audio[^>]*src="{voice}"', page)
    answer = desk.get(photo)
    assert answer.get_data() == PIXEL
    assert answer.content_type == "image/png"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert desk.get(voice, headers={"Range": "bytes=0-3"}).get_data() == b"OggS"
    assert desk.get(paper).headers["Content-Disposition"].startswith("attachment")


def test_files_are_for_those_who_may_see_their_grievance(
    app: Flask, desk: Desk, cases: Cases, saraa: int
) -> None:
    photo = attach(cases[1], "image/png", attachments.STORED)
    assert desk.get(photo.replace(cases[1].reference, cases[0].reference)).status_code == 404
    town.sealed(cases[1], clock.now(), saraa)
    assert desk.get(photo).status_code == 404
    assert another(app, "focal", "focal_point").get(photo).status_code == 200
    assert [look[1] for look in looks(cases[1])] == ["file"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (attachments.WAITING, "татаж байна"),
        (attachments.REFUSED, "хүлээж авдаггүй"),
        (attachments.LOST, "алга болсон"),
    ],
)
def test_a_file_that_is_not_there_says_why(
    desk: Desk, cases: Cases, state: str, words: str
) -> None:
    address_ = attach(cases[1], "image/png", state)
    assert words in open_page(desk, cases[1])
    assert desk.get(address_).status_code == 404
