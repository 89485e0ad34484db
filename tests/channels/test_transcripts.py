"""One grievance on each channel, as its writer reads it: `transcripts/<channel>.txt`.

Played over real HTTP against the doubles. ``TRANSCRIPTS=write`` in the environment
writes the files anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
import time_machine
from sqlalchemy import select

from config import clock
from store.db import reading, transaction
from store.schema import grievance
from tests.channels.everything import Everything, everything
from tests.channels.website import Citizen
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

FOLDER = Path(__file__).parent / "transcripts"
WELL = "Манай сумын худаг ширгэсэн, ус алга"
PHONE, CHAT, PSID, MAIL = "+97688110001", 880001, "9900000000000001", "dorj@example.com"
OFFICER = Actor(Role.OFFICER, 1)
Way = tuple[dict[str, Any], Callable[[Everything, str], object]]


def by_mail(house: Everything, text: str) -> None:
    first = not house.sandbox.messages(mail=MAIL)
    house.sandbox.mail(MAIL, text, subject="Худгийн ус", reply=not first)
    house.fetch()


WAYS: dict[str, Way] = {
    "telegram": ({"chat": CHAT}, lambda house, text: house.sandbox.telegram(CHAT, text=text)),
    "messenger": ({"psid": PSID}, lambda house, text: house.sandbox.messenger(PSID, text=text)),
    "sms": ({"phone": PHONE}, lambda house, text: house.sandbox.sms(PHONE, text)),
    "gateway": (
        {"phone": PHONE},
        lambda house, text: house.sandbox.gateway("kannel", PHONE, text),
    ),
    "email": ({"mail": MAIL}, by_mail),
}


# A Tuesday morning in Ulaanbaatar: the office is open, and the dates are known.
NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Everything]:
    with time_machine.travel(NOW), everything(tmp_path) as found:
        yield found


def close(house: Everything) -> None:
    """The officer's one click, with an honest outcome."""
    with transaction() as tx:
        (number,) = tx.execute(select(grievance.c.id)).scalars()
        casework = Casework(tx, clock.now())
        casework.load([number])
        values = {"outcome": "resolved", "summary": "Худгийн насосыг сольсон, ус гарч байна"}
        casework.act(Act("close", number, OFFICER, values))
        casework.flush()
    house.go()


def compared(channel: str, lines: list[str]) -> None:
    """Against the file; number, code and address are made the same first."""
    told = "\n".join(lines) + "\n"
    with reading() as tx:
        (case,) = tx.execute(select(grievance)).all()
    told = told.replace(case.reference, "26000127").replace(case.code, "123456")
    told = re.sub(r"http://127\.0\.0\.1:\d+", "https://hariu.example.org", told)
    file = FOLDER / f"{channel}.txt"
    if os.environ.get("TRANSCRIPTS") == "write":
        file.write_text(told)
    assert told == file.read_text()


@pytest.mark.parametrize("channel", WAYS)
def test_transcript(house: Everything, channel: str) -> None:
    whose, say = WAYS[channel]
    for text in (WELL, "Баян-Өлгий, Улаанхус", "Алгасах", "ЯВЦ"):
        say(house, text)
        house.settle()
    close(house)
    house.settle()
    lines = []
    for entry in house.sandbox.messages(**whose):
        mark = ">" if entry["direction"] == "in" else "<"
        shown = [button["text"] for row in entry.get("buttons") or [] for button in row]
        said = entry["text"] + (f"\n[{'] ['.join(shown)}]" if shown else "")
        lines += [f"{mark} {line}" for line in said.splitlines()] + [""]
    compared(channel, lines[:-1])


def test_transcript_of_the_website(house: Everything) -> None:
    citizen = Citizen(house.url)
    citizen.send(text=WELL, kind="complaint", aimag="bayan_olgii", soum="Улаанхус")
    reference, code = citizen.numbers()
    pages = [citizen.page]
    house.settle()
    pages.append(citizen.ask(reference, code))
    close(house)
    pages.append(citizen.ask(reference, code))
    lines = [f"> {WELL}"]
    for page in pages:
        lines += ["", *(f"< {line}" for line in read_aloud(page, reference, code))]
    compared("website", lines)


def read_aloud(page: httpx.Response, *numbers: str) -> list[str]:
    """The page's own part, a line for each paragraph, row or heading."""
    main = page.text.partition("<main")[2].partition("</main>")[0].partition(">")[2]
    main = re.sub(r"<(script|svg).*?</\1>", "", main, flags=re.S)
    broken = re.sub(r"</(p|h\d|dd|li|div|button|label)>", "\n", main.replace("\n", " "))
    plain = unescape(re.sub(r"<[^>]+>", " ", broken))
    for number in numbers:  # shown in groups
        plain = re.sub(r"\s?".join(number), number, plain)
    return [line for line in (" ".join(line.split()) for line in plain.splitlines()) if line]
