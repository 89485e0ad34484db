"""Stages 3 and 4: the committee's meetings and decisions, and what is known of courts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from store import meetings
from store.case import Case
from store.db import Transaction

KEPT = {"convene", "decide", "record_court"}


def change(case: Case, command: str, values: Mapping[str, Any], now: datetime) -> None:
    """What is seen on the grievance: a decision alone lets stage 3 be closed."""
    if command == "convene":
        case.clock = {**case.clock, "meeting": values["held_at"].isoformat()}
    elif command == "decide":
        case.decided_at = now
    else:
        court = {name: str(values[name]) for name in ("court", "number", "filed_on")}
        case.facts = {**case.facts, "court": court}


def keep(
    tx: Transaction, case: Case, command: str, values: Mapping[str, Any], now: datetime
) -> None:
    """Write the meeting's own row; who took part and what was said stays out of the trail."""
    if command == "convene":
        meetings.convene(tx, case.id, case.stage, values)
    elif command == "decide":
        meetings.decide(tx, case.id, str(values["decision"]), now)
