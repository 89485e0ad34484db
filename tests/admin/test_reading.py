"""Words typed in Latin letters, with a reading beside them; people who write for others."""

from __future__ import annotations

from admin.dossier import contact
from config import clock
from config.i18n import text
from store import people
from store.case import Case
from store.db import reading, transaction
from tests.admin import town
from tests.admin.conftest import Desk, fresh
from tests.admin.test_queue import find
from workflow.commands import CITIZEN, Act
from workflow.handlers import Casework

_NAMES = ("Өртсөн", "Бичсэн", "Өөрхүн")


def _page(desk: Desk, words: str) -> str:
    town.channels_known()
    case: Case = town.arrive(town.Person("sms", "+97670000077", words), clock.now())
    return desk.page(f"/cases/{case.reference}")


def test_latin_words_have_a_reading_marked_as_a_machines(desk: Desk) -> None:
    page = _page(desk, "manai sumand us alga, hudag shirgesen")
    assert "manai sumand us alga, hudag shirgesen" in page
    assert f"{text('desk.case.reading', 'mn')} манай суманд ус алга, худаг ширгэсэн" in page


def test_cyrillic_words_have_none(desk: Desk) -> None:
    page = _page(desk, "манай суманд ус алга")
    assert text("desk.case.reading", "mn") not in page


def test_who_wrote_for_another_is_found_and_named_beside_them(desk: Desk) -> None:
    town.channels_known()
    case = town.arrive(town.PEOPLE[0], clock.now())
    with transaction() as tx:
        work = Casework(tx, clock.now())
        told = {"facts": {"behalf": "other"}, "anonymous": False}
        work.act(Act("classify", case.id, CITIZEN, told))
        work.flush()
    with transaction() as tx:
        people.name_person(tx, fresh(case).complainant_id or 0, "Туршилт Өртсөн")
        people.name_person(tx, case.complainant_id or 0, "Туршилт Бичсэн")
    found = {name: find(desk, name) == [case.reference] for name in _NAMES}
    assert found == {"Өртсөн": True, "Бичсэн": True, "Өөрхүн": False}
    with reading() as tx:
        assert contact(tx, fresh(case))[0] == "Туршилт Өртсөн / Туршилт Бичсэн"
