"""`hariu verify`: a changed, missing or cut-off event is found and named, on both stores."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from config import clock
from store.db import reading, transaction
from workflow.audit import audit, sign_root
from workflow.commands import Act, Actor, Register
from workflow.handlers import Casework
from workflow.states import Role

OFFICER = Actor(Role.OFFICER)


@pytest.fixture(autouse=True)
def _cases(store: str) -> None:
    """Three grievances with three events each."""
    with transaction() as tx:
        work = Casework(tx, clock.now())
        for number in range(3):
            case = work.register(Register("visit", f"Ус алга {number}", clock.now()))
            work.act(Act("screen", case.id, OFFICER))
            work.act(Act("extend", case.id, OFFICER, {"reason": "зам хаалттай", "days": 5}))
        work.flush()


def findings() -> list[str]:
    with reading() as tx:
        return [finding.words for finding in audit(tx).findings]


def change(statement: str) -> None:
    with transaction() as tx:
        tx.execute(text(statement))


def test_an_untouched_trail_is_whole() -> None:
    with reading() as tx:
        result = audit(tx)
    assert (result.grievances, result.events, result.findings) == (3, 9, ())


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE case_event SET kind = 'closed' WHERE id = 5", "event 2 of grievance"),
        ("UPDATE case_event SET actor = 'system' WHERE id = 5", "was changed"),
        ("UPDATE case_event SET payload = '{\"days\": 90}' WHERE id = 6", "the facts of event 3"),
        ("DELETE FROM case_event WHERE id = 5", "event 2 of grievance"),
        ("DELETE FROM case_event WHERE id = 6", "cut off after event 2 of 3"),
        ("UPDATE grievance SET head_seq = 2 WHERE id = 2", "the end of the trail of"),
    ],
)
def test_tampering_is_found_and_named(statement: str, words: str) -> None:
    change(statement)
    (found,) = findings()
    assert words in found


def test_an_erased_payload_leaves_the_chain_valid() -> None:
    change("UPDATE case_event SET payload = NULL, salt = NULL WHERE id = 6")
    assert findings() == []


def test_a_cut_end_hidden_by_an_old_grievance_row_shows_in_the_signed_root() -> None:
    with reading() as tx:
        before = tx.execute(
            text("SELECT head_seq, head_hash, head_mac FROM grievance WHERE id = 1")
        ).one()
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act("note", 1, OFFICER, {"text": "утсаар ярьсан"}))
        work.flush()
        sign_root(tx, clock.now())
    assert findings() == []
    with transaction() as tx:
        tx.execute(text("DELETE FROM note"))
        tx.execute(text("DELETE FROM case_event WHERE grievance_id = 1 AND seq = 4"))
        tx.execute(
            text("UPDATE grievance SET head_seq=:s, head_hash=:h, head_mac=:m WHERE id = 1"),
            {"s": before.head_seq, "h": before.head_hash, "m": before.head_mac},
        )
    (found,) = findings()
    assert "root signed on" in found


def test_a_forged_root_shows() -> None:
    with transaction() as tx:
        sign_root(tx, clock.now())
    change("UPDATE trail_root SET events = 8")
    (found,) = findings()
    assert "root" in found
