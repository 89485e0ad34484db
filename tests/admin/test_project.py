"""What the project decides, changed in the desk: refused where wrong, kept where sound."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from admin import report_cli
from admin.project_rows import SECTIONS, filled, value
from bot import gazetteer
from channels.web import create_app
from config import clock, i18n
from config.profile import load, profile, set_own, with_own
from config.settings import settings
from store import corrections, desk
from store.db import reading, transaction
from store.schema import own_profile
from tests.admin import town
from tests.admin.conftest import Desk, another, fresh
from workflow import grievance_log, imports_cells
from workflow.report_words import Words

BASE = "/settings/profile/"


@pytest.fixture
def boss(app: Flask) -> Iterator[Desk]:
    """An administrator's browser; what was changed is forgotten afterwards."""
    yield another(app, "boss", "administrator")
    set_own({})
    i18n.set_overrides({})


def _form(section: str, **more: str) -> dict[str, str]:
    """The form of a section as the page shows it, with some fields changed."""
    rows = filled(section, profile())
    return {f"{k}-{n}": v for n, row in enumerate(rows) for k, v in row.items() if v} | more


def _keep(boss: Desk, section: str, form: dict[str, str]) -> tuple[int, str]:
    answer = boss.post(BASE + section, "/account", **form)
    return answer.status_code, answer.get_data(as_text=True)


@pytest.mark.parametrize("name", ["smart-government-2", "darkhan"])
def test_each_section_comes_back_as_it_was(name: str) -> None:
    project = load(name)
    own = {section: value(section, filled(section, project)) for section in SECTIONS}
    assert with_own(project, own) == project


def test_the_time_of_a_stage_counts_for_new_grievances_only(boss: Desk) -> None:
    saraa = town.join()
    town.channels_known()
    old = town.arrive(town.PEOPLE[0], clock.now())
    number = profile().start_stage
    line = [stage.number for stage in profile().stages].index(number)
    form = _form("stage_spans", **{f"amount-{line}": "5", f"unit_of_time-{line}": "days"})
    assert _keep(boss, "stage_spans", form)[0] == 303
    new = town.arrive(town.PEOPLE[3], clock.now())
    assert old.due_at
    assert new.due_at
    assert old.due_at - new.due_at > timedelta(days=20)
    town.act(old, "note", clock.now(), saraa, text="а")
    assert fresh(old).due_at == old.due_at
    assert profile().stage(number).name == load(settings().profile).stage(number).name
    with reading() as tx:
        [change] = desk.changes(tx)
    assert (change.what, change.officer) == ("profile stage_spans", "Жишээ Boss")
    assert "2 30 days" in change.before
    assert "2 5 days" in change.after


def test_categories_lines_are_added_changed_and_removed(boss: Desk) -> None:
    last = len(profile().categories)
    added = {f"code-{last}": "water", f"amount-{last}": "24", f"unit_of_time-{last}": "hours"}
    form = _form("categories", **added) | {"code-0": "", "sensitive-1": "1"}
    gone, second = profile().categories[0].code, profile().categories[1].code
    assert _keep(boss, "categories", form)[0] == 303
    project = profile()
    water, marked = project.category("water"), project.category(second)
    assert water
    assert water.span
    assert (water.span.amount, water.span.unit) == (24, "hours")
    assert marked
    assert marked.sensitive
    assert project.category(gone) is None
    assert _keep(boss, "categories", {"drop": "1"})[0] == 303
    assert profile() == load(settings().profile)


def test_a_new_category_is_named_in_three_languages_and_so_everywhere(
    app: Flask, boss: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = len(profile().categories)
    new = {"code": "wells", "mn": "Худаг ус", "kk": "Құдық суы", "en": "Wells"}
    added = {f"{name}-{last}": value for name, value in new.items()} | {"en-0": "Schooling"}
    assert _keep(boss, "categories", _form("categories", **added))[0] == 303
    first = profile().categories[0].code
    assert i18n.text(f"category.{first}.label", "en") == "Schooling"

    saraa = another(app, "saraa", "officer")
    town.channels_known()
    case = town.arrive(town.PEOPLE[0], clock.now())
    saraa.do(case, "classify", kind="complaint", category="wells", language="mn")
    assert "Худаг ус" in saraa.page(f"/cases/{case.reference}")
    for language in ("mn", "kk", "en"):
        assert Words(language, gazetteer.names).cell("category", "wells") == new[language]
    with reading() as tx:
        told = grievance_log.rows(tx, grievance_log.Wishes("en", None, False))
        assert any("Wells" in str(row) for row in told)
    assert imports_cells.matter("Complaint, Құдық суы; SMS")["category"] == "wells"
    i18n.set_overrides({})  # as in a process that has just begun
    monkeypatch.setattr(corrections, "_known", ("", 0.0))
    exported = tmp_path / "log.csv"
    told_by = ["export", "--format", "csv", "--lang", "en", "-o", str(exported)]
    assert CliRunner().invoke(report_cli.log, told_by).exit_code == 0
    assert "Wells" in exported.read_text("utf-8")
    monkeypatch.setattr(corrections, "_known", ("", 0.0))
    public = create_app().test_client()
    services = public.get("/open311/v2/services.json").get_json()
    assert "Худаг ус" in {item["service_name"] for item in services}

    gone = _form("categories", **{f"code-{last}": "", "en-0": ""})
    assert _keep(boss, "categories", gone)[0] == 303
    assert profile().category("wells") is None
    assert "Худаг ус" in saraa.page(f"/cases/{case.reference}"), "its grievances keep the name"
    assert i18n.text(f"category.{first}.label", "en") != "Schooling"


def test_people_places_and_units(boss: Desk) -> None:
    town.join("bold", "Жишээ Болд")
    unit = {"code-0": "help", "mn-0": "Тусламж", "kk-0": "Көмек", "en-0": "Help"}
    whole = unit | {"officers-0": "bold boss", "places-0": "bayan-ulgii"}
    who = {"place-0": "bayan-ulgii/tsengel", "officer-0": "bold"}
    approver = {"name-0": "Жишээ Дорж", "channel-0": "mail", "valid-0": "5"}
    assert _keep(boss, "units", whole)[0] == 303
    assert _keep(boss, "categories", _form("categories", **{"unit-0": "help"}))[0] == 303
    assert _keep(boss, "resolvers", who)[0] == 303
    assert _keep(boss, "duty_officers", {"officer-0": "bold"})[0] == 303
    assert _keep(boss, "approver", approver | {"address-0": "dorj@example.invalid"})[0] == 303
    hours = {"days-0": "1 2", "opens-0": "10:00", "closes-0": "16:30"}
    assert _keep(boss, "hours", hours)[0] == 303
    project = profile()
    assert project.resolver("bayan-ulgii/tsengel") == "bold"
    assert project.duty_officers == ("bold",)
    assert project.units[0].officers == ("bold", "boss")
    assert project.hours.days == (1, 2)
    assert project.approver
    assert project.approver.days == 5
    with reading() as tx:
        assert not any("example.invalid" in row.after for row in desk.changes(tx))
    assert "хасах гэж буй" in _keep(boss, "units", {})[1]
    assert "хасах гэж буй" in _keep(boss, "units", {"drop": "1"})[1]
    assert _keep(boss, "approver", {})[0] == 303
    assert profile().approver is None


REFUSED = [
    ("categories", {"code-11": "nowhere", "mn-11": "Энд"}, "Мөр 12, «Казах нэр»: энэ кодтой"),
    ("categories", {"code-0": "A b"}, "Мөр 1, «Код»"),
    ("categories", {"mn-0": "{reference}"}, "Мөр 1, «Монгол нэр»"),
    ("categories", {"en-0": "long " * 20}, "Мөр 1, «Англи нэр»"),
    ("categories", {"code-0": "access"}, "«Код»: хоёр удаа"),
    ("categories", {"amount-1": "0"}, "Мөр 2, «Хугацаа»: тэгээс их"),
    ("categories", {"amount-1": "1", "unit_of_time-1": "weeks"}, "Мөр 2, «Хугацааны нэгж»"),
    ("categories", {"unit-2": "nobody"}, "Мөр 3, «Нэгж»"),
    ("kind_spans", {"kind-0": "poem"}, "Мөр 1, «Төрөл»"),
    ("kind_spans", {"amount-0": "олон"}, "Мөр 1, «Хугацаа»"),
    ("stage_spans", {"amount-1": ""}, "Мөр 2, «Хугацаа»: хоосон"),
    ("stage_spans", {"number-0": "9"}, "Мөр 1, «Үе шат»"),
    ("hours", {"days-0": "8"}, "«Өдрүүд»"),
    ("hours", {"days-0": ""}, "«Өдрүүд»: хоосон"),
    ("hours", {"closes-0": "08:00"}, "«Дуусах цаг»: эхлэх"),
    ("hours", {"opens-0": "эрт", "closes-0": "ям"}, "«Эхлэх цаг»"),
    ("duty_officers", {"officer-0": "nobody"}, "«Ажилтан»: ийм"),
    ("resolvers", {"place-0": "atlantis", "officer-0": "boss"}, "«Газар»: ийм"),
    ("units", {"code-0": "A b", "mn-0": "а", "kk-0": "а", "en-0": "a"}, "«Код»"),
    ("units", {"code-0": "a", "mn-0": "а", "en-0": "a"}, "«Казах нэр»: хоосон"),
    ("approver", {"name-0": "А", "channel-0": "fax", "address-0": "1", "valid-0": "7"}, "«Суваг»"),
    ("approver", {"name-0": "А", "channel-0": "sms", "valid-0": "7"}, "«Утас эсвэл имэйл»"),
]  # fmt: skip


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(boss: Desk) -> None:
    before = profile()
    for section, wrong, said in REFUSED:
        status, page = _keep(boss, section, _form(section) | wrong)
        assert (status, said in page) == (422, True), (section, wrong)
        assert all(f'value="{words}"' in page for words in wrong.values() if words == "nowhere")
    assert profile() == before
    with reading() as tx:
        assert corrections.own(tx) == {}
        assert list(desk.changes(tx)) == []


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_page_is_small_and_for_administrators(app: Flask, boss: Desk) -> None:
    page = boss.page(BASE)
    assert len(page.encode()) < 50_000
    assert "desk.profile" not in page
    assert BASE in boss.page("/settings/")
    other = another(app, "bold", "officer", "coordinator")
    assert other.get(BASE).status_code == 403
    assert other.post(BASE + "hours", "/account", **_form("hours")).status_code == 403
    assert BASE not in other.page("/settings/")
    assert boss.post(BASE + "zone", "/account").status_code == 404


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_another_process_learns_of_it_and_drops_what_no_longer_fits(boss: Desk) -> None:
    with transaction() as tx:
        corrections.keep_own(tx, "duty_officers", ["boss"], 1, clock.now())
        corrections.keep_own(tx, "stage_spans", {"2": None}, 1, clock.now())
    assert profile().duty_officers == ()
    with reading() as tx:
        corrections.load(tx)
        raw = tx.execute(own_profile.select()).all()
    assert len(raw) == 2
    assert profile().duty_officers == ("boss",)
    assert profile().stage(2).span is not None
