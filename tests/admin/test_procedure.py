"""At the desk: the committee's meeting, a court case, who is suggested, what the clock told."""

from __future__ import annotations

import re
from datetime import timedelta

from config import clock
from tests.admin import town
from tests.admin.conftest import Desk, fresh
from workflow import digest, rounds


def test_the_committee_meets_decides_and_the_desk_shows_it(desk: Desk, saraa: int) -> None:
    town.channels_known()
    case = town.arrive(town.PEOPLE[0], clock.now())
    town.act(case, "escalate", clock.now(), saraa, reason="хорооны асуудал")
    path = f"/cases/{case.reference}"
    assert f"{path}/do/convene" in desk.page(path)
    assert f"{path}/do/decide" not in desk.page(path)
    refused = desk.do(case, "convene", held_at="2026-09-09T10:00", agenda="Худаг", participants="")
    assert refused.status_code == 422
    assert "оролцогчдыг бичнэ" in refused.get_data(as_text=True)
    form = {"held_at": "2026-09-09T10:00", "agenda": "Худгийн асуудал", "participants": "Гишүүд"}
    assert desk.do(case, "convene", **form).status_code == 303
    assert "Худгийн асуудал" in desk.page(path)
    assert "convened" in town.letters_of(case)
    assert desk.do(case, "decide", decision="Худаг гаргана").status_code == 303
    assert "Худаг гаргана" in desk.page(path)
    assert fresh(case).decided_at is not None


def test_a_court_case_is_written_down(desk: Desk) -> None:
    town.channels_known()
    case = town.arrive(town.PEOPLE[0], clock.now())
    done = desk.do(case, "record_court", court="Шүүх", number="17", filed_on="2026-09-02")
    assert done.status_code == 303
    assert "2026-09-02" in desk.page(f"/cases/{case.reference}")
    assert fresh(case).stage == 4


def test_whoever_has_least_in_hand_is_suggested(desk: Desk, saraa: int) -> None:
    free = town.join("bold", "Жишээ Болд")
    town.channels_known()
    busy, case = (town.arrive(town.PEOPLE[n], clock.now()) for n in (0, 1))
    town.act(busy, "assign", clock.now(), saraa, assignee_id=saraa, name="Жишээ")
    page = desk.page(f"/cases/{case.reference}")
    assert f'<option value="{free}" selected>Жишээ Болд (санал болгосон)' in page


def test_notices_are_listed_and_ticked_off(desk: Desk, saraa: int) -> None:
    town.channels_known()
    start = clock.now() - timedelta(days=28)
    case, sealed = (town.arrive(town.PEOPLE[n], start) for n in (0, 1))
    town.sealed(sealed, start, saraa)
    town.join("focal", "Жишээ Хонгор", "focal_point")
    rounds.attend(clock.now())
    digest._done.clear()
    digest.daily(clock.now().replace(hour=6))
    page = desk.page("/notices/")
    assert case.reference in page
    assert sealed.reference not in page
    assert "Түүхийн гарын үсэг" in page
    upto = re.search(r'name="upto" value="(\d+)"', page)
    assert upto
    assert desk.post("/notices/seen", upto=upto[1]).status_code == 303
    assert "Шинэ мэдэгдэл алга" in desk.page("/notices/")


def test_a_focal_point_sees_the_sealed_one_overdue(stranger: Desk, saraa: int) -> None:
    town.join("focal", "Жишээ Хонгор", "focal_point")
    town.channels_known()
    start = clock.now() - timedelta(days=28)
    sealed = town.arrive(town.PEOPLE[1], start)
    town.sealed(sealed, start, saraa)
    rounds.attend(clock.now())
    stranger.sign_in("focal")
    assert sealed.reference in stranger.page("/notices/")
