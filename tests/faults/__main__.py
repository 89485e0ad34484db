"""``python -m tests.faults``: the long run on both stores, and a table of what came of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.faults.run import Report, long, run

STORES = ("sqlite", "postgresql")
SHOWN = 20


def main() -> int:
    """Run, print, and answer 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--messages", type=int, default=5000, help="messages to send to each store")
    parser.add_argument("--store", choices=(*STORES, "both"), default="both")
    parser.add_argument("--seed", type=int, default=1, help="the same faults in the same order")
    chosen = parser.parse_args()
    stores = STORES if chosen.store == "both" else (chosen.store,)
    reports = []
    for store in stores:
        print(f"{store}: {chosen.messages} messages, seed {chosen.seed} …", flush=True)
        folder = Path(tempfile.mkdtemp(prefix=f"hariu-faults-{store}-"))
        reports.append(run(long(store, chosen.messages, chosen.seed), folder))
        _tell(reports[-1], folder)
    print(table(reports))
    return 1 if any(report.violations for report in reports) else 0


def _tell(report: Report, folder: Path) -> None:
    """What went wrong, and where to look."""
    for sentence in report.violations[:SHOWN]:
        print(f"  WRONG {sentence}")
    if report.violations:
        print(f"  {len(report.violations)} wrong; journal and logs are in {folder}", flush=True)


def table(reports: list[Report]) -> str:
    """The runs side by side: numbers, then faults."""
    faults = sorted(set().union(*(report.faults for report in reports)))
    rows = [
        ("", *(report.plan.store for report in reports)),
        *((name, *(f"{r.numbers[name]:g}" for r in reports)) for name in reports[0].numbers),
        *((name, *(str(report.faults[name]) for report in reports)) for name in faults),
    ]
    rows.append(("broken promises", *(str(len(report.violations)) for report in reports)))
    wide = max(len(row[0]) for row in rows)
    return "\n".join(
        "  ".join([row[0].ljust(wide), *(c.rjust(12) for c in row[1:])]) for row in rows
    )


if __name__ == "__main__":
    sys.exit(main())
