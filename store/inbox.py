"""Uptake: what a provider brought is durable before it gets its 200.

`accept` joins concurrent requests into one commit. The unique constraint on (channel, account,
external id) makes a repeated delivery harmless.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import bindparam, select, update

from config import log, observe
from store import spool
from store.db import DatabaseAway, Transaction, transaction
from store.messages import (
    Attachment,
    Contact,
    DeliveryReport,
    Inbound,
    InboundState,
    Kind,
    Location,
    OutboundState,
)
from store.queue import DRAIN, Bell, ring_soon
from store.receipts import Receipt, Rows, clean, rows_of
from store.schema import inbox, raw_event

__all__ = ["Receipt", "Waiting", "accept", "clean"]

BATCH = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """One inbound message as the drain sees it."""

    id: int
    index: bytes
    received_at: datetime
    tries: int
    message: Inbound
    report: DeliveryReport | None = None


def insert(tx: Transaction, batch: Sequence[Rows]) -> None:
    """Write receipts in this transaction and ring for each partition after the commit."""
    ids = tx.insert_ids(raw_event, [rows.raw for rows in batch])
    messages = [
        {"raw_id": raw_id} | message
        for raw_id, rows in zip(ids, batch, strict=True)
        for message in rows.messages
    ]
    if messages:
        tx.execute(tx.ignore_insert(inbox), messages)
    for partition in {message["partition"] for message in messages}:
        bell = Bell(DRAIN, partition)
        tx.after(bell, lambda bell=bell: ring_soon(bell))  # type: ignore[misc]


class _Committer(threading.Thread):
    """Group commit: what arrives while one commit runs shares the next one."""

    def __init__(self) -> None:
        super().__init__(name="committer", daemon=True)
        self.queue: SimpleQueue[tuple[Rows, Future[None]]] = SimpleQueue()

    def run(self) -> None:
        while True:
            batch = [self.queue.get()]
            while len(batch) < BATCH:
                try:
                    batch.append(self.queue.get_nowait())
                except Empty:
                    break
            self._commit(batch)

    def _commit(self, batch: list[tuple[Rows, Future[None]]]) -> None:
        try:
            _store([rows for rows, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to the requests that wait for it
            if len(batch) > 1 and not isinstance(error, spool.SpoolFailed):
                for item in batch:  # one bad row must not take its neighbours with it
                    self._commit([item])
                return
            for _, future in batch:
                future.set_exception(error)
        else:
            for _, future in batch:
                future.set_result(None)


def _store(batch: Sequence[Rows]) -> None:
    """Into the database; into the spool while it is away, or while older messages wait there."""
    if not spool.holds():
        try:
            with transaction() as tx:
                insert(tx, batch)
        except DatabaseAway as error:
            log.get().error("database away, spooling", code=error.code, count=len(batch))
        else:
            return
    spool.append([{"raw": rows.raw, "messages": rows.messages} for rows in batch])
    _drainer()


def drain_spool() -> int:
    """Move what this host's spool holds into the inbox; 0 while the database is still away."""

    def write(records: list[spool.Record]) -> None:
        with transaction() as tx:
            # A release before this one spooled no path.
            insert(
                tx, [Rows({"path": "", **record["raw"]}, record["messages"]) for record in records]
            )

    try:
        return spool.drain(write)
    except DatabaseAway:
        return 0


class _Drainer(threading.Thread):
    """Tries every half second to empty the spool that this process filled."""

    def __init__(self) -> None:
        super().__init__(name="spool", daemon=True)

    def run(self) -> None:
        while True:
            time.sleep(0.5)
            if count := drain_spool():
                log.get().warning("spool drained", count=count)


@cache
def _drainer() -> _Drainer:
    drainer = _Drainer()
    drainer.start()
    return drainer


@cache
def _committer() -> _Committer:
    committer = _Committer()
    committer.start()
    return committer


def accept(receipt: Receipt, timeout: float = 4.0) -> None:
    """Store one receipt durably; returns when it is on disk, in the database or in the spool.

    `spool.SpoolFailed` when neither took it. A database that hangs counts as away: the receipt
    is spooled as well, and the inbox knows it twice.
    """
    future: Future[None] = Future()
    rows = rows_of(receipt)
    _committer().queue.put((rows, future))
    with observe.span("accept", count=len(rows.messages), channel=receipt.channel):
        try:
            future.result(timeout)
        except TimeoutError:
            spool.append([{"raw": rows.raw, "messages": rows.messages}])
            _drainer()


_COLUMNS = (
    inbox.c.id, inbox.c.channel, inbox.c.account, inbox.c.external_id, inbox.c.address,
    inbox.c.address_index, inbox.c.kind, inbox.c.text, inbox.c.choice, inbox.c.details,
    inbox.c.sent_at, inbox.c.received_at, inbox.c.tries,
)  # fmt: skip


def waiting_ids(tx: Transaction, partition: int, limit: int) -> list[int]:
    """The ids of the oldest unhandled messages of ``partition``, in order of acceptance."""
    query = (
        select(inbox.c.id)
        .where(inbox.c.partition == partition, inbox.c.state == InboundState.NEW)
        .order_by(inbox.c.id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def load(tx: Transaction, ids: Sequence[int]) -> list[Waiting]:
    """Those of ``ids`` that are still unhandled, locked, in order of acceptance."""
    query = (
        select(*_COLUMNS)
        .where(inbox.c.id.in_(ids), inbox.c.state == InboundState.NEW)
        .order_by(inbox.c.id)
    )
    if not tx.on_sqlite:
        query = query.with_for_update()
    return [_waiting(row) for row in tx.execute(query)]


def _waiting(row: Any) -> Waiting:
    details = row.details or {}
    message = Inbound(
        row.channel,
        row.account,
        row.external_id,
        row.address,
        Kind(row.kind),
        row.text,
        row.choice,
        tuple(Attachment(**part) for part in details.get("attachments", ())),
        Location(**details["location"]) if "location" in details else None,
        Contact(**details["contact"]) if "contact" in details else None,
        row.sent_at,
        details.get("profile_name", ""),
        details.get("language_hint", ""),
        details.get("answers", {}),
        details.get("thread", ""),
    )
    report = None
    if message.kind is Kind.DELIVERY:
        report = DeliveryReport(
            row.channel, row.account, details["provider_id"], row.choice, row.address,
            details.get("error", ""), row.sent_at,
        )  # fmt: skip
    return Waiting(row.id, bytes(row.address_index), row.received_at, row.tries, message, report)


_FINISH = (
    update(inbox)
    .where(inbox.c.id == bindparam("b_id"))
    .values(
        state=InboundState.DONE,
        error="",
        address_id=bindparam("b_address"),
        grievance_id=bindparam("b_grievance"),
    )
)


def finish(
    tx: Transaction, done: Iterable[tuple[int, int | None, int | None]], at: datetime
) -> None:
    """Mark messages handled: (inbox id, address id, grievance id) each."""
    rows = [{"b_id": row, "b_address": address, "b_grievance": case} for row, address, case in done]
    if rows:
        tx.execute(_FINISH.values(handled_at=at), rows)


def count_try(tx: Transaction, inbox_id: int) -> int:
    """Count a try before the work starts, so that a message that kills its worker is noticed."""
    statement = update(inbox).where(inbox.c.id == inbox_id).values(tries=inbox.c.tries + 1)
    return int(tx.execute(statement.returning(inbox.c.tries)).scalar_one())


def tries(tx: Transaction, inbox_id: int) -> int:
    """How often this message was tried alone."""
    return int(tx.scalar(select(inbox.c.tries).where(inbox.c.id == inbox_id)) or 0)


def set_aside(tx: Transaction, inbox_id: int, reason: str, at: datetime) -> None:
    """A message we cannot handle becomes a dead letter that says why; an officer can replay it."""
    tx.execute(
        update(inbox)
        .where(inbox.c.id == inbox_id)
        .values(state=InboundState.DEAD, error=reason[:200], handled_at=at)
    )


def replay(tx: Transaction, inbox_id: int) -> bool:
    """Put a dead letter that holds a message back in the queue; False where there is none."""
    row = tx.execute(
        update(inbox)
        .where(
            inbox.c.id == inbox_id,
            inbox.c.state == InboundState.DEAD,
            inbox.c.external_id.not_like("raw:%"),
        )
        .values(state=InboundState.NEW, tries=0, error="")
        .returning(inbox.c.partition)
    ).first()
    if row:
        tx.after(inbox_id, lambda: ring_soon(Bell(DRAIN, row.partition)))
    return row is not None


def early_reports(tx: Transaction, channel: str, *provider_ids: str) -> list[DeliveryReport]:
    """Delivery reports of messages whose provider ids we learnt only now.

    Handled or not: who handles one at this moment cannot see our id yet, nor we that it is handled.
    """
    identities = [f"{known}:{state}" for known in provider_ids for state in OutboundState]
    query = select(*_COLUMNS).where(
        inbox.c.channel == channel,
        inbox.c.external_id.in_(identities),
        inbox.c.kind == Kind.DELIVERY,
    )
    found = [_waiting(row).report for row in tx.execute(query)]
    return [report for report in found if report is not None]


def conceal(tx: Transaction, ids: Sequence[int]) -> None:
    """Words that are somebody's name or phone do not stay in the open text."""
    for row in tx.execute(
        select(inbox.c.id, inbox.c.text, inbox.c.details).where(inbox.c.id.in_(ids))
    ):
        details = {**(row.details or {}), "text": row.text}
        tx.execute(update(inbox).where(inbox.c.id == row.id).values(text="", details=details))


def seal(tx: Transaction, ids: Sequence[int]) -> None:
    """A sensitive matter's words live in `sealed_matter` alone: every other copy goes."""
    if not ids:
        return
    tx.leave_no_trace()
    raw = select(inbox.c.raw_id).where(inbox.c.id.in_(ids))
    tx.execute(update(raw_event).where(raw_event.c.id.in_(raw)).values(body=b""))
    tx.execute(update(inbox).where(inbox.c.id.in_(ids)).values(text="", choice="", details=None))
