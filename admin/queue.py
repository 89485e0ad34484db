"""The queue: one list, preset views with counts, one search box."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from admin import guard, links, side, views
from config.profile import profile
from store import desk
from store.crypto import CryptoError, seal, unseal
from store.db import Transaction, reading, transaction
from workflow.office import Office

blueprint = Blueprint("queue", __name__)
_CONTEXT = "desk.search"
_LONGEST = 100


@blueprint.get("/")
def board() -> str:
    """The list of a view, or what a search found."""
    scope = views.Scope(guard.officer(), guard.now())
    view = _view(scope)
    find, after = request.args.get("find", ""), request.args.get("after", "")
    words, chosen = opened(find), side.filters(request.args)
    with reading() as tx:
        page = (
            views.search(tx, scope, words, after)
            if words
            else views.page(tx, scope, view, after, side.narrowed(chosen))
        )
        counts = views.counts(tx, scope)
        more = {
            "saved": desk.saved_views(tx, scope.officer.id),
            "escalated": _escalated(tx, scope, counts["escalated"]),
            "may_bulk": links.may_join(),
            "first_new": side.first_new(tx, scope),
        }
    return render_template(
        "queue.html", view=view, views=views.offered(scope), counts=counts, page=page,
        words=words, find=find if words else "", after=after, filters=chosen,
        offered=side.offered(), place_name=side.place_name, **more,
    )  # fmt: skip


def _escalated(tx: Transaction, scope: views.Scope, count: int) -> int:
    """How many matters whose deadline has passed wait for this officer, who is on duty."""
    return count if count and scope.officer in Office.load(tx, profile()).duty() else 0


def _view(scope: views.Scope) -> views.View:
    """The view asked for, among those this officer gets."""
    asked = request.args.get("view", "open")
    return next((view for view in views.offered(scope) if view.name == asked), views.VIEWS[-2])


@blueprint.post("/views")
def keep_view() -> Response:
    """Keep a view with its filters under a name, or forget it."""
    form, me = request.form, guard.officer()
    view = form.get("view", "open")
    if view not in views.BY_NAME:
        view = "open"
    chosen, name = side.filters(form), " ".join(form.get("name", "").split())[:60]
    number = form.get("drop", "")
    with transaction() as tx:
        if number.isdecimal() and len(number) < 10:
            desk.drop_view(tx, me.id, int(number))
        elif name:
            desk.save_view(tx, me.id, name, view, chosen)
    return redirect(url_for("queue.board", view=view, **dict[str, Any](chosen)), 303)


@blueprint.post("/search")
def search() -> Response:
    """Searches are for phones and names, which no URL may hold: the words travel encrypted."""
    words = " ".join(request.form.get("words", "").split())[:_LONGEST]
    if not words:
        return redirect(url_for("queue.board"), 303)
    return redirect(url_for("queue.board", find=sealed(words)), 303)


def sealed(words: str) -> str:
    """``words`` as a piece of a URL that only this instance can read."""
    return base64.urlsafe_b64encode(seal(words.encode(), _CONTEXT)).decode()


def opened(find: str) -> str:
    """The words behind a piece of a URL; "" for none, or a piece that is not ours."""
    try:
        stored = base64.urlsafe_b64decode(find)
        return unseal(stored, _CONTEXT).decode() if stored else ""
    except (binascii.Error, ValueError, CryptoError):
        return ""
