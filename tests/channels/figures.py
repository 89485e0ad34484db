"""``python -m tests.channels.figures``: kept events of each channel, what they mean, and lines.

An event means messages or reports, is passed over, or is refused as unreadable and kept.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.channels.cases import PAYLOADS

ROOT = Path(__file__).parent.parent.parent
FILES = {
    "telegram": ("telegram", "telegram_update"),
    "messenger": ("messenger", "messenger_event"),
    "sms": ("sms_twilio", "twilio_webhook"),
    "gateway": ("sms_gateway",),
    "email": (
        "mail", "mail_imap", "mail_smtp", "mail_server", "mail_read", "mail_parse", "mail_rules",
        "mail_quotes", "mail_html", "mail_words",
    ),
    "web": ("webform",),
}  # fmt: skip


def outcome(expected: Any) -> str:
    """What one kept event means, in a word."""
    if isinstance(expected, dict):
        return "unreadable" if "unparseable" in expected else outcome([expected])
    if not expected:
        return "passed over"
    kinds = {"report" if "provider_id" in item else item.get("kind", "text") for item in expected}
    return kinds.pop() if len(kinds) == 1 else "several kinds"


def outcomes(code: str) -> Counter[str]:
    """How many kept events of a channel mean what."""
    files = (PAYLOADS / code).glob("*.expected.json")
    return Counter(outcome(json.loads(file.read_text())) for file in files)


def lines(names: tuple[str, ...]) -> dict[str, int]:
    """Lines of each file of a channel."""
    found = ((name, ROOT / "channels" / f"{name}.py") for name in names)
    return {f"{name}.py": len(file.read_text().splitlines()) for name, file in found}


def main() -> None:
    """Print a table."""
    for code, names in FILES.items():
        if (PAYLOADS / code).exists():
            counts = outcomes(code)
            told = ", ".join(f"{word} {count}" for word, count in counts.most_common())
            print(f"{code}: {counts.total()} kept events: {told}")
        sizes = lines(names)
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        print(f"{code}: {sum(sizes.values())} lines: {listed}")


if __name__ == "__main__":
    main()
