"""Letters about grievances: written for an address, put in the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from config.profile import Profile
from store import channels, grievances, people, veil
from store.case import Case
from store.db import Transaction
from store.messages import Capabilities
from store.outbox import FIRST, NORMAL, Letter, enqueue
from store.people import AddressRow
from workflow import letters
from workflow.winding import zone

# What a letter takes from its event.
_FROM_EVENT = (
    "reason", "summary", "name", "text", "question", "organisation", "until", "held_at",
)  # fmt: skip


@dataclass(slots=True)
class Pending:
    """A letter asked for; written when addresses and capabilities are known."""

    case: Case
    letter: str
    seq: int
    extra: Mapping[str, object]
    priority: int = NORMAL
    not_before: datetime | None = None


def extra_of(payload: Mapping[str, object]) -> dict[str, object]:
    """What a letter takes from its event or act."""
    return {name: payload[name] for name in _FROM_EVENT if name in payload}


def queue(
    tx: Transaction,
    wanted: Sequence[Pending],
    addresses: dict[int, AddressRow],
    project: Profile,
    now: datetime,
) -> None:
    """Write letters to where each complainant reads them; ``addresses`` are those known so far.

    No letter without an address, or where the person asked us to stop writing.
    """
    ids = {item.case.address_id for item in wanted if item.case.address_id}
    if missing := ids - set(addresses):
        addresses |= people.by_ids(tx, missing)
    known = channels.capabilities(tx) if ids else {}
    written = [
        _addressed(item, address, known, project)
        for item in wanted
        if (address := addresses.get(item.case.address_id or 0)) and not address.stopped
    ]
    enqueue(tx, written, now)


def queue_again(
    tx: Transaction,
    item: Pending,
    address: AddressRow,
    key: str,
    project: Profile,
    now: datetime,
) -> None:
    """Queue an earlier letter for another address, under a key of its own.

    ``item.extra`` holds what the trail does not keep: the text of a reply.
    """
    said = grievances.payload(tx, item.case.id, item.seq)
    said |= veil.under(tx, item.case.id, veil.EVENTS).get(str(item.seq), {})
    extra = extra_of(said) | dict(item.extra)
    known = channels.capabilities(tx)
    letter = _addressed(replace(item, extra=extra), address, known, project)
    enqueue(tx, [replace(letter, key=key)], now)


def compose(
    case: Case,
    letter: str,
    extra: Mapping[str, object],
    address: AddressRow,
    carried: Capabilities,
    project: Profile,
) -> letters.Written:
    """A letter about ``case`` as the person at ``address`` will read it."""
    language = address.language or case.language
    key = letters.letter_key(letter, case, language, project)
    tongues = letters.spoken(language)
    values = letters.case_values(case, project, zone(case, project), extra, tongues)
    capabilities = letters.lettered(carried, address.script)
    written = letters.write(key, language, capabilities, values, letters.choices_of(key, case))
    if language and not case.sensitive:
        if letter == "ack":
            return letters.with_routes(written, project, capabilities)
        if letter == "closed":
            return letters.with_short_routes(written, project, capabilities)
    return written


def _addressed(
    item: Pending, address: AddressRow, known: Mapping[str, Capabilities], project: Profile
) -> Letter:
    case = item.case
    carried = known.get(address.channel, Capabilities())
    written = compose(case, item.letter, item.extra, address, carried, project)
    return Letter(
        key=f"case:{case.id}:{item.seq}:{item.letter}",
        address_id=address.id,
        channel=address.channel,
        account=address.account,
        template=item.letter,
        language=written.language,
        text=written.text,
        parts=written.parts,
        grievance_id=case.id,
        choices=written.choices,
        priority=FIRST if item.letter == "ack" else item.priority,
        not_before=item.not_before,
    )
