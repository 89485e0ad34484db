"""What the clock will do about a grievance by itself, and when. Pure.

`next_look` is kept with the grievance (``attend_at``), so that a tick asks the database one
indexed question however many grievances there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from config.profile import Profile, Span
from store.case import Case
from workflow.commands import COMMITTEE_STAGE
from workflow.states import Outcome
from workflow.winding import terms, zone

# Whom we ask whether it is really solved, and whom how they found it.
_SOLVED = {Outcome.RESOLVED, Outcome.PARTLY}
_RATED = _SOLVED | {Outcome.NOT_ELIGIBLE, Outcome.REFERRED, Outcome.NO_EVIDENCE}
_BEFORE_NIGHT = timedelta(minutes=30)
_ESCALATED = "escalated:"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do at ``at``; ``mark`` is kept once it was done, so that it is done once."""

    name: str
    at: datetime
    mark: str


def next_look(case: Case, project: Profile) -> datetime | None:
    """When the clock has something to do about ``case``; None: never, as things stand."""
    return min((step.at for step in steps(case, project)), default=None)


def due_steps(case: Case, now: datetime, project: Profile) -> list[Step]:
    """What is to be done now, in order."""
    found = [step for step in steps(case, project) if step.at <= now]
    return sorted(found, key=lambda step: step.at)


def steps(case: Case, project: Profile) -> Iterator[Step]:
    """All that is still to be done if nobody acts meanwhile."""
    done = set(case.clock.get("done", ()))
    every = _while_open(case, project) if case.is_open else _after_closing(case, project)
    return (step for step in every if step.mark not in done)


def _while_open(case: Case, project: Profile) -> Iterator[Step]:
    if case.due_at is not None and case.paused_at is None:
        yield from _deadline(case, case.due_at, project)
    found = terms(case)
    if found and case.stage == COMMITTEE_STAGE and "meeting" not in case.clock:
        half = timedelta(days=project.meeting_within) / 2
        yield Step("meet", found.start + half, f"meet:{found.start.isoformat()}")
    if case.waiting_on == "them" and case.waiting_since is not None and not _hushed(case):
        yield from _question(case, case.waiting_since, project)


def _deadline(case: Case, due: datetime, project: Profile) -> Iterator[Step]:
    told, day = project.reminders, due.isoformat()
    hours = in_hours(case)
    before = told.before_hours if hours else told.before
    yield Step("due", due - _length(before), f"due:{day}")
    if not case.clock.get("delayed") and not _hushed(case):
        late = due - _length(told.late_before_hours if hours else told.late_before)
        at = before_night(late, zone(case, project), project)
        yield Step("delay", at, f"delay:{day}")
    yield Step("overdue", due + timedelta(seconds=1), _ESCALATED + day)


def escalated(case: Case) -> bool:
    """Whether the duty officer was told that the present deadline has passed."""
    if not case.is_open or case.paused_at is not None or case.due_at is None:
        return False
    return _ESCALATED + case.due_at.isoformat() in case.clock.get("done", ())


def relieved(case: Case) -> bool:
    """Whether what was escalated is settled; forgotten then, to count anew after a pause."""
    if escalated(case):
        return False
    done = [mark for mark in case.clock.get("done", ()) if not mark.startswith(_ESCALATED)]
    case.clock = {**case.clock, "done": done}
    return True


def in_hours(case: Case) -> bool:
    """Whether the clock of ``case`` runs in hours."""
    found = terms(case)
    return bool(found and found.span and found.span.unit == "hours")


def _length(span: Span) -> timedelta:
    return timedelta(hours=span.amount) if span.unit == "hours" else timedelta(days=span.amount)


def _question(case: Case, since: datetime, project: Profile) -> Iterator[Step]:
    """Our question is repeated once; without an answer the matter goes on."""
    wait, mark = timedelta(days=project.reminders.question), since.isoformat()
    at = awake(since + wait, zone(case, project), project)
    yield Step("remind", at, f"remind:{mark}")
    on = since + 2 * wait
    if reminded := case.clock.get("reminded_at"):
        on = max(on, datetime.fromisoformat(reminded) + wait)
    if f"remind:{mark}" in case.clock.get("done", ()):
        yield Step("go_on", on, f"go_on:{mark}")


def _after_closing(case: Case, project: Profile) -> Iterator[Step]:
    if case.closed_at is None or case.sensitive or case.kind == "thanks":
        return
    local = zone(case, project)

    def after(days: int) -> datetime:
        assert case.closed_at is not None
        return awake(case.closed_at + timedelta(days=days), local, project)

    if case.outcome in _RATED and "rating" not in case.facts:
        yield Step("ask_rating", after(project.reminders.rating), "rate")
    if case.outcome in _SOLVED:
        for days in project.reminders.solved:
            yield Step("ask_solved", after(days), f"solved:{days}")


def _hushed(case: Case) -> bool:
    """Sensitive: not one unasked word to a phone others may read, unless that was agreed."""
    return bool(case.sensitive) and case.facts.get("contact") is not True


# -- the night ----------------------------------------------------------------------------------


def awake(moment: datetime, local: ZoneInfo, project: Profile) -> datetime:
    """``moment``, or the next morning where it falls in the quiet hours."""
    there, quiet = moment.astimezone(local), project.quiet
    if not _quiet(there, project):
        return moment
    morning = there.replace(hour=quiet.ends.hour, minute=quiet.ends.minute, second=0, microsecond=0)
    return morning if morning > there else morning + timedelta(days=1)


def before_night(moment: datetime, local: ZoneInfo, project: Profile) -> datetime:
    """``moment``, or the evening before where it falls in the quiet hours."""
    there, quiet = moment.astimezone(local), project.quiet
    if not _quiet(there, project):
        return moment
    evening = there.replace(
        hour=quiet.begins.hour, minute=quiet.begins.minute, second=0, microsecond=0
    )
    evening = evening if evening <= there else evening - timedelta(days=1)
    return evening - _BEFORE_NIGHT


def _quiet(there: datetime, project: Profile) -> bool:
    begins, ends, at = project.quiet.begins, project.quiet.ends, there.time()
    if begins <= ends:
        return begins <= at < ends
    return at >= begins or at < ends
