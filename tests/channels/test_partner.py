"""Partners on a real server and both stores: their own grievances, and nobody else's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from io import BytesIO
from typing import Any

import httpx
import pyotp
import pytest
import time_machine
from openpyxl import load_workbook
from sqlalchemy import select

from admin.app import create_app as create_desk
from channels import jobs, registry
from channels.release import release
from channels.web import create_app
from channels.webform import Webform
from config import clock, i18n
from config.profile import profile
from store import channels, files, inbox, officers, partners
from store.db import reading, transaction
from store.messages import Capabilities
from store.passwords import OfficerError
from store.schema import access_log, attachment, case_event, grievance, outbox, person
from store.schema import inbox as inbox_table
from tests.admin import town
from tests.channels.website import PHOTO, WELL, served, words
from workflow import fieldform
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

PASSWORD = "туршилтын нууц үг 2026"
OFFICER = Actor(Role.OFFICER)


@pytest.fixture
def base(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The public app of an instance that can also send SMS, by nobody."""
    registry.active.cache_clear()
    jobs.lanes.cache_clear()
    monkeypatch.setattr(inbox, "_drainer", lambda: None)
    release()
    sms = Capabilities(form="sms", longest=1600, units=134)
    with transaction() as tx:
        channels.sync(tx, {"web": ("site", Webform.capabilities), "sms": ("+97675000000", sms)})
    with served() as url:
        yield url
    registry.active.cache_clear()
    jobs.lanes.cache_clear()


def rows(query: Any) -> list[Any]:
    with reading() as tx:
        return list(tx.execute(query).all())


class Cso:
    """One person of a partner organisation, with a browser and a phone."""

    def __init__(self, base: str, login: str, language: str = "mn") -> None:
        self.login, self.language = login, language
        headers = {"Accept": "text/html"}
        # Time travels here: no connection is kept that the server would then call idle.
        self.http = httpx.Client(
            base_url=base, headers=headers, timeout=30, follow_redirects=True,
            limits=httpx.Limits(max_keepalive_connections=0),
        )  # fmt: skip
        with transaction() as tx:
            self.password = partners.create(
                tx, login, "Жишээ Ажилтан", f"Жишээ {login} ТББ", clock.now(), language
            )
        self.secret = ""

    def open(self, path: str) -> httpx.Response:
        return self.http.get(path, params={"lang": self.language})

    def send(self, path: str, **fields: Any) -> httpx.Response:
        """Post a form with the tokens of its page."""
        page = self.open(path)
        hidden = dict(re.findall(r'name="(csrf|token|secret)" value="([^"]*)"', page.text))
        given = fields.pop("files", None)
        data = {**hidden, **fields}
        return self.http.post(
            path, params={"lang": self.language}, data=data, files=given, timeout=30
        )

    def sign_in(self, password: str = "", code: str = "") -> httpx.Response:
        password = password or self.password
        return self.send("/partner/sign-in", login=self.login, password=password, code=code)

    def code(self) -> str:
        return pyotp.TOTP(self.secret).at(clock.now())

    def settle(self) -> Cso:
        """The first day: a password and a code of one's own."""
        assert self.sign_in().url.path == "/partner/password"
        page = self.send("/partner/password", old=self.password, new=PASSWORD, again=PASSWORD)
        assert page.url.path == "/partner/code", words(page)
        self.password = PASSWORD
        page = self.open("/partner/code")
        secret = re.search(r'name="secret" value="([^"]+)"', page.text)
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert secret
        assert csrf
        self.secret = secret[1]
        form = {"secret": self.secret, "csrf": csrf[1], "code": self.code()}
        page = self.http.post("/partner/code", data=form)
        assert page.url.path == "/partner/", words(page)
        return self

    def file(self, **fields: Any) -> httpx.Response:
        """File for somebody who wants the answer to come to the organisation."""
        form = {
            "text": WELL, "consent": "1", "consent_by": "spoken", "told": "submitter",
            "received": clock.now().astimezone(profile().timezone).date().isoformat(),
        }  # fmt: skip
        return self.send("/partner/new", **{**form, **fields})

    def filed(self, **fields: Any) -> tuple[str, str]:
        """Number and code of what was filed."""
        page = self.file(**fields)
        assert page.url.path.endswith("/slip"), words(page)
        number, code = re.findall(r"<dd>([\d ]+)</dd>", page.text)
        return number.replace(" ", ""), code.replace(" ", "")


@pytest.fixture
def cso(base: str) -> Cso:
    return Cso(base, "bayan").settle()


def act(command: str, **values: Any) -> None:
    (case,) = rows(select(grievance.c.id))
    with transaction() as tx:
        casework = Casework(tx, clock.now())
        casework.act(Act(command, case.id, OFFICER, values))
        casework.flush()


# -- the door -------------------------------------------------------------------------------------


def test_the_first_day_asks_for_a_password_and_a_code(base: str) -> None:
    cso = Cso(base, "bayan")
    assert cso.sign_in().url.path == "/partner/password"
    for path in ("/partner/", "/partner/new", "/partner/code", "/partner/sheet"):
        where = cso.open(path).url.path
        assert where == ("/partner/code" if path == "/partner/code" else "/partner/password")
    for new, again, said in (("short", "short", "богино"), (PASSWORD, "other", "ижил")):
        page = cso.send("/partner/password", old=cso.password, new=new, again=again)
        assert page.status_code == 422
        assert said in words(page)
    assert (
        cso.send("/partner/password", old=cso.password, new=PASSWORD, again=PASSWORD).url.path
        == "/partner/code"
    )
    assert cso.open("/partner/new").url.path == "/partner/code"
    assert cso.send("/partner/code", code="000000").status_code == 422
    assert cso.send("/partner/code", code="000000", secret="no base32").status_code == 422


def test_the_code_is_asked_for_ever_after_and_used_once(cso: Cso) -> None:
    cookie = next(c for c in cso.http.cookies.jar if c.name == "hariu_partner")
    assert cookie.path == "/partner"
    assert "SameSite" in cookie._rest
    assert cookie._rest["SameSite"] == "Strict"
    cso.http.cookies.clear()
    assert cso.sign_in().status_code == 401
    assert cso.sign_in(code=cso.code()).status_code == 401  # the code that was set up with is used
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=True):
        assert cso.sign_in(code=cso.code()).url.path == "/partner/"


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_many_wrong_passwords_shut_the_door_for_a_while(base: str) -> None:
    cso = Cso(base, "bayan")
    for _ in range(officers.FREE_TRIES):
        assert cso.sign_in("wrong password").status_code == 401
    page = cso.sign_in()
    assert page.status_code == 401
    assert "түр хаагдсан" in words(page)
    with time_machine.travel(clock.now() + timedelta(minutes=16), tick=True):
        assert cso.sign_in().url.path == "/partner/password"


def test_each_door_is_for_its_own_people(cso: Cso) -> None:
    """A partner's password and cookie open no desk; an officer's open no partner's page."""
    desk = create_desk().test_client()
    page = desk.get("/sign-in").get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    form = {"csrf_token": token[1], "login": cso.login, "password": PASSWORD, "code": cso.code()}
    assert desk.post("/sign-in", data=form).status_code == 401
    desk.set_cookie("hariu_desk", cso.http.cookies["hariu_partner"])
    assert desk.get("/").headers["location"].endswith("/sign-in")
    town.join()
    cso.http.cookies.clear()
    page = cso.send("/partner/sign-in", login="saraa", password=town.PASSWORD, code="")
    assert page.status_code == 401
    with transaction() as tx:
        found = officers.by_login(tx, "saraa")
        assert found
        token_of_desk = officers.start_session(tx, found.id, "", clock.now())
    cso.http.cookies.set("hariu_partner", token_of_desk)
    assert cso.open("/partner/").url.path == "/partner/sign-in"


def test_a_partner_is_never_offered_as_an_officer(cso: Cso) -> None:
    with reading() as tx:
        assert cso.login not in [item.login for item in officers.everyone(tx)]
    with pytest.raises(OfficerError):
        officers.known_roles(["cso", "officer"])


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_forms_of_another_session_change_nothing(base: str, cso: Cso) -> None:
    other = Cso(base, "khovd").settle()
    page = other.open("/partner/new").text
    foreign = re.search(r'name="csrf" value="([^"]+)"', page)
    assert foreign
    for csrf in ("", "made.up", foreign[1]):
        assert cso.file(csrf=csrf).status_code == 400
    assert rows(select(inbox_table)) == []
    assert cso.send("/partner/", csrf="").status_code == 405


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_every_page_needs_a_partner(base: str) -> None:
    """Walk every route of the partners' pages as a stranger."""
    stranger = httpx.Client(base_url=base, headers={"Accept": "text/html"})
    rules = [r for r in create_app().url_map.iter_rules() if r.endpoint.startswith("partner.")]
    assert len(rules) >= 14
    for rule in rules:
        path = rule.rule.replace("<reference>", "26000018")
        for method in (rule.methods or set()) & {"GET", "POST"}:
            answer = stranger.request(method, path)
            if rule.endpoint in {"partner.sign_in", "partner.enter"}:
                assert answer.status_code in {200, 400}
            else:
                assert answer.status_code == 303, (method, path)
                assert answer.headers["location"].startswith("/partner/sign-in")


# -- filing ---------------------------------------------------------------------------------------


def test_submitter_and_complainant_are_two_people_and_consent_is_kept(cso: Cso) -> None:
    number, code = cso.filed(
        name="Жишээ Дулмаа", phone="8811 0002", contact="1", told="both", language="kk",
        consent_by="written", gender="female", group="older", aimag="khovd",
    )  # fmt: skip
    (case,) = rows(select(grievance))
    assert (case.reference, case.code, case.channel, case.place) == (
        number, code, "partner", "khovd",
    )  # fmt: skip
    names = {row.id: row.name for row in rows(select(person.c.id, person.c.name))}
    assert names[case.complainant_id] == "Жишээ Дулмаа"
    assert names[case.submitter_id] == "Жишээ Ажилтан (Жишээ bayan ТББ)"
    assert {
        "consent": "agree", "consent_by": "written", "told": "both", "behalf": "other",
        "gender": "female", "group": "older", "contact": True,
    }.items() <= case.facts.items()  # fmt: skip
    (event, *_) = rows(select(case_event).order_by(case_event.c.seq))
    assert event.actor.startswith("cso:")
    assert case.acknowledged_at is not None
    (letter,) = rows(select(outbox.c.template, outbox.c.language))
    assert tuple(letter) == ("ack", "kk")


def test_a_double_click_files_once(cso: Cso) -> None:
    page = cso.open("/partner/new")
    hidden = dict(re.findall(r'name="(csrf|token)" value="([^"]*)"', page.text))
    form = {
        **hidden, "text": WELL, "consent": "1", "consent_by": "spoken", "told": "submitter",
        "received": clock.now().astimezone(profile().timezone).date().isoformat(),
    }  # fmt: skip
    urls = {cso.http.post("/partner/new", data=form).url.path for _ in range(3)}
    assert len(urls) == 1
    assert len(rows(select(grievance))) == 1


@pytest.mark.parametrize(
    ("told", "reads_answer", "letters"),
    [("submitter", True, {"web"}), ("complainant", False, {"web", "sms"}),
     ("both", True, {"web", "sms"})],
)  # fmt: skip
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_who_is_told_is_as_was_chosen(
    cso: Cso, told: str, reads_answer: bool, letters: set[str]
) -> None:
    number, _ = cso.filed(told=told, name="Жишээ", phone="88110003", contact="1")
    act("reply", text="Маргааш шинэ насос ирнэ")
    while jobs.deliver():
        pass
    assert {row.channel for row in rows(select(outbox.c.channel))} == letters
    page = words(cso.open(f"/partner/cases/{number}"))
    assert ("Маргааш шинэ насос ирнэ" in page) is reads_answer
    act("close", outcome="resolved", summary="Насос солигдсон")
    page = words(cso.open(f"/partner/cases/{number}"))
    assert ("Насос солигдсон" in page) is reads_answer


@pytest.mark.parametrize(
    ("fields", "where", "key"),
    [
        ({"text": " "}, "text", "text"),
        ({"received": "2999-01-01"}, "received", "received"),
        ({"consent_by": ""}, "consent", "filing"),
        ({"phone": "12", "contact": "1"}, "phone", "phone"),
        ({"name": "Жишээ"}, "contact", "contact"),
        ({"told": "complainant"}, "told", "no_phone"),
        ({"told": "nobody"}, "told", "told"),
    ],
)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    cso: Cso, fields: dict[str, str], where: str, key: str
) -> None:
    page = cso.file(**fields)
    assert page.status_code == 422
    said = i18n.text(f"partner.error.{key}", "mn")
    assert f'<a href="#{where}">{said}</a>' in unescape(page.text)
    assert rows(select(inbox_table)) == []


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_of_somebody_without_a_phone_the_partner_alone_is_told(cso: Cso) -> None:
    assert cso.file(told="both").status_code == 200
    (case,) = rows(select(grievance))
    act("reply", text="Маргааш шинэ насос ирнэ")
    assert "Маргааш шинэ насос ирнэ" in words(cso.open(f"/partner/cases/{case.reference}"))
    assert {row.channel for row in rows(select(outbox.c.channel))} == {"web"}


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_files_come_with_it_and_refused_ones_are_told(cso: Cso) -> None:
    parts = [
        ("files", ("зураг.jpg", BytesIO(PHOTO), "image/jpeg")),
        ("files", ("вирус.jpg", BytesIO(b"MZ\x90\x00" * 50), "image/jpeg")),
    ]
    page = cso.file(files=parts)
    assert "вирус.jpg: ийм төрлийн файл авах боломжгүй" in words(page)
    kept = rows(select(attachment).where(attachment.c.state == "stored"))
    assert [files.get(row.sha256) for row in kept] == [PHOTO]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_sensitive_matter_is_sealed_from_its_submitter_too(cso: Cso) -> None:
    number, _ = cso.filed(text="Нууц үг", sensitive="violence")
    (case,) = rows(select(grievance))
    assert (case.sensitive, case.text) == ("violence", "")
    page = words(cso.open(f"/partner/cases/{number}"))
    assert "Бүртгэсэн" not in page
    assert "Нууц үг" not in page.replace("нууц үг", "")
    assert "Нууцлалтай" in words(cso.open("/partner/"))


# -- nobody else's --------------------------------------------------------------------------------


def test_another_partner_finds_nothing_of_it(base: str, cso: Cso) -> None:
    """Walk every route that names a grievance, signed in as somebody else."""
    number, code = cso.filed(name="Жишээ Дулмаа", phone="88110002", contact="1", told="both")
    other = Cso(base, "khovd").settle()
    rules = [r for r in create_app().url_map.iter_rules() if r.endpoint.startswith("partner.")]
    named = [rule for rule in rules if "reference" in rule.arguments]
    assert len(named) >= 2
    for rule in rules:
        if "GET" not in (rule.methods or set()):
            continue
        page = other.open(rule.rule.replace("<reference>", number))
        assert rule not in named or page.status_code == 404, rule
        for secret in (number, f"{int(number):,}".replace(",", " "), code, "Дулмаа", "88110002"):
            assert secret not in words(page)
    nowhere = other.open("/partner/cases/26000018")
    assert nowhere.status_code == 404
    assert words(nowhere) == words(other.open(f"/partner/cases/{number}"))
    assert cso.open(f"/partner/cases/{number}").status_code == 200
    assert other.open(f"/partner/?after={number}").status_code == 200


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_code_is_shown_for_half_an_hour(cso: Cso) -> None:
    number, code = cso.filed()
    assert cso.open(f"/partner/cases/{number}/slip").status_code == 200
    with time_machine.travel(clock.now() + timedelta(minutes=31), tick=True):
        assert cso.open(f"/partner/cases/{number}/slip").status_code == 404
        assert code not in cso.open(f"/partner/cases/{number}").text.replace(" ", "")


def test_an_account_that_is_shut_sees_nothing(cso: Cso) -> None:
    with transaction() as tx:
        found = officers.by_login(tx, cso.login)
        assert found
        partners.set_active(tx, found.id, clock.now(), active=False)
    assert cso.open("/partner/").url.path == "/partner/sign-in"
    assert rows(select(access_log)) == []


# -- figures --------------------------------------------------------------------------------------


def test_small_figures_are_left_out_and_cannot_be_computed() -> None:
    assert partners.suppressed({"a": 12, "b": 7}) == {"a": 12, "b": 7}
    assert partners.suppressed({"a": 12, "b": 7, "c": 4}) == {"a": 12, "b": None, "c": None}
    assert partners.suppressed({"a": 12, "b": 2, "c": 4}) == {"a": 12, "b": None, "c": None}
    assert partners.suppressed({"a": 3}) == {"a": None}
    assert partners.suppressed({}) == {}


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_figures_are_their_own(base: str, cso: Cso) -> None:
    other = Cso(base, "khovd").settle()
    for number in range(6):
        cso.filed(text=f"{WELL} {number}")
    for number in range(2):
        other.filed(text=f"{WELL} {number}", kind="suggestion")
    mine, theirs = words(cso.open("/partner/")), words(other.open("/partner/"))
    assert "Гомдол 6" in mine
    assert "Санал" not in mine.split("Төрлөөр")[1]
    assert "Санал – (цөөн)" in theirs


# -- the field form -------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_field_form_is_a_sheet_and_a_workbook_with_lists(cso: Cso, language: str) -> None:
    cso.language = language
    page = words(cso.open("/partner/sheet"))
    for heading in fieldform.headings(language):
        assert heading in page
    answer = cso.open("/partner/sheet.xlsx")
    assert answer.headers["content-type"] == fieldform.XLSX
    book = load_workbook(BytesIO(answer.content))
    sheet = book.worksheets[0]
    assert tuple(cell.value for cell in sheet[1]) == fieldform.headings(language)
    ranges = {str(rule.sqref) for rule in sheet.data_validations.dataValidation}
    chosen = [name for name in fieldform.COLUMNS if fieldform.options(name)]
    assert len(ranges) == len(chosen) == 8
    assert book["lists"].sheet_state == "hidden"
    kinds = [book["lists"].cell(row, 4).value for row in range(1, 7)]
    assert kinds == fieldform.labels("kind", language)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_page_is_small_and_quiet(base: str, language: str) -> None:
    cso = Cso(base, "bayan", language)
    style = cso.http.get("/static/site.css")
    pages = [cso.open("/partner/sign-in")]
    cso.settle()
    cso.filed()
    number = rows(select(grievance.c.reference))[0].reference
    paths = ("", "new", "sheet", f"cases/{number}", f"cases/{number}/slip")
    for page in (*pages, *(cso.open(f"/partner/{path}") for path in paths)):
        assert page.status_code == 200
        assert len(page.content) + len(style.content) < 50_000
        assert f'<html lang="{language}">' in page.text
        assert page.text.count("<h1>") == 1
        assert not re.search(r"<script|<style| style=|javascript:| on\w+=", page.text)
        assert page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in page.headers["content-security-policy"]
