"""Checking the trail: every link of every chain, every end, every signed root."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any

from sqlalchemy import func, select

from store.db import Transaction
from store.schema import case_event, grievance, trail_root
from workflow import trail

PAGE = 2000


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing wrong with a chain: which row, in words."""

    event_id: int | None
    words: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What was checked, and what is wrong."""

    grievances: int
    events: int
    roots: int
    findings: tuple[Finding, ...]


class _Chain:
    """Walks the events of one grievance."""

    def __init__(self, grievance_id: int, reference: str) -> None:
        self.grievance_id, self.reference = grievance_id, reference
        self.seq, self.head = 0, trail.GENESIS

    def take(self, row: Any) -> Finding | None:
        """Check one event; the next in line is expected."""
        if row.seq != self.seq + 1:
            return Finding(row.id, f"event {self.seq + 1} of grievance {self.reference} is missing")
        expected = trail.link_hash(
            self.head, row.grievance_id, row.seq, row.kind, row.at, row.actor, row.commitment
        )
        if not compare_digest(expected, row.hash):
            return Finding(row.id, f"event {row.seq} of grievance {self.reference} was changed")
        if row.payload is not None and row.salt is not None:
            commitment = trail.commit(row.salt, row.payload)
            if not compare_digest(commitment, row.commitment):
                return Finding(
                    row.id, f"the facts of event {row.seq} of {self.reference} were changed"
                )
        self.seq, self.head = row.seq, row.hash
        return None

    def end(self, row: Any) -> Finding | None:
        """The grievance row must point at the end we reached."""
        mac = trail.head_mac(self.grievance_id, row.head_seq, row.head_hash)
        if not compare_digest(mac, row.head_mac):
            return Finding(None, f"the end of the trail of {self.reference} was changed")
        if (self.seq, self.head) != (row.head_seq, row.head_hash):
            return Finding(
                None,
                f"the trail of {self.reference} is cut off after event {self.seq}"
                f" of {row.head_seq}",
            )
        return None


def audit(tx: Transaction, progress: Callable[[int], None] = lambda count: None) -> Audit:
    """Check everything; findings come in the order of the grievances."""
    findings: list[Finding] = []
    grievances = events = 0
    for page in _pages(tx):
        by_case = _events_of(tx, [row.id for row in page])
        for row in page:
            rows = by_case.get(row.id, [])
            finding = _check(row, rows)
            findings += [finding] if finding else []
            events += len(rows)
        grievances += len(page)
        progress(len(page))
    orphans = _orphans(tx)
    roots, root_findings = _check_roots(tx)
    return Audit(grievances, events, roots, (*findings, *orphans, *root_findings))


def _pages(tx: Transaction) -> Iterator[list[Any]]:
    columns = (
        grievance.c.id, grievance.c.reference, grievance.c.head_seq, grievance.c.head_hash,
        grievance.c.head_mac,
    )  # fmt: skip
    last = 0
    while page := tx.execute(
        select(*columns).where(grievance.c.id > last).order_by(grievance.c.id).limit(PAGE)
    ).all():
        yield list(page)
        last = page[-1].id


def _events_of(tx: Transaction, ids: list[int]) -> dict[int, list[Any]]:
    query = select(case_event).where(case_event.c.grievance_id.between(ids[0], ids[-1]))
    found: dict[int, list[Any]] = {}
    for row in tx.execute(query.order_by(case_event.c.grievance_id, case_event.c.seq)):
        found.setdefault(row.grievance_id, []).append(row)
    return found


def _check(row: Any, events: list[Any]) -> Finding | None:
    chain = _Chain(row.id, row.reference)
    for event in events:
        if finding := chain.take(event):
            return finding
    return chain.end(row)


def _orphans(tx: Transaction) -> list[Finding]:
    query = (
        select(func.min(case_event.c.id).label("first"), case_event.c.grievance_id)
        .outerjoin(grievance, grievance.c.id == case_event.c.grievance_id)
        .where(grievance.c.id.is_(None))
        .group_by(case_event.c.grievance_id)
    )
    return [
        Finding(row.first, f"grievance row {row.grievance_id} is gone, its trail is still here")
        for row in tx.execute(query)
    ]


# -- roots ------------------------------------------------------------------------------------


def _heads(tx: Transaction, last_event_id: int) -> Iterator[tuple[int, int, bytes]]:
    """The end of every chain as it was when ``last_event_id`` was the newest event."""
    newest = (
        select(case_event.c.grievance_id, func.max(case_event.c.seq).label("seq"))
        .where(case_event.c.id <= last_event_id)
        .group_by(case_event.c.grievance_id)
        .subquery()
    )
    query = (
        select(case_event.c.grievance_id, case_event.c.seq, case_event.c.hash)
        .join(
            newest,
            (newest.c.grievance_id == case_event.c.grievance_id)
            & (newest.c.seq == case_event.c.seq),
        )
        .order_by(case_event.c.grievance_id)
    )
    for row in tx.execute(query):
        yield row.grievance_id, row.seq, row.hash


def sign_root(tx: Transaction, at: datetime) -> str:
    """Sign the ends of all chains as they are now; the digest in hex, for the daily digest."""
    last = tx.scalar(select(func.coalesce(func.max(case_event.c.id), 0)))
    events = tx.scalar(select(func.count()).select_from(case_event))
    heads = list(_heads(tx, last))
    root = trail.digest(heads)
    row = {
        "at": at,
        "last_event_id": last,
        "grievances": len(heads),
        "events": events,
        "digest": root,
        "signature": trail.sign(at, last, events, root),
    }
    tx.execute(trail_root.insert(), [row])
    return root.hex()


def _check_roots(tx: Transaction) -> tuple[int, list[Finding]]:
    findings, count = [], 0
    for row in tx.execute(select(trail_root).order_by(trail_root.c.id)).all():
        count += 1
        signature = trail.sign(row.at, row.last_event_id, row.events, row.digest)
        day = f"{row.at:%Y-%m-%d %H:%M}"
        if not compare_digest(signature, row.signature):
            findings.append(Finding(None, f"the root of {day} was changed"))
        elif not compare_digest(trail.digest(_heads(tx, row.last_event_id)), row.digest):
            findings.append(Finding(None, f"the trail no longer fits the root signed on {day}"))
    return count, findings
