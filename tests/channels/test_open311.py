"""Open311 GeoReport v2 on a real server and both stores: filed once, seen by whoever filed it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine
from sqlalchemy import select, update

from bot import filings
from bot.gazetteer import names
from channels import jobs, open311_rows, registry
from channels.release import release
from channels.webform import Webform
from config import clock, i18n
from config import profile as profiles
from config.profile import profile
from config.settings import settings
from store import api_keys, channels, db, inbox, open311, partners
from store.db import DatabaseAway, reading, transaction
from store.messages import Capabilities
from store.schema import address, api_filing, case_event, grievance, outbox, person, raw_event
from store.schema import inbox as inbox_table
from tests.channels.conftest import Scripted
from tests.channels.program import PLACE, WORDS, Program, spark
from tests.channels.website import served
from workflow import grievance_log
from workflow.commands import Act, Actor
from workflow.grievance_log import Wishes
from workflow.handlers import Casework
from workflow.states import Role

CONSENT = {"attribute__contact_consent": "written", "first_name": "Жишээ", "last_name": "Дулмаа"}
SECRETS = ("Жишээ", "Дулмаа", "88110002", "dulmaa@example.invalid")
one_store = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@pytest.fixture
def base(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The public app of an instance that can also send SMS and mail, by nobody."""
    registry.active.cache_clear()
    jobs.lanes.cache_clear()
    monkeypatch.setattr(inbox, "_drainer", lambda: None)
    release()
    sms = Capabilities(form="sms", longest=1600, units=134)
    with transaction() as tx:
        known = {"sms": ("+97675000000", sms), "email": ("a@example.invalid", Capabilities())}
        channels.sync(tx, {"web": ("site", Webform.capabilities), **known})
    with served() as url:
        yield url
    registry.active.cache_clear()
    jobs.lanes.cache_clear()


@pytest.fixture
def program(base: str) -> Program:
    return Program(base)


def rows(query: Any) -> list[Any]:
    with reading() as tx:
        return list(tx.execute(query).all())


def act(reference: str, command: str, **values: Any) -> None:
    (case,) = rows(select(grievance.c.id).where(grievance.c.reference == reference))
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act(command, case.id, Actor(Role.OFFICER), values))
        work.flush()


def told(answer: httpx.Response) -> list[tuple[int, str]]:
    """The errors of an answer, in JSON or XML."""
    assert answer.headers["Content-Type"].endswith("; charset=utf-8")
    body = answer.json() if "json" in answer.headers["Content-Type"] else spark(answer.content)
    return [(int(item["code"]), item["description"]) for item in body]


def error(key: str, language: str = "en", **values: object) -> str:
    return i18n.text(f"open311.error.{key}", language, **values)


# -- services -------------------------------------------------------------------------------------


@one_store
@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_services_are_the_projects_categories_in_each_language(base: str, language: str) -> None:
    answer = httpx.get(f"{base}/open311/v2/services.json", params={"lang": language})
    services = answer.json()
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert [item["service_code"] for item in services] == [c.code for c in profile().categories]
    first, *_ = services
    assert first["service_name"] == i18n.text("category.training.label", language)
    assert i18n.plural("count.days", 30, language) in first["description"]
    sealed = next(item for item in services if item["service_code"] == "sensitive")
    assert sealed["description"] != first["description"]
    by_header = httpx.get(
        f"{base}/open311/v2/services.json", headers={"Accept-Language": f"{language}-XX, de;q=0.5"}
    )
    assert by_header.json() == services


@one_store
def test_xml_and_json_say_the_same(program: Program) -> None:
    number = program.filed(lat="49.4867", long="105.9228")
    for path in (
        "/../discovery", "/services", "/services/environment", "/requests", f"/requests/{number}",
    ):  # fmt: skip
        xml, plain = program.get(f"{path}.xml"), program.get(f"{path}.json")
        assert xml.headers["Content-Type"] == "text/xml; charset=utf-8"
        assert xml.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
        assert spark(xml.content) == plain.json(), path
    posted = program.post("xml", description="Өөр зүйл")
    (answer,) = spark(posted.content)
    assert list(answer) == ["service_request_id", "service_notice", "account_id"]
    assert answer["account_id"] is None


@one_store
def test_discovery_says_where_and_whom_to_ask(base: str) -> None:
    found = httpx.get(f"{base}/open311/discovery.json?lang=en").json()
    (endpoint,) = found["endpoints"]
    assert endpoint["url"].endswith("/open311/v2")
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert profile().organisation.phone in found["contact"]
    assert found["key_service"]


@one_store
def test_a_service_asks_what_kind_in_which_language_and_how_they_agreed(base: str) -> None:
    answer = httpx.get(f"{base}/open311/v2/services/environment.json?lang=kk").json()
    asked = {item["code"]: [v["key"] for v in item["values"]] for item in answer["attributes"]}
    assert asked == {
        "kind": list(profile().kinds), "language": ["mn", "kk", "en"],
        "contact_consent": ["spoken", "written", "guardian"],
    }  # fmt: skip
    assert [item["order"] for item in answer["attributes"]] == [1, 2, 3]


# -- filing ---------------------------------------------------------------------------------------


def test_a_request_becomes_a_grievance_of_its_partner(program: Program) -> None:
    answer = program.post(lat="49.4867", long="105.9228", attribute__kind="request")
    (case,) = rows(select(grievance))
    assert (case.channel, case.kind, case.category, case.place) == (
        "open311", "request", "environment", "darkhan-uul/darkhan",
    )  # fmt: skip
    assert case.text == f"{WORDS}\n\n{PLACE}; 49.4867, 105.9228"
    assert case.anonymous
    assert case.acknowledged_at is not None
    (name,) = rows(select(person.c.name).where(person.c.id == case.submitter_id))
    assert name[0] == "Жишээ Ажилтан (Жишээ bayan ТББ)"
    (event, *_) = rows(select(case_event).order_by(case_event.c.seq))
    assert event.actor == f"cso:{program.officer_id}"
    (notice,) = answer.json()
    day = i18n.format_date(case.due_at.astimezone(profile().timezone).date(), "en")
    assert notice["service_request_id"] == case.reference
    assert notice["service_notice"] == i18n.text(
        "open311.notice", "en", reference=case.reference, code=case.code, date=day
    )


def test_without_consent_nothing_of_the_person_is_kept(program: Program) -> None:
    answer = program.post(
        first_name="Жишээ", last_name="Дулмаа", phone="88110002", email="dulmaa@example.invalid"
    )
    assert i18n.text("open311.notice.anonymous", "en") in answer.text
    (case,) = rows(select(grievance))
    assert case.anonymous
    assert case.facts["told"] == "submitter"
    kept = [*rows(select(address.c.value)), *rows(select(raw_event.c.body))]
    kept += rows(select(person.c.name).where(person.c.id != case.submitter_id))
    assert not [word for word in SECRETS if word in str(kept)]


@pytest.mark.parametrize(
    ("left", "reached"),
    [({"phone": "8811-0002"}, "sms"), ({"email": "Dulmaa@example.invalid"}, "email")],
)
def test_with_consent_the_person_is_written_to(
    program: Program, left: dict[str, str], reached: str
) -> None:
    program.filed(**CONSENT, **left, attribute__language="kk")
    (case,) = rows(select(grievance))
    assert not case.anonymous
    assert {
        "consent": "agree",
        "consent_by": "written",
        "told": "both",
        "contact": True,
    }.items() <= (case.facts.items())
    names = {row.id: row.name for row in rows(select(person.c.id, person.c.name))}
    assert names[case.complainant_id] == "Жишээ Дулмаа"
    while jobs.deliver():
        pass
    letters = rows(select(outbox.c.channel, outbox.c.template, outbox.c.language))
    assert (reached, "ack", "kk") in {tuple(row) for row in letters}


@one_store
def test_a_file_is_never_fetched(program: Program, scripted: Scripted) -> None:
    answer = program.post(media_url=f"{scripted.url}/photo.jpg")
    assert answer.status_code == 200
    assert i18n.text("open311.notice.media", "en") in answer.text
    assert scripted.requests == []


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "order-1"}])
def test_sent_at_once_by_many_it_is_registered_once(
    program: Program, headers: dict[str, str]
) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: program.post(headers=headers), range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(rows(select(grievance))) == 1


@one_store
def test_the_same_words_are_one_request_for_a_day(program: Program) -> None:
    first = program.filed()
    with time_machine.travel(clock.now() + timedelta(hours=23), tick=True):
        assert program.filed() == first
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=True):
        assert program.filed() != first
    assert program.filed(description="Өөр") not in {first}
    assert Program(str(program.http.base_url.copy_with(path="")), "khovd").filed() != first


@one_store
def test_an_idempotency_key_stands_for_one_content(program: Program) -> None:
    key = {"Idempotency-Key": "a" * 200}
    first = program.post(headers=key).text
    with time_machine.travel(clock.now() + timedelta(days=9), tick=True):
        assert program.post(headers=key).text == first
    answer = program.post(headers=key, description="Өөр")
    assert told(answer) == [(400, error("repeated"))]
    assert program.post(headers={"Idempotency-Key": "b"}).text != first
    with time_machine.travel(clock.now() + timedelta(days=31), tick=True):
        assert program.post(headers=key).text != first
        assert len(rows(select(api_filing))) == 1
    for wrong in ("two words", "a" * 201):
        answer = program.post(headers={"Idempotency-Key": wrong})
        assert told(answer) == [(400, error("wrong", name="Idempotency-Key"))]


@one_store
def test_what_cannot_be_registered_at_once_gets_a_token(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: str) -> None:
        raise DatabaseAway

    with monkeypatch.context() as broken:
        broken.setattr(filings, "handle", away)
        (first,) = program.post().json()
    assert "service_request_id" not in first
    path = f"/tokens/{first['token']}"
    assert program.get(f"{path}.json").json() == [
        {"service_request_id": None, "token": first["token"]}
    ]
    number = program.filed()  # sent again, it is the same
    (found,) = spark(program.get(f"{path}.xml").content)
    assert found == {"service_request_id": number, "token": first["token"]}
    other = Program(str(program.http.base_url.copy_with(path="")), "khovd")
    for foreign in (path, "/tokens/x"):
        assert told(other.get(f"{foreign}.json", lang="en")) == [(404, error("token"))]
    assert len(rows(select(grievance))) == 1


# -- reading --------------------------------------------------------------------------------------


def test_a_key_sees_what_its_partner_filed_and_nothing_else(base: str, program: Program) -> None:
    mine = program.filed(**CONSENT, phone="88110002", email="dulmaa@example.invalid")
    other = Program(base, "khovd")
    theirs = other.filed(description="Өөр зүйл")
    assert (program.numbers(), other.numbers()) == ([mine], [theirs])
    assert other.numbers(service_request_id=f"{mine},{theirs},26000018") == [theirs]
    unknown = other.get("/requests/26000018.xml", lang="en")
    foreign = other.get(f"/requests/{mine}.xml", lang="en")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    page = program.get("/requests.json").text + program.get(f"/requests/{mine}.xml").text
    assert not [word for word in SECRETS if word in page]
    second = Program(base, "bayan")  # another key of the same account
    assert second.numbers() == [mine]


@one_store
def test_where_it_stands_is_told_in_public_words(program: Program) -> None:
    number = program.filed()
    found = program.look(number, lang="mn")
    assert (found["status"], found["description"], found["address"]) == ("open", WORDS, PLACE)
    assert found["status_notes"] == i18n.text("status.acknowledged.citizen", "mn")
    assert found["agency_responsible"] == profile().organisation.name.mn
    assert found["service_name"] == i18n.text("category.environment.label", "mn")
    (case,) = rows(select(grievance))
    assert datetime.fromisoformat(found["expected_datetime"]) == case.due_at.replace(microsecond=0)
    assert found["requested_datetime"].endswith("+08:00")
    later = clock.now() + timedelta(days=2)
    with time_machine.travel(later, tick=True):
        act(number, "close", outcome="resolved", summary="Шонг босгосон")
        found = program.look(number, lang="en")
    assert found["status"] == "closed"
    assert found["status_notes"] == "Closed. Resolved. Шонг босгосон"
    assert datetime.fromisoformat(found["updated_datetime"]) >= later.replace(microsecond=0)
    assert found["expected_datetime"] is None


@one_store
@pytest.mark.parametrize(
    ("fields", "kind"),
    [({"description": "Дарга намайг дарамталж байна, хүчирхийлсэн"}, ""),
     ({"service_code": "ethics"}, "corruption"), ({"service_code": "sensitive"}, "sea")],
)  # fmt: skip
def test_a_sensitive_matter_is_sealed_from_its_program_too(
    program: Program, fields: dict[str, str], kind: str
) -> None:
    number = program.filed(**fields)
    (case,) = rows(select(grievance))
    assert case.sensitive
    assert kind in {"", case.sensitive}
    assert case.text == ""
    before = program.look(number, lang="en")
    assert before.pop("status_notes") == i18n.text(
        "open311.sealed", "en", phone=profile().organisation.phone
    )
    shown = {name for name, value in before.items() if value is not None}
    assert shown == {
        "service_request_id", "status", "requested_datetime", "updated_datetime",
    }  # fmt: skip
    act_as_focal(number)
    after = program.look(number, lang="en")
    after.pop("status_notes")
    assert after == before
    assert program.numbers(status="closed") == []
    assert program.numbers(service_code=case.category) == []
    assert program.numbers(status="open") == [number]


def act_as_focal(number: str) -> None:
    (case,) = rows(select(grievance.c.id).where(grievance.c.reference == number))
    with transaction() as tx:
        work = Casework(tx, clock.now())
        values = {"outcome": "resolved", "summary": "Хаасан"}
        work.act(Act("close", case.id, Actor(Role.FOCAL_POINT), values))
        work.flush()


@one_store
def test_a_matter_sealed_later_is_shut_as_well(program: Program) -> None:
    number = program.filed()
    act(number, "seal", sensitive="violence")
    found = program.look(number)
    assert (found["description"], found["service_code"], found["address"]) == (None, None, None)


def test_the_list_is_asked_by_time_state_and_service(program: Program) -> None:
    now = clock.now()
    old, new = program.filed(), program.filed(description="Ус алга", service_code="access")
    then = now - timedelta(days=100)
    with transaction() as tx:
        one = grievance.c.reference == old
        tx.execute(update(grievance).where(one).values(received_at=then))
    act(new, "close", outcome="resolved", summary="Болсон")
    assert program.numbers() == [new]
    start, end = then - timedelta(days=1), then + timedelta(days=1)
    assert program.numbers(start_date=start.isoformat(), end_date=end.isoformat()) == [old]
    assert program.numbers(start_date=f"{start:%Y-%m-%dT%H:%MZ}") == [old]
    assert program.numbers(end_date=f"{end:%Y-%m-%dT%H:%M:%SZ}") == [old]
    assert program.numbers(status="open") == []
    assert program.numbers(status="closed") == [new]
    assert program.numbers(status="open,closed", service_code="access,other") == [new]
    assert program.numbers(service_code="other", status="") == []
    assert set(program.numbers(service_request_id=[old, new], status="open")) == {old, new}


@one_store
def test_a_list_ends_after_so_many(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open311.MOST_ROWS == 1000
    monkeypatch.setattr(open311, "MOST_ROWS", 2)
    filed = [program.filed(description=f"Зүйл {n}") for n in range(3)]
    assert program.numbers() == filed[:0:-1]


# -- keys and limits ------------------------------------------------------------------------------


@one_store
def test_a_key_that_is_missing_wrong_revoked_or_shut_opens_nothing(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open311_rows, "WRONG_KEYS", 100)
    number, key = program.filed(), program.key
    paths = ("/requests.json", f"/requests/{number}.json", "/tokens/x.json", "/requests.xml")
    name, secret = key.split(".")
    for wrong in ("", "x", f"{name}.", f"{name}.{secret[:-1]}", f"x.{secret}", "'", "ü"):
        program.key = wrong
        for path in paths:
            answer = program.http.get(path, params={"api_key": wrong, "lang": "en"})
            assert told(answer) == [(403, error("key" if wrong else "no_key"))]
        assert program.post(api_key=wrong).status_code == 403
    program.key = key
    with transaction() as tx:
        assert api_keys.revoke(tx, program.officer_id, 1, clock.now())
        assert not api_keys.revoke(tx, program.officer_id, 1, clock.now())
    assert program.get("/requests.json").status_code == 403
    again = Program(str(program.http.base_url.copy_with(path="")))
    assert again.numbers() == [number]
    with transaction() as tx:
        partners.set_active(tx, again.officer_id, clock.now(), active=False)
    assert again.get("/requests.json").status_code == 403
    assert len(rows(select(grievance))) == 1


@pytest.mark.parametrize(
    ("limit", "kind"),
    [("FILINGS_PER_KEY", "post"), ("READS_PER_KEY", "get"), ("PER_VISITOR", "get"),
     ("WRONG_KEYS", "wrong")],
)  # fmt: skip
def test_too_many_are_told_when_to_come_again(
    program: Program, monkeypatch: pytest.MonkeyPatch, limit: str, kind: str
) -> None:
    monkeypatch.setattr(open311_rows, limit, 2)
    program.key = program.key[:-1] if kind == "wrong" else program.key
    for _ in range(2):
        program.post() if kind == "post" else program.get("/requests.json")
    answer = program.post("xml") if kind == "post" else program.get("/requests.xml", lang="en")
    assert told(answer) == [(429, error("limit"))]
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert httpx.get(f"{program.http.base_url}services.json").status_code == 200


# -- what is wrong --------------------------------------------------------------------------------

BAD: list[tuple[dict[str, Any], int, list[tuple[str, dict[str, Any]]]]] = [
    ({"description": ""}, 400, [("missing", {"name": "description"})]),
    ({"description": " \r\n "}, 400, [("missing", {"name": "description"})]),
    ({"service_code": "", "description": ""}, 400,
     [("missing", {"name": "service_code"}), ("missing", {"name": "description"})]),
    ({"service_code": "nothing"}, 404, [("service_code", {})]),
    ({"service_code": "А'"}, 400, [("wrong", {"name": "service_code"})]),
    ({"description": "а" * 4001}, 400, [("long", {"name": "description", "n": 4000})]),
    ({"address_string": ""}, 400, [("location", {})]),
    ({"lat": "48"}, 400, [("location", {})]),
    ({"lat": "91", "long": "105"}, 400, [("wrong", {"name": "lat"})]),
    ({"lat": "nan", "long": "1e999"}, 400, [("wrong", {"name": "lat"}), ("wrong", {"name": "long"})]),
    ({"address_id": "khovd/nowhere"}, 400, [("wrong", {"name": "address_id"})]),
    ({"phone": "12"}, 400, [("wrong", {"name": "phone"})]),
    ({"email": "a@b"}, 400, [("wrong", {"name": "email"})]),
    ({"media_url": "file:///etc/passwd"}, 400, [("wrong", {"name": "media_url"})]),
    ({"attribute__kind": "nonsense"}, 400, [("wrong", {"name": "attribute[kind]"})]),
    ({"attribute__colour": "red"}, 400, [("attribute", {"name": "attribute[colour]"})]),
    ({"lang": "ru"}, 400, [("wrong", {"name": "lang"})]),
    ({"jurisdiction_id": "city.gov"}, 404, [("jurisdiction", {})]),
    ({"first_name": ["а", "б"]}, 400, [("twice", {"name": "first_name"})]),
]  # fmt: skip


@one_store
@pytest.mark.parametrize("form", ["json", "xml"])
def test_what_is_wrong_is_said_and_nothing_is_kept(program: Program, form: str) -> None:
    for fields, status, problems in BAD:
        answer = program.post(form, **fields)
        language = "mn" if fields.get("lang") == "ru" else "en"
        expected = [(status, error(key, language, **values)) for key, values in problems]
        assert (answer.status_code, told(answer)) == (status, expected), fields
    assert rows(select(inbox_table)) == []


@one_store
@pytest.mark.parametrize(
    ("query", "key", "values"),
    [
        ({"start_date": "2026-01-01"}, "wrong", {"name": "start_date"}),
        ({"start_date": "2026-13-01T00:00:00Z"}, "wrong", {"name": "start_date"}),
        ({"end_date": "2026-01-01T00:00:00+99:00"}, "wrong", {"name": "end_date"}),
        ({"end_date": "2026-01-01T00:00:00"}, "wrong", {"name": "end_date"}),
        ({"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-06-01T00:00:00Z"},
         "range", {"n": 90}),
        ({"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"},
         "range", {"n": 90}),
        ({"status": "open,nearly"}, "wrong", {"name": "status"}),
        ({"service_request_id": "26-0"}, "wrong", {"name": "service_request_id"}),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_asked_for(
    program: Program, query: dict[str, str], key: str, values: dict[str, Any]
) -> None:
    answer = program.get("/requests.xml", lang="en", **query)
    assert (answer.status_code, told(answer)) == (400, [(400, error(key, **values))])


@one_store
def test_bodies_that_are_no_form_of_ours(program: Program) -> None:
    path, form = "/requests.json", "application/x-www-form-urlencoded"
    wrong_type = error("type", "mn", type=f"{form}; charset=utf-8")
    for kind, body, status, said in (
        (form, b"description=%ff%fe", 400, error("charset", "mn")),
        (form, "description=тест".encode("cp1251"), 400, error("charset", "mn")),
        (f"{form}; charset=windows-1251", b"a=b", 400, wrong_type),
        ("application/json", b"{}", 400, wrong_type),
        ("", b"", 400, wrong_type),
        (form, b"&".join(b"a=%d" % n for n in range(300)), 400, error("many", "mn")),
        (form, b"description=" + b"a" * 100_001, 413, error("body", "mn")),
    ):
        answer = program.http.post(path, content=body, headers={"Content-Type": kind})
        assert (answer.status_code, told(answer)) == (status, [(status, said)]), (kind, body[:20])


@one_store
def test_addresses_that_are_not_there_answer_in_their_form(base: str) -> None:
    for path, method, status, key in (
        ("/open311/v2/nothing.json", "GET", 404, "page"),
        ("/open311/v2/requests.html", "GET", 404, "page"),
        ("/open311/v1/services.xml", "POST", 404, "page"),
        ("/open311/v2/requests.json", "DELETE", 405, "method"),
        ("/open311/v2/services.xml", "POST", 405, "method"),
        ("/open311/v2/services/nothing.json", "GET", 404, "service_code"),
        ("/open311/v2/services.json?jurisdiction_id=city.gov", "GET", 404, "jurisdiction"),
    ):
        answer = httpx.request(method, f"{base}{path}", headers={"Accept-Language": "en"})
        assert (answer.status_code, told(answer)) == (status, [(status, error(key))]), path
        assert ("Allow" in answer.headers) is (status == 405)
    ours = profile().open311
    assert ours
    same = httpx.get(f"{base}/open311/v2/services.json?jurisdiction_id={ours.jurisdiction}&lang=")
    assert same.status_code == 200


def test_numbers_that_no_database_takes(program: Program) -> None:
    for name in ("%00", "%00" * 30, "a" * 500, "٣", "1%27", "%F0%9F%99%82", "..", "%2e%2e%2f"):
        for path in ("requests", "tokens", "services"):
            assert program.get(f"/{path}/{name}.json").status_code == 404, name
    assert program.get("/requests.json", service_request_id="%00").status_code == 400
    assert program.get("/requests.json", service_request_id="\0").json() == []
    many = ",".join("1" * 1001)
    assert told(program.get("/requests.json", lang="en", service_request_id=many)) == [
        (400, error("many"))
    ]
    assert program.get("/requests.json", service_request_id=many[2:]).status_code == 200


@one_store
def test_signs_that_xml_cannot_hold_do_no_harm(program: Program) -> None:
    number = program.filed(
        description="Нүх\x00\x0b\ufffe <b>&amp;</b> 🙂\r\nмөр", address_string="а\nб"
    )
    found = program.look(number)
    assert found["description"] == "Нүх <b>&amp;</b> 🙂\nмөр"
    assert found["address"] == "а б"
    assert spark(program.get(f"/requests/{number}.xml").content) == [found]


@one_store
def test_with_the_database_away_programs_are_asked_to_come_again(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARIU_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    settings.cache_clear()
    db.dispose()
    for answer in (program.post("xml"), program.get("/requests.json", lang="en")):
        assert told(answer) == [(503, error("away"))]
        assert answer.headers["Retry-After"] == "30"
    assert httpx.get(f"{program.http.base_url}services.xml").status_code == 200


@one_store
def test_a_project_without_it_has_no_such_pages(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "channels.open311.profile", lambda: profiles.profile().model_copy(update={"open311": None})
    )
    for path in ("discovery.json", "v2/services.json", "v2/openapi.json"):
        assert httpx.get(f"{base}/open311/{path}").status_code == 404


# -- everywhere else ------------------------------------------------------------------------------


@one_store
def test_nothing_of_it_is_in_the_logs(program: Program, capfd: pytest.CaptureFixture[str]) -> None:
    program.filed(**CONSENT, phone="88110002", email="dulmaa@example.invalid")
    program.get("/requests.json", api_key=program.key)
    program.post(description="")
    logged = "".join(capfd.readouterr())
    assert "filed by a program" in logged
    for secret in (*SECRETS, WORDS, PLACE, program.key):
        assert secret not in logged


@one_store
def test_the_log_names_the_channel_in_each_language(program: Program) -> None:
    program.filed()
    for language in ("mn", "kk", "en"):
        with reading() as tx:
            (row,) = grievance_log.rows(tx, Wishes(language))
        assert i18n.text("channel.open311.label", language) in row.type


@one_store
def test_every_place_of_the_list_is_taken_by_its_code(program: Program) -> None:
    for code in ("bulgan", "bulgan/bulgan", "darkhan-uul"):
        number = program.filed(address_string="", address_id=code)
        assert program.look(number)["address_id"] == code
        assert (
            names(code, "mn")
            in rows(select(grievance.c.text).where(grievance.c.reference == number))[0].text
        )
