"""How Hariu fares, for the officer: channels, messages that could not be read, calls to make."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select, text
from werkzeug.wrappers import Response

from admin import guard, hooks, numbers, views, words
from bot.sensitive import assess
from config import log
from store import automatic, channels, inbox, tasks
from store import hooks as hook_rows
from store.db import Transaction, reading, transaction
from store.schema import grievance
from store.schema import inbox as inbox_table
from store.schema import task as task_table
from workflow.states import STAFF, Role

blueprint = Blueprint("state", __name__)
_MOST = 50
_GIST = 160
# What set a message aside, by how its reason begins (see bot.jobs and channels.web).
_REASONS = {
    "unparseable": "unparseable",
    "could not be handled": "handling",
    "stopped its worker": "worker",
    "read again": "again",
}


def reason(error: str) -> str:
    """Why a message was set aside, in words."""
    found = next((name for start, name in _REASONS.items() if error.startswith(start)), "other")
    return words.t(f"dead.{found}")


@blueprint.before_request
def _who_acts() -> None:
    """Whoever only looks, or handles single grievances, reads this page and changes nothing."""
    if request.method == "POST" and not (STAFF | {Role.ADMINISTRATOR}) & set(guard.officer().roles):
        abort(403)


@blueprint.get("/health")
def board() -> str:
    """Each channel's last message in and out, dead letters with retry, calls to make."""
    with reading() as tx:
        found = {
            "channels": [row for row in channels.health(tx) if row.active],
            "silent": channels.SILENT_DAYS,
            "waiting": numbers.waiting(tx, guard.now()),
            "dead": _dead(tx),
            "calls": _calls(tx),
            "hooks": hook_rows.everyone(tx),
            "untold": hook_rows.dead(tx, _MOST),
            "machines": [_readable(row) for row in automatic.newest(tx, _MOST)],
        }
    found["since"] = guard.now() - timedelta(days=channels.SILENT_DAYS)
    return render_template("state.html", reason=reason, why_untold=hooks.failure, **found)


def _dead(tx: Transaction) -> list[object]:
    """The newest dead letters. Their words may be sensitive, so only facts are shown."""
    query = (
        select(
            inbox_table.c.id, inbox_table.c.channel, inbox_table.c.received_at,
            inbox_table.c.error, inbox_table.c.external_id,
        )
        .where(text("inbox.state = 'dead'"))  # spelt out: SQLite's partial index needs to see it
        .order_by(inbox_table.c.id.desc())
        .limit(_MOST)
    )  # fmt: skip
    return list(tx.execute(query).all())


def _readable(row: Any) -> dict[str, Any]:
    """A mail taken for automatic, for judging it; words that may be sensitive stay shut."""
    scope = views.Scope(guard.officer(), guard.now())
    hidden = assess(row.text).kind is not None and not scope.sees_sensitive
    words_of_it = "" if hidden else " ".join(row.text.split())[:_GIST]
    return {"id": row.id, "channel": row.channel, "at": row.received_at, "gist": words_of_it}


def _calls(tx: Transaction) -> list[object]:
    """Open tasks; those of matters this officer may not see are not even counted."""
    scope = views.Scope(guard.officer(), guard.now())
    query = (
        select(
            task_table.c.id, task_table.c.kind, task_table.c.created_at, task_table.c.detail,
            grievance.c.reference, grievance.c.due_at, grievance.c.place,
        )
        .outerjoin(grievance, grievance.c.id == task_table.c.grievance_id)
        .where(task_table.c.done_at.is_(None))
        .order_by(task_table.c.id)
        .limit(_MOST)
    )  # fmt: skip
    if not scope.sees_sensitive:
        query = query.where((grievance.c.sensitive.is_(None)) | (grievance.c.sensitive == ""))
    return list(tx.execute(query).all())


@blueprint.post("/health/messages/<int(max=2147483647):number>/again")
def again(number: int) -> Response:
    """Handle a dead letter again."""
    with transaction() as tx:
        done = inbox.replay(tx, number)
    flash(words.t("dead.queued" if done else "dead.raw"))
    return redirect(url_for("state.board"), 303)


@blueprint.post("/health/machines/<int(max=2147483647):number>/take")
def take(number: int) -> Response:
    """A person wrote it after all: handle it as any other message."""
    with transaction() as tx:
        if not automatic.take_in(tx, number):
            abort(404)
    log.get().info("automatic mail taken in", row=number, officer=guard.officer().id)
    flash(words.t("machines.taken"))
    return redirect(url_for("state.board"), 303)


@blueprint.post("/health/calls/<int(max=2147483647):number>/done")
def done(number: int) -> Response:
    """Tick a call off the list."""
    with transaction() as tx:
        if not tasks.by_hand(tx, number):
            abort(404)
        tasks.done(tx, number, guard.officer().id, guard.now())
    flash(words.t("calls.done"))
    return redirect(url_for("state.board"), 303)
