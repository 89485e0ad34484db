"""What officers write down of recordings: calls to the hotline, voice notes of chats."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table

from store.columns import Encrypted, Moment
from store.schema.base import Id, metadata, ref

recording_note = Table(
    "recording_note",
    metadata,
    Column("attachment_id", Id, ForeignKey("attachment.id"), primary_key=True, autoincrement=False),
    ref("grievance_id", "grievance", nullable=False, index=True),
    # Of a sealed matter nothing stands here: its words have one place of their own.
    Column("transcript", Encrypted("recording_note.transcript"), nullable=False),
    Column("gist", Encrypted("recording_note.gist", "json"), nullable=False),
    ref("officer_id", "officer", nullable=False),
    Column("heard_at", Moment),
    Column("updated_at", Moment, nullable=False),
)
