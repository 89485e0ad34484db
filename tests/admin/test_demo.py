"""The demonstration: loaded whole, true to the procedure, nothing sent, removed whole."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import func, select

from admin import demo
from admin.words import channel_name
from config import clock
from store.db import reading, transaction
from store.messages import OutboundState
from store.outbox import PRACTICE
from store.schema import grievance, metadata, outbox, person, sealed_matter, trail_root
from tests.admin import town
from workflow import erasing
from workflow.audit import audit, sign_root
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role


def _rows() -> dict[str, int]:
    with reading() as tx:
        return {
            name: tx.scalar(select(func.count()).select_from(table))
            for name, table in metadata.tables.items()
        }


def test_four_hundred_grievances_come_and_go_without_a_trace(store: str, saraa: int) -> None:
    real = town.town(saraa)
    before = _rows()
    with transaction() as tx:
        sign_root(tx, clock.now())
    assert demo.load(clock.now()) == 400
    with reading() as tx:
        rows = tx.execute(select(grievance).where(demo.demo_cases())).all()
        result = audit(tx)
        states = set(
            tx.execute(select(outbox.c.state).where(outbox.c.account == PRACTICE)).scalars()
        )
        names = [name for name in tx.execute(select(person.c.name)).scalars() if name]
        seals = tx.scalar(select(func.count()).select_from(sealed_matter))
        with_texts = [row for row in rows if row.sensitive and row.text]
    assert len(rows) == 400
    assert result.findings == ()
    assert states == {OutboundState.DELIVERED, OutboundState.FAILED}
    assert all(name.startswith("Туршилт ") for name in names)
    assert seals == 4
    assert with_texts == []
    assert {row.language for row in rows} == {"mn", "kk", "en"}
    assert {row.channel for row in rows} >= {
        *map(channel_name, town.CHANNELS),
        "voice",
        "visit",
        "messenger",
    }
    assert Counter(row.status for row in rows).keys() >= {
        "registered", "acknowledged", "screened", "assigned", "redress_proposed", "closed",
    }  # fmt: skip
    assert any(row.stage == 3 for row in rows)
    assert demo.clear(clock.now()) == 400
    after = _rows()
    assert after.pop("access_log") == before.pop("access_log") + 1
    assert after.pop("trail_root") == 2  # the one of before, and a new one
    before.pop("trail_root")
    assert after == before
    with reading() as tx:
        assert audit(tx).findings == ()
        left = set(tx.execute(select(grievance.c.id)).scalars())
        assert tx.scalar(select(func.count()).select_from(trail_root)) == 2
    assert left == {case.id for case in real}


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_it_is_loaded_once_and_practice_never_leaves(store: str, saraa: int) -> None:
    town.channels_known()
    demo.load(clock.now())
    with pytest.raises(demo.DemoError, match="already"):
        demo.load(clock.now())
    with reading() as tx:
        query = select(grievance.c.id).where(
            demo.demo_cases(), grievance.c.channel == "sms", grievance.c.status == "assigned"
        )
        number = tx.execute(query.limit(1)).scalar_one()
    with transaction() as tx:
        work = Casework(tx, clock.now())
        work.act(Act("reply", number, Actor(Role.OFFICER, saraa), {"text": "Туршилт"}))
        work.flush()
    with reading() as tx:
        states = tx.execute(select(outbox.c.state).where(outbox.c.grievance_id == number))
        assert set(states.scalars()) == {OutboundState.DELIVERED}
    with transaction() as tx:  # as the clock does when the time to forget has come
        work = Casework(tx, clock.now())
        work.load([number])
        erasing.of_case(tx, work.cases[number], Actor(Role.SYSTEM), "retention", clock.now())
    assert demo.clear(clock.now()) == 400, "erased ones go as well"
