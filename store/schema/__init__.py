"""The tables. One place for names, types and constraints; migrations follow from here."""

from store.schema.base import Id, metadata
from store.schema.cases import case_event, grievance, note, sealed_matter, trail_root
from store.schema.messages import (
    attachment,
    channel_state,
    conversation,
    inbox,
    outbox,
    raw_event,
    task,
)
from store.schema.partners import import_row, partner
from store.schema.people import address, person, person_index
from store.schema.privacy import bank_notice, partner_file, partner_link, redaction
from store.schema.procedure import meeting, notice
from store.schema.reports import case_example, engagement, report_box, report_issue
from store.schema.runtime import attempt, lease, slot
from store.schema.staff import access_log, officer, officer_session, text_override

__all__ = [
    "Id",
    "access_log",
    "address",
    "attachment",
    "attempt",
    "bank_notice",
    "case_event",
    "case_example",
    "channel_state",
    "conversation",
    "engagement",
    "grievance",
    "import_row",
    "inbox",
    "lease",
    "meeting",
    "metadata",
    "note",
    "notice",
    "officer",
    "officer_session",
    "outbox",
    "partner",
    "partner_file",
    "partner_link",
    "person",
    "person_index",
    "raw_event",
    "redaction",
    "report_box",
    "report_issue",
    "sealed_matter",
    "slot",
    "task",
    "text_override",
    "trail_root",
]
