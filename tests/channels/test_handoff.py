"""Pages that a link opens: the work of a contractor, the decision of an approver from outside."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from channels.web import create_app
from config import clock, i18n
from store import files, grievances, links, tasks
from store.case import Case
from store.db import reading, transaction
from store.links import Link
from store.schema import case_event
from tests.admin import town
from workflow.audit import audit
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

WORDS = "Миний нэр Жишээ Оюун, утас 88001122, ус алга"
PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 100


@pytest.fixture
def client(store: str) -> FlaskClient:
    town.channels_known()
    return create_app().test_client()


@pytest.fixture
def saraa(client: FlaskClient) -> int:
    return town.join()


@pytest.fixture
def case(saraa: int) -> Case:
    return town.arrive(town.Person("sms", "+97688001122", WORDS), clock.now(), place="darkhan-uul")


def do(case: Case, command: str, officer_id: int, **values: object) -> str:
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act(command, case.id, Actor(Role.OFFICER, officer_id), values))
        work.flush()
    return work.tokens.get(case.id, "")


@pytest.fixture
def path(case: Case, saraa: int) -> str:
    until = clock.now() + timedelta(days=3)
    token = do(case, "hand_off", saraa, organisation="Ус суваг ХХК", text="Насос солих",
               until=until)  # fmt: skip
    return f"/partner/hand-off/{token}"


def trail(case: Case) -> list[str]:
    with reading() as tx:
        query = select(case_event.c.kind).where(case_event.c.grievance_id == case.id)
        return list(tx.execute(query.order_by(case_event.c.seq)).scalars())


@pytest.mark.parametrize("language", ["mn", "kk", "en"])
def test_the_page_holds_the_work_and_nobody(
    client: FlaskClient, case: Case, path: str, language: str
) -> None:
    answer = client.get(f"{path}?lang={language}")
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    assert f'<html lang="{language}">' in page
    assert "Насос солих" in page
    assert "Ус суваг ХХК" in page
    for secret in (case.reference, case.code, "Оюун", "88001122", "ус алга"):
        assert secret not in page
    assert f'href="{path}?lang=kk"' in page, "the language is changed on the page itself"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    with reading() as tx:
        assert links.of_grievance(tx, case.id, links.HAND_OFF)[0].opened_at is not None


def test_the_outcome_comes_back_to_the_case_once(
    client: FlaskClient, case: Case, path: str
) -> None:
    form = {"text": "Насосыг сольсон", "files": (BytesIO(PHOTO), "zurag.jpg")}
    answer = client.post(path, data=form)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    with reading() as tx:
        (note,) = grievances.notes(tx, case.id)
        (kept,) = links.files_of(tx, case.id)
        (job,) = tasks.undone(tx)
        row = grievances.get(tx, case.id)
        assert not audit(tx).findings
        assert "сольсон" not in str(grievances.payload(tx, case.id, 3)), "words stay out of it"
    assert note.text == "Ус суваг ХХК: Насосыг сольсон"
    assert (kept.content_type, files.get(kept.sha256)) == ("image/jpeg", PHOTO)
    assert (job.kind, job.grievance_id) == ("hand_back", case.id)
    assert row
    assert row.unread
    assert trail(case) == ["registered", "handed_off", "handed_back"]
    assert "өгсөн" in client.post(path, data={"text": "Дахин"}).get_data(as_text=True)
    assert "сольсон" not in client.get(path).get_data(as_text=True)
    assert trail(case)[-1] == "handed_back"
    with reading() as tx:
        assert len(grievances.notes(tx, case.id)) == 1


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"text": "  "}, "Юу хийснээ бичнэ үү"),
        ({"text": "а", "files": "MZ\x90\x00\x03\x00\x00\x00"}, "Нэг файлыг хүлээж авсангүй"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(
    client: FlaskClient, case: Case, path: str, form: dict[str, str], words: str
) -> None:
    data: dict[str, object] = dict(form)
    if "files" in form:
        data["files"] = (BytesIO(form["files"].encode("latin-1")), "a.exe")
    answer = client.post(f"{path}?lang=mn", data=data)
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    assert trail(case)[-1] == "handed_off"


def test_a_link_that_is_wrong_expired_or_taken_back_says_the_same(
    client: FlaskClient, case: Case, path: str, saraa: int
) -> None:
    wrong = client.get("/partner/hand-off/" + "x" * 43)
    crossed = client.get(path.replace("hand-off", "approval"))
    with transaction() as tx:
        late = links.add(tx, Link("hand_off", case.id, "а", clock.now()), clock.now())
    expired = client.get(f"/partner/hand-off/{late}")
    with reading() as tx:
        row = links.of_grievance(tx, case.id, links.HAND_OFF)[0]
    do(case, "take_back", saraa, link_id=row.id)
    taken = client.get(path)
    posted = client.post(path, data={"text": "Хийсэн"})
    told = [wrong, crossed, expired, taken, posted]
    assert {answer.status_code for answer in told} == {410}
    main = {answer.get_data(as_text=True).split("<main")[1] for answer in told}
    assert len(main) == 1
    assert trail(case)[-1] == "taken_back"


# -- approval -------------------------------------------------------------------------------------


@pytest.fixture
def proposal(case: Case, saraa: int) -> str:
    do(case, "close", saraa, outcome="not_eligible", summary="Манай ажил биш")
    with transaction() as tx:
        later = clock.now() + timedelta(days=7)
        token = links.add(tx, Link("approval", case.id, "Жишээ Зөвлөх", later), clock.now())
    return f"/partner/approval/{token}"


def test_an_approver_from_outside_decides_once(
    client: FlaskClient, case: Case, proposal: str
) -> None:
    page = client.get(f"{proposal}?lang=mn").get_data(as_text=True)
    assert "Манай ажил биш" in page
    assert i18n.text("outcome.not_eligible.label", "mn") in page
    assert case.reference not in page
    assert client.post(proposal, data={"decision": "return", "reason": " "}).status_code == 422
    assert town.letters_of(case) == ["ack"]
    assert client.post(proposal, data={"decision": "approve"}).status_code == 200
    assert trail(case) == ["registered", "closure_proposed", "approved", "closed"]
    assert town.letters_of(case) == ["ack", "closed"]
    assert client.get(proposal).status_code == 410
    assert client.post(proposal, data={"decision": "approve"}).status_code == 410
    with reading() as tx:
        actor = tx.execute(select(case_event.c.actor).where(case_event.c.kind == "closed"))
        assert actor.scalar_one() == "approver"
        assert grievances.payload(tx, case.id, 3)["name"] == "Жишээ Зөвлөх"


def test_an_approver_sends_back_with_a_reason(
    client: FlaskClient, case: Case, proposal: str
) -> None:
    sent = client.post(proposal, data={"decision": "return", "reason": "Дахин шалга"})
    assert sent.status_code == 200
    assert trail(case)[-1] == "returned"
    assert town.letters_of(case) == ["ack"]
    assert client.get(proposal).status_code == 410


def test_what_was_overtaken_opens_nothing(
    client: FlaskClient, case: Case, proposal: str, saraa: int
) -> None:
    do(case, "escalate", saraa, reason="Хороонд")
    assert client.get(proposal).status_code == 410
    assert client.post(proposal, data={"decision": "approve"}).status_code == 410
    assert trail(case)[-1] == "escalated"
