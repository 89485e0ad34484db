"""Organisations that file for others, and what was taken over from files."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from store.columns import Moment
from store.schema.base import id_, metadata, ref

# A partner's account is an officer's row with the role cso and a door of its own; its person is
# the submitter of what it files.
partner = Table(
    "partner",
    metadata,
    id_(),
    ref("officer_id", "officer", nullable=False),
    ref("person_id", "person", nullable=False),
    Column("organisation", String(200), nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("officer_id"),
)

# One row of a file that was taken over; ``digest`` is a blind index of all its cells.
import_row = Table(
    "import_row",
    metadata,
    id_(),
    Column("digest", LargeBinary(16), nullable=False, unique=True),
    Column("file", LargeBinary(32), nullable=False),
    Column("number", Integer, nullable=False),
    ref("grievance_id", "grievance", nullable=False),
    Column("at", Moment, nullable=False),
)

# A key of a partner's program for the Open311 pages. ``name`` is its open half, by which it is
# found and listed; of the secret half only the hash is here.
api_key = Table(
    "api_key",
    metadata,
    id_(),
    ref("officer_id", "officer", nullable=False, index=True),
    Column("name", String(16), nullable=False, unique=True),
    Column("hash", LargeBinary(32), nullable=False),
    Column("label", String(100), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Column("revoked_at", Moment),
)

# What a partner's program sent, so that sent again it is known: ``digest`` is the blind index of
# what it calls the request, or of the content; ``token`` is the id of the form made of it.
api_filing = Table(
    "api_filing",
    metadata,
    id_(),
    ref("officer_id", "officer", nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("content", LargeBinary(16), nullable=False),
    Column("token", String(24), nullable=False, unique=True),
    Column("at", Moment, nullable=False),
    UniqueConstraint("officer_id", "digest"),
    Index("ix_api_filing_at", "at"),
)
