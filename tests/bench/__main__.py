"""``python -m tests.bench [--small] [NAME…]``: measure; one JSON object a line on stdout.

Names: accept, drain, house (latency, slow clients), texts, reports, language. Every rate is a median of rounds that take turns
with their baseline; ratios are the medians of the rounds' own ratios. Progress is on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from tests.bench import bench_language
from tests.bench.accept import accept
from tests.bench.bench_texts import texts
from tests.bench.drain import drain
from tests.bench.figures import FULL, SMALL, Figure, Scale
from tests.bench.house import in_house
from tests.bench.reports import reports

BENCHES: dict[str, Callable[[Scale], Iterator[Figure]]] = {
    "accept": accept,
    "drain": drain,
    "house": in_house,
    "reports": reports,
    "texts": texts,
}


def main(arguments: list[str]) -> int:
    """Run the benches that are named, or all of them."""
    scale = SMALL if "--small" in arguments else FULL
    names = [name for name in arguments if name != "--small"] or [*BENCHES, "language"]
    if unknown := set(names) - {*BENCHES, "language"}:
        print(f"no such bench: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    for name in names:
        if name == "language":
            sys.argv = sys.argv[:1]
            bench_language.main()
            continue
        for figure in BENCHES[name](scale):
            print(figure.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
