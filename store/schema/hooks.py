"""Other systems that are told of every step of a grievance, and what they are still to be told."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, Text, text

from store.columns import Encrypted, Moment
from store.schema.base import id_, metadata, ref

# An address may hold a token of the other system, so it is encrypted like the secret.
hook = Table(
    "hook",
    metadata,
    id_(),
    Column("label", String(100), nullable=False),
    Column("url", Encrypted("hook.url"), nullable=False),
    Column("events", JSON, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("secret", Encrypted("hook.secret"), nullable=False),
    # The secret before this one, which signs as well until then.
    Column("old_secret", Encrypted("hook.old_secret")),
    Column("old_until", Moment),
    # Calls in a row that failed, and until when the other system is left alone for it.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("rest_until", Moment),
    Column("sent", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    Column("last_ok_at", Moment),
    Column("last_error", String(40), nullable=False, server_default=""),
    Column("last_error_at", Moment),
    Column("tested_at", Moment),
    Column("test_answer", String(40), nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
)

# One thing to tell one hook, written together with what happened; gone once it was told.
hook_call = Table(
    "hook_call",
    metadata,
    id_(),
    ref("hook_id", "hook", nullable=False),
    ref("grievance_id", "grievance", index=True),
    Column("event", String(40), nullable=False),
    Column("key", String(40), nullable=False, unique=True),
    Column("body", Text, nullable=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", Moment, nullable=False),
    Column("claim", String(32)),
    Column("claimed_until", Moment),
    Column("error", String(40), nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Index("ix_hook_call_order", "hook_id", "grievance_id", "id"),
    Index("ix_hook_call_due", "hook_id", "state", "not_before"),
)
