"""Erasing a person: nothing they said or were is left anywhere, numbers and trail are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from config import clock, profile
from config.care import Retention
from config.settings import settings
from store import (
    attachments,
    attempts,
    conversations,
    files,
    grievances,
    inbox,
    links,
    people,
    receipts,
    spool,
)
from store.case import Case
from store.db import reading, transaction
from store.inbox import Receipt
from store.messages import Inbound
from store.schema import (
    attachment,
    attempt,
    case_event,
    conversation,
    grievance,
    metadata,
    outbox,
    person,
    raw_event,
)
from store.schema import inbox as inbox_table
from tests.admin import town
from workflow import erasing, retention
from workflow.audit import audit, sign_root
from workflow.cli import commands
from workflow.commands import SYSTEM, Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

MARK = "кырмызы"  # in no text of ours
PHONE = "+97670004711"
WORDS = f"Миний гомдол {MARK}, утас 70004711"


@pytest.fixture
def planted(store: str) -> Case:
    """One person's grievance with a copy of their words wherever there may be one."""
    town.channels_known()
    saraa, now = town.join(), clock.now()
    case = town.arrive(town.Person("sms", PHONE, WORDS), now, facts={"gender": "female", "x": MARK})
    town.act(case, "note", now, saraa, text=f"Тэмдэглэл {MARK}")
    town.act(case, "reply", now, saraa, text=f"Хариу {MARK}")
    town.act(case, "redact", now, saraa, text=f"Хувь {MARK}")
    town.act(case, "pause", now, saraa, reason=f"Учир {MARK}")
    town.act(case, "hand_off", now, saraa, organisation=f"Нэгж {MARK}", text=MARK,
             until=now + timedelta(days=3))  # fmt: skip
    with transaction() as tx:
        row = tx.execute(select(inbox_table)).one()
        people.name_person(tx, case.complainant_id or 0, f"Жишээ {MARK.title()}")
        digest = files.put(f"зураг {MARK}".encode())
        kept = {
            "inbox_id": row.id, "grievance_id": case.id, "channel": "sms", "kind": "image",
            "name": f"{MARK}.jpg", "source": {"url": MARK}, "sha256": digest, "state": "stored",
        }  # fmt: skip
        tx.execute(attachment.insert(), [kept])
        state = (row.partition, {"held": WORDS}, None)
        conversations.save(tx, {case.address_id or 0: state}, now)
        (link,) = links.of_grievance(tx, case.id, links.HAND_OFF)
        returned = files.put(f"акт {MARK}".encode())
        links.add_file(tx, link.id, "text/plain", 9, returned)
        sign_root(tx, now)
    more = Inbound("sms", town.CHANNELS["sms"][0], "later", PHONE, text=f"Нэмэлт {MARK}")
    inbox.accept(Receipt("sms", more.account, f"raw {MARK}".encode(), now, (more,)))
    return case


def values() -> Iterator[tuple[str, str]]:
    """Every value of every table, opened: (table.column, value)."""
    with reading() as tx:
        for table in metadata.sorted_tables:
            for row in tx.execute(select(table)):
                for name, value in row._mapping.items():
                    words = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                    yield f"{table.name}.{name}", str(words)


def found() -> set[str]:
    """Where something of the person still is."""
    marks = (MARK, MARK.title(), PHONE, PHONE[1:], PHONE[4:])
    return {place for place, value in values() if any(mark in value for mark in marks)}


def on_disk() -> set[str]:
    """Files of this instance that hold the words as they are."""
    return {
        path.name
        for path in settings().home.rglob("*")
        if path.is_file() and any(MARK.encode(code) in path.read_bytes() for code in ("utf-8",))
    }


def erase(case: Case, reason: str = "хүсэлтээр") -> None:
    with transaction() as tx:
        erasing.of_case(tx, case, Actor(Role.ADMINISTRATOR, 1), reason, clock.now())
    erasing.settle()


def test_nothing_of_a_person_is_left_anywhere(store: str, planted: Case) -> None:
    places = found()
    assert {
        "grievance.text", "grievance.folded", "grievance.facts", "inbox.text", "inbox.address",
        "raw_event.body", "outbox.text", "note.text", "person.name", "address.value",
        "conversation.state", "attachment.name", "redaction.text", "partner_link.gist",
        "case_event.payload",
    } <= places, "the test plants what it looks for"  # fmt: skip
    stored = [path for path in (settings().home / "files").rglob("*") if path.is_file()]
    assert len(stored) == 2
    erase(planted)
    assert found() == set()
    assert not [path for path in (settings().home / "files").rglob("*") if path.is_file()]
    assert on_disk() == set(), "neither in free pages of the database nor in its log"
    with reading() as tx:
        case = grievances.get(tx, planted.id)
        assert case
        assert (case.reference, case.status, case.outcome) == (
            planted.reference, "closed", "withdrawn",
        )  # fmt: skip
        assert case.code != planted.code
        assert case.facts == {"gender": "female", "erased": True}
        assert not audit(tx).findings
        kinds = list(tx.execute(select(case_event.c.kind).order_by(case_event.c.seq)).scalars())
        assert tx.scalar(select(func.count()).select_from(person)) == 1
        assert sorted(tx.execute(select(inbox_table.c.state)).scalars()) == ["done", "ignored"]
        assert {row.state for row in tx.execute(select(outbox.c.state))} == {"failed"}
    assert kinds[0] == "registered"
    assert kinds[-1] == "erased"


def test_erasing_twice_adds_nothing(planted: Case) -> None:
    erase(planted)
    with reading() as tx:
        before = tx.scalar(select(func.count()).select_from(case_event))
    erase(planted)
    with reading() as tx:
        assert tx.scalar(select(func.count()).select_from(case_event)) == before


def test_others_keep_what_they_said_and_files_they_share(planted: Case) -> None:
    other = town.arrive(town.Person("sms", "+97670009999", "Өөр хүний гомдол"), clock.now())
    with transaction() as tx:
        row = tx.execute(select(attachment)).one()
        mine = tx.execute(
            select(inbox_table.c.id).where(inbox_table.c.grievance_id == other.id)
        ).scalar_one()
        same = {"inbox_id": mine, "grievance_id": other.id, "channel": "sms", "kind": "image",
                "source": {}, "sha256": row.sha256, "state": "stored"}  # fmt: skip
        tx.execute(attachment.insert(), [same])
    erase(planted)
    assert files.get(row.sha256), "the same photo belongs to somebody else as well"
    with reading() as tx:
        kept = grievances.get(tx, other.id)
        assert kept
        assert kept.text == "Өөр хүний гомдол"
        assert attachments.of_grievance(tx, other.id)[0].sha256 == row.sha256


def test_what_still_lies_in_the_spool_is_drained_and_goes_too(planted: Case) -> None:
    message = Inbound("sms", town.CHANNELS["sms"][0], "spooled", PHONE, text=f"Сүүлд {MARK}")
    rows = receipts.rows_of(Receipt("sms", message.account, b"raw", clock.now(), (message,)))
    spool.append([{"raw": rows.raw, "messages": rows.messages}])
    done = CliRunner().invoke(commands, ["erase", planted.reference, "--yes"])
    assert done.exit_code == 0, done.output
    assert done.output.endswith(f"person {planted.complainant_id}: 1 grievances, 1 addresses\n")
    assert not spool.holds()
    assert found() == set()


def test_the_command_asks_first_and_knows_nobody_else(planted: Case) -> None:
    refused = CliRunner().invoke(commands, ["erase", str(planted.complainant_id)], input="n\n")
    assert refused.exit_code == 1
    assert "1 grievances for good?" in refused.output
    assert "grievance.text" in found()
    for nobody in ("99999999", "Болд"):
        unknown = CliRunner().invoke(commands, ["erase", nobody, "--yes"])
        assert unknown.exit_code == 1
        assert "no such person" in unknown.output


RULES = Retention(closed_months=24, withdrawn_days=30, loose_days=90, raw_days=60, dead_days=180)


@pytest.fixture
def rules(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = profile.profile().model_copy(update={"retention": RULES})
    monkeypatch.setattr(retention, "profile", lambda: kept)


def close(case: Case, command: str, at: datetime) -> None:
    values = {"outcome": "resolved", "summary": "а"} if command == "close" else {}
    with transaction() as tx:
        work = Casework(tx, at)
        work.act(Act(command, case.id, Actor(Role.OFFICER), values))
        work.flush()


def erased(case: Case) -> bool:
    with reading() as tx:
        row = tx.execute(select(grievance.c.facts).where(grievance.c.id == case.id)).one()
    return "erased" in row.facts


@pytest.mark.parametrize(
    ("command", "days", "gone"),
    [("close", 700, False), ("close", 760, True), ("withdraw", 29, False), ("withdraw", 31, True),
     ("", 5000, False)],
)  # fmt: skip
def test_people_are_erased_when_their_time_is_over(
    rules: None, command: str, days: int, gone: bool
) -> None:
    town.channels_known()
    start = clock.now() - timedelta(days=6000)
    case = town.arrive(town.PEOPLE[0], start)
    if command:
        close(case, command, start)
    later = start + timedelta(days=days)
    assert retention.run(later)
    assert erased(case) is gone
    retention.run(later)
    with reading() as tx:
        assert not audit(tx).findings
        kinds = [row.kind for row in tx.execute(select(case_event.c.kind))]
    assert kinds.count("erased") == int(gone), "a second run changes nothing"


def test_one_open_matter_keeps_the_person(rules: None) -> None:
    town.channels_known()
    start = clock.now() - timedelta(days=3000)
    old = town.arrive(town.PEOPLE[0], start)
    close(old, "close", start)
    running = town.arrive(town.PEOPLE[0], start + timedelta(days=1), person_id=old.complainant_id)
    assert running.complainant_id == old.complainant_id
    retention.run(start + timedelta(days=2000))
    assert not erased(old)


def test_raw_events_greetings_and_tries_go_but_not_what_stands_on_them(rules: None) -> None:
    town.channels_known()
    start = clock.now() - timedelta(days=3000)
    case = town.arrive(town.PEOPLE[0], start)
    inbox.accept(Receipt("sms", "+97675000000", b"broken", start, error="unparseable: x"))
    with transaction() as tx:
        index = people.address_index("sms", "+97670000055")
        end = people.Endpoint("sms", "+97675000000", "+97670000055", index)
        (loose,) = people.resolve(tx, [end], start).values()
        conversations.save(tx, {loose.id: (0, {"told": "greeting"}, None)}, start)
        attempts.count(tx, loose.id, case.reference, start)
    retention.run(start + timedelta(days=59))
    with reading() as tx:
        assert all(row.body for row in tx.execute(select(raw_event.c.body)))
        assert tx.execute(select(attempt)).all() == []
        assert tx.execute(select(conversation)).all()
    retention.run(start + timedelta(days=91))
    with reading() as tx:
        states = {row.state: bytes(row.body) for row in tx.execute(select(raw_event))}
        assert states == {"done": b"", "dead": b"broken"}
        assert tx.execute(select(conversation)).all() == []
        assert people.by_ids(tx, [loose.id])[loose.id].value == ""
        row = tx.execute(select(inbox_table).where(inbox_table.c.grievance_id == case.id)).one()
        assert row.text == town.PEOPLE[0].text
    retention.run(start + timedelta(days=181))
    with reading() as tx:
        assert not any(row.body for row in tx.execute(select(raw_event.c.body)))


def test_files_nobody_refers_to_are_swept(rules: None, planted: Case) -> None:
    stray = files.put(b"left behind")
    with reading() as tx:
        kept = tx.execute(select(attachment.c.sha256)).scalar_one()
    retention.run(clock.now())
    assert files.get(stray), "it may belong to a message that comes in at this moment"
    retention.run(clock.now() + timedelta(days=3))
    with pytest.raises(FileNotFoundError):
        files.get(stray)
    assert files.get(kept)


def test_a_second_clock_erases_nothing_twice(rules: None) -> None:
    town.channels_known()
    start = clock.now() - timedelta(days=6000)
    case = town.arrive(town.PEOPLE[0], start)
    close(case, "withdraw", start)
    with transaction() as tx:
        erasing.person(tx, case.complainant_id or 0, SYSTEM, "retention", start)
    retention.run(start + timedelta(days=60))
    with reading() as tx:
        query = select(func.count()).select_from(case_event).where(case_event.c.kind == "erased")
        assert tx.scalar(query) == 1
