"""A grievance as a value. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class Case:
    """One grievance in memory: the columns of its row; `store.grievances` loads and saves it."""

    id: int
    reference: str
    code: str
    kind: str
    channel: str
    text: str
    status: str
    stage: int
    received_at: datetime
    registered_at: datetime
    head_hash: bytes
    head_mac: bytes
    folded: str = ""
    gist: str = ""
    category: str | None = None
    track: str = "project"
    place: str | None = None
    bag: str = ""
    language: str | None = None
    address_id: int | None = None
    complainant_id: int | None = None
    submitter_id: int | None = None
    anonymous: bool = False
    sensitive: str = ""
    outcome: str | None = None
    resolution: str = ""
    assignee_id: int | None = None
    acknowledged_at: datetime | None = None
    due_at: datetime | None = None
    paused_at: datetime | None = None
    closed_at: datetime | None = None
    waiting_on: str = "us"
    waiting_since: datetime | None = None
    attend_at: datetime | None = None
    clock: dict[str, Any] = field(default_factory=dict)
    decided_at: datetime | None = None
    unread: bool = True
    version: int = 1
    head_seq: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether the procedure still runs."""
        return self.status != "closed"
