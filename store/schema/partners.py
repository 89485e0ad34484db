"""Organisations that file for others, and what was taken over from files."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, String, Table, UniqueConstraint

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
