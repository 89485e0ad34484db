"""Words typed in Latin letters stand on the page as they came, and in Cyrillic beside them."""

from __future__ import annotations

from config import clock
from config.i18n import text
from store.case import Case
from tests.admin import town
from tests.admin.conftest import Desk


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
