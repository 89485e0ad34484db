"""A sealed matter by every way out of the house: who may not know of it finds nothing."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from admin import queue
from channels.web import create_app as public_app
from config import clock
from config.cli import hariu
from config.profile import profile
from store import cli as store_cli
from store import dump, files, inbox, links, notices, people, sealed, tasks
from store.case import Case
from store.db import reading, transaction
from store.inbox import Receipt
from store.messages import Inbound
from store.schema import access_log, attachment, grievance, notice, officer
from store.schema import inbox as inbox_table
from tests import instance
from tests.admin import town
from tests.admin.conftest import Desk, another, fresh
from workflow import digest
from workflow.commands import Act, Actor, Register
from workflow.handlers import Casework
from workflow.states import Role

MARK = "кырмызы"
NOBODY = "26000000"
WORDS = f"Намайг ажлын дарга хүчирхийлсэн {MARK}"
PHONE = "+97670004711"
ROLES = ("officer", "coordinator", "psc_secretary", "auditor", "administrator", "assignee")


@pytest.fixture
def secret(store: str, saraa: int) -> Case:
    """A sealed matter with everything that may hang on one, between ordinary ones."""
    town.channels_known()
    now = clock.now() - timedelta(days=40)
    focal = town.join("focal", "Жишээ Анхаарал", "focal_point", "officer")
    town.arrive(town.PEOPLE[0], now)
    case = town.arrive(town.Person("sms", PHONE, WORDS), now)
    town.sealed(case, now, saraa)
    town.act(case, "note", now, focal, text=f"Тэмдэглэл {MARK}")
    town.act(case, "reply", now, focal, text=f"Хариу {MARK}")
    town.act(case, "hand_off", now, focal, organisation=f"Төв {MARK}", text=MARK,
             until=now + timedelta(days=60))  # fmt: skip
    town.act(case, "close", now, focal, outcome="resolved", summary=f"Шийд {MARK}")
    with transaction() as tx:
        (link,) = links.of_grievance(tx, case.id, links.HAND_OFF)
        links.add_file(tx, link.id, "text/plain", 3, files.put(MARK.encode()))
        people.name_person(tx, case.complainant_id or 0, MARK.title())
        row = tx.execute(select(inbox_table).where(inbox_table.c.grievance_id == case.id)).one()
        kept = {
            "inbox_id": row.id, "grievance_id": case.id, "channel": "sms", "kind": "image",
            "name": MARK, "source": {}, "sha256": files.put(MARK.encode()), "state": "stored",
            "content_type": "image/png",
        }  # fmt: skip
        tx.execute(attachment.insert(), [kept])
        tasks.add(tx, "secret", "call", now, case.address_id, case.id)
    town.arrive(town.PEOPLE[1], now)
    return case


def marks(case: Case) -> tuple[str, ...]:
    return (MARK, MARK.title(), case.reference, PHONE, PHONE[1:], PHONE[4:])


def leaks(text: str, case: Case) -> list[str]:
    return [mark for mark in marks(case) if mark in text]


def paths(app: Flask, case: Case) -> set[tuple[str, str]]:
    """Every route of the desk with this case's own numbers in it: (method, path)."""
    with reading() as tx:
        numbers = {1, 2, 3, *(row.id for row in tasks.undone(tx))}
    return {
        (method, _filled(rule.rule, case, str(number)))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST"}
        for number in numbers
        if rule.endpoint != "static"
        and not (method == "POST" and rule.endpoint.startswith("auth."))
    }


def _filled(rule: str, case: Case, number: str) -> str:
    given = {"reference": case.reference, "command": "close"}
    value = r"<(?:[^:<>]+(?:\([^)]*\))?:)?(\w+)>"
    return re.sub(value, lambda found: given.get(found[1], number), rule)


@pytest.mark.parametrize("role", ROLES)
def test_no_route_of_the_desk_tells_of_it(app: Flask, secret: Case, role: str) -> None:
    town.act(secret, "note", clock.now(), 1, text="а")
    desk = another(app, "viewer", role)
    token = desk.token("/account")
    before = fresh(secret)
    walked = 0
    for method, path in sorted(paths(app, secret)):
        form = {"csrf_token": token, "version": before.version, "reason": "а",
                "outcome": "resolved", "summary": "а", "number": "1"}  # fmt: skip

        def ask(where: str, method: str = method, form: dict[str, object] = form) -> TestResponse:
            return desk.get(where) if method == "GET" else desk.client.post(where, data=form)

        answer = ask(path)
        walked += 1
        if secret.reference in path:  # exactly what a number that nobody has would get
            other = ask(path.replace(secret.reference, NOBODY))
            assert told(answer, secret.reference) == told(other, NOBODY), (method, path)
        else:
            found = leaks(answer.get_data(as_text=True) + str(answer.headers), secret)
            assert not found, (method, path, found)
    assert walked > 40
    assert fresh(secret) == before, "and nothing was changed by any of it"


def told(answer: TestResponse, reference: str) -> tuple[int, str, str | None]:
    """What an answer says, without the number asked for and what differs each time."""
    text = re.sub(r'name="csrf_token" value="[^"]+"', "", answer.get_data(as_text=True))
    place = answer.headers.get("Location")
    return (
        answer.status_code, text.replace(reference, "#"), place and place.replace(reference, "#")
    )  # fmt: skip


def test_neither_views_counts_nor_search_tell_of_it(app: Flask, secret: Case, saraa: int) -> None:
    desk = another(app, "viewer", "officer", "administrator")
    pages = [
        desk.page(f"/?view={name}") for name in ("open", "failed", "us", "approval", "sensitive")
    ]
    pages += [
        desk.page(f"/?find={queue.sealed(words)}").replace(words, "")
        for words in (secret.reference, PHONE[4:], MARK, MARK.title(), "хүчирхийлсэн")
    ]
    for page in pages:
        assert not leaks(page, secret)
        assert "view-sensitive" not in page
    counted = dict(re.findall(r'class="view-(\w+)[^"]*">.*?class="count">(\d+)', pages[0], re.S))
    assert counted["open"] == "2", "the other two, no more"
    assert counted["failed"] == counted["approval"] == "0"
    ids = re.findall(r'id="case-(\d+)"', pages[0])
    assert all(len(number) == 8 for number in ids), "row numbers would show a gap"


def test_what_machines_read_tells_of_it_neither(app: Flask, secret: Case) -> None:
    desk = Desk(app.test_client())
    token = {"Authorization": f"Bearer {instance.KEYS['HARIU_METRICS_TOKEN']}"}
    metrics = desk.get("/metrics", headers=token).get_data(as_text=True)
    total = sum(float(n) for n in re.findall(r"^hariu_grievances\{.*\} (\S+)", metrics, re.M))
    assert total == 2
    public = public_app().test_client()
    for path in ("/healthz", "/readyz", "/transparency", "/transparency.json", "/transparency.csv",
                 "/open311/v2/requests.json", f"/open311/v2/requests/{secret.reference}.json",
                 "/", "/how", "/status"):  # fmt: skip
        text = public.get(path).get_data(as_text=True).replace(path, "")
        assert not leaks(text, secret), path


@pytest.mark.parametrize("what", list(dump.TABLES))
def test_dumps_hold_it_only_with_a_reason_that_is_logged(secret: Case, what: str) -> None:
    def dumped(*options: str) -> str:
        done = CliRunner().invoke(store_cli.commands, ["dump", what, *options])
        assert done.exit_code == 0, done.output
        return "\n".join(line for line in done.output.splitlines() if line.startswith("{"))

    plain = dumped()
    assert not leaks(plain, secret)
    whole = dumped("--sensitive", "--reason", "шүүхийн шаардлага")
    assert len(whole.splitlines()) > len(plain.splitlines())
    with reading() as tx:
        logged = tx.execute(select(access_log.c.action, access_log.c.reason)).all()
    assert (f"dump {what}", "шүүхийн шаардлага") in {tuple(row) for row in logged}
    refused = CliRunner().invoke(store_cli.commands, ["dump", what, "--sensitive"])
    assert refused.exit_code == 2


def test_neither_the_grievance_log_nor_a_digest_tells_of_it(
    secret: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for form in ("csv", "xlsx"):
        file = tmp_path / f"log.{form}"
        asked = ["log", "export", "--format", form, "--from", "2026-01-01", "--to", "2027-12-31"]
        done = CliRunner().invoke(hariu, [*asked, "--lang", "mn", "-o", str(file)])
        assert done.exit_code == 0, done.output
        rows = _rows(file)
        assert [row[0] for row in rows if str(row[0]).isdecimal()] == ["1", "2"], "no gap"
        assert not leaks(str(rows), secret), form
    monkeypatch.setitem(digest._done, "day", "")
    morning = clock.now().astimezone(profile().timezone).replace(hour=12)
    assert digest.daily(morning)
    with reading() as tx:
        facts = {row.officer_id: row.facts for row in tx.execute(select(notice))}
        plain = tx.scalar(select(officer.c.id).where(officer.c.login == "saraa"))
        told = str(notices.of_officer(tx, plain, sensitive=False))
    assert "sealed" not in facts[plain]
    assert facts[plain]["us"] == 2, "the other two, no more"
    assert not leaks(told, secret)


def _rows(file: Path) -> list[list[str]]:
    if file.suffix == ".csv":
        return list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    book = openpyxl.load_workbook(file)
    return [[str(cell) for cell in row] for sheet in book for row in sheet.values]


def test_what_is_said_around_it_is_not_dumped_either(store: str) -> None:
    """Recognised at once: the dialogue that follows belongs to it, question and answer alike."""
    from bot.jobs import drain
    from store.queue import PARTITIONS

    town.channels_known()
    for number, text in enumerate((WORDS, "1", f"Дахиад {MARK}", "PRESSURE", "STATUS")):
        message = Inbound("sms", town.CHANNELS["sms"][0], f"m{number}", PHONE, text=text)
        inbox.accept(Receipt("sms", message.account, b"raw", clock.now(), (message,)))
        for partition in range(PARTITIONS):
            drain(partition)
    with reading() as tx:
        (first, *_) = tx.execute(select(grievance.c.id, grievance.c.sensitive)).all()
        assert first.sensitive
        for what in dump.TABLES:
            rows = list(dump.rows(tx, what, None, sensitive=False))
            assert rows == [], (what, rows)


def test_sealing_later_hides_what_was_open_before(app: Flask, store: str, saraa: int) -> None:
    town.channels_known()
    case = town.arrive(town.Person("sms", PHONE, WORDS), clock.now())
    town.act(case, "propose_redress", clock.now(), saraa, summary=f"Санал {MARK}")
    town.act(case, "redact", clock.now(), saraa, text=MARK)
    town.act(case, "hand_off", clock.now(), saraa, organisation="а", text=MARK,
             until=clock.now() + timedelta(days=3))  # fmt: skip
    town.sealed(case, clock.now(), saraa)
    with reading() as tx:
        row = tx.execute(select(grievance).where(grievance.c.id == case.id)).one()
        assert MARK not in str(row)
        for what in dump.TABLES:
            for line in dump.rows(tx, what, None, sensitive=True):
                if line.get("state") not in {"queued", "sending"}:
                    assert MARK not in str(line), what
    focal = another(app, "focal", "focal_point")
    page = focal.page(f"/cases/{case.reference}")
    assert MARK in page, "a focal point reads all of it"
    assert (
        case.reference not in re.findall(r"<title>(.*?)</title>", focal.page("/?view=sensitive"))[0]
    )


def test_words_that_somebody_wrote_down_are_sealed_and_not_lost(store: str, saraa: int) -> None:
    now = clock.now()
    with transaction() as tx:
        work = Casework(tx, now)
        case = work.register(Register("visit", WORDS, now, actor=Actor(Role.OFFICER, saraa)))
        work.flush()
    town.sealed(case, now, saraa)
    with reading() as tx:
        assert sealed.read(tx, case.id) == [WORDS]
        row = tx.execute(select(grievance.c.text, grievance.c.folded)).one()
    assert tuple(row) == ("", "")


def test_unsealing_needs_a_focal_point_and_a_reason(app: Flask, secret: Case, saraa: int) -> None:
    focal = Desk(app.test_client())
    assert focal.sign_in("focal").status_code == 303
    assert focal.do(secret, "unseal", reason=" ").status_code == 422
    officer = Desk(app.test_client())
    assert officer.sign_in("saraa").status_code == 303
    assert officer.do(secret, "unseal", reason="Андуурсан").status_code == 404
    assert focal.do(secret, "unseal", reason="Андуурсан").status_code == 303
    assert fresh(secret).sensitive == ""


def test_who_looked_is_listed_for_the_auditor(app: Flask, secret: Case) -> None:
    focal = Desk(app.test_client())
    assert focal.sign_in("focal").status_code == 303
    focal.page(f"/cases/{secret.reference}")
    path = f"/cases/{secret.reference}/contact"
    focal.post(path, reason=f"Учир {MARK}")
    auditor = another(app, "audit", "auditor")
    page = auditor.page("/looks")
    assert page.count("Жишээ Анхаарал") >= 2
    assert "Нууц асуудал" in page
    assert not leaks(page, secret)
    both = another(app, "both", "auditor", "focal_point").page("/looks")
    assert secret.reference in both
    assert f"Учир {MARK}" in both
    assert another(app, "plain", "officer").get("/looks").status_code == 403


def test_its_clock_is_its_own_and_its_closing_wants_two(secret: Case) -> None:
    assert fresh(secret).status != "closed"
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act("approve", secret.id, Actor(Role.COORDINATOR, 99)))
        work.flush()
    assert fresh(secret).status == "closed"
