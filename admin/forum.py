"""Matters for the City Forum: many grievances of one cause, their agenda, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import func, select, update
from werkzeug.wrappers import Response

from admin import dossier, guard, links, views, words
from store.db import Transaction, reading, transaction
from store.schema import forum_case, forum_issue, grievance
from workflow.commands import Act, Actor, Refused
from workflow.handlers import Casework
from workflow.states import STAFF, Role

blueprint = Blueprint("forum", __name__, url_prefix="/forum")
_MOST = 200


def _actor() -> Actor:
    roles = STAFF & {Role(role) for role in guard.officer().roles}
    if not roles:
        abort(403)
    return Actor(next(role for role in Role if role in roles), guard.officer().id)


@blueprint.get("/")
def board() -> str:
    """Every matter, the newest first."""
    count = func.count(forum_case.c.id).label("count")
    query = select(forum_issue, count).outerjoin(forum_case).group_by(forum_issue.c.id)
    with reading() as tx:
        rows = tx.execute(query.order_by(forum_issue.c.id.desc())).all()
    return render_template("forum.html", rows=rows, may=links.may_join())


@blueprint.post("/")
def add() -> Response:
    """Make a matter of grievances: those named by their numbers."""
    _actor()
    title = " ".join(request.form.get("title", "").split())[:200]
    if not title:
        abort(400)
    with transaction() as tx:
        row = {"title": title, "officer_id": guard.officer().id, "at": guard.now()}
        (number,) = tx.insert_ids(forum_issue, [row])
        _put(tx, number, request.form.get("references", ""))
    return redirect(url_for("forum.issue", number=number), 303)


def _put(tx: Transaction, number: int, references: str) -> None:
    """Add grievances the officer may see; sensitive matters are for no forum."""
    scope = views.Scope(guard.officer(), guard.now())
    wanted = dict.fromkeys(references.replace(",", " ").split()[:_MOST])
    rows = [
        {"issue_id": number, "grievance_id": item.case.id}
        for item in dossier.briefly(tx, scope, wanted)
        if not item.case.sensitive
    ]
    if rows:
        tx.execute(tx.ignore_insert(forum_case), rows)


def found(tx: Transaction, number: int) -> Any:
    """The matter of that number, or 404."""
    one = select(forum_issue).where(forum_issue.c.id == number)
    return tx.execute(one).first() or abort(404)


def cases_of(tx: Transaction, number: int) -> Sequence[Any]:
    """Its grievances that this officer may see; one that was sealed since is for no forum."""
    scope = views.Scope(guard.officer(), guard.now())
    names = ("id", "reference", "status", "place", "language", "received_at", "gist", "text")
    query = (
        select(*(grievance.c[name] for name in names))
        .join(forum_case, forum_case.c.grievance_id == grievance.c.id)
        .where(forum_case.c.issue_id == number, views.visible(scope), grievance.c.sensitive == "")
    )
    return tx.execute(query.order_by(grievance.c.id)).all()


@blueprint.get("/<int(max=2147483647):number>")
def issue(number: int) -> str:
    """One matter: its grievances, its agenda to be printed, its decision."""
    with reading() as tx:
        matter = {"issue": found(tx, number), "cases": cases_of(tx, number)}
    return render_template("forum_issue.html", may=links.may_join(), **matter)


@blueprint.post("/<int(max=2147483647):number>/cases")
def put(number: int) -> Response:
    """Add grievances to a matter."""
    _actor()
    with transaction() as tx:
        found(tx, number)
        _put(tx, number, request.form.get("references", ""))
    return redirect(url_for("forum.issue", number=number), 303)


Decided = tuple[date, str]  # when the forum was held, and what it decided


def typed(form: Mapping[str, str]) -> Decided:
    """The decision as a form has it; 400 where it has none."""
    decision = form.get("decision", "").strip()[:4000]
    try:
        held_on = date.fromisoformat(form.get("held_on", ""))
    except ValueError:
        abort(400)
    return (held_on, decision) if decision else abort(400)


def record(tx: Transaction, number: int, decided: Decided) -> None:
    """Keep the decision with its matter."""
    held_on, decision = decided
    one = update(forum_issue).where(forum_issue.c.id == number)
    tx.execute(one.values(decision=decision, held_on=held_on, decided_at=guard.now()))


def noted(decided: Decided) -> str:
    """The decision as a note of each grievance."""
    held_on, decision = decided
    return words.t("forum.note", date=held_on.isoformat(), decision=decision)


@blueprint.post("/<int(max=2147483647):number>/decision")
def decide(number: int) -> Response:
    """Write the decision back as a note with each grievance, and tell nobody: see `admin.bulk`."""
    actor, decided = _actor(), typed(request.form)
    with transaction() as tx:
        found(tx, number)
        record(tx, number, decided)
        cases = cases_of(tx, number)
    text = noted(decided)
    for case in cases:
        _note(case.id, actor, text)
    flash(words.counted("forum.written", len(cases)))
    return redirect(url_for("forum.issue", number=number), 303)


def _note(grievance_id: int, actor: Actor, text: str) -> None:
    """One that refuses stops no other."""
    try:
        with transaction() as tx:
            work = Casework(tx, guard.now())
            work.act(Act("note", grievance_id, actor, {"text": text}))
            work.flush()
    except Refused as refusal:
        flash(words.t(f"problem.{refusal.code}"))
