"""Grievance Log, report and `/metrics` with 1,000 and 100,000 grievances: seconds, most memory.

The rows go in directly and in bulk; nothing but the reports is measured. Each measure runs in a
process of its own, so that its memory is its own.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from store.db import transaction
from store.schema import case_event, grievance
from tests import instance
from tests.bench.figures import Figure, Scale, say
from tests.bench.servers import folder

SIZES, SMALL_SIZES = (1_000, 100_000), (200,)
BEGIN = datetime(2025, 7, 1, tzinfo=UTC)
WORDS = (
    "Худгийн насос эвдэрсэн, айлууд усгүй байна", "Сургалтын бүртгэл хаагдсан",
    "Цахим үйлчилгээний системд нэвтэрч чадахгүй байна", "Тендерийн дүнг нийтлээгүй",
    "Барилгын тоос, дуу чимээ ихэссэн", "Төлбөр тооцоо удаашралтай",
)  # fmt: skip
_CHAIN = {"commitment": bytes(32), "hash": bytes(32), "salt": b""}


def _grievance(number: int, dice: random.Random) -> dict[str, Any]:
    at = BEGIN + timedelta(seconds=dice.random() * 365 * 86400)
    closed = (
        at + timedelta(days=dice.choice([1, 3, 8, 20, 29, 40])) if dice.random() < 0.8 else None
    )
    places = ("bayan-ulgii", "darkhan-uul", "ulaanbaatar", "khovd", "dornod", "orkhon", "selenge")
    return {
        "id": number, "reference": f"{number:08}", "code": "123456", "text": dice.choice(WORDS),
        "kind": dice.choices(["complaint", "request", "suggestion", "thanks"], [70, 20, 8, 2])[0],
        "category": dice.choices(
            ["training", "e_services", "procurement", "access", "other"], [30, 30, 15, 15, 10])[0],
        "place": dice.choices(places, [20, 10, 40, 8, 8, 8, 6])[0], "gist": dice.choice(WORDS),
        "language": dice.choices(["mn", "kk", "en"], [78, 20, 2])[0],
        "channel": dice.choices(["sms", "telegram", "voice", "web", "visit"], [45, 20, 20, 10, 5])[0],
        "anonymous": True, "sensitive": "violence" if dice.random() < 0.02 else "", "stage": 2,
        "status": "closed" if closed else "registered",
        "outcome": dice.choices(["resolved", "partly", "referred"], [70, 20, 10])[0] if closed else None,
        "resolution": "Газар дээр нь очиж шийдсэн" if closed else "", "received_at": at,
        "registered_at": at, "acknowledged_at": at + timedelta(minutes=2), "closed_at": closed,
        "due_at": at + timedelta(days=30), "head_hash": bytes(32), "head_mac": bytes(32),
        "facts": {"group": dice.choice(["herder", "older", "none", "disability"]),
                  "gender": dice.choice(["female", "male"])},
    }  # fmt: skip


def _events(row: dict[str, Any], dice: random.Random) -> Iterator[dict[str, Any]]:
    at, due = row["received_at"], row["due_at"].isoformat()
    names = ("channel", "kind", "category", "place", "language", "facts")
    told: list[tuple[str, datetime, dict[str, Any]]] = [
        ("registered", at, {"due_at": due, "stage": 2, **{name: row[name] for name in names}}),
        ("acknowledged", at + timedelta(minutes=2), {}),
    ]
    if closed := row["closed_at"]:
        kept = {"outcome": row["outcome"], "summary": row["resolution"]}
        told.append(("closed", closed, kept))
        if dice.random() < 0.6:
            rating = {"facts": {"rating": dice.choice([1, 2, 3, 3, 3])}}
            told.append(("classified", closed + timedelta(days=2), rating))
    for seq, (kind, moment, payload) in enumerate(told, 1):
        yield {"grievance_id": row["id"], "seq": seq, "kind": kind, "at": moment,
               "actor": "system", "payload": payload, **_CHAIN}  # fmt: skip


def fill(count: int, seed: int = 1) -> None:
    """``count`` invented grievances of one year with their trail."""
    dice = random.Random(seed)
    for first in range(1, count + 1, 5000):
        rows = [_grievance(n, dice) for n in range(first, min(first + 5000, count + 1))]
        with transaction() as tx:
            tx.execute(grievance.insert(), rows)
            tx.execute(case_event.insert(), [event for row in rows for event in _events(row, dice)])


# What each measure runs; prints seconds and the growth of the most memory in MB.
_PROGRAM = """
import re, sys, time
from datetime import date
from pathlib import Path
from admin import numbers
from bot import gazetteer
from config import clock
from store.db import reading
from workflow import log_files, report, report_files
from workflow.grievance_log import Wishes, rows
from workflow.period import Period
import workflow.report_docx, workflow.report_pdf
what, path = sys.argv[1], Path(sys.argv[2])
period = Period(date(2025, 7, 1), date(2026, 6, 30))
# The peak of this program alone: getrusage would start with that of the process that forked it.
status = Path("/proc/self/status")
memory = lambda: int(re.search("VmHWM:\\s+(\\d+)", status.read_text())[1]) / 1024
before, began = memory(), time.perf_counter()
if what == "metrics":
    path.write_bytes(numbers.exposition(clock.now()))
elif what in ("xlsx", "csv"):
    with reading() as tx:
        write = log_files.xlsx if what == "xlsx" else log_files.csv_file
        write(rows(tx, Wishes("mn", period)), "mn", path)
else:
    document = report.compose(report.gather(period, clock.now()), "mn", gazetteer.names)
    path.write_bytes(report_files.write(document, what))
print(time.perf_counter() - began, memory() - before)
"""


def reports(scale: Scale) -> Iterator[Figure]:
    """Both sizes; the report is made thrice, the first time computes and discloses the figures."""
    for size in SMALL_SIZES if scale.rounds == 1 else SIZES:
        with folder() as place:
            (place / "home").mkdir()
            instance.enter(instance.environment(place / "home"))
            say(f"reports: {size} grievances")
            fill(size)
            for what in ("metrics", "xlsx", "csv", "html", "pdf", "docx"):
                seconds, grown = _measure(what, place)
                yield Figure(f"reports.{what}.{size}", seconds, "s")
                yield Figure(f"reports.{what}.{size}.memory", grown, "MB more")
            instance.forget()


def _measure(what: str, place: Path) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, what, str(place / f"out.{what}")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, grown = map(float, done.stdout.split())
    return seconds, grown
