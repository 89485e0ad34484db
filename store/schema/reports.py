"""What reports are made of besides grievances, and what was disclosed so far."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Date, Integer, String, Table, Text, UniqueConstraint

from store.columns import Moment
from store.schema.base import id_, metadata, ref

# The figures of a period as they were first disclosed: they never change again, and what is
# disclosed later is suppressed with them in mind. ``end_day`` is the first day after the period.
report_issue = Table(
    "report_issue",
    metadata,
    id_(),
    Column("start_day", Date, nullable=False),
    Column("end_day", Date, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("shown", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("start_day", "end_day"),
)

# What the officer writes into the boxes of a period's report.
report_box = Table(
    "report_box",
    metadata,
    Column("start_day", Date, primary_key=True),
    Column("end_day", Date, primary_key=True),
    Column("box", String(20), primary_key=True),
    Column("language", String(3), primary_key=True),
    Column("text", Text, nullable=False),
    ref("officer_id", "officer"),
    Column("at", Moment, nullable=False),
)

# A grievance told in other words, without whoever it was; chosen by the officer.
case_example = Table(
    "case_example",
    metadata,
    id_(),
    Column("start_day", Date, nullable=False),
    Column("end_day", Date, nullable=False),
    ref("grievance_id", "grievance", nullable=False),
    Column("text_mn", Text, nullable=False, server_default=""),
    Column("text_en", Text, nullable=False, server_default=""),
    ref("officer_id", "officer"),
    Column("at", Moment, nullable=False),
    UniqueConstraint("start_day", "end_day", "grievance_id"),
)

# Consultations, engagement events and press items.
engagement = Table(
    "engagement",
    metadata,
    id_(),
    Column("kind", String(20), nullable=False),
    Column("day", Date, nullable=False, index=True),
    Column("place", String(200), nullable=False, server_default=""),
    Column("title_mn", String(300), nullable=False, server_default=""),
    Column("title_en", String(300), nullable=False, server_default=""),
    Column("people", Integer),
    Column("women", Integer),
    Column("link", String(500), nullable=False, server_default=""),
    ref("officer_id", "officer"),
    Column("at", Moment, nullable=False),
)
