"""Addresses and the people behind them; every value is encrypted, found by blind index."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from store.crypto import blind
from store.db import Transaction
from store.fold import fold
from store.queue import PARTITIONS
from store.schema import address as table
from store.schema import person, person_index


def address_index(channel: str, value: str) -> bytes:
    """The blind index of one address on one channel."""
    return blind("address", f"{channel}\0{value}")


def partition_of(index: bytes) -> int:
    """Which drainer serves the address with this blind index."""
    return zlib.crc32(index) % PARTITIONS


def tail_index(value: str) -> bytes | None:
    """The blind index of a phone's last 8 digits, however it was written; None for no phone."""
    digits = "".join(character for character in value if character.isdigit())
    return blind("phone tail", digits[-8:]) if len(digits) >= 8 else None


@dataclass(frozen=True, slots=True)
class AddressRow:
    """One address as the layers above need it; ``value`` is decrypted."""

    id: int
    channel: str
    account: str
    value: str
    partition: int
    person_id: int | None
    language: str | None
    language_chosen: bool
    blocked: bool
    stopped: bool
    window_until: datetime | None
    script: str = ""


def _row(row: Any) -> AddressRow:
    return AddressRow(
        row.id, row.channel, row.account, row.value, row.partition, row.person_id, row.language,
        row.language_chosen, row.blocked_at is not None, row.stopped_at is not None,
        row.window_until, row.script,
    )  # fmt: skip


_COLUMNS = (
    table.c.id, table.c.channel, table.c.account, table.c.value, table.c.partition,
    table.c.person_id, table.c.language, table.c.language_chosen, table.c.blocked_at,
    table.c.stopped_at, table.c.window_until, table.c.script,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a message says of its sender's end."""

    channel: str
    account: str
    value: str
    index: bytes


def resolve(
    tx: Transaction, endpoints: Iterable[Endpoint], now: datetime
) -> dict[tuple[str, bytes], AddressRow]:
    """The addresses of ``endpoints``, created where they are new, by (channel, blind index)."""
    wanted = {(item.channel, item.index): item for item in endpoints}
    found = _by_index(tx, [item.index for item in wanted.values()])
    missing = [item for key, item in wanted.items() if key not in found]
    if missing:
        tx.execute(tx.ignore_insert(table), [_new(item, now) for item in missing])
        found = _by_index(tx, [item.index for item in wanted.values()])
    return {key: row for key, row in found.items() if key in wanted}


def _new(item: Endpoint, now: datetime) -> dict[str, Any]:
    return {
        "channel": item.channel,
        "account": item.account,
        "value": item.value,
        "value_index": item.index,
        "tail_index": tail_index(item.value) if item.value.startswith("+") else None,
        "partition": partition_of(item.index),
        "created_at": now,
    }


def _by_index(tx: Transaction, indexes: Sequence[bytes]) -> dict[tuple[str, bytes], AddressRow]:
    query = select(table.c.value_index, *_COLUMNS).where(table.c.value_index.in_(indexes))
    return {(row.channel, bytes(row.value_index)): _row(row) for row in tx.execute(query)}


def by_ids(tx: Transaction, ids: Iterable[int]) -> dict[int, AddressRow]:
    """The addresses with these ids."""
    query = select(*_COLUMNS).where(table.c.id.in_(list(ids)))
    return {row.id: _row(row) for row in tx.execute(query)}


def changed(row: AddressRow, values: Mapping[str, Any]) -> AddressRow:
    """The row as it is with these columns set; `save` writes them."""
    plain = {"language", "language_chosen", "script"}
    shown: dict[str, Any] = {name: value for name, value in values.items() if name in plain}
    for column in ("stopped", "blocked"):
        if f"{column}_at" in values:
            shown[column] = values[f"{column}_at"] is not None
    return replace(row, **shown)


def save(tx: Transaction, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """Set columns of addresses, by id; those that change alike in one statement."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for address_id, values in sorted(changes.items()):
        row = {f"b_{name}": value for name, value in values.items()}
        alike.setdefault(tuple(values), []).append(row | {"b_id": address_id})
    for names, rows in alike.items():
        columns: dict[str, Any] = {name: bindparam(f"b_{name}") for name in names}
        tx.execute(update(table).where(table.c.id == bindparam("b_id")).values(columns), rows)


def block(tx: Transaction, address_id: int, code: str, at: datetime) -> None:
    """Nothing reaches this address any more; ``code`` is the provider's reason."""
    values = {"blocked_at": at, "blocked_code": code[:50]}
    tx.execute(update(table).where(table.c.id == address_id).values(**values))


def link(tx: Transaction, persons: dict[int, int]) -> None:
    """Say whose addresses these are: address id -> person id."""
    if persons:
        rows = [{"b_id": item, "b_person": person} for item, person in persons.items()]
        tx.execute(_LINK, rows)


def others(tx: Transaction, person_id: int) -> list[AddressRow]:
    """The addresses of one person, the one heard from last first."""
    query = (
        select(*_COLUMNS)
        .where(table.c.person_id == person_id)
        .order_by(table.c.last_in_at.desc(), table.c.id)
    )
    return [_row(row) for row in tx.execute(query)]


_LINK = (
    update(table)
    .where(table.c.id == bindparam("b_id"), table.c.person_id.is_(None))
    .values(person_id=bindparam("b_person"))
)


def add_person(
    tx: Transaction, name: str, language: str | None, now: datetime, details: Any = None
) -> int:
    """A person who has no address here; the id."""
    row = {"language": language, "details": details, "created_at": now}
    (person_id,) = tx.insert_ids(person, [row])
    name_person(tx, person_id, name)
    return person_id


def keep_details(tx: Transaction, person_id: int, details: Mapping[str, Any]) -> None:
    """Keep more about a person, encrypted, beside what is known."""
    one = person.c.id == person_id
    known = tx.scalar(select(person.c.details).where(one)) or {}
    tx.execute(update(person).where(one).values(details={**known, **details}))


def name_person(tx: Transaction, person_id: int, name: str) -> None:
    """Keep a name, encrypted, with blind indexes of its words."""
    tx.execute(update(person).where(person.c.id == person_id).values(name=name))
    words = {blind("name", fold(word)) for word in name.split()}
    rows = [{"person_id": person_id, "purpose": "name", "value": word} for word in words]
    if rows:
        tx.execute(tx.ignore_insert(person_index), rows)


def by_name(tx: Transaction, name: str) -> set[int]:
    """The people who have every word of ``name`` in theirs."""
    found: set[int] | None = None
    for word in name.split():
        query = select(person_index.c.person_id).where(
            person_index.c.purpose == "name", person_index.c.value == blind("name", fold(word))
        )
        ids = set(tx.execute(query).scalars())
        found = ids if found is None else found & ids
    return found or set()
