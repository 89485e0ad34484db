"""How the four stages of the procedure map to the two levels of the Grievance Log. Pure.

The log (Table 5 of the stakeholder engagement plan) has a "1st level" and a "2nd level" resolution.
Stages 1 (local resolver) and 2 (the project's own unit) are the first answer a person gets; stages
3 (committee) and 4 (courts) are what an appeal leads to.
"""

from __future__ import annotations

from typing import Literal

Level = Literal[1, 2]


def level(stage: int) -> Level:
    """The Grievance Log's level of ``stage``: 1 for stages 1 and 2, 2 for stages 3 and 4."""
    return 1 if stage <= 2 else 2
