"""At the desk: proposals that wait, hand-offs, the Bank, the copy for disclosure, erasing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from channels.web import create_app as public_app
from config import clock
from store.case import Case
from store.db import reading
from store.schema import grievance, partner_link
from tests.admin import town
from tests.admin.conftest import Desk, another, fresh

Cases = list[Case]
WORDS = "Миний утас 88001122, ус алга"


@pytest.fixture
def case(desk: Desk) -> Case:
    town.channels_known()
    return town.arrive(town.Person("sms", "+97688001122", WORDS), clock.now())


def offered(page: str) -> set[str]:
    return set(re.findall(r'action="/cases/\d+/do/(\w+)"', page))


def page_of(desk: Desk, case: Case) -> str:
    return desk.page(f"/cases/{case.reference}")


def test_a_refusal_waits_in_a_view_of_its_own(app: Flask, desk: Desk, case: Case) -> None:
    said = desk.do(case, "close", outcome="not_eligible", summary="Манай ажил биш")
    assert said.status_code == 303
    page = page_of(desk, case)
    assert "Хаах санал зөвшөөрөл хүлээж байна" in page
    assert "Зөвшөөрөх хүн алга" in page, "nobody else is there, and the profile names nobody"
    assert "approve" not in offered(page)
    assert case.reference in desk.page("/?view=approval")
    dulam = another(app, "dulam", "coordinator")
    seen = page_of(dulam, case)
    assert {"approve", "return"} <= offered(seen)
    assert "Манай ажил биш" in seen
    assert "Зөвшөөрч болох хүн: Жишээ Dulam" in page_of(desk, case)
    assert dulam.do(case, "return", reason="").status_code == 422
    assert dulam.do(case, "approve").status_code == 303
    assert (fresh(case).status, fresh(case).outcome) == ("closed", "not_eligible")
    assert town.letters_of(case) == ["ack", "closed"]
    assert case.reference not in desk.page("/?view=approval")
    trail = page_of(desk, case)
    for words in ("Хаахыг санал болгосон", "Баталсан", "Хаасан"):
        assert words in trail


def test_who_proposed_may_not_approve(app: Flask, case: Case) -> None:
    dulam = another(app, "dulam", "coordinator")
    dulam.do(case, "close", outcome="not_eligible", summary="а")
    assert "approve" not in offered(page_of(dulam, case))
    answer = dulam.do(case, "approve")
    assert answer.status_code == 422
    assert "Өөрийн санал болгосныг өөрөө зөвшөөрөхгүй" in answer.get_data(as_text=True)


def test_the_preview_shows_what_is_sent_once_approved(desk: Desk, case: Case) -> None:
    form = {"version": case.version, "outcome": "not_eligible", "summary": "Манай ажил биш"}
    path = f"/cases/{case.reference}/preview/close"
    answer = desk.client.post(
        path, data={"csrf_token": desk.token(), **form}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert "Манай ажил биш" in answer.get_data(as_text=True)
    assert town.letters_of(case) == ["ack"]


def test_a_hand_off_shows_its_link_once_and_its_answer(desk: Desk, case: Case) -> None:
    until = (clock.now() + timedelta(days=5)).strftime("%Y-%m-%d")
    form = {"organisation": "Ус суваг", "text": "Насос солих"}
    assert desk.do(case, "hand_off", until="2020-01-01", **form).status_code == 422
    made = desk.do(case, "hand_off", until=until, **form)
    assert made.content_type == "text/html; charset=utf-8", "a page, not its source"
    assert made.status_code == 200
    found = re.search(r"/partner/hand-off/[\w-]{43}", made.get_data(as_text=True))
    assert found
    page = page_of(desk, case)
    assert found[0] not in page
    assert "Хариу хүлээж байна" in page
    sent = public_app().test_client().post(found[0], data={"text": "Сольсон"})
    assert sent.status_code == 200
    page = page_of(desk, case)
    assert "Сольсон" in page
    assert "Гүйцэтгэгчийн хариу ирсэн" in page
    listed = f'id="case-{case.reference}"'
    assert listed not in desk.page("/?view=failed"), "it is no failed delivery"
    assert "Гүйцэтгэгчийн хариуг уншаарай" in desk.page("/health")


def test_a_hand_off_is_taken_back(desk: Desk, case: Case) -> None:
    until = (clock.now() + timedelta(days=5)).strftime("%Y-%m-%d")
    desk.do(case, "hand_off", until=until, organisation="Ус суваг", text="Насос солих")
    with reading() as tx:
        (link,) = tx.execute(select(partner_link.c.id)).scalars()
    assert "take_back" in offered(page_of(desk, case))
    assert desk.do(case, "take_back", link=link).status_code == 303
    page = page_of(desk, case)
    assert "Буцаан авсан" in page
    assert "take_back" not in offered(page)


def test_who_of_the_bank_was_told_stands_on_the_page(desk: Desk, case: Case) -> None:
    form = {"recipient": "Жишээ Менежер", "severity": "serious"}
    assert desk.do(case, "notify_bank", told_at="2099-01-01T10:00", **form).status_code == 422
    assert desk.do(case, "notify_bank", told_at="2026-01-05T10:00", **form).status_code == 303
    page = page_of(desk, case)
    assert "Жишээ Менежер (Ноцтой)" in page
    assert "Дэлхийн банкинд мэдэгдсэн" in page


def test_the_copy_is_suggested_edited_and_confirmed(desk: Desk, case: Case) -> None:
    page = page_of(desk, case)
    box = page[page.index('id="redact-text"') :].split("</textarea>")[0]
    assert "88001122" not in box
    assert "ус алга" in box
    assert desk.do(case, "redact", text="Ус алга").status_code == 303
    page = page_of(desk, case)
    assert "Баталсан хувь" in page
    assert ">Ус алга</textarea>" in page


def test_an_administrator_erases_and_nobody_else(app: Flask, desk: Desk, case: Case) -> None:
    path = f"/cases/{case.reference}/erase"
    assert desk.post(path, reason="хүсэлт", number=case.reference).status_code == 403
    admin = another(app, "admin", "administrator")
    assert "Хувийн мэдээллийг устгах" in page_of(admin, case)
    for wrong in ({"reason": "", "number": case.reference}, {"reason": "а", "number": "1"}):
        assert admin.post(path, **wrong).status_code == 303
        assert fresh(case).text == WORDS
    assert admin.post(path, reason="хүсэлтээр", number=case.reference).status_code == 303
    with reading() as tx:
        row = tx.execute(select(grievance.c.text, grievance.c.status)).one()
    assert tuple(row) == ("", "closed")
    page = page_of(admin, case)
    assert "Хувийн мэдээллийг устгасан" in page
    assert "88001122" not in page
