"""Around an answer: drafts, taking back, replies at hand, another try, who else is here."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from admin import office
from config import clock
from store import desk as rows
from store.case import Case
from store.db import reading, transaction
from store.messages import OutboundState
from store.outbox import claim
from store.schema import case_event, draft, outbox
from tests.admin import town
from tests.admin.conftest import Desk, another, fresh

Cases = list[Case]


def _replies(case: Case) -> list[tuple[str, str]]:
    with reading() as tx:
        query = select(outbox.c.state, outbox.c.text).where(
            outbox.c.grievance_id == case.id, outbox.c.template == "reply"
        )
        return [(row.state, row.text) for row in tx.execute(query)]


def test_a_reply_waits_and_comes_back_into_its_field(desk: Desk, cases: Cases) -> None:
    case = cases[0]
    desk.do(case, "reply", text="Маргааш очно")
    assert [state for state, _ in _replies(case)] == [OutboundState.QUEUED]
    with transaction() as tx:
        now = clock.now()
        mine = [item for item in claim(tx, "sms", 50, now) if item.template == "reply"]
        later = [
            item
            for item in claim(tx, "sms", 50, now + timedelta(seconds=25))
            if item.template == "reply"
        ]
    assert (len(mine), len(later)) == (0, 1)
    with transaction() as tx:
        tx.execute(update(outbox).values(state="queued", attempts=0))
    assert fresh(case).waiting_on == "them"
    page = desk.page(f"/cases/{case.reference}")
    assert 'id="undo"' in page
    answer = desk.post(f"/cases/{case.reference}/unsend")
    assert answer.status_code == 303
    assert _replies(case) == []
    assert fresh(case).waiting_on == "us"
    page = desk.page(f"/cases/{case.reference}")
    assert "Маргааш очно</textarea>" in page
    assert "буцаалаа" in page
    with reading() as tx:
        kinds = select(case_event.c.kind).where(case_event.c.grievance_id == case.id)
        assert tx.execute(kinds.order_by(case_event.c.seq.desc())).scalars().first() == "unsent"


def test_what_has_left_stays(desk: Desk, cases: Cases) -> None:
    case = cases[0]
    desk.do(case, "reply", text="Маргааш очно")
    with time_machine.travel(clock.now() + timedelta(seconds=21)):
        assert 'id="undo"' not in desk.page(f"/cases/{case.reference}")
        desk.post(f"/cases/{case.reference}/unsend")
    assert len(_replies(case)) == 1


def test_what_is_typed_is_kept_for_its_writer_alone(app: Flask, desk: Desk, cases: Cases) -> None:
    path = f"/cases/{cases[0].reference}"
    for command, words in (("reply", "Хагас хариу"), ("note", "Хагас тэмдэглэл")):
        assert desk.post(f"{path}/draft/{command}", text=words).status_code == 204
        assert f"{words}</textarea>" in desk.page(path)
    assert desk.post(f"{path}/draft/close", text="үгүй").status_code == 404
    colleague = another(app, "bold", "officer")
    assert "Хагас" not in colleague.page(path)
    desk.do(cases[0], "note", text="Бүтэн тэмдэглэл")
    page = desk.page(path)
    assert "Хагас тэмдэглэл" not in page
    assert "Хагас хариу" in page
    desk.post(f"{path}/draft/reply", text="  ")
    with reading() as tx:
        assert tx.execute(select(draft)).all() == []


def test_sealing_forgets_what_was_typed(desk: Desk, cases: Cases) -> None:
    path = f"/cases/{cases[5].reference}"
    desk.post(f"{path}/draft/reply", text="Нууц үг")
    desk.do(cases[5], "seal", sensitive="violence")
    with reading() as tx:
        assert tx.execute(select(draft)).all() == []


def test_replies_at_hand_speak_the_persons_language(desk: Desk, cases: Cases) -> None:
    with transaction() as tx:
        assert office.seed(tx) == 8
        assert office.seed(tx) == 0
        number = rows.canned(tx, "")[0].id
    kazakh = cases[2]
    page = desk.page(f"/cases/{kazakh.reference}?canned={number}")
    assert "Рақмет. Бұл қашан" in page.split("<textarea")[1]
    assert "Баярлалаа. Энэ явдал хэзээ" in page.split("<textarea")[0], "the gloss"
    water = desk.page(f"/cases/{cases[0].reference}")
    assert "Ус зөөвөрлөлт" not in water, "of another category"
    desk.do(cases[0], "classify", kind="complaint", category="environment", language="mn")
    assert "Ус зөөвөрлөлт" in desk.page(f"/cases/{cases[0].reference}")
    promised = desk.page(f"/cases/{cases[0].reference}")
    assert "{date}" not in promised


def test_a_failed_letter_is_tried_again(desk: Desk, cases: Cases) -> None:
    tender = cases[3]
    path = f"/cases/{tender.reference}"
    assert "Дахин илгээх" in desk.page(path)
    with reading() as tx:
        query = select(outbox.c.id).where(outbox.c.grievance_id == tender.id)
        number = tx.execute(query).scalar_one()
    desk.post(f"{path}/letters/{number}/again")
    with reading() as tx:
        row = tx.execute(select(outbox).where(outbox.c.id == number)).one()
    assert (row.state, row.error, row.attempts) == (OutboundState.QUEUED, "", 0)
    other = f"/cases/{cases[0].reference}/letters/{number}/again"
    assert desk.post(other).status_code == 303
    assert "боломжгүй" in desk.page(f"/cases/{cases[0].reference}")


def test_colleagues_see_each_other(app: Flask, desk: Desk, cases: Cases) -> None:
    here = f"/cases/{cases[0].reference}/here?version={fresh(cases[0]).version}"
    desk.page(here)
    colleague = another(app, "bold", "officer")
    assert "Жишээ Сараа" in colleague.page(here)
    assert "өөрчлөгдсөн" not in colleague.page(here)
    desk.do(cases[0], "note", text="Ярилаа")
    assert "өөрчлөгдсөн" in colleague.page(here)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert "Жишээ Сараа" not in colleague.page(here)


@pytest.mark.parametrize("role", ["auditor", "administrator"])
def test_who_only_looks_neither_takes_back_nor_sends(
    app: Flask, desk: Desk, cases: Cases, role: str
) -> None:
    desk.do(cases[0], "reply", text="Маргааш очно")
    looker = another(app, role, role)
    path = f"/cases/{cases[0].reference}"
    assert looker.post(f"{path}/unsend").status_code == 403
    assert looker.post(f"{path}/letters/1/again").status_code == 403
    assert len(_replies(cases[0])) == 1


def test_a_kazakh_grievance_gets_a_summary_for_those_who_read_none(
    app: Flask, desk: Desk, cases: Cases, saraa: int
) -> None:
    kazakh = cases[2]
    gist = "Сумын төвд интернэт алга"
    desk.do(kazakh, "classify", kind="complaint", category="access", language="kk", gist=gist)
    page = desk.page(f"/cases/{kazakh.reference}")
    assert page.index(gist) < page.index("Ауыл әкімшілігінде"), "beside the original"
    assert gist in desk.page("/?view=kazakh")
    with reading() as tx:
        payloads = select(case_event.c.payload).where(case_event.c.grievance_id == kazakh.id)
        assert gist not in str(tx.execute(payloads).all()), "words of people are not in the trail"
    town.sealed(kazakh, clock.now(), saraa)
    focal = another(app, "bold", "officer", "focal_point")
    focal.do(kazakh, "classify", kind="complaint", category="access", language="kk", gist=gist)
    assert fresh(kazakh).gist == ""
