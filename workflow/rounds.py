"""The clock's rounds: what must happen to grievances though nobody acts.

Idempotent however often and in how many processes it runs: every step is decided on the locked
row, and the row remembers what was done. One transaction a batch, a handful of questions each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from config import log
from config.errors import HariuError
from config.profile import Profile, profile
from store import grievances, people, slots, tasks
from store.case import Case
from store.db import DatabaseAway, Transaction, reading, transaction
from store.notices import Notice
from workflow import office as offices
from workflow.attention import Step, due_steps, in_hours
from workflow.commands import SYSTEM, Act
from workflow.handlers import Casework
from workflow.office import Office

BATCH = 200
_MOST_BATCHES = 20
FAILED = "clock"  # the task for an officer: the clock cannot do what is due of a grievance
FIRST_WAIT, LONGEST_WAIT = timedelta(hours=1), timedelta(days=1)


def adopt(now: datetime) -> None:
    """Once in an instance: look at what is open since before the clock made rounds."""
    if _adopted.get("done"):
        return
    with transaction() as tx:
        if slots.take(tx, "rounds", "escalation", now):
            grievances.attend_open(tx, now)
    _adopted["done"] = True


_adopted: dict[str, bool] = {}


def attend(now: datetime, project: Profile | None = None) -> int:
    """Do what is due by ``now``, batch after batch; how many grievances were looked at.

    What is left after some batches waits for the next tick, a second later.
    """
    chosen, total = project or profile(), 0
    for _ in range(_MOST_BATCHES):
        with reading() as tx:
            ids = grievances.to_attend(tx, now, BATCH)
        if ids:
            _look(ids, now, chosen)
        total += len(ids)
        if len(ids) < BATCH:
            break
    return total


def _look(ids: Sequence[int], now: datetime, project: Profile) -> None:
    """One batch; when it fails, in halves, until the culprit stands alone and is set aside."""
    try:
        with transaction() as tx:
            _batch(tx, ids, now, project)
    except DatabaseAway:
        raise
    except Exception as error:  # noqa: BLE001 - the clock is one of the process edges
        if len(ids) > 1:
            middle = len(ids) // 2
            _look(ids[:middle], now, project)
            _look(ids[middle:], now, project)
        else:
            _set_aside(ids[0], error, now)


def _set_aside(grievance_id: int, error: Exception, now: datetime) -> None:
    """Look again in an hour, then in two, in four, in a day at last; an officer is told."""
    code = error.code if isinstance(error, HariuError) else type(error).__name__
    log.get().error("round failed", row=grievance_id, code=code)
    with transaction() as tx:
        since = tasks.oldest(tx, grievance_id, FAILED)
        if since is None:
            key = f"{FAILED}:{grievance_id}:{now.timestamp():.0f}"
            tasks.add(tx, key, FAILED, now, grievance_id=grievance_id)
        waited = now - (since or now)
        again = now + min(max(waited, FIRST_WAIT), LONGEST_WAIT)
        grievances.put_off(tx, grievance_id, again)


def _batch(tx: Transaction, ids: Sequence[int], now: datetime, project: Profile) -> None:
    work = Casework(tx, now, project)
    work.load(ids)
    wanted = {case.address_id for case in work.cases.values() if case.address_id}
    work.addresses |= people.by_ids(tx, wanted) if wanted else {}
    round_ = Round(work, Office.load(tx, project))
    for case in list(work.cases.values()):
        round_.attend(case)
    work.flush()
    told = [
        (item, offices.in_words(item, work.cases[item.grievance_id or 0], language, project))
        for item in round_.notices
        for language in [round_.office.by_id[item.officer_id].language]
    ]
    offices.tell(tx, round_.office, told, now)
    tasks.escalate(tx, round_.late, now)


class Round:
    """One batch of grievances the clock looks at."""

    def __init__(self, work: Casework, office: Office) -> None:
        self.work, self.office = work, office
        self.notices: list[Notice] = []
        self.late: list[int] = []

    def attend(self, case: Case) -> None:
        """Do each step that is due; what a step changes may make the next one needless."""
        done: set[str] = set()
        while step := self._next(case, done):
            done.add(step.mark)
            case.clock = {**case.clock, "done": [*case.clock.get("done", ()), step.mark]}
            _STEPS[step.name](self, case, step)
        self.work.touch(case)

    def _next(self, case: Case, done: set[str]) -> Step | None:
        found = due_steps(case, self.work.now, self.work.profile)
        return next((step for step in found if step.mark not in done), None)

    def _notify(self, case: Case, kind: str, mark: str, when: datetime | None) -> None:
        self.notices += offices.about(self.office, case, kind, mark, when)

    def due(self, case: Case, step: Step) -> None:
        """A deadline comes near."""
        self._notify(case, "due", step.mark, case.due_at)

    def overdue(self, case: Case, step: Step) -> None:
        """A deadline has passed: a notice may be overlooked, a task stays until it is settled."""
        self._notify(case, "overdue", step.mark, case.due_at)
        self.late.append(case.id)
        self.work.news.add(case, "overdue")

    def meet(self, case: Case, step: Step) -> None:
        """Half the time in which the committee should meet is gone, and no meeting is called."""
        within = timedelta(days=self.work.profile.meeting_within)
        self._notify(case, "meet", step.mark, step.at + within / 2)

    def delay(self, case: Case, step: Step) -> None:
        """We shall be late: a new date, once, told before the old one passes.

        Where the clock itself came too late for that, the officer is told and the date stands.
        """
        if case.due_at is None or case.due_at <= self.work.now:
            return
        told = self.work.profile.reminders
        span = told.late_extension_hours if in_hours(case) else told.late_extension
        values = {"hours" if span.unit == "hours" else "days": span.amount}
        self._act("delay", case, values)
        self._notify(case, "delayed", step.mark, case.due_at)

    def remind(self, case: Case, step: Step) -> None:
        """Our question once more."""
        wait = timedelta(days=self.work.profile.reminders.question)
        self._act("remind", case, {"until": self.work.now + wait})
        case.clock = {**case.clock, "reminded_at": self.work.now.isoformat()}

    def go_on(self, case: Case, step: Step) -> None:
        """No answer: it is our turn again, and the clock runs."""
        self._act("resume" if case.paused_at else "proceed", case)
        self._notify(case, "unanswered", step.mark, None)

    def ask_rating(self, case: Case, step: Step) -> None:
        """How satisfied are you?"""
        if self._may_ask(case):
            self._act("ask_rating", case)

    def ask_solved(self, case: Case, step: Step) -> None:
        """Is it really solved? Once, though the clock stood still over both days."""
        another = [s for s in due_steps(case, self.work.now, self.work.profile) if s != step]
        if self._may_ask(case) and step.name not in {s.name for s in another}:
            self._act("ask_solved", case)

    def _act(self, command: str, case: Case, values: Mapping[str, object] | None = None) -> None:
        self.work.act(Act(command, case.id, SYSTEM, values or {}))

    def _may_ask(self, case: Case) -> bool:
        """Nobody is called for a question of ours: it goes where it can simply be sent, or not."""
        address = self.work.addresses.get(case.address_id or 0)
        if address is None or address.stopped or address.blocked:
            return False
        return address.window_until is None or address.window_until > self.work.now


_STEPS: dict[str, Callable[[Round, Case, Step], None]] = {
    "due": Round.due,
    "overdue": Round.overdue,
    "delay": Round.delay,
    "meet": Round.meet,
    "remind": Round.remind,
    "go_on": Round.go_on,
    "ask_rating": Round.ask_rating,
    "ask_solved": Round.ask_solved,
}
