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
from store.schema.people import address, person, person_index
from store.schema.runtime import attempt, lease, slot
from store.schema.staff import access_log, officer, officer_session, text_override

__all__ = [
    "Id",
    "access_log",
    "address",
    "attachment",
    "attempt",
    "case_event",
    "channel_state",
    "conversation",
    "grievance",
    "inbox",
    "lease",
    "metadata",
    "note",
    "officer",
    "officer_session",
    "outbox",
    "person",
    "person_index",
    "raw_event",
    "sealed_matter",
    "slot",
    "task",
    "text_override",
    "trail_root",
]
