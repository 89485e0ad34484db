"""Grievances and their trail."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from store.columns import Encrypted, Moment
from store.schema.base import Id, id_, metadata, ref

grievance = Table(
    "grievance",
    metadata,
    id_(),
    Column("reference", String(12), nullable=False, unique=True),
    Column("code", Encrypted("grievance.code"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("category", String(32)),
    Column("track", String(16), nullable=False, server_default="project"),
    Column("place", String(64)),
    Column("bag", String(32), nullable=False, server_default=""),
    Column("text", Text, nullable=False),
    Column("folded", Text, nullable=False, server_default=""),
    Column("gist", Text, nullable=False, server_default=""),
    Column("language", String(3)),
    Column("channel", String(32), nullable=False),
    ref("address_id", "address", index=True),
    ref("complainant_id", "person", index=True),
    ref("submitter_id", "person"),
    Column("anonymous", Boolean, nullable=False),
    Column("sensitive", String(16), nullable=False, server_default=""),
    Column("stage", Integer, nullable=False),
    Column("status", String(24), nullable=False),
    Column("outcome", String(24)),
    Column("resolution", Text, nullable=False, server_default=""),
    ref("assignee_id", "officer"),
    Column("received_at", Moment, nullable=False),
    Column("registered_at", Moment, nullable=False),
    Column("acknowledged_at", Moment),
    Column("due_at", Moment),
    Column("paused_at", Moment),
    Column("closed_at", Moment),
    Column("waiting_on", String(8), nullable=False, server_default="us"),
    Column("unread", Boolean, nullable=False, server_default=text("true")),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("head_seq", Integer, nullable=False, server_default="0"),
    Column("head_hash", LargeBinary(32), nullable=False),
    Column("head_mac", LargeBinary(32), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("waiting_since", Moment),
    # When the clock process must look at it next; None: nothing will happen by itself.
    Column("attend_at", Moment),
    Column("clock", JSON, nullable=False, server_default="{}"),
    Column("decided_at", Moment),
    Index("ix_grievance_attend_at", "attend_at"),
    Index("ix_grievance_queue", "status", "due_at"),
    Index("ix_grievance_registered_at", "registered_at"),
    Index("ix_grievance_due_at", "due_at"),
    Index(
        "ix_grievance_closed_at",
        "closed_at",
        sqlite_where=text("closed_at IS NOT NULL"),
        postgresql_where=text("closed_at IS NOT NULL"),
    ),
)

# The text of a sensitive matter lives here alone, under its own associated data.
sealed_matter = Table(
    "sealed_matter",
    metadata,
    Column("grievance_id", Id, ForeignKey("grievance.id"), primary_key=True, autoincrement=False),
    Column("body", Encrypted("sealed_matter.body", "json"), nullable=False),
    # What its row and its trail would say in words: see `store.veil`.
    Column("kept", Encrypted("sealed_matter.kept", "json")),
)

# Append-only; ``payload`` and ``salt`` may be erased, the chain over commitments stays valid.
case_event = Table(
    "case_event",
    metadata,
    id_(),
    ref("grievance_id", "grievance", nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", String(40), nullable=False),
    Column("payload", JSON),
    Column("salt", LargeBinary(16)),
    Column("commitment", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    UniqueConstraint("grievance_id", "seq"),
)

trail_root = Table(
    "trail_root",
    metadata,
    id_(),
    Column("at", Moment, nullable=False),
    Column("last_event_id", Id, nullable=False),
    Column("grievances", Integer, nullable=False),
    Column("events", Integer, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary(32), nullable=False),
)

note = Table(
    "note",
    metadata,
    id_(),
    ref("grievance_id", "grievance", nullable=False, index=True),
    ref("officer_id", "officer"),
    Column("text", Encrypted("note.text"), nullable=False),
    Column("at", Moment, nullable=False),
)
