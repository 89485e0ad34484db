"""What acts of care leave behind besides the grievance itself: links, copies, notices, nothing.

`workflow.handlers.Casework` changes the grievance by `change` when it decides and calls `keep`
when it writes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from config import i18n
from config.care import Approver
from config.profile import Profile
from config.settings import settings
from store import bank, channels, erasure, files, grievances, links, officers, people, sealed, tasks
from store.case import Case
from store.db import Transaction
from store.links import Link
from store.outbox import NORMAL, Letter, enqueue
from store.people import Endpoint, address_index
from store.text import measure
from workflow import approval, redactions
from workflow.commands import Act
from workflow.office import MAIL
from workflow.reference import new_code

# What these do is no turn of the conversation with the complainant.
ASIDE = {
    "hand_off", "take_back", "notify_bank", "redact", "erase", "propose_closure", "approve",
    "return",
}  # fmt: skip
HAND_OFF_GRACE = timedelta(days=30)  # a link outlives its due date: late answers count as well

Keeper = Callable[[Transaction, Case, Act, datetime, Profile], str]


def change(case: Case, act: Act) -> None:
    """What of the grievance itself such an act changes."""
    if act.command == "hand_back":
        case.unread = True
    elif act.command == "erase":
        _blank(case)


def _blank(case: Case) -> None:
    """Nothing of the grievance's own row says who it was or what they said."""
    case.text = case.folded = case.gist = case.resolution = case.bag = ""
    case.code = new_code()  # the old one opens nothing any more
    kept = erasure.FIGURES | {"demo"}  # practice stays practice, and goes with the rest of it
    case.facts = {name: value for name, value in case.facts.items() if name in kept}
    case.unread = False
    case.facts["erased"] = True


def keep(tx: Transaction, case: Case, act: Act, now: datetime, project: Profile) -> str:
    """Write what ``act`` leaves behind; the token of a link to show once, "" for none."""
    return KEPT[act.command](tx, case, act, now, project)


def _hand_off(tx: Transaction, case: Case, act: Act, now: datetime, project: Profile) -> str:
    until: datetime = act.values["until"]
    link = Link(
        links.HAND_OFF, case.id, str(act.values["organisation"]), until + HAND_OFF_GRACE,
        str(act.values["text"]), until, act.actor.officer_id,
    )  # fmt: skip
    return links.add(tx, link, now)


def _hand_back(tx: Transaction, case: Case, act: Act, now: datetime, project: Profile) -> str:
    """The outcome comes back as a note, and as something to look at."""
    link_id, words = int(act.values["link_id"]), str(act.values["text"])
    grievances.add_note(tx, case.id, None, f"{act.values['organisation']}: {words}", now)
    tasks.add(tx, f"hand_back:{link_id}", "hand_back", now, grievance_id=case.id)
    return ""


def _take_back(tx: Transaction, case: Case, act: Act, now: datetime, project: Profile) -> str:
    links.revoke(tx, case.id, now, link_id=int(act.values["link_id"]), kind=links.HAND_OFF)
    return ""


def _notify_bank(tx: Transaction, case: Case, act: Act, now: datetime, project: Profile) -> str:
    told = act.values
    bank.add(
        tx, case.id, told["severity"], told["recipient"], told["told_at"], act.actor.officer_id, now
    )
    return ""


def _redact(tx: Transaction, case: Case, act: Act, now: datetime, project: Profile) -> str:
    words = str(act.values["text"])
    if case.sensitive:  # no copy of it is ever disclosed
        sealed.add(tx, case.id, [words])
        return ""
    redactions.confirm(tx, case.id, case.text, words, act.actor.officer_id, now)
    return ""


def _erase(tx: Transaction, case: Case, act: Act, now: datetime, project: Profile) -> str:
    tx.leave_no_trace()
    unused = erasure.of_grievance(tx, case.id, now)
    tx.after(("files", case.id), lambda: files.remove(unused))
    return ""


# -- second approval ------------------------------------------------------------------------------


def _propose(tx: Transaction, case: Case, act: Act, now: datetime, project: Profile) -> str:
    """Where nobody else of the office can approve, the approver from outside gets a link."""
    links.revoke(tx, case.id, now, kind=links.APPROVAL)
    if project.approver and not approval.second_persons(case, officers.everyone(tx)):
        link = Link(
            links.APPROVAL, case.id, project.approver.name,
            now + timedelta(days=project.approver.days)
        )  # fmt: skip
        _send(tx, project.approver, links.add(tx, link, now), now, project)
    return ""


def _send(tx: Transaction, approver: Approver, token: str, now: datetime, project: Profile) -> None:
    """The link alone, by the approver's own channel: the officer who proposed never sees it."""
    code = _channel(tx, approver)
    account = channels.accounts(tx).get(code)
    if account is None:
        tasks.add(tx, f"approver:{now.date()}", "approver", now)
        return
    index = address_index(code, approver.address)
    (row,) = people.resolve(tx, [Endpoint(code, account, approver.address, index)], now).values()
    url = f"{settings().public_url}/partner/approval/{token}"
    text = i18n.text("letter.approver", "mn", link=url)
    letter = Letter(
        f"approval:{index.hex()}:{now.timestamp():.6f}", row.id, code, account, "approver", "mn",
        text, measure(text).parts, priority=NORMAL,
    )  # fmt: skip
    enqueue(tx, [letter], now)


def _channel(tx: Transaction, approver: Approver) -> str:
    """Texts go by whatever sends texts here."""
    if approver.channel == "mail":
        return MAIL
    texting = channels.of_form(tx, "sms")
    return "sms" if "sms" in texting or not texting else min(texting)


def _settled(tx: Transaction, case: Case, act: Act, now: datetime, project: Profile) -> str:
    """Decided: a link that waits for the same decision opens nothing any more."""
    links.revoke(tx, case.id, now, kind=links.APPROVAL)
    return ""


KEPT: dict[str, Keeper] = {
    "hand_off": _hand_off,
    "hand_back": _hand_back,
    "take_back": _take_back,
    "notify_bank": _notify_bank,
    "redact": _redact,
    "erase": _erase,
    "propose_closure": _propose,
    "approve": _settled,
    "return": _settled,
}
