"""A year of an invented office: people write, officers act, the clock makes its rounds.

Everything is drawn from a seed, so a run can be had again. Acts go through `Casework` alone.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import time_machine

from config import clock
from config.profile import Profile
from store import people
from store.db import transaction
from store.people import Endpoint, address_index
from tests.workflow.office import CHANNELS
from workflow import rounds
from workflow.commands import Act, Actor, Refused, Register
from workflow.handlers import Casework
from workflow.states import Role

FIRST = datetime(2026, 1, 1, 0, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SLOTS = (2, 7)  # 10 and 15 o'clock in Ulaanbaatar
PLACES = (None, "ulaanbaatar/bayangol", "bayan-ulgii/tsengel", "uvs/tes", "darkhan-uul/darkhan")
OFFICER, SECOND = Actor(Role.OFFICER, 1), Actor(Role.COORDINATOR, 2)
CITIZEN = Actor(Role.CITIZEN)
Values = Mapping[str, Any]


@dataclass(order=True)
class Plan:
    """Something somebody means to do."""

    at: datetime
    order: int
    case: int = field(compare=False)
    command: str = field(compare=False)
    actor: Actor = field(compare=False)
    values: Values = field(compare=False)


@dataclass
class Asked:
    """What a grievance was registered with; the trail does not repeat it."""

    received: datetime
    kind: str
    category: str | None
    place: str | None
    sensitive: str


class Year:
    """Runs it; ``asked`` holds what was registered, ``refused`` what the table did not allow."""

    def __init__(self, project: Profile, grievances: int, seed: int) -> None:
        self.project, self.random = project, Random(seed)
        self.asked: dict[int, Asked] = {}
        self.refused: Counter[str] = Counter()
        self._plans: list[Plan] = []
        self._order = count()
        days = sorted(self.random.randrange(0, 364 * 24) for _ in range(grievances))
        self._arrivals = [FIRST + hours * HOUR for hours in days]

    def run(self, days: int = 365) -> None:
        """From the first of January, ``days`` long."""
        for day in range(days):
            for hour in SLOTS:
                now = FIRST + day * DAY + hour * HOUR
                with time_machine.travel(now, tick=False):
                    self._slot(clock.now())

    def _slot(self, now: datetime) -> None:
        arrived = [at for at in self._arrivals if at <= now]
        self._arrivals = self._arrivals[len(arrived) :]
        plans = []
        while self._plans and self._plans[0].at <= now:
            plans.append(heapq.heappop(self._plans))
        if arrived or plans:
            with transaction() as tx:
                work = Casework(tx, now, self.project)
                self._register(work, arrived)
                work.load({plan.case for plan in plans})
                for plan in plans:
                    self._carry_out(work, plan)
                work.flush()
        rounds.attend(now, self.project)

    # -- people write -------------------------------------------------------------------------

    def _register(self, work: Casework, arrived: list[datetime]) -> None:
        if not arrived:
            return
        work.expect(len(arrived))
        ends = [self._end(number) for number, _ in enumerate(arrived, len(self.asked))]
        found = people.resolve(work.tx, ends, work.now)
        for at, end in zip(arrived, ends, strict=True):
            address = found[end.channel, end.index]
            work.addresses[address.id] = address
            asked = self._matter(at)
            command = Register(
                end.channel, "Туршилтын асуудал", at, address_id=address.id,
                language=self.random.choice(("mn", "mn", "kk", "en")), kind=asked.kind,
                category=asked.category, place=asked.place, sensitive=asked.sensitive,
            )  # fmt: skip
            case = work.register(command)
            self.asked[case.id] = asked
            self._plan_handling(case.id, work.now)

    def _end(self, number: int) -> Endpoint:
        channel = self.random.choice(("sms", "sms", "telegram", "messenger"))
        value = f"+9768{number:07d}" if channel == "sms" else f"8{number:07d}"
        return Endpoint(channel, CHANNELS[channel][0], value, address_index(channel, value))

    def _matter(self, at: datetime) -> Asked:
        draw = self.random
        plain = [item.code for item in self.project.categories if not item.sensitive]
        kinds = [*self.project.kinds, *["complaint"] * 6]
        sealed = "violence" if draw.random() < 0.03 else ""
        return Asked(
            at, draw.choice(kinds), draw.choice([None, *plain]), draw.choice(PLACES), sealed
        )

    # -- officers plan ------------------------------------------------------------------------

    def _plan(
        self, case: int, at: datetime, command: str, actor: Actor = OFFICER, **values: object
    ) -> None:
        heapq.heappush(self._plans, Plan(at, next(self._order), case, command, actor, values))

    def _plan_handling(self, case: int, now: datetime) -> None:
        draw = self.random
        at = now + draw.randrange(1, 40) * HOUR
        self._plan(case, now, "acknowledge", Actor(Role.SYSTEM))
        if draw.random() < 0.6:
            category = draw.choice(self.project.categories).code
            self._plan(case, at, "classify", category=category)
        if draw.random() < 0.7:
            self._plan(case, at + 4 * HOUR, "assign", assignee_id=1, name="Жишээ")
        if draw.random() < 0.2:
            self._plan(case, at + DAY, "reply", text="Аль худаг вэ?")
            if draw.random() < 0.6:
                self._plan(case, at + DAY, "pause", reason="хариу хүлээж байна")
            if draw.random() < 0.5:
                self._plan(case, at + draw.randrange(2, 20) * DAY, "append", CITIZEN, text="Энэ")
        if draw.random() < 0.08:
            self._plan(case, at + 3 * DAY, "pause", reason="зам хаалттай")
            self._plan(case, at + draw.randrange(4, 40) * DAY, "resume")
        if draw.random() < 0.1:
            days = draw.randrange(1, 31)
            self._plan(case, at + 5 * DAY, "extend", days=days, reason="дүн хүлээж байна")
        if draw.random() < 0.05:
            self._plan(case, at + draw.randrange(1, 15) * DAY, "withdraw", CITIZEN)
        if draw.random() < 0.97:  # some are forgotten
            self._plan_closing(case, at + draw.lognormvariate(2.4, 0.9) * DAY)

    def _plan_closing(self, case: int, at: datetime) -> None:
        outcomes = ("resolved", "resolved", "resolved", "partly", "not_eligible", "referred",
                    "no_evidence", "unreachable")  # fmt: skip
        outcome = self.random.choice(outcomes)
        self._plan(case, at, "close", outcome=outcome, summary="Шийдлээ")
        self._plan(case, at + DAY, "approve", SECOND)

    def _plan_afterwards(self, case: int, now: datetime) -> None:
        draw, luck = self.random, self.random.random()
        if luck < 0.12:
            at = now + draw.randrange(1, 20) * DAY
            self._plan(case, at, "appeal", CITIZEN)
            self._plan_committee(case, at)
        elif luck < 0.2:
            at = now + draw.randrange(1, 40) * DAY
            self._plan(case, at, "reopen", CITIZEN)
            self._plan_closing(case, at + draw.randrange(1, 30) * DAY)
        elif luck < 0.22:
            values = {"court": "Шүүх", "number": "17", "filed_on": now.date()}
            self._plan(case, now + 20 * DAY, "record_court", OFFICER, **values)
        if draw.random() < 0.4:
            facts = {"facts": {"rating": draw.randrange(1, 4)}}
            self._plan(case, now + 4 * DAY, "classify", CITIZEN, **facts)

    def _plan_committee(self, case: int, at: datetime) -> None:
        """Some meetings come late, some never."""
        if self.random.random() < 0.1:
            return
        held = at + self.random.randrange(2, 14) * DAY
        values = {"held_at": held, "agenda": "Асуудал", "participants": "Хороо"}
        self._plan(case, at + DAY, "convene", OFFICER, **values)
        self._plan(case, held, "decide", OFFICER, decision="Шийдвэр")
        self._plan_closing(case, held + HOUR)

    # -- and act ------------------------------------------------------------------------------

    def _carry_out(self, work: Casework, plan: Plan) -> None:
        was_open = work.case(plan.case).is_open
        try:
            case = work.act(Act(plan.command, plan.case, plan.actor, plan.values))
        except Refused as refusal:
            self.refused[refusal.code] += 1
            return
        if was_open and not case.is_open:
            self._plan_afterwards(case.id, work.now)
