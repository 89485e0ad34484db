"""Two instances that got each other's address answer each other once, not for ever."""

from __future__ import annotations

from pathlib import Path

from tests.channels.two_houses import Neighbours, begin
from tests.house import until


def test_an_answer_of_one_house_is_not_answered_by_the_other(tmp_path: Path) -> None:
    with Neighbours(tmp_path) as houses:
        first, second = begin(houses)
        until(lambda: houses.letters(second), 20, "an acknowledgement")
        (line,) = houses.carry()
        assert line.startswith(f"{second} > {first}")
        until(lambda: [row["state"] for row in houses.houses[first].dump("inbox")] == ["done"],
              20, "the acknowledgement read")  # fmt: skip
        assert houses.houses[first].dump("outbox") == []
        assert houses.houses[first].dump("grievances") == [], "nor registered"
        assert len(houses.houses[second].dump("inbox")) == 1
