"""Links for people without an account, redacted copies, and who was told of a grievance."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from store.columns import Encrypted, Moment
from store.schema.base import Id, id_, metadata, ref

# A link that opens one page for one person, until it expires, is used or taken back. Of its token
# only the hash is kept. ``kind``: hand_off (somebody else does the work) or approval.
partner_link = Table(
    "partner_link",
    metadata,
    id_(),
    Column("kind", String(10), nullable=False),
    ref("grievance_id", "grievance", nullable=False, index=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("name", Encrypted("partner_link.name"), nullable=False),
    Column("gist", Encrypted("partner_link.gist"), nullable=False),
    Column("due_at", Moment),
    ref("officer_id", "officer"),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("opened_at", Moment),
    Column("answered_at", Moment),
    Column("revoked_at", Moment),
    Column("answer", Encrypted("partner_link.answer")),
)

# What came back with a hand-off: photos of the work done, a signed act.
partner_file = Table(
    "partner_file",
    metadata,
    id_(),
    ref("link_id", "partner_link", nullable=False, index=True),
    Column("content_type", String(100), nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
)

# The text of a grievance as it may be disclosed, confirmed by an officer. ``source`` is the hash
# of the text it was made from: where that has grown since, the copy no longer counts.
redaction = Table(
    "redaction",
    metadata,
    Column("grievance_id", Id, ForeignKey("grievance.id"), primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("source", LargeBinary(32), nullable=False),
    ref("officer_id", "officer"),
    Column("at", Moment, nullable=False),
)

# Who of the World Bank was told of a grievance, when, and how grave the incident is.
bank_notice = Table(
    "bank_notice",
    metadata,
    id_(),
    ref("grievance_id", "grievance", nullable=False),
    Column("severity", String(12), nullable=False),
    Column("recipient", Encrypted("bank_notice.recipient"), nullable=False),
    Column("told_at", Moment, nullable=False),
    ref("officer_id", "officer"),
    Column("at", Moment, nullable=False),
    Index("ix_bank_notice_grievance", "grievance_id", "told_at"),
)
