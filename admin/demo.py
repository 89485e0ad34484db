"""Grievances for learning the desk: 400 invented ones that tell a story, loaded and removed whole.

They go through `Casework` like any other, each step on its day. Their people write from addresses
whose account is `store.outbox.PRACTICE`: letters to it count as delivered and never leave.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, update

from config.errors import HariuError
from store import officers, people, tasks
from store.case import Case
from store.db import Transaction, reading, transaction
from store.messages import OutboundState
from store.outbox import PRACTICE
from store.people import Endpoint, address_index
from store.schema import (
    access_log,
    address,
    case_event,
    grievance,
    inbox,
    metadata,
    officer,
    outbox,
    person,
    trail_root,
)
from workflow.audit import sign_root
from workflow.commands import CITIZEN, SYSTEM, Act, Actor, Register
from workflow.handlers import Casework
from workflow.states import Outcome, Role

DATA = Path(__file__).with_suffix(".toml")
_BATCH = 10
_SETTLED = 26  # days
_UNFINISHED = {
    "registered", "acknowledged", "screened", "assigned", "investigating", "asked", "proposed",
    "failed",
}  # fmt: skip
_ANSWERS = {
    "asked": {
        "mn": "Хэзээ, аль цэгт болсныг бичнэ үү.",
        "kk": "Қашан, қай жерде болғанын жазыңызшы.",
        "en": "Please tell us when and where it happened.",
    },
}
# What happened to a grievance: (hours after the step before, command). Letters of the officers
# take their words from the story.
PATHS: dict[str, tuple[tuple[float, str], ...]] = {
    "registered": (),
    "acknowledged": ((0.1, "acknowledge"),),
    "screened": ((0.1, "acknowledge"), (6, "screen")),
    "assigned": ((0.1, "acknowledge"), (5, "screen"), (2, "assign")),
    "investigating": ((0.1, "acknowledge"), (5, "assign"), (20, "investigate"), (3, "note")),
    "asked": ((0.1, "acknowledge"), (4, "assign"), (9, "reply")),
    "proposed": ((0.1, "acknowledge"), (5, "assign"), (30, "propose_redress")),
    "paused": ((0.1, "acknowledge"), (5, "assign"), (12, "pause")),
    "late": ((0.1, "acknowledge"), (9, "assign"), (24, "investigate"), (860, "resolved")),
    "overdue": ((0.1, "acknowledge"), (9, "assign")),
    "failed": (),
    "withdrawn": ((0.1, "acknowledge"), (40, "withdraw")),
    "appealed": ((0.1, "acknowledge"), (4, "assign"), (90, "no_evidence"), (48, "appeal")),
    "committee": (
        (0.1, "acknowledge"), (4, "assign"), (90, "no_evidence"), (48, "appeal"), (30, "convene"),
        (120, "decide"), (2, "close"),
    ),
    "sealed": ((0.1, "acknowledge"), (3, "note")),
    **{
        str(outcome): ((0.1, "acknowledge"), (5, "assign"), (24, "investigate"), (40, str(outcome)))
        for outcome in Outcome
        if outcome is not Outcome.WITHDRAWN
    },
}  # fmt: skip


class DemoError(HariuError):
    """Nothing was loaded or removed; the message says why."""

    code = "demo"


@dataclass(frozen=True, slots=True)
class Told:
    """One grievance of a story: what was written, from where, and what came of it."""

    story: dict[str, Any]
    number: int
    name: str
    text: str
    language: str
    channel: str
    place: str
    path: str
    received_at: datetime


def told(now: datetime) -> Iterator[Told]:
    """Every grievance of the data set as of ``now``, story by story."""
    data = tomllib.loads(DATA.read_text("utf-8"))
    number = 0
    for story in data["stories"]:
        for n in range(story["count"]):
            number += 1
            yield _one(story, n, number, data["names"], now)


def _one(story: dict[str, Any], n: int, number: int, names: list[str], now: datetime) -> Told:
    def turn(items: Sequence[str], step: int = 1) -> str:
        return items[(n // step) % len(items)]

    language = turn(story["languages"])
    first, last = story["days"]
    days = first - (first - last) * n / max(story["count"] - 1, 1)
    # Nobody writes at the same minute as somebody else, nor after now.
    at = now - timedelta(days=days, minutes=17 * (n % 23) + 3)
    path = turn(story["path"])
    if days > _SETTLED and path in _UNFINISHED:
        path = "resolved"  # an office that keeps its dates, save where the story is about one
    return Told(
        story=story, number=number, name=f"Туршилт {names[number % len(names)]}",
        text=turn(story[language], len(story["languages"])).replace("{place}", "сум"),
        language=language, channel=turn(story["channels"]),
        place=turn(story["places"]), path=path, received_at=at,
    )  # fmt: skip


# -- loading ------------------------------------------------------------------------------------


def load(now: datetime, progress: Callable[[int], None] = lambda count: None) -> int:
    """Take all of them up; how many. `DemoError` where they are there already."""
    with reading() as tx:
        if tx.scalar(select(func.count()).select_from(grievance).where(demo_cases())):
            raise DemoError("the demonstration is loaded already; see hariu demo clear")
    with transaction() as tx:
        staff = _staff(tx, now)
    items = list(told(now))
    for start in range(0, len(items), _BATCH):
        with transaction() as tx:
            for item in items[start : start + _BATCH]:
                _take_up(tx, item, staff, now)
        progress(len(items[start : start + _BATCH]))
    return len(items)


def demo_cases() -> ColumnElement[bool]:
    """What marks a grievance of the demonstration."""
    marked: ColumnElement[bool] = grievance.c.facts["demo"].as_boolean()
    return marked


_LOGINS = {"demo.neg": "Туршилт Ажилтан Нэг", "demo.khoyor": "Туршилт Ажилтан Хоёр"}


def _staff(tx: Transaction, now: datetime) -> list[int]:
    """Those who handle grievances here, and two invented colleagues who cannot sign in."""
    for login, name in _LOGINS.items():
        if officers.by_login(tx, login) is None:
            officers.create(tx, login, name, (Role.OFFICER, Role.FOCAL_POINT), now)
        found = officers.by_login(tx, login)
        assert found is not None
        officers.change(tx, found.id, active=False)
    everyone = officers.everyone(tx)
    return [each.id for each in everyone if each.login in _LOGINS or Role.OFFICER in each.roles]


def _take_up(tx: Transaction, item: Told, staff: list[int], now: datetime) -> None:
    """Register ``item`` and walk its path as far as ``now`` allows."""
    work = Casework(tx, item.received_at)
    case = work.register(_registration(tx, item))
    work.flush()
    _mark_inbox(tx, item, case)
    if not case.anonymous and case.complainant_id:
        people.name_person(tx, case.complainant_id, item.name)
    if item.path == "failed":
        _fail(tx, case, item.received_at)
    at, who = item.received_at, staff[item.number % len(staff)]
    for hours, step in PATHS[item.path]:
        at += timedelta(hours=hours)
        if at >= now:
            break
        _do(tx, case.id, step, at, who, item)
    if at < now - timedelta(days=2) or item.number % 3:  # the newest stay unread
        tx.execute(update(grievance).where(grievance.c.id == case.id).values(unread=False))


def _registration(tx: Transaction, item: Told) -> Register:
    story = item.story
    row = None
    if item.channel not in {"visit", "letter", "meeting", "partner"}:
        value = f"+97688{item.number:06d}" if item.channel in {"sms", "voice"} else str(item.number)
        end = Endpoint(item.channel, PRACTICE, f"{value}", address_index(item.channel, value))
        (row,) = people.resolve(tx, [end], item.received_at).values()
        tx.execute(update(address).where(address.c.id == row.id).values(language=item.language))
    sealed = "sea" if story["name"] == "sealed" else ""
    return Register(
        item.channel, item.text, item.received_at, address_id=row.id if row else None,
        language=item.language, kind=story["kind"], category=story["category"], place=item.place,
        anonymous=bool(sealed) or item.number % 3 == 0, sensitive=sealed,
        facts={"demo": True, "story": story["name"]},
    )  # fmt: skip


def _mark_inbox(tx: Transaction, item: Told, case: Case) -> None:
    """The message as it came in, for the conversation; nothing waits to be read."""
    if case.address_id is None or case.sensitive:
        return
    row = {
        "channel": item.channel, "account": PRACTICE, "external_id": f"demo:{item.number}",
        "address": "", "address_index": bytes(16), "partition": 0, "kind": "text",
        "text": item.text, "received_at": item.received_at, "handled_at": item.received_at,
        "state": "done", "address_id": case.address_id, "grievance_id": case.id,
    }  # fmt: skip
    tx.execute(inbox.insert(), [row])


def _fail(tx: Transaction, case: Case, at: datetime) -> None:
    """Its acknowledgement did not arrive: somebody has to call."""
    mine = outbox.c.grievance_id == case.id
    tx.execute(update(outbox).where(mine).values(state=OutboundState.FAILED, error="30003"))
    key = f"undelivered:demo:{case.id}"
    tasks.add(tx, key, "undelivered", at, case.address_id, case.id, None, "30003")


def _do(tx: Transaction, case_id: int, step: str, at: datetime, who: int, item: Told) -> None:
    command = "close" if step in set(Outcome) else step
    work = Casework(tx, at)
    actor = Actor(Role.OFFICER, who)
    if command in {"appeal", "withdraw"}:
        actor = CITIZEN
    elif command == "acknowledge":
        actor = SYSTEM
    work.act(Act(command, case_id, actor, _values(step, at, who, item)))
    work.flush()


def _values(step: str, at: datetime, who: int, item: Told) -> dict[str, Any]:
    """What the act says, in the language of the person it will be told to."""
    answer = item.story["answer"][item.language]
    # A working summary for those who do not read Kazakh.
    gist = {"gist": item.story["gist"]} if item.language == "kk" and "gist" in item.story else {}
    if step in set(Outcome):
        return {"outcome": step, "summary": answer}
    found: dict[str, dict[str, Any]] = {
        "acknowledge": {"at": at},
        "screen": {"kind": item.story["kind"], "category": item.story["category"], **gist},
        "assign": {"assignee_id": who, "name": "Туршилт Ажилтан", **gist},
        "propose_redress": {"summary": answer},
        "close": {"outcome": "partly", "summary": answer},
        "reply": {"text": _ANSWERS["asked"][item.language]},
        "note": {"text": "Сумын Засаг даргын Тамгын газартай утсаар ярив (туршилт)."},
        "pause": {"reason": "Газар дээрх үзлэгийн дүнг хүлээж байна"},
        "convene": {
            "held_at": at + timedelta(days=5), "agenda": "Тендерийн гомдол (туршилт)",
            "participants": "Туршилт Нэг, Туршилт Хоёр",
        },
        "decide": {"decision": "Үнэлгээг дахин нийтлэхийг үүрэг болгов (туршилт)"},
    }  # fmt: skip
    return found.get(step, {})


# -- removing -----------------------------------------------------------------------------------


def clear(now: datetime) -> int:
    """Remove every grievance of the demonstration and all that hangs on it; how many.

    Signed roots that covered them go as well, and a new one is signed.
    """
    with transaction() as tx:
        practice = select(address.c.id).where(address.c.account == PRACTICE)
        # An erased one may have lost its mark, but it still came from a practice address.
        theirs = or_(demo_cases(), grievance.c.address_id.in_(practice))
        ids = list(tx.execute(select(grievance.c.id).where(theirs)).scalars())
        persons = _column(tx, grievance.c.complainant_id, ids)
        first = _column(tx, case_event.c.id, ids, case_event.c.grievance_id)
        _purge(tx, grievance, ids)
        _purge(tx, address, list(tx.execute(practice).scalars()))
        _purge(tx, person, persons)
        logins = select(officer.c.id).where(officer.c.login.in_(list(_LOGINS)))
        _purge(tx, officer, list(tx.execute(logins).scalars()))
        if first:
            tx.execute(delete(trail_root).where(trail_root.c.last_event_id >= min(first)))
            sign_root(tx, now)
        row = {"at": now, "actor": "system", "action": "demo.clear", "reason": str(len(ids))}
        tx.execute(access_log.insert(), [row])
    return len(ids)


def _column(tx: Transaction, column: Any, ids: Sequence[int], key: Any = None) -> list[int]:
    key = grievance.c.id if key is None else key
    found: set[int] = set()
    for some in _chunks(ids):
        found.update(tx.execute(select(column).where(key.in_(some))).scalars())
    return sorted(item for item in found if item is not None)


def _chunks(ids: Sequence[int], size: int = 500) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _purge(tx: Transaction, table: Table, ids: Sequence[int]) -> None:
    """Delete rows and whatever refers to them, table by table."""
    for other in metadata.tables.values():
        for column in other.columns:
            if other is table or not column.references(table.c.id):
                continue
            if other is grievance and table is not grievance:
                continue  # those of the demonstration are gone; a real one would stop the commit
            if "id" in other.c:
                _purge(tx, other, _column(tx, other.c.id, ids, column))
                continue
            for some in _chunks(ids):
                tx.execute(delete(other).where(column.in_(some)))
    for some in _chunks(ids):
        tx.execute(delete(table).where(table.c.id.in_(some)))
