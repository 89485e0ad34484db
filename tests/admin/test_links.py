"""Grievances alike, linked, merged, taken apart, split; many at once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, select, update

from config import clock
from store import db
from store.case import Case
from store.db import reading, transaction
from store.messages import OutboundState
from store.schema import bulk_run, case_event, grievance, outbox
from tests.admin import town
from tests.admin.conftest import Desk, another, fresh
from workflow import joining
from workflow.similar import similar

Cases = list[Case]
WELL = "Худгийн насос ажиллахгүй, айлууд усгүй байна"


def _alike(case: Case) -> list[str]:
    with reading() as tx:
        return [item.reference for item in similar(tx, fresh(case))]


def _told(case: Case) -> list[str]:
    with reading() as tx:
        query = select(outbox.c.text).where(
            outbox.c.grievance_id == case.id, outbox.c.template == "reply"
        )
        return list(tx.execute(query).scalars())


@pytest.mark.parametrize(
    ("text", "like"),
    [
        (WELL, True),
        ("hudgiin nasos ajillahgui, ailuud usgui baina", True),
        ("ХУДГИЙН НАСОС 3 хоног АЖИЛЛАХГYЙ айлууд усгуй", True),
        ("Сургалтад бүртгүүлэх хүсэлтэй байна", False),
    ],
)
def test_the_same_is_found_in_any_spelling(store: str, cases: Cases, text: str, like: bool) -> None:
    other = town.arrive(town.Person("sms", "+97670000077", text), clock.now() - timedelta(days=20))
    assert (cases[0].reference in _alike(other)) is like


def test_place_and_matter_join_what_languages_part(store: str, cases: Cases) -> None:
    about = {"place": "bayan-ulgii/tsengel", "category": "environment"}
    kazakh = town.arrive(
        town.Person("sms", "+97670000078", "Құдықта су жоқ", "kk"), clock.now(), **about
    )
    mongol = town.arrive(town.Person("sms", "+97670000079", WELL), clock.now(), **about)
    with transaction() as tx:
        both = grievance.c.id.in_((kazakh.id, mongol.id))
        tx.execute(update(grievance).where(both).values(folded="ус"))
    assert _alike(kazakh)[:1] == [mongol.reference]


def test_sensitive_matters_are_like_nothing(store: str, cases: Cases, saraa: int) -> None:
    other = town.arrive(town.Person("sms", "+97670000077", WELL), clock.now() - timedelta(days=20))
    town.sealed(cases[0], clock.now(), saraa)
    assert cases[0].reference not in _alike(other)
    assert _alike(cases[0]) == []


def test_joined_merged_and_taken_apart(desk: Desk, cases: Cases) -> None:
    one, two, three = cases[0], cases[3], cases[5]
    path = f"/cases/{one.reference}"
    desk.post(f"{path}/links", other=two.reference, kind="same")
    desk.post(f"{path}/links", other=three.reference, kind="merged")
    page = desk.page(path)
    assert "Нэгтгэлээ." in page
    assert {two.reference, three.reference} <= set(re.findall(r'/cases/(\d+)">\1<', page))
    assert f"/bulk/?ref={one.reference}&amp;ref={two.reference}" in page
    desk.post(f"{path}/links", other=two.reference, kind="same")
    assert "аль хэдийн холбосон" in desk.page(path).casefold()
    with reading() as tx:
        numbers = {row.kind: row.id for row in joining.links(tx, one.id)}
    desk.post(f"{path}/links/{numbers['same']}/undo")
    desk.post(f"{path}/links/{numbers['merged']}/undo")
    with reading() as tx:
        assert joining.links(tx, one.id) == []
        kinds = select(case_event.c.kind).where(case_event.c.grievance_id == one.id)
        found = list(tx.execute(kinds.order_by(case_event.c.seq)).scalars())[-4:]
    assert found == ["merged", "merged", "split", "split"]


def test_merged_stay_together_once_a_letter_has_left(desk: Desk, cases: Cases) -> None:
    one, two = cases[0], cases[5]
    path = f"/cases/{one.reference}"
    desk.post(f"{path}/links", other=two.reference, kind="merged")
    with time_machine.travel(clock.now() + timedelta(seconds=5)):
        desk.do(one, "reply", text="Засна")
    with transaction() as tx:
        tx.execute(update(outbox).values(state=OutboundState.SENT))
    with reading() as tx:
        (link,) = joining.links(tx, one.id)
    desk.post(f"{path}/links/{link.id}/undo")
    assert "үсэг явсан" in desk.page(path)
    with reading() as tx:
        assert len(joining.links(tx, one.id)) == 1


def test_two_matters_become_two_grievances(desk: Desk, cases: Cases) -> None:
    path = f"/cases/{cases[0].reference}"
    desk.post(f"{path}/split", text="Замын гүүр эвдэрсэн")
    with reading() as tx:
        (link,) = joining.links(tx, cases[0].id)
        row = tx.execute(select(grievance).where(grievance.c.reference == link.reference)).one()
    assert row.text == "Замын гүүр эвдэрсэн"
    assert (row.address_id, row.language) == (fresh(cases[0]).address_id, "mn")
    assert row.received_at == cases[0].received_at
    assert link.kind == "split"


def _go(desk: Desk, action: str, chosen: Cases, **form: str) -> str:
    """From the preview's own fields to the report; its path."""
    refs = [case.reference for case in chosen]
    data = {"csrf_token": desk.token("/account"), "do": action, "ref": refs, **form}
    page = desk.client.post("/bulk/preview", data=data).get_data(as_text=True)
    fields = dict(
        re.findall(
            r'name="(csrf_token|do|mn|kk|en|text|assignee|category|outcome)" value="([^"]*)"',
            page.split("/bulk/do")[1],
        )
    )
    picked = re.findall(r'name="case" value="([^"]+)"', page)
    answer = desk.client.post("/bulk/do", data={**fields, "case": picked})
    assert answer.status_code == 303, page
    return answer.headers["Location"]


def test_many_are_answered_each_in_their_language_and_taken_back(desk: Desk, cases: Cases) -> None:
    chosen = [cases[0], cases[2], cases[3]]
    report = _go(desk, "reply", chosen, mn="Насос ирнэ", kk="Сорғы келеді", en="A pump comes")
    assert [_told(case)[0].split(": ")[1] for case in chosen] == [
        "Насос ирнэ", "Сорғы келеді", "A pump comes",
    ]  # fmt: skip
    assert "3 гомдолд хийлээ" in desk.page(report)
    desk.post(f"{report}/undo", "/account")
    assert [_told(case) for case in chosen] == [[], [], []]
    assert "Бүгдийг буцаалаа" in desk.page(report)
    assert desk.post(f"{report}/undo", "/account").status_code == 409


def test_what_one_refuses_stops_no_other(desk: Desk, cases: Cases, saraa: int) -> None:
    refs = [cases[n].reference for n in (0, 1, 3)]
    data = {"csrf_token": desk.token("/account"), "do": "assign", "ref": refs}
    page = desk.client.post("/bulk/preview", data={**data, "assignee": str(saraa)})
    words = page.get_data(as_text=True)
    assert "1 гомдолд боломжгүй" in words, "one is closed"
    picked = [f"{case.reference}:{fresh(case).version}" for case in (cases[0], cases[3], cases[5])]
    desk.do(cases[3], "note", text="Хооронд нь")
    before = fresh(cases[5]).assignee_id
    answer = desk.client.post("/bulk/do", data={**data, "assignee": str(saraa), "case": picked})
    report = desk.page(answer.headers["Location"])
    assert "2 гомдолд хийлээ" in report
    assert "1 гомдолд болсонгүй" in report
    assert before is None
    assert fresh(cases[5]).assignee_id == saraa
    assert fresh(cases[3]).assignee_id is None


@pytest.mark.parametrize("action", ["reply", "close", "assign", "classify"])
def test_a_preview_asks_the_database_as_much_about_fifty_as_about_two(
    desk: Desk, saraa: int, action: str
) -> None:
    town.channels_known()
    now = clock.now()
    chosen = [
        town.arrive(replace(town.PEOPLE[n % 3], address=f"{70000100 + n}"), now) for n in range(50)
    ]
    asked: list[str] = []

    def look(count: int) -> int:
        refs = [case.reference for case in chosen[:count]]
        words = dict.fromkeys(("mn", "kk", "en", "text"), "Засна")
        about = {"assignee": str(saraa), "category": "environment", "outcome": "resolved"}
        data = {"csrf_token": desk.token("/account"), "do": action, "ref": refs, **words, **about}
        asked.clear()
        page = desk.client.post("/bulk/preview", data=data).get_data(as_text=True)
        assert page.count('name="case"') == count
        return len(asked)

    event.listen(db.engine(), "before_cursor_execute", lambda *every: asked.append(every[2]))
    few = look(2)
    assert look(50) == few <= 10, asked[-3:]


def test_classified_many_and_back(desk: Desk, cases: Cases) -> None:
    report = _go(desk, "classify", [cases[0], cases[3]], category="environment")
    assert {fresh(case).category for case in (cases[0], cases[3])} == {"environment"}
    desk.do(cases[3], "note", text="Өөр хүн")
    desk.post(f"{report}/undo", "/account")
    assert [fresh(case).category for case in (cases[0], cases[3])] == [None, "environment"]
    with reading() as tx:
        assert tx.execute(select(bulk_run.c.undone_at)).scalar_one() is not None


def test_given_to_somebody_and_back_to_nobody(desk: Desk, cases: Cases, saraa: int) -> None:
    bold = town.join("bold", "Жишээ Болд")
    chosen = [cases[0], cases[3], cases[5]]  # Saraa's, nobody's, nobody's
    report = _go(desk, "assign", chosen, assignee=str(bold))
    assert [fresh(case).assignee_id for case in chosen] == [bold] * 3
    desk.do(cases[5], "note", text="Хооронд нь")
    desk.post(f"{report}/undo", "/account")
    assert [fresh(case).assignee_id for case in chosen] == [saraa, None, bold]
    assert fresh(cases[3]).status == "screened"
    assert "Хариуцагчгүй болгосон" in desk.page(f"/cases/{cases[3].reference}")
    assert desk.do(cases[5], "unassign").status_code == 303
    assert fresh(cases[5]).assignee_id is None
    again = desk.do(cases[5], "unassign")
    assert "Хариуцагч нь угаас байхгүй" in again.get_data(as_text=True)


def test_others_runs_and_lookers_are_refused(app: Flask, desk: Desk, cases: Cases) -> None:
    report = _go(desk, "note", [cases[0]], text="Тэмдэглэл")
    auditor = another(app, "auditor", "auditor")
    assert auditor.get("/bulk/").status_code == 403
    assert auditor.get(report).status_code == 404
    assert auditor.post(f"/cases/{cases[0].reference}/split", text="а").status_code == 403


def test_a_matter_goes_to_the_forum_and_its_decision_comes_back(
    app: Flask, desk: Desk, cases: Cases, saraa: int
) -> None:
    town.sealed(cases[4], clock.now(), saraa)
    refs = " ".join(cases[n].reference for n in (0, 2, 4)) + " 99999999"
    answer = desk.post("/forum/", "/account", title="Ус, интернэт", references=refs)
    place = answer.headers["Location"]
    page = desk.page(place)
    assert cases[0].reference in page
    assert cases[4].reference not in page, "sensitive"
    assert "2 гомдол" in desk.page("/forum/")
    desk.post(f"{place}/decision", "/account", held_on="2026-11-20", decision="Худаг гаргана")
    for case in (cases[0], cases[2]):
        assert "Худаг гаргана" in desk.page(f"/cases/{case.reference}")
    assert desk.post(f"{place}/decision", "/account", decision="а").status_code == 400
    assert [_told(cases[n]) for n in (0, 2)] == [[], []]
    auditor = another(app, "auditor", "auditor")
    assert auditor.post("/forum/", "/account", title="а").status_code == 403
    assert "Ус, интернэт" in auditor.page(place)


def test_a_decision_is_written_and_everybody_answered_in_one_step(
    app: Flask, desk: Desk, cases: Cases, saraa: int
) -> None:
    chosen = [cases[0], cases[2], cases[4]]
    refs = " ".join(case.reference for case in chosen)
    answer = desk.post("/forum/", "/account", title="Ус, интернэт", references=refs)
    place = answer.headers["Location"]
    number = place.rpartition("/")[2]
    town.sealed(cases[4], clock.now(), saraa)
    link = f"/bulk/?do=forum&amp;issue={number}"
    assert link in desk.page(place)
    assert 'name="kk"' in desk.page(link.replace("&amp;", "&"))
    form = {
        "do": "forum", "issue": number, "held_on": "2026-11-20", "decision": "Худаг гаргана",
        "mn": "Худаг гаргахаар шийдлээ", "kk": "Құдық қазу шешілді",
    }  # fmt: skip
    data = {"csrf_token": desk.token("/account"), **form}
    page = desk.client.post("/bulk/preview", data=data).get_data(as_text=True)
    assert "Құдық қазу шешілді" in page
    assert _told(cases[0]) == [], "a preview tells nobody"
    picked = re.findall(r'name="case" value="([^"]+)"', page)
    assert [pair.partition(":")[0] for pair in picked] == [case.reference for case in chosen[:2]]
    other = f"{cases[5].reference}:{fresh(cases[5]).version}"
    report = desk.client.post("/bulk/do", data={**data, "case": [*picked, other]})
    assert [_told(case)[0].split(": ")[1] for case in chosen[:2]] == [form["mn"], form["kk"]]
    assert _told(cases[5]) == [], "not of this matter"
    for case in chosen[:2]:
        assert "2026-11-20: Худаг гаргана" in desk.page(f"/cases/{case.reference}")
    assert "Худаг гаргана" in desk.page(place)
    assert "2 гомдолд хийлээ" in desk.page(report.headers["Location"])
    again = desk.client.post("/bulk/do", data={**data, "case": picked})
    assert "2 гомдолд болсонгүй" in desk.page(again.headers["Location"]), "an older version"
    desk.post(f"{report.headers['Location']}/undo", "/account")
    assert [_told(case) for case in chosen[:2]] == [[], []]
    for wrong in ({"issue": "999"}, {"issue": ""}, {"decision": " "}, {"held_on": "x"}):
        answer = desk.client.post("/bulk/preview", data=data | wrong)
        assert answer.status_code in {400, 404} or 'name="case"' not in answer.text, wrong
        assert desk.client.post("/bulk/do", data=data | wrong).status_code in {400, 404}, wrong
