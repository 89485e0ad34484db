"""Telling other systems: claim, commit, call with no transaction open, write what became of it.

Every hook has threads of its own in the deliverer, so that one that hangs delays neither letters
nor other hooks. What a deliverer that died had claimed is claimed anew some seconds later, and told
again under the same id.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels import hooks_http
from config import clock, i18n, log
from config.errors import HariuError
from config.profile import profile
from store import desk
from store import hooks as hook_rows
from store import hooks_calls as calls
from store.db import DatabaseAway, Transaction, reading, transaction
from store.hooks import GONE, TEST
from store.hooks_calls import Claimed, Told
from store.notices import Notice
from workflow import office as offices
from workflow.hooks import headers
from workflow.states import Role

AT_ONCE = 8  # grievances that one hook is told of at the same time
# Seconds between the tries of one call, a tenth more or less: ten tries within some three days.
PAUSES = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
_STATUS_GONE = 410


@dataclass(frozen=True, slots=True)
class Said:
    """What came back: "" or why it was not taken, and how many seconds to wait if it said so."""

    item: Claimed
    error: str = ""
    after: float | None = None


_busy: set[int] = set()
_turn = threading.Lock()


def look() -> None:
    """Start telling what is due, each hook in a thread of its own; returns at once."""
    try:
        with reading() as tx:
            due = calls.due(tx, clock.now())
    except DatabaseAway:
        return  # whoever delivers letters notices as well
    for hook_id in due:
        with _turn:
            if hook_id in _busy:
                continue
            _busy.add(hook_id)
        threading.Thread(target=_work, args=(hook_id,), name=f"hook-{hook_id}", daemon=True).start()


def _work(hook_id: int) -> None:
    try:
        tell(hook_id)
    except HariuError as error:
        log.get().error("hook left for later", hook=hook_id, code=error.code)
    finally:
        with _turn:
            _busy.discard(hook_id)


def tell(hook_id: int) -> int:
    """Tell one hook all that is due; how many calls were made."""
    made = 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"hook-{hook_id}") as pool:
        while claimed := _claim(hook_id):
            said = [each for each in pool.map(_call, claimed) if each]
            _settle(hook_id, said, clock.now())
            made += len(said)
    return made


def _claim(hook_id: int) -> list[Claimed]:
    with reading() as tx:
        turn = calls.turn(tx, hook_id, AT_ONCE, clock.now())
    if not (turn.ids or turn.later):
        return []
    with transaction() as tx:
        return calls.claim(tx, hook_id, turn, clock.now())


def _call(item: Claimed) -> Said | None:
    """Make one call; None where it is not ours to make any more."""
    with reading() as tx:
        if not calls.held(tx, item):
            return None
    sent = headers(item.key, clock.now(), item.body, item.secrets)
    sent["Content-Type"] = "application/json"
    try:
        answer = hooks_http.post(item.url, sent, item.body.encode())
    except hooks_http.NotTold as error:
        return Said(item, error.code)
    except Exception as error:  # noqa: BLE001 - the delivery job is one of the four edges
        log.get().error("hook call failed", hook=item.hook_id, error=type(error).__name__)
        return Said(item, "unanswered")
    if 200 <= answer.status < 300:
        return Said(item)
    return Said(item, GONE if answer.status == _STATUS_GONE else str(answer.status), answer.after)


# -- writing what became of them ------------------------------------------------------------------


def _settle(hook_id: int, said: Sequence[Said], now: datetime) -> None:
    told = [Told(each.item, each.error, _again(each, now)) for each in said]
    asked = max((each.after or 0.0 for each in said), default=0.0)
    errors = {each.error for each in said if each.error and each.item.event != TEST}
    for code in sorted(errors):
        log.get().warning("hook not told", hook=hook_id, code=code)
    with transaction() as tx:
        calls.settle(tx, hook_id, told, now + timedelta(seconds=asked) if asked else None, now)
        if GONE in errors:
            _turned_off(tx, hook_id, now)


def _again(said: Said, now: datetime) -> datetime | None:
    """When to try again; None after the last try."""
    if said.item.attempts > len(PAUSES):
        return None
    seconds = PAUSES[said.item.attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311 - jitter
    return now + timedelta(seconds=max(seconds, said.after or 0.0))


def _turned_off(tx: Transaction, hook_id: int, now: datetime) -> None:
    """The other system wants no more: the administrators hear of it."""
    one = hook_rows.get(tx, hook_id)
    assert one is not None, "hooks are never removed"
    desk.changed(tx, None, f"hook {one.label}", "on", "off (410 Gone)", now)
    office = offices.Office.load(tx, profile())
    key = f"hook_off:{hook_id}:{now.timestamp():.0f}"
    told = [
        (
            Notice(key, person.id, "hook_off", {"label": one.label}),
            i18n.text("desk.notice.hook_off", person.language, label=one.label),
        )
        for person in office.staff
        if Role.ADMINISTRATOR in person.roles
    ]
    offices.tell(tx, office, told, now)
