"""The queue: one list, preset views with counts, one search box."""

from __future__ import annotations

import base64
import binascii

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from admin import guard, views
from store.crypto import CryptoError, seal, unseal
from store.db import reading

blueprint = Blueprint("queue", __name__)
_CONTEXT = "desk.search"
_LONGEST = 100


@blueprint.get("/")
def board() -> str:
    """The list of a view, or what a search found."""
    scope = views.Scope(guard.officer(), guard.now())
    view = _view(scope)
    find, after = request.args.get("find", ""), request.args.get("after", "")
    words = opened(find)
    with reading() as tx:
        page = (
            views.search(tx, scope, words, after) if words else views.page(tx, scope, view, after)
        )
        counts = views.counts(tx, scope)
    return render_template(
        "queue.html", view=view, views=views.offered(scope), counts=counts, page=page,
        words=words, find=find if words else "", after=after,
    )  # fmt: skip


def _view(scope: views.Scope) -> views.View:
    """The view asked for, among those this officer gets."""
    asked = request.args.get("view", "open")
    return next((view for view in views.offered(scope) if view.name == asked), views.VIEWS[-2])


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
