"""What the procedure needs beside the grievance: notices to officers, meetings of the committee."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, String, Table, UniqueConstraint

from store.columns import Encrypted, Moment
from store.schema.base import id_, metadata, ref

# What the clock tells an officer; ``key`` makes a second one of the same cause impossible.
notice = Table(
    "notice",
    metadata,
    id_(),
    Column("key", String(120), nullable=False),
    ref("officer_id", "officer", nullable=False),
    Column("kind", String(24), nullable=False),
    ref("grievance_id", "grievance", index=True),
    Column("facts", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment),
    UniqueConstraint("key", "officer_id"),
    Index("ix_notice_officer", "officer_id", "seen_at", "id"),
)

# A committee meeting about one grievance; its words name people, so they are encrypted.
meeting = Table(
    "meeting",
    metadata,
    id_(),
    ref("grievance_id", "grievance", nullable=False, index=True),
    Column("stage", Integer, nullable=False),
    Column("held_at", Moment, nullable=False),
    Column("agenda", Encrypted("meeting.agenda"), nullable=False),
    Column("participants", Encrypted("meeting.participants"), nullable=False),
    Column("decision", Encrypted("meeting.decision")),
    Column("decided_at", Moment),
)
