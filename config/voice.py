"""What a project decides about its hotline: the table ``[voice]`` of a profile."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

Month = Annotated[int, Field(ge=1, le=12)]


class Window(BaseModel):
    """When people can be called, local times; ``months`` empty for the whole year."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    months: tuple[Month, ...] = ()
    opens: time
    closes: time


class Voice(BaseModel):
    """The hotline. ``number`` where SMS go through a messaging service, which cannot call.

    ``dial`` are the phones of the office, called together when somebody asks for a person;
    ``ring_seconds`` is how long we let it ring, so that a missed call costs nothing; ``mobile``
    is a pattern of numbers that take SMS. A call that nobody took is made ``tries`` times,
    ``pause_hours`` apart, in the first of ``windows`` that holds for the month.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str = ""
    dial: tuple[str, ...] = ()
    dial_seconds: int = Field(default=20, ge=5, le=60)
    ring_seconds: int = Field(default=3, ge=0, le=20)
    longest_seconds: int = Field(default=180, ge=10, le=3600)
    mobile: str = r"\+976(5[3-8]|6[069]|8\d|9\d)\d{6}|\+(?!976)\d{9,14}"
    missed: Literal["call", "text", "nothing"] = "call"
    tries: int = Field(default=3, ge=1, le=10)
    pause_hours: int = Field(default=3, ge=1, le=24)
    # Herders are with their animals by day: in summer it is light, and they are out, until late.
    windows: tuple[Window, ...] = (
        Window(months=(5, 6, 7, 8, 9), opens=time(19), closes=time(21, 30)),
        Window(opens=time(17, 30), closes=time(20, 30)),
    )

    def takes_texts(self, number: str) -> bool:
        """Whether an SMS to ``number`` has a chance."""
        return re.fullmatch(self.mobile, number) is not None

    def callable_from(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first moment from ``moment`` on at which people may be called."""
        local = moment.astimezone(zone)
        for day in range(3):
            date = local.date() + timedelta(days=day)
            window = self._window(date.month)
            opens = datetime.combine(date, window.opens, zone)
            if local < datetime.combine(date, window.closes, zone):
                return max(moment, opens)
        return moment

    def _window(self, month: int) -> Window:
        fitting = [item for item in self.windows if not item.months or month in item.months]
        return fitting[0] if fitting else Window(opens=time(10), closes=time(20))
