"""Beside a grievance: others like it, those it is joined with, and splitting it in two."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from admin import dossier, guard, views, words
from store.case import Case
from store.db import Transaction, reading, transaction
from workflow import joining
from workflow.commands import Actor, Refused
from workflow.similar import similar
from workflow.states import STAFF, Role

blueprint = Blueprint("links", __name__, url_prefix="/cases")


def _scope() -> views.Scope:
    return views.Scope(guard.officer(), guard.now())


def _found(tx: Transaction, reference: str) -> Case:
    return dossier.find(tx, _scope(), reference) or abort(404)


def may_join() -> bool:
    """Whether the officer may link grievances."""
    return bool(STAFF & {Role(role) for role in guard.officer().roles})


def _actor() -> Actor:
    roles = STAFF & {Role(role) for role in guard.officer().roles}
    if not roles:
        abort(403)
    return Actor(next(role for role in Role if role in roles), guard.officer().id)


def of(tx: Transaction, case: Case) -> dict[str, Any]:
    """The live links of a grievance, and whether the officer may change them."""
    return {"links": joining.links(tx, case.id), "may_join": may_join() and not case.sensitive}


@blueprint.get("/<reference>/similar")
def suggestions(reference: str) -> str:
    """Others like it: a piece of the page for htmx, else a page of its own."""
    with reading() as tx:
        case = _found(tx, reference)
        found = similar(tx, case, visible=views.visible(_scope()))
        linked = {row.reference for row in joining.links(tx, case.id)}
    rows = [item for item in found if item.reference not in linked]
    page, heading = ("similar.html", "h3") if guard.is_partial() else ("similar_page.html", "h2")
    return render_template(page, case=case, matches=rows, may_join=may_join(), heading=heading)


@blueprint.post("/<reference>/links")
def join(reference: str) -> Response:
    """Link it with another: the same cause, or worked on as one."""
    other, kind = request.form.get("other", "").replace(" ", ""), request.form.get("kind", "")
    return _changed(reference, "merged" if kind == "merged" else "joined", lambda tx, case:
        joining.join(tx, guard.now(), _actor(), case.id, _other(tx, other).id, kind)
    )  # fmt: skip


def _other(tx: Transaction, reference: str) -> Case:
    found = dossier.find(tx, _scope(), reference)
    if found is None or found.sensitive:
        raise Refused("no such grievance", code="refused.unknown")
    return found


@blueprint.post("/<reference>/links/<int(max=2147483647):number>/undo")
def part(reference: str, number: int) -> Response:
    """Take them apart again."""
    return _changed(
        reference,
        "parted",
        lambda tx, case: joining.part(tx, guard.now(), _actor(), case.id, number),
    )


@blueprint.post("/<reference>/split")
def split(reference: str) -> Response:
    """Make a second matter in it a grievance of its own."""
    typed = request.form.get("text", "")[:4000]
    return _changed(
        reference,
        "split_done",
        lambda tx, case: joining.split(tx, guard.now(), _actor(), case, typed),
    )


def _changed(reference: str, done: str, change: Any) -> Response:
    """Do it, and say so or why not."""
    _actor()
    try:
        with transaction() as tx:
            change(tx, _found(tx, reference))
        flash(words.t(f"links.{done}"))
    except Refused as refusal:
        flash(words.t(f"links.{refusal.code}"))
    return redirect(url_for("cases.show", reference=reference, _anchor="links"), 303)
