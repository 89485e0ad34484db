"""What a profile says of approving, referring, telling the World Bank, and forgetting."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Approver(_Model):
    """A named person outside the office who lets grave closures pass where it has one person."""

    name: str
    channel: Literal["sms", "mail"]
    address: str
    days: int = Field(default=7, gt=0)  # how long the link lives


class Bank(_Model):
    """Of which grievances the World Bank is told, and how soon."""

    categories: tuple[str, ...] = ()
    sensitive: bool = False
    hours: int = Field(default=48, gt=0)

    def wants(self, category: str | None, sensitive: str) -> bool:
        """Whether the Bank must be told of such a grievance."""
        return category in self.categories or (self.sensitive and bool(sensitive))


class Retention(_Model):
    """How long what is kept. None: for ever. What keeps numbers only is never deleted."""

    closed_months: int | None = Field(default=None, gt=0)  # persons, after the last closing
    withdrawn_days: int | None = Field(default=None, gt=0)  # persons who withdrew everything
    loose_days: int | None = Field(default=None, gt=0)  # addresses that never registered anything
    raw_days: int | None = Field(default=None, gt=0)  # what providers sent, as they sent it
    dead_days: int | None = Field(default=None, gt=0)  # the same of messages nobody could read
    attempt_hours: int = Field(default=48, gt=1)  # counted tries at codes
