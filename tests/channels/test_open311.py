"""Open311 GeoReport v2 on a real server: services, forms of answers, logs."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import select

from bot.gazetteer import names
from config import i18n
from config.profile import profile
from store.db import reading
from store.schema import grievance
from tests.channels.program import (
    CONSENT,
    PLACE,
    SECRETS,
    WORDS,
    Program,
    rows,
    spark,
)
from workflow import grievance_log
from workflow.grievance_log import Wishes

one_store = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


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
