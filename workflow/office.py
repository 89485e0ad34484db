"""Who of the office must hear of something, and how they hear it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from config import i18n
from config.profile import Profile
from store import channels, notices, officers, people
from store.case import Case
from store.db import Transaction
from store.messages import Capabilities
from store.notices import Notice
from store.officers import Officer
from store.outbox import LATER, Letter, enqueue
from store.people import AddressRow, Endpoint, address_index
from workflow.letters import parts_of
from workflow.states import Role
from workflow.winding import zone

MAIL = "email"


@dataclass(frozen=True, slots=True)
class Office:
    """The active people of the office."""

    staff: Sequence[Officer]
    project: Profile
    by_id: dict[int, Officer] = field(default_factory=dict)

    @classmethod
    def load(cls, tx: Transaction, project: Profile) -> Office:
        """Read it, once for a batch."""
        return cls.of(officers.everyone(tx, active_only=True), project)

    @classmethod
    def of(cls, staff: Sequence[Officer], project: Profile) -> Office:
        """The office of these active people."""
        return cls(staff, project, {person.id: person for person in staff})

    def duty(self) -> list[Officer]:
        """The duty officers the profile names, else the coordinators, else the officers."""
        named = [person for person in self.staff if person.login in self.project.duty_officers]
        for role in (Role.COORDINATOR, Role.OFFICER):
            named = named or [person for person in self.staff if role in person.roles]
        return named

    def concerned(self, case: Case) -> list[Officer]:
        """Assignee and duty officers; of a sensitive matter focal points alone."""
        found = {person.id: person for person in self.duty()}
        if assignee := self.by_id.get(case.assignee_id or 0):
            found[assignee.id] = assignee
        if not case.sensitive:
            return list(found.values())
        focal = [person for person in self.staff if Role.FOCAL_POINT in person.roles]
        return [person for person in focal if person.id in found] or focal


def about(office: Office, case: Case, kind: str, mark: str, when: datetime | None) -> list[Notice]:
    """Notices of one kind about ``case``, to everybody concerned; ``mark`` names the cause."""
    facts = {"date": when.isoformat()} if when else {}
    key = f"{kind}:{case.id}:{mark}"
    return [Notice(key, person.id, kind, facts, case.id) for person in office.concerned(case)]


def tell(
    tx: Transaction,
    office: Office,
    told: Sequence[tuple[Notice, str]],
    now: datetime,
) -> None:
    """Write notices, and mail the ``words`` of new ones to officers who gave an address."""
    words = {(item.key, item.officer_id): text for item, text in told}
    fresh = notices.add(tx, [item for item, _ in told], now)
    accounts = channels.accounts(tx)
    if not fresh or MAIL not in accounts:
        return
    mails = notices.mails(tx, {item.officer_id for item in fresh})
    ends = {
        officer_id: Endpoint(MAIL, accounts[MAIL], value, address_index(MAIL, value))
        for officer_id, value in mails.items()
    }
    rows = people.resolve(tx, ends.values(), now) if ends else {}
    letters = [
        _mail(item, words[item.key, item.officer_id], office.by_id[item.officer_id], address)
        for item in fresh
        if (end := ends.get(item.officer_id)) and (address := rows[MAIL, end.index])
    ]
    enqueue(tx, letters, now)


def _mail(item: Notice, words: str, officer: Officer, address: AddressRow) -> Letter:
    text = i18n.text("desk.notice.mail", officer.language, text=words)
    return Letter(
        key=f"notice:{officer.id}:{item.key}"[:100],
        address_id=address.id,
        channel=MAIL,
        account=address.account,
        template=f"notice.{item.kind}",
        language=officer.language,
        text=text,
        parts=parts_of(text, Capabilities()),
        priority=LATER,
    )


def in_words(notice: Notice, case: Case, language: str, project: Profile) -> str:
    """A notice as an officer reads it; a sensitive matter has no number outside the desk."""
    name = i18n.text("desk.notice.sealed", language) if case.sensitive else case.reference
    when = notice.facts.get("date")
    day = "-"
    if when:
        moment = datetime.fromisoformat(when).astimezone(zone(case, project))
        day = i18n.format_date(moment.date(), language)
    values = {"reference": name, "date": day}
    return i18n.text(f"desk.notice.{notice.kind}", language, **values)
