"""People and the addresses they write from."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from store.columns import Encrypted, Moment
from store.schema.base import id_, metadata, ref

person = Table(
    "person",
    metadata,
    id_(),
    Column("name", Encrypted("person.name")),
    Column("language", String(3)),
    Column("details", Encrypted("person.details", "json")),
    Column("created_at", Moment, nullable=False),
    Column("erased_at", Moment),
)

# Blind indexes of a person's names and contacts, for equality search.
person_index = Table(
    "person_index",
    metadata,
    ref("person_id", "person", nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("value", LargeBinary(16), nullable=False),
    UniqueConstraint("person_id", "purpose", "value"),
    Index("ix_person_index_value", "purpose", "value"),
)

address = Table(
    "address",
    metadata,
    id_(),
    Column("channel", String(32), nullable=False),
    Column("account", String(64), nullable=False),
    Column("value", Encrypted("address.value"), nullable=False),
    Column("value_index", LargeBinary(16), nullable=False),
    Column("tail_index", LargeBinary(16), index=True),
    Column("partition", Integer, nullable=False),
    ref("person_id", "person", index=True),
    Column("language", String(3)),
    Column("language_chosen", Boolean, nullable=False, server_default=text("false")),
    # "latin" or "cyrillic" where the person chose the letters we write in
    Column("script", String(10), nullable=False, server_default=""),
    Column("blocked_at", Moment),
    Column("blocked_code", String(50), nullable=False, server_default=""),
    Column("stopped_at", Moment),
    Column("window_until", Moment),
    Column("last_in_at", Moment),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("channel", "value_index"),
)
