"""The menu of a chat: what a person may ask for at any time, in their language."""

from __future__ import annotations

from collections.abc import Sequence

from config.i18n import text

COMMANDS = ("help", "status", "language")


def menu(language: str) -> Sequence[tuple[str, str]]:
    """Each command, without its slash, and its words."""
    return [(command, text(f"menu.{command}", language)) for command in COMMANDS]
