"""The tables. One place for names, types and constraints; migrations follow from here."""

from store.schema.base import Id, metadata
from store.schema.calls import recording_note
from store.schema.cases import case_event, grievance, note, sealed_matter, trail_root
from store.schema.desk import (
    bulk_run,
    canned_reply,
    case_link,
    draft,
    extra_holiday,
    forum_case,
    forum_issue,
    looking,
    own_profile,
    saved_view,
    setting_change,
)
from store.schema.hooks import hook, hook_call
from store.schema.messages import (
    attachment,
    channel_state,
    conversation,
    inbox,
    outbox,
    raw_event,
    task,
)
from store.schema.partners import api_filing, api_key, import_row, partner
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
    "api_filing",
    "api_key",
    "attachment",
    "attempt",
    "bank_notice",
    "bulk_run",
    "canned_reply",
    "case_event",
    "case_example",
    "case_link",
    "channel_state",
    "conversation",
    "draft",
    "engagement",
    "extra_holiday",
    "forum_case",
    "forum_issue",
    "grievance",
    "hook",
    "hook_call",
    "import_row",
    "inbox",
    "lease",
    "looking",
    "meeting",
    "metadata",
    "note",
    "notice",
    "officer",
    "officer_session",
    "outbox",
    "own_profile",
    "partner",
    "partner_file",
    "partner_link",
    "person",
    "person_index",
    "raw_event",
    "recording_note",
    "redaction",
    "report_box",
    "report_issue",
    "saved_view",
    "sealed_matter",
    "setting_change",
    "slot",
    "task",
    "text_override",
    "trail_root",
]
