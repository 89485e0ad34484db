"""The dialogue's values: what is said to a person, and what they may answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# (value that comes back, catalogue key of its label)
Options = tuple[tuple[str, str], ...]

YES_NO: Options = (("yes", "choice.yes"), ("no", "choice.no"))
LANGUAGES: Options = tuple(
    (f"language:{code}", f"choice.language.{code}") for code in ("mn", "kk", "en")
)
SCRIPTS = {code: (f"script:{code}", f"choice.script.{code}") for code in ("latin", "cyrillic")}
MENU: Options = tuple(
    (f"menu:{name}", f"choice.menu.{name}")
    for name in ("complain", "suggest", "status", "person", "language")
)


@dataclass(frozen=True, slots=True)
class Tell:
    """Say the text ``key``; about the grievance ``case_id`` where one is meant.

    With ``options`` it is a question: buttons in a chat, a numbered list in an SMS, keys on the
    telephone. An option's value holds its whole meaning, so an old button still says what it did.
    """

    key: str
    case_id: int | None = None
    options: Options = ()
    values: Mapping[str, str] = field(default_factory=dict)
