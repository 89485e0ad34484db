"""The tables. One place for names, types and constraints; migrations follow from here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from store.columns import Encrypted, Moment

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows itself only where the key is INTEGER; PostgreSQL gets 64 bits.
Id = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def _ref(name: str, target: str, *, nullable: bool = True, index: bool = False) -> Column[Any]:
    return Column(name, Id, ForeignKey(f"{target}.id"), nullable=nullable, index=index)


# What a provider sent, as it sent it: the last resort of every later question.
raw_event = Table(
    "raw_event",
    metadata,
    _id(),
    Column("channel", String(32), nullable=False),
    Column("account", String(64), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("content_type", String(100), nullable=False, server_default=""),
    Column("body", Encrypted("raw_event.body", "bytes"), nullable=False),
    Column("state", String(10), nullable=False),
    Column("error", String(200), nullable=False, server_default=""),
)

# One row per message; the unique constraint is what makes a repeat harmless.
inbox = Table(
    "inbox",
    metadata,
    _id(),
    _ref("raw_id", "raw_event"),
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
    _ref("address_id", "address"),
    _ref("grievance_id", "grievance", index=True),
    UniqueConstraint("channel", "account", "external_id"),
    Index(
        "ix_inbox_waiting",
        "partition",
        "id",
        sqlite_where=text("state = 'new'"),
        postgresql_where=text("state = 'new'"),
    ),
    Index("ix_inbox_address_id", "address_id", "id"),
)

# A file that came with a message; fetched later, stored by content hash.
attachment = Table(
    "attachment",
    metadata,
    _id(),
    _ref("inbox_id", "inbox", nullable=False, index=True),
    _ref("grievance_id", "grievance", index=True),
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

person = Table(
    "person",
    metadata,
    _id(),
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
    _ref("person_id", "person", nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("value", LargeBinary(16), nullable=False),
    UniqueConstraint("person_id", "purpose", "value"),
    Index("ix_person_index_value", "purpose", "value"),
)

address = Table(
    "address",
    metadata,
    _id(),
    Column("channel", String(32), nullable=False),
    Column("account", String(64), nullable=False),
    Column("value", Encrypted("address.value"), nullable=False),
    Column("value_index", LargeBinary(16), nullable=False),
    Column("tail_index", LargeBinary(16), index=True),
    Column("partition", Integer, nullable=False),
    _ref("person_id", "person", index=True),
    Column("language", String(3)),
    Column("language_chosen", Boolean, nullable=False, server_default=text("false")),
    Column("blocked_at", Moment),
    Column("blocked_code", String(50), nullable=False, server_default=""),
    Column("stopped_at", Moment),
    Column("window_until", Moment),
    Column("last_in_at", Moment),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("channel", "value_index"),
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

officer = Table(
    "officer",
    metadata,
    _id(),
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
    _id(),
    _ref("officer_id", "officer", nullable=False, index=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("agent", String(200), nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("ended_at", Moment),
)

grievance = Table(
    "grievance",
    metadata,
    _id(),
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
    _ref("address_id", "address", index=True),
    _ref("complainant_id", "person", index=True),
    _ref("submitter_id", "person"),
    Column("anonymous", Boolean, nullable=False),
    Column("sensitive", String(16), nullable=False, server_default=""),
    Column("stage", Integer, nullable=False),
    Column("status", String(24), nullable=False),
    Column("outcome", String(24)),
    Column("resolution", Text, nullable=False, server_default=""),
    _ref("assignee_id", "officer"),
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
    Index("ix_grievance_queue", "status", "due_at"),
    Index("ix_grievance_registered_at", "registered_at"),
    Index("ix_grievance_due_at", "due_at"),
)

# The text of a sensitive matter lives here alone, under its own associated data.
sealed_matter = Table(
    "sealed_matter",
    metadata,
    Column("grievance_id", Id, ForeignKey("grievance.id"), primary_key=True, autoincrement=False),
    Column("body", Encrypted("sealed_matter.body", "json"), nullable=False),
)

# Append-only; ``payload`` and ``salt`` may be erased, the chain over commitments stays valid.
case_event = Table(
    "case_event",
    metadata,
    _id(),
    _ref("grievance_id", "grievance", nullable=False),
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
    _id(),
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
    _id(),
    _ref("grievance_id", "grievance", nullable=False, index=True),
    _ref("officer_id", "officer"),
    Column("text", Encrypted("note.text"), nullable=False),
    Column("at", Moment, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    _id(),
    Column("key", String(100), nullable=False, unique=True),
    Column("channel", String(32), nullable=False),
    Column("account", String(64), nullable=False),
    _ref("address_id", "address", nullable=False, index=True),
    _ref("grievance_id", "grievance", index=True),
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
    _id(),
    Column("key", String(100), nullable=False, unique=True),
    Column("kind", String(24), nullable=False),
    _ref("grievance_id", "grievance", index=True),
    _ref("address_id", "address"),
    _ref("outbox_id", "outbox"),
    Column("detail", String(200), nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Column("done_at", Moment),
    _ref("officer_id", "officer"),
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

lease = Table(
    "lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("until", Float, nullable=False),
)

# Attempts at opening a grievance by number and code, and floods, counted per key and window.
attempt = Table(
    "attempt",
    metadata,
    Column("purpose", String(20), primary_key=True),
    Column("subject", LargeBinary(16), primary_key=True),
    Column("window", BigInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)

# Periodic work that must happen once per slot, however many clocks run.
slot = Table(
    "slot",
    metadata,
    Column("job", String(64), primary_key=True),
    Column("slot", String(64), primary_key=True),
    Column("done_at", Moment, nullable=False),
)

text_override = Table(
    "text_override",
    metadata,
    Column("key", String(100), primary_key=True),
    Column("language", String(3), primary_key=True),
    Column("text", Text, nullable=False),
    Column("review", String(20), nullable=False),
    _ref("officer_id", "officer"),
    Column("at", Moment, nullable=False),
)

# Who looked at what, and why: reveals of identity, sensitive matters, exports.
access_log = Table(
    "access_log",
    metadata,
    _id(),
    Column("at", Moment, nullable=False),
    Column("actor", String(40), nullable=False),
    Column("action", String(40), nullable=False),
    _ref("grievance_id", "grievance", index=True),
    Column("reason", String(500), nullable=False, server_default=""),
)
