"""The people of the office, and what they looked at or changed."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from store.columns import Encrypted, Moment
from store.schema.base import id_, metadata, ref

officer = Table(
    "officer",
    metadata,
    id_(),
    Column("login", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("email", Encrypted("officer.email")),
    Column("roles", JSON, nullable=False),
    Column("language", String(3), nullable=False, server_default="mn"),
    Column("password_hash", String(200), nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("totp", Encrypted("officer.totp")),
    Column("totp_used", BigInteger, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", Moment),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", Moment, nullable=False),
    Column("last_in_at", Moment),
)

officer_session = Table(
    "officer_session",
    metadata,
    id_(),
    ref("officer_id", "officer", nullable=False, index=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("agent", String(200), nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("ended_at", Moment),
)

text_override = Table(
    "text_override",
    metadata,
    Column("key", String(100), primary_key=True),
    Column("language", String(3), primary_key=True),
    Column("text", Text, nullable=False),
    Column("review", String(20), nullable=False),
    ref("officer_id", "officer"),
    Column("at", Moment, nullable=False),
)

# Who looked at what, and why: reveals of identity, sensitive matters, exports.
access_log = Table(
    "access_log",
    metadata,
    id_(),
    Column("at", Moment, nullable=False),
    Column("actor", String(40), nullable=False),
    Column("action", String(40), nullable=False),
    ref("grievance_id", "grievance", index=True),
    Column("reason", String(500), nullable=False, server_default=""),
)
