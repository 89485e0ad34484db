"""What acts do to a grievance's clock, and that its trail alone tells the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from config import i18n
from config.profile import Resolver, load, profile
from store import grievances, meetings
from store.db import reading, transaction
from tests.workflow import office
from workflow import winding
from workflow.commands import Act, Actor, Refused, Register
from workflow.handlers import Casework
from workflow.letters import ANSWERED
from workflow.reckoning import Reckoning, reckon
from workflow.states import Outcome, Role

START = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _office(store: str) -> None:
    office.open_office(START)


def reckoned(case: object) -> Reckoning:
    with reading() as tx:
        trail = grievances.events(tx, case.id)  # type: ignore[attr-defined]
    return reckon(trail, winding.days_off(profile()))


def same(case: object) -> Reckoning:
    """The trail's own dates, after comparing them with the row's."""
    row, found = office.row(case), reckoned(case)  # type: ignore[arg-type]
    assert found.complete
    assert (found.due_at, found.stage, found.paused_at, found.closed_at) == (
        row.due_at, row.stage, row.paused_at, row.closed_at,
    )  # fmt: skip
    return found


def test_a_long_life_is_computed_from_its_trail() -> None:
    case = office.register(START)
    same(case)
    office.act(case, "classify", START + DAY, kind="suggestion")
    assert same(case).due_at == datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC)
    office.act(case, "classify", START + DAY, kind="complaint", place="bayan-ulgii/tsengel")
    assert same(case).due_at == datetime(2026, 10, 1, 16, 59, 59, tzinfo=UTC)  # an hour later there
    office.act(case, "pause", START + 3 * DAY, reason="зам хаалттай")
    same(case)
    office.act(case, "resume", START + 8 * DAY)
    assert same(case).due_at == datetime(2026, 10, 6, 16, 59, 59, tzinfo=UTC)
    office.act(case, "extend", START + 9 * DAY, days=10, reason="лабораторийн дүн")
    assert same(case).due_at == datetime(2026, 10, 16, 16, 59, 59, tzinfo=UTC)
    office.tick(datetime(2026, 10, 16, 4, 0, tzinfo=UTC))  # late: ten days more, told
    assert same(case).due_at == datetime(2026, 10, 26, 16, 59, 59, tzinfo=UTC)
    office.act(case, "close", START + 20 * DAY, outcome="partly", summary="Хэсэгчлэн")
    same(case)
    office.act(case, "reopen", START + 40 * DAY, Role.CITIZEN)
    assert same(case).due_at == datetime(2026, 11, 10, 16, 59, 59, tzinfo=UTC)
    office.act(case, "pause", START + 41 * DAY, reason="зам хаалттай")
    office.act(case, "escalate", START + 45 * DAY, reason="хугацаа хэтэрсэн")
    found = same(case)
    assert [run.stage for run in found.stages] == [2, 2, 3]
    assert found.elapsed(START + 50 * DAY) == (20 - 5) * DAY + (5 - 4) * DAY + 5 * DAY


def test_a_later_day_is_told_and_an_earlier_one_is_kept_quiet() -> None:
    case = office.register(START)
    office.act(case, "classify", START, kind="suggestion")
    office.act(case, "classify", START, kind="question")
    told = [text for name, text in office.letters(case) if name == "redated"]
    assert len(told) == 1
    assert "2026.11.30" in told[0]


def test_an_extension_is_given_once_in_a_stage() -> None:
    case = office.register(START)
    office.act(case, "extend", START, days=5, reason="зам")
    with pytest.raises(Refused) as refusal:
        office.act(case, "extend", START, days=5, reason="зам")
    assert refusal.value.code == "refused.not_extended"
    office.act(case, "escalate", START, reason="хороо")
    office.act(case, "extend", START, days=5, reason="хурал хойшилсон")


def test_closing_ends_a_pause() -> None:
    case = office.register(START)
    office.act(case, "pause", START + DAY, reason="зам хаалттай")
    office.act(case, "close", START + 4 * DAY, outcome="resolved", summary="Засав")
    found = same(case)
    assert found.pauses == [(START + DAY, START + 4 * DAY)]
    assert found.elapsed(START + 90 * DAY) == DAY


def test_sealing_starts_the_clock_of_the_sensitive_lane() -> None:
    case = office.register(START)
    office.act(case, "seal", START + 10 * DAY, sensitive="violence")  # Friday
    assert same(case).due_at == datetime(2026, 9, 16, 15, 59, 59, tzinfo=UTC)


def test_the_committee_must_decide_before_stage_3_is_closed() -> None:
    case = office.register(START)
    at = START + 2 * DAY
    with pytest.raises(Refused) as refusal:
        office.act(case, "convene", at, held_at=at, agenda="Ус", participants="Хороо")
    assert refusal.value.code == "refused.committee"
    office.act(case, "close", START + DAY, outcome="no_evidence", summary="Олдсонгүй")
    office.act(case, "appeal", START + DAY, Role.CITIZEN)
    assert office.row(case).due_at == datetime(2026, 9, 12, 15, 59, 59, tzinfo=UTC)
    for command, values, code in (
        ("close", {"outcome": "resolved", "summary": "-"}, "refused.decided"),
        ("decide", {"decision": "Худаг гаргана"}, "refused.convened"),
        ("convene", {"held_at": at, "agenda": "Ус"}, "refused.meeting"),
    ):
        with pytest.raises(Refused) as refusal:
            office.act(case, command, at, **values)  # type: ignore[arg-type]
        assert refusal.value.code == code
    held = datetime(2026, 9, 9, 2, 0, tzinfo=UTC)
    office.act(case, "convene", at, held_at=held, agenda="Худаг", participants="Жишээ гишүүд")
    assert "2026.09.09" in office.letters(case)[-1][1]
    office.act(case, "decide", held, Role.PSC_SECRETARY, decision="Худаг гаргана")
    assert office.row(case).decided_at == held
    with reading() as tx:
        (kept,) = meetings.of_grievance(tx, case.id)
        trail = [event.payload for event in grievances.events(tx, case.id)]
    assert (kept.stage, kept.held_at, kept.agenda) == (3, held, "Худаг")
    assert (kept.participants, kept.decision) == ("Жишээ гишүүд", "Худаг гаргана")
    assert not any("Жишээ" in str(payload) or "гаргана" in str(payload) for payload in trail)
    same(case)


def test_a_court_case_is_recorded_and_ends_our_time() -> None:
    case = office.register(START)
    with pytest.raises(Refused) as refusal:
        office.act(case, "record_court", START, court="Сум дундын шүүх", number="")
    assert refusal.value.code == "refused.court"
    values = {"court": "Сум дундын шүүх", "number": "2026/17", "filed_on": date(2026, 9, 2)}
    office.act(case, "close", START + DAY, outcome="no_evidence", summary="Олдсонгүй")
    office.act(case, "record_court", START + 2 * DAY, **values)
    row = office.row(case)
    assert (row.status, row.stage, row.due_at) == ("closed", 4, None)
    assert row.facts["court"] == {
        "court": "Сум дундын шүүх", "number": "2026/17", "filed_on": "2026-09-02",
    }  # fmt: skip
    assert reckoned(case).due_at is None


def test_stage_1_begins_where_a_local_resolver_is_named() -> None:
    project = load("smart-government-2").model_copy(
        update={"resolvers": (Resolver(place="bayan-ulgii/tsengel", officer="tsengel"),)}
    )
    with transaction() as tx:
        work = Casework(tx, START, project)
        there = work.register(Register("visit", "Ус", START, place="bayan-ulgii/tsengel"))
        elsewhere = work.register(Register("visit", "Ус", START, place="bayan-ulgii/altai"))
        unknown = work.register(Register("visit", "Ус", START))
        work.act(Act("classify", unknown.id, Actor(Role.CITIZEN), {"place": "bayan-ulgii/tsengel"}))
        work.flush()
    assert (there.stage, elsewhere.stage, unknown.stage) == (1, 2, 1)
    assert there.due_at == unknown.due_at == datetime(2026, 9, 11, 16, 59, 59, tzinfo=UTC)
    assert elsewhere.due_at == datetime(2026, 10, 1, 16, 59, 59, tzinfo=UTC)


def test_darkhan_counts_hours_for_water_and_a_petition_needs_a_name() -> None:
    project = load("darkhan")
    with transaction() as tx:
        work = Casework(tx, START, project)
        case = work.register(Register("visit", "Ус алга", START, category="water"))
        other = work.register(Register("visit", "Бусад", START))
        with pytest.raises(Refused) as refusal:
            work.act(Act("classify", other.id, Actor(Role.OFFICER), {"track": "petition"}))
        named = {"track": "petition", "anonymous": False}
        work.act(Act("classify", other.id, Actor(Role.OFFICER), named))
        work.flush()
    assert case.due_at == START + DAY
    assert refusal.value.code == "refused.petition"
    assert office.row(other).track == "petition"
    assert project.zone_of("uvs/tes") == "Asia/Hovd"
    assert project.zone_of("darkhan-uul/darkhan") == project.zone_of(None) == "Asia/Ulaanbaatar"


def test_an_outcome_by_sms_names_the_bank_where_there_is_room() -> None:
    case, long = office.register(START), office.register(START, 2)
    office.act(case, "close", START, outcome="referred", summary="11-11")
    office.act(long, "close", START, outcome="resolved", summary="Удаан бичсэн тайлбар " * 9)
    chat = office.register(START, channel="telegram")
    office.act(chat, "close", START, outcome="referred", summary="11-11")
    assert office.letters(case)[-1][1].endswith("worldbank.org/GRS")
    assert len(office.letters(case)[-1][1]) <= 134
    assert len(office.letters(long)[-1][1]) <= 134
    assert "inspectionpanel.org" in office.letters(chat)[-1][1]


@pytest.mark.parametrize("kind", sorted(ANSWERED))
@pytest.mark.parametrize("language", ["mn", "kk", "en"])
def test_each_kind_has_its_own_good_end(kind: str, language: str) -> None:
    case = office.register(START, kind=kind, language=language)
    office.act(case, "close", START, outcome="resolved", summary="Тийм. " * 40)
    (told,) = [text for name, text in office.letters(case) if name == "closed"]
    assert case.reference in told
    assert len(told) <= 134
    assert told.split(".")[0] == i18n.text(
        f"letter.answered.{kind}.sms", language, reference=case.reference, summary=""
    ).split(".")[0]  # fmt: skip


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_names_the_banks_bodies(outcome: Outcome) -> None:
    kinds = ("complaint", *sorted(ANSWERED))
    for number, (kind, language) in enumerate(product(kinds, ("mn", "kk", "en"))):
        case = office.register(START, number, "telegram", language, kind=kind)
        # As an outside system closed it: a refusal would wait for a second person here.
        office.act(case, "close", START, outcome=str(outcome), summary="Тайлбар", at=START)
        name, told = office.letters(case)[-1]
        assert name == "closed"
        assert "worldbank.org/GRS" in told
        assert "inspectionpanel.org" in told
