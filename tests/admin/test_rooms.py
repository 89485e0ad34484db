"""Dashboard, first steps, keys and settings; and every role on every route."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from admin import dashboard, guard
from bot import gazetteer
from config import clock, i18n
from config.clock import is_holiday
from store import corrections, officers
from store import desk as rows
from store.case import Case
from store.db import reading, transaction
from store.schema import access_log
from tests.admin import town
from tests.admin.conftest import Desk, another, fresh
from workflow.commands import Act, Actor, Register
from workflow.handlers import Casework
from workflow.states import Role

Cases = list[Case]


def _table(page: str, caption: str) -> dict[str, int]:
    part = page.split(f'<caption class="visually-hidden">{caption}</caption>')[1].split("</table>")[
        0
    ]
    return {name: int(n) for name, n in re.findall(r'"row">([^<]+)</th><td>(\d+)', part)}


def test_the_dashboard_counts_what_is_there(desk: Desk, cases: Cases) -> None:
    town.arrive(
        town.PEOPLE[0], clock.now() - timedelta(days=2), place="bayan-ulgii/tsengel",
        category="environment",
    )  # fmt: skip
    page = desk.page("/dashboard")
    assert sum(_table(page, "Долоо хоногоор ирсэн гомдол").values()) == 7
    assert _table(page, "Нээлттэй гомдлын нас") == {
        "Долоо хоног хүртэл": 3, "Сар хүртэл": 2, "Хоёр сар хүртэл": 1, "Хоёр сараас дээш": 0,
    }  # fmt: skip
    assert _table(page, "Хаанаас")["Баян-Өлгий"] == 1
    assert "Хаасан 1, үүнээс хугацаандаа 1" in page
    assert len(page.encode()) < 50_000


def test_every_aimag_has_one_tile() -> None:
    assert set(dashboard.TILES) == set(gazetteer.aimags())
    assert len(set(dashboard.TILES.values())) == len(dashboard.TILES) == 22


def test_the_dashboard_tells_nobody_of_sealed_matters(
    app: Flask, desk: Desk, cases: Cases, saraa: int
) -> None:
    before = desk.page("/dashboard")
    town.sealed(cases[0], clock.now(), saraa)
    counted = [sum(_table(page, "Долоо хоногоор ирсэн гомдол").values())
               for page in (before, desk.page("/dashboard"))]  # fmt: skip
    assert counted == [6, 5]


def test_first_steps_tick_themselves_off(app: Flask, desk: Desk) -> None:
    def is_done(page: str, words: str) -> bool:
        item = next(part for part in page.split("<li") if words in part)
        return "is-done" in item

    page = desk.page("/guide")
    assert not is_done(page, "Хамтран ажиллагсдаа нэмэх")
    assert not is_done(page, "Анхны гомдлоо бүртгэх")
    another(app, "bold", "officer", "focal_point")
    town.channels_known()
    town.arrive(town.PEOPLE[0], clock.now())
    page = desk.page("/guide")
    assert is_done(page, "Хамтран ажиллагсдаа нэмэх")
    assert is_done(page, "Нууцлалтай асуудал хариуцах")
    assert is_done(page, "Анхны гомдлоо бүртгэх")


def test_a_corrected_text_is_what_people_read(app: Flask, store: str, cases: Cases) -> None:
    boss = another(app, "boss", "administrator")
    form = {"key": "letter.reply", "language": "mn", "review": "approved"}
    boss.post("/settings/texts", "/account", text="{reference} дугаар: {text}", **form)
    page = boss.page("/settings/texts?find=letter.reply")
    assert "approved" in page
    officer = another(app, "bold", "officer")
    officer.do(cases[0], "reply", text="Засна")
    assert f"{cases[0].reference} дугаар: Засна" in officer.page(f"/cases/{cases[0].reference}")
    boss.post("/settings/texts", "/account", text="{nothing}", **form)
    assert "утгыг нэрлэсэн" in boss.page("/settings/texts")
    boss.post("/settings/texts", "/account", text="", **form)
    assert i18n.text("letter.reply", "mn", reference="1", text="а") == "1: а"
    with reading() as tx:
        assert corrections.texts(tx) == {}
        assert [row.after for row in rows.changes(tx)] == ["", "{reference} дугаар: {text}"]


def test_each_form_of_a_plural_is_corrected(app: Flask, store: str) -> None:
    boss = another(app, "boss", "administrator")
    page = boss.page("/settings/texts?find=count.days&language=en")
    assert "<code>count.days</code>" in page
    assert "<code>count.days[1]</code>" in page
    form = {"language": "en", "review": "approved"}
    boss.post("/settings/texts", "/account", key="count.days[1]", text="{n} whole days", **form)
    said = [i18n.plural("count.days", number, "en") for number in (1, 2, 0)]
    assert said == ["1 day", "2 whole days", "0 whole days"]
    boss.post("/settings/texts", "/account", key="count.days", text="a day", **form)
    assert i18n.plural("count.days", 1, "en") == "a day"
    for key, wrong in (("count.days[1]", "{x}"), ("count.days[2]", "а"), ("ack[1]", "а")):
        boss.post("/settings/texts", "/account", key=key, text=wrong, **form)
    assert i18n.plural("count.days", 2, "en") == "2 whole days"
    for key in ("count.days", "count.days[1]"):
        boss.post("/settings/texts", "/account", key=key, text="", **form)
    assert [i18n.plural("count.days", number, "en") for number in (1, 2)] == ["1 day", "2 days"]
    with reading() as tx:
        assert corrections.texts(tx) == {}


def test_a_free_day_counts_from_now_on(app: Flask, store: str) -> None:
    boss = another(app, "boss", "administrator")
    day = (clock.now() + timedelta(days=90)).date()
    assert not is_holiday(day)
    boss.post("/settings/holidays", "/account", day=day.isoformat(), name="Аймгийн ой")
    assert is_holiday(day)
    assert "Аймгийн ой" in boss.page("/settings/")
    boss.post("/settings/holidays", "/account", day=day.isoformat(), drop="1")
    assert not is_holiday(day)


def test_replies_at_hand_are_edited_in_three_languages(app: Flask, store: str) -> None:
    boss = another(app, "boss", "coordinator")
    assert boss.page("/settings/replies").count('<form class="sheet') == 9
    whole = {"name": "Шинэ", "category": "", "mn": "Сайн уу", "kk": "Сәлем", "en": "Hello"}
    boss.post("/settings/replies/0", "/account", **whole, active="on")
    boss.post("/settings/replies/0", "/account", **(whole | {"kk": ""}), active="on")
    with reading() as tx:
        assert [row.kk for row in rows.canned(tx, "") if row.name == "Шинэ"] == ["Сәлем"]


def test_what_a_reply_said_before_is_restored(app: Flask, store: str) -> None:
    boss = another(app, "boss", "coordinator")
    boss.page("/settings/replies")

    def reply() -> dict[str, str]:
        with reading() as tx:
            row = next(row for row in rows.canned(tx) if row.id == number)
        return {name: getattr(row, name) for name in ("name", "category", "mn", "kk", "en")}

    with reading() as tx:
        number = rows.canned(tx)[0].id
    first, path = reply(), f"/settings/replies/{number}"
    boss.post(path, "/account", **(first | {"mn": "Өөр", "kk": "Басқа"}), active="on")
    boss.post(path, "/account", **(first | {"mn": "Бас өөр"}))  # and out of use
    page = boss.page("/settings/replies")
    last, one = re.findall(r"/replies/changes/(\d+)/undo", page)
    assert "Басқа</p>" in page
    undo = "/settings/replies/changes/{}/undo"
    boss.post(undo.format(one), "/account")
    assert reply() == first
    with reading() as tx:
        assert next(row for row in rows.canned(tx) if row.id == number).active
    boss.post(undo.format(last), "/account")
    assert reply() == first | {"mn": "Өөр", "kk": "Басқа"}
    assert "Басқа" in boss.page("/settings/"), "the history tells each language"
    assert boss.post(undo.format(999), "/account").status_code == 404
    assert boss.post("/settings/replies/999", "/account", **first).status_code == 404


def test_a_view_of_ones_own(app: Flask, desk: Desk, cases: Cases) -> None:
    desk.post("/views", "/account", view="open", language="kk", name="Миний казах")
    page = desk.page("/")
    assert "Миний казах" in page
    narrowed = desk.page("/?view=open&language=kk")
    assert re.findall(r'class="what">\s*<a href="/cases/(\d+)', narrowed) == [cases[2].reference]
    assert "Миний казах" not in another(app, "bold", "officer").page("/")
    with reading() as tx:
        number = rows.saved_views(tx, 1)[0].id
    desk.post("/views", "/account", view="open", language="kk", drop=str(number))
    assert "Миний казах" not in desk.page("/")


def test_the_list_stands_beside_the_case_it_was_opened_from(desk: Desk, cases: Cases) -> None:
    page = desk.page(f"/cases/{cases[2].reference}?view=kazakh")
    side = page.split('<nav class="side"')[1].split("</nav>")[0]
    assert re.findall(r"/cases/(\d+)\?view=kazakh", side) == [cases[2].reference]
    assert 'aria-current="page"' in side


def test_the_list_beside_a_case_stands_where_the_case_is(desk: Desk) -> None:
    town.channels_known()
    made = [
        town.arrive(replace(town.PEOPLE[0], text=f"Гомдол {n}"), clock.now() - timedelta(days=n))
        for n in range(12)
    ]
    page = desk.page(f"/cases/{made[0].reference}")  # the latest, so the last of the list
    side = page.split('<nav class="side"')[1].split("</nav>")[0]
    assert side.count("<li") == 6
    assert re.search(rf'{made[0].reference}[^"]*" aria-current="page"', side)


# -- every role on every route ------------------------------------------------------------------

OPEN_TO_STAFF = {"officer", "coordinator", "psc_secretary", "focal_point"}
ALL = OPEN_TO_STAFF | {"assignee", "auditor", "administrator"}
# Who gets an answer (200) to a plain GET; routes that are not here are open to everybody signed in.
READERS: dict[str, set[str]] = {
    "bulk.board": OPEN_TO_STAFF,
    "care.looks": {"auditor", "administrator"},
    "intake.form": {"officer"},
    "partners.board": {"administrator"},
    "staff.board": {"administrator"},
}
# What a grievance's own page answers depends on the grievance; see test_cases and test_care.
_OWN = re.compile(r"<")


def _plain(app: Flask) -> list[Rule]:
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or set())]
    return [r for r in rules if not _OWN.search(r.rule) and r.endpoint not in guard.OPEN_TO_ALL]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("role", sorted(ALL))
def test_each_role_on_each_page(app: Flask, cases: Cases, role: str) -> None:
    """Nobody meets an error, and what is not theirs is refused, not hidden behind a blank page."""
    person = another(app, f"x{role.replace('_', '')}", role)
    refused = set()
    for rule in _plain(app):
        answer = person.get(rule.rule)
        assert answer.status_code in {200, 303, 308, 400, 403, 404}, (rule.rule, answer.status_code)
        if answer.status_code == 403:
            refused.add(rule.endpoint)
    for endpoint, readers in READERS.items():
        assert (endpoint in refused) is (role not in readers), (endpoint, role)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("role", ["auditor", "administrator"])
def test_who_only_looks_changes_no_grievance(app: Flask, cases: Cases, role: str) -> None:
    """Every form of a grievance, sent by those who have no part in it."""
    person = another(app, role, role)
    before = fresh(cases[0])
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or set()) or "<reference>" not in rule.rule:
            continue
        for command in ("assign", "close", "reply", "seal", "extend"):
            path = rule.rule.replace("<reference>", cases[0].reference)
            path = re.sub(r"<command>", command, path)
            path = re.sub(r"<[^>]+>", "1", path)
            form = {"text": "а", "reason": "", "outcome": "resolved", "summary": "а"}
            answer = person.client.post(path, data={
                "csrf_token": person.token("/account"), "version": before.version, **form,
            })  # fmt: skip
            assert answer.status_code < 500, path
    after = fresh(cases[0])
    assert (after.status, after.assignee_id, after.sensitive, after.head_seq) == (
        before.status, before.assignee_id, before.sensitive, before.head_seq,
    )  # fmt: skip


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_settings_are_changed_by_few(app: Flask, store: str) -> None:
    forms = {
        "/settings/texts": {"key": "ack", "language": "mn", "review": "approved", "text": "а"},
        "/settings/holidays": {"day": "2030-01-02", "name": "а"},
        "/settings/replies/0": {"name": "а", "mn": "а", "kk": "а", "en": "а"},
    }
    for role in sorted(ALL):
        person = another(app, f"x{role.replace('_', '')}", role)
        for path, form in forms.items():
            status = person.post(path, "/account", **form).status_code
            assert status == (303 if role in {"administrator", "coordinator"} else 403), (
                path,
                role,
            )
    with transaction() as tx:
        for row in corrections.texts(tx).values():
            corrections.drop_text(tx, row.key, row.language)
        for day in corrections.holidays(tx):
            corrections.drop_holiday(tx, day.day)
        corrections.load(tx)


# -- paper --------------------------------------------------------------------------------------


def test_the_case_file_is_one_pdf_and_on_record(desk: Desk, cases: Cases) -> None:
    desk.do(cases[0], "note", text="#panic(`үгүй`) *од* $x$ \\")
    answer = desk.get(f"/cases/{cases[0].reference}/file.pdf")
    assert answer.data.startswith(b"%PDF-")
    assert len(answer.data) > 10_000
    assert answer.headers["Content-Disposition"].endswith(f'"{cases[0].reference}.pdf"')
    with reading() as tx:
        actions = tx.execute(select(access_log.c.action)).scalars().all()
    assert "export" in actions


def test_the_notice_board_holds_answers_nobody_can_be_sent(
    desk: Desk, cases: Cases, saraa: int
) -> None:
    now = clock.now()
    with transaction() as tx:
        work = Casework(tx, now)
        letter = work.register(Register("letter", "Нэргүй захиа", now, language="mn"))
        close = {"outcome": "resolved", "summary": "Гэрэлтүүлэг тавьсан"}
        work.act(Act("close", letter.id, Actor(Role.OFFICER, saraa), close))
        work.flush()
    page = desk.page("/notice-board")
    assert "Гэрэлтүүлэг тавьсан" in page
    assert "Нэргүй захиа" not in page
    assert "Бүртгэл дахин нээгдсэн" not in page, "that person was written to"


# -- staff --------------------------------------------------------------------------------------


def test_an_administrator_adds_changes_and_ends_accounts(app: Flask, store: str) -> None:
    boss = another(app, "boss", "administrator")
    made = boss.post(
        "/settings/staff/", "/account", login="Saruul", name="Жишээ Саруул", role="officer"
    ).get_data(as_text=True)
    found = re.search(r"<code>([^<]+)</code>", made)
    assert found, "the one-time password is shown"
    assert found[1] not in boss.page("/settings/staff/"), "and only once"
    saruul = Desk(app.test_client())
    assert saruul.sign_in("saruul", found[1]).status_code == 303
    with reading() as tx:
        person = officers.by_login(tx, "saruul")
        me = officers.by_login(tx, "boss")
    assert person
    assert me
    path = f"/settings/staff/{person.id}"
    boss.post(path, "/account", role=["auditor", "coordinator"], active="on")
    boss.post(path, "/account", active="on")
    assert "дор хаяж нэг үүрэг" in boss.page("/account").casefold()
    with reading() as tx:
        changed = officers.by_login(tx, "saruul")
    assert changed
    assert changed.roles == ("coordinator", "auditor")
    boss.post(path, "/account", role="officer")
    assert saruul.get("/account/password").status_code == 303, "signed out"
    boss.post(f"/settings/staff/{me.id}", "/account", role="officer", active="on")
    assert "өөрийнхөө эрхийг" in boss.page("/settings/staff/").casefold()
    with reading() as tx:
        assert [row.what for row in rows.changes(tx)] == ["staff saruul"] * 3


def test_no_partner_is_made_or_changed_here(app: Flask, store: str) -> None:
    boss = another(app, "boss", "administrator")
    boss.post("/settings/staff/", "/account", login="cso", name="Түнш", role="cso")
    with reading() as tx:
        assert officers.by_login(tx, "cso") is None
