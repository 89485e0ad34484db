"""What helps officers to begin: the keys, and a list of first steps that ticks itself off."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template
from sqlalchemy import func, select

from admin import demo, guard
from config.profile import profile
from config.settings import settings
from store import channels, officers
from store.db import Transaction, reading
from store.schema import grievance, inbox, setting_change
from workflow.states import Role

blueprint = Blueprint("guide", __name__)
KEYS = (
    ("?", "help"), ("/", "search"), ("H", "home"), ("J", "next"), ("K", "prev"), ("N", "new"),
    ("A", "take"), ("R", "reply"), ("T", "note"), ("S", "step"), ("U", "undo"), ("1-9", "view"),
    ("Ctrl Enter", "send"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One first step: ``desk.guide.<name>``, whether it is done, where to do it (an endpoint)."""

    name: str
    done: bool
    where: str = ""


@blueprint.get("/keys")
def keys() -> str:
    """The keyboard, with its off switch."""
    return render_template("keys.html", keys=KEYS)


@blueprint.get("/guide")
def board() -> str:
    """First steps, from how things really are."""
    with reading() as tx:
        return render_template("guide.html", checks=checks(tx))


def checks(tx: Transaction) -> list[Check]:
    """Each step and whether it was taken."""
    staff = officers.everyone(tx, active_only=True)
    active = [row for row in channels.health(tx) if row.active]
    count = select(func.count())
    real = count.select_from(grievance).where(func.coalesce(demo.demo_cases(), False).is_(False))
    loaded = tx.scalar(count.select_from(grievance).where(demo.demo_cases()))
    administers = Role.ADMINISTRATOR in guard.officer().roles
    edited = count.select_from(setting_change).where(setting_change.c.what.startswith("reply "))
    holders = {role for person in staff for role in person.roles}
    return [
        Check("password", not guard.officer().must_change, "auth.password"),
        Check("totp", guard.officer().has_totp, "auth.totp"),
        Check("public", not settings().on_loopback),
        Check("channels", any(row.last_in_at for row in active), "state.board"),
        Check("staff", len(staff) > 1, "staff.board" if administers else ""),
        Check("focal", Role.FOCAL_POINT in holders),
        Check("second", bool({Role.COORDINATOR, Role.PSC_SECRETARY} & holders)),
        Check("canned", bool(tx.scalar(edited)), "settings.replies"),
        Check("phone", bool(profile().organisation.phone)),
        Check("message", bool(tx.scalar(count.select_from(inbox))) and bool(tx.scalar(real))),
        Check("practice", bool(loaded)),
    ]
