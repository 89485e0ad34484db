"""What officers keep for their work: replies at hand, drafts, views, links, the City Forum."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    ForeignKey,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from store.columns import Encrypted, Moment
from store.schema.base import Id, id_, metadata, ref

# A reply at hand in three languages; ``category`` "" fits every grievance.
canned_reply = Table(
    "canned_reply",
    metadata,
    id_(),
    Column("name", String(100), nullable=False),
    Column("category", String(32), nullable=False, server_default=""),
    Column("mn", Text, nullable=False),
    Column("kk", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
)

# What an officer has typed and not sent yet, on whatever machine.
draft = Table(
    "draft",
    metadata,
    Column("officer_id", Id, ForeignKey("officer.id"), autoincrement=False),
    Column("grievance_id", Id, ForeignKey("grievance.id"), autoincrement=False, index=True),
    Column("command", String(16)),
    Column("text", Encrypted("draft.text"), nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("officer_id", "grievance_id", "command"),
)

# Who has a grievance open right now.
looking = Table(
    "looking",
    metadata,
    Column("officer_id", Id, ForeignKey("officer.id"), autoincrement=False),
    Column("grievance_id", Id, ForeignKey("grievance.id"), autoincrement=False, index=True),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("officer_id", "grievance_id"),
)

# A view with filters that an officer keeps under a name of their own.
saved_view = Table(
    "saved_view",
    metadata,
    id_(),
    ref("officer_id", "officer", nullable=False, index=True),
    Column("name", String(60), nullable=False),
    Column("view", String(16), nullable=False),
    Column("filters", JSON, nullable=False),
)

# ``other_id`` belongs with ``grievance_id``: same cause (each keeps its own way), merged (worked on
# together from here on), or split (taken out of it). Undone links stay as history.
case_link = Table(
    "case_link",
    metadata,
    id_(),
    ref("grievance_id", "grievance", nullable=False, index=True),
    ref("other_id", "grievance", nullable=False, index=True),
    Column("kind", String(8), nullable=False),
    ref("officer_id", "officer"),
    Column("at", Moment, nullable=False),
    Column("undone_at", Moment),
)

# A matter for the City Forum: many grievances of one cause, and what the forum decided.
forum_issue = Table(
    "forum_issue",
    metadata,
    id_(),
    Column("title", String(200), nullable=False),
    Column("held_on", Date),
    Column("decision", Text, nullable=False, server_default=""),
    Column("decided_at", Moment),
    ref("officer_id", "officer"),
    Column("at", Moment, nullable=False),
)

forum_case = Table(
    "forum_case",
    metadata,
    id_(),
    ref("issue_id", "forum_issue", nullable=False),
    ref("grievance_id", "grievance", nullable=False, index=True),
    UniqueConstraint("issue_id", "grievance_id"),
)

# One action on many grievances: what was asked, and what became of each.
bulk_run = Table(
    "bulk_run",
    metadata,
    id_(),
    ref("officer_id", "officer", nullable=False),
    Column("command", String(24), nullable=False),
    Column("results", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    Column("undone_at", Moment),
)

# A free day that the calendar does not know.
extra_holiday = Table(
    "extra_holiday",
    metadata,
    Column("day", Date, primary_key=True),
    Column("name", String(100), nullable=False),
)

# Every change of a setting made in the desk.
setting_change = Table(
    "setting_change",
    metadata,
    id_(),
    Column("what", String(120), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    ref("officer_id", "officer"),
    Column("at", Moment, nullable=False),
)

# What the office decided otherwise than the profile's file, by section; an approver's address is in
# it, so it is encrypted.
own_profile = Table(
    "own_profile",
    metadata,
    Column("section", String(24), primary_key=True),
    Column("value", Encrypted("own_profile.value", "json"), nullable=False),
    ref("officer_id", "officer"),
    Column("at", Moment, nullable=False),
)
