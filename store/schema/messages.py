"""What came in and what goes out."""

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

# What a provider sent, as it sent it: the last resort of every later question.
raw_event = Table(
    "raw_event",
    metadata,
    id_(),
    Column("channel", String(32), nullable=False),
    Column("account", String(64), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("content_type", String(100), nullable=False, server_default=""),
    # Where it was sent to: some adapters read a report and a message differently by it.
    Column("path", String(200), nullable=False, server_default=""),
    Column("body", Encrypted("raw_event.body", "bytes"), nullable=False),
    Column("state", String(10), nullable=False),
    Column("error", String(200), nullable=False, server_default=""),
)

# One row per message; the unique constraint is what makes a repeat harmless.
inbox = Table(
    "inbox",
    metadata,
    id_(),
    ref("raw_id", "raw_event"),
    Column("channel", String(32), nullable=False),
    Column("account", String(64), nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("address", Encrypted("inbox.address"), nullable=False),
    Column("address_index", LargeBinary(16), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("text", Text, nullable=False, server_default=""),
    Column("choice", String(200), nullable=False, server_default=""),
    # attachments, location, contact, profile name: whatever else the message held
    Column("details", Encrypted("inbox.details", "json")),
    Column("sent_at", Moment),
    Column("received_at", Moment, nullable=False),
    Column("state", String(10), nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("error", String(200), nullable=False, server_default=""),
    Column("handled_at", Moment),
    ref("address_id", "address"),
    ref("grievance_id", "grievance", index=True),
    UniqueConstraint("channel", "account", "external_id"),
    Index(
        "ix_inbox_waiting",
        "partition",
        "id",
        sqlite_where=text("state = 'new'"),
        postgresql_where=text("state = 'new'"),
    ),
    Index("ix_inbox_address_id", "address_id", "id"),
    # Few among many, and looked for all the time.
    Index(
        "ix_inbox_dead",
        "id",
        sqlite_where=text("state = 'dead'"),
        postgresql_where=text("state = 'dead'"),
    ),
    Index(
        "ix_inbox_automatic",
        "id",
        sqlite_where=text("choice = 'automatic'"),
        postgresql_where=text("choice = 'automatic'"),
    ),
)

# A file that came with a message; fetched later, stored by content hash.
attachment = Table(
    "attachment",
    metadata,
    id_(),
    ref("inbox_id", "inbox", nullable=False, index=True),
    ref("grievance_id", "grievance", index=True),
    Column("channel", String(32), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("content_type", String(100), nullable=False, server_default=""),
    Column("size", Integer),
    Column("name", Encrypted("attachment.name")),
    Column("source", Encrypted("attachment.source", "json"), nullable=False),
    Column("sha256", String(64)),
    Column("state", String(10), nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("not_before", Moment),
    Column("error", String(200), nullable=False, server_default=""),
    Index(
        "ix_attachment_waiting",
        "not_before",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

# Where the dialogue with one address stands; ``state`` is bot.engine's value as JSON.
conversation = Table(
    "conversation",
    metadata,
    Column("address_id", Id, ForeignKey("address.id"), primary_key=True, autoincrement=False),
    Column("partition", Integer, nullable=False),
    Column("state", Encrypted("conversation.state", "json"), nullable=False),
    Column("wake_at", Moment),
    Column("updated_at", Moment, nullable=False),
    Index(
        "ix_conversation_wake_at",
        "wake_at",
        sqlite_where=text("wake_at IS NOT NULL"),
        postgresql_where=text("wake_at IS NOT NULL"),
    ),
)

outbox = Table(
    "outbox",
    metadata,
    id_(),
    Column("key", String(100), nullable=False, unique=True),
    Column("channel", String(32), nullable=False),
    Column("account", String(64), nullable=False),
    ref("address_id", "address", nullable=False, index=True),
    ref("grievance_id", "grievance", index=True),
    Column("template", String(64), nullable=False),
    Column("language", String(8), nullable=False),
    Column("text", Encrypted("outbox.text"), nullable=False),
    Column("choices", JSON, nullable=False),
    Column("question", Boolean, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("provider_id", String(100)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("unanswered", Integer, nullable=False, server_default="0"),
    Column("error", String(200), nullable=False, server_default=""),
    Column("not_before", Moment, nullable=False),
    Column("claimed_until", Moment),
    Column("claim", String(32)),
    Column("created_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Column("delivered_at", Moment),
    Index(
        "ix_outbox_waiting",
        "channel",
        "priority",
        "id",
        sqlite_where=text("state = 'queued'"),
        postgresql_where=text("state = 'queued'"),
    ),
    Index(
        "ix_outbox_claimed_until",
        "claimed_until",
        sqlite_where=text("state = 'sending'"),
        postgresql_where=text("state = 'sending'"),
    ),
    Index("ix_outbox_provider_id", "channel", "provider_id"),
    Index(
        "ix_outbox_question",
        "address_id",
        "id",
        sqlite_where=text("question"),
        postgresql_where=text("question"),
    ),
)

# What a person of the office must do by hand: call somebody, look at a failed message.
task = Table(
    "task",
    metadata,
    id_(),
    Column("key", String(100), nullable=False, unique=True),
    Column("kind", String(24), nullable=False),
    ref("grievance_id", "grievance", index=True),
    ref("address_id", "address"),
    ref("outbox_id", "outbox"),
    Column("detail", String(200), nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Column("done_at", Moment),
    ref("officer_id", "officer"),
    Index(
        "ix_task_open",
        "grievance_id",
        "kind",
        sqlite_where=text("done_at IS NULL"),
        postgresql_where=text("done_at IS NULL"),
    ),
)

# What each channel can do and how it fares; written by channels, read by bot and desk.
channel_state = Table(
    "channel_state",
    metadata,
    Column("code", String(32), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("capabilities", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("last_in_at", Moment),
    Column("last_out_at", Moment),
    Column("last_error", String(200), nullable=False, server_default=""),
    Column("last_error_at", Moment),
    Column("counts", JSON, nullable=False),
)
