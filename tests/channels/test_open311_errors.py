"""What programs are refused, and how they are told."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from channels import open311_rows
from config import clock
from config import profile as profiles
from config.profile import profile
from config.settings import settings
from store import api_keys, db, partners
from store.db import transaction
from store.schema import grievance
from store.schema import inbox as inbox_table
from tests.channels.program import (
    Program,
    error,
    rows,
    spark,
    told,
)

one_store = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


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
