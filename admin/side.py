"""Beside a grievance: the list it was opened from. Beside the queue: filters, kept as own views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from sqlalchemy import ColumnElement, and_, or_, select, true

from admin import guard, views, words
from bot import gazetteer
from config.profile import profile
from store.db import Transaction
from store.schema import grievance

_FEW = 6


def of(tx: Transaction, scope: views.Scope) -> dict[str, Any]:
    """Some rows of the view in the address, or of all open ones: those around the grievance."""
    asked = request.args.get("view", "open")
    view = next((item for item in views.offered(scope) if item.name == asked), None)
    view = view or views.BY_NAME["open"]
    rows = views.page(tx, scope, view).rows
    here = (request.view_args or {}).get("reference")
    at = next((place for place, row in enumerate(rows) if row.reference == here), 0)
    first = max(0, min(at - _FEW // 2, len(rows) - _FEW))
    return {"side_view": view, "side_rows": rows[first : first + _FEW], "view_name": view.name}


def filters(arguments: Mapping[str, str]) -> dict[str, str]:
    """The filters in an address or form that mean something."""
    return {
        name: arguments[name] for name, codes in offered().items() if arguments.get(name) in codes
    }


def offered() -> dict[str, tuple[str, ...]]:
    """What the queue can be narrowed to."""
    return {
        "channel": tuple(code for code in words.CHANNEL_ICONS if code == words.channel_name(code)),
        "category": tuple(item.code for item in profile().categories),
        "language": profile().languages,
        "place": tuple(gazetteer.aimags()),
    }


def narrowed(chosen: Mapping[str, str]) -> ColumnElement[bool]:
    """The condition of these filters."""
    conditions: list[ColumnElement[bool]] = [true()]
    for name, code in chosen.items():
        column = grievance.c[name]
        inside = (
            column.startswith(f"{code}/", autoescape=True) if name == "place" else column == code
        )
        conditions.append(or_(column == code, inside))
    return and_(*conditions)


def place_name(code: str) -> str:
    """A place in the officer's words."""
    return gazetteer.names(code, guard.language())


def first_new(tx: Transaction, scope: views.Scope) -> str:
    """The oldest unread grievance that needs a first look; "" where none waits."""
    query = select(grievance.c.reference).where(views.BY_NAME["first"].where(scope))
    query = query.order_by(grievance.c.unread.desc(), grievance.c.id.desc()).limit(1)
    return tx.scalar(query) or ""
