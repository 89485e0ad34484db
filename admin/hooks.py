"""Which other systems are told of grievances: administrators name, test and turn them off."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from admin import guard, words
from config.settings import settings
from store import desk
from store import hooks as rows
from store.db import Transaction, reading, transaction
from workflow.hooks import Event, body, fault
from workflow.states import Role

blueprint = Blueprint("hooks", __name__, url_prefix="/settings/hooks")
_LONGEST = 500
_MOST = 20
_KNOWN = {"dns", "address", "unreachable", "tls", "unanswered", rows.GONE}


@blueprint.before_request
def _allowed() -> None:
    if not may():
        abort(403)


def may() -> bool:
    """Whether the officer may change what other systems are told."""
    return Role.ADMINISTRATOR in guard.officer().roles


@blueprint.get("/")
def board() -> str:
    """Every hook as it is now."""
    return _page()


def _page(typed: dict[str, Any] | None = None, wrong: str = "", **told: Any) -> str:
    """The hooks; a form that was refused (of the hook ``typed["id"]``) stands as it was typed."""
    with reading() as tx:
        forms = [dict(row._mapping) for row in rows.everyone(tx)]
        waiting, testing = rows.waiting(tx), rows.tests(tx)
    if len(forms) < _MOST:
        new = {"id": 0, "label": "", "url": "", "events": list(Event), "active": True}
        forms.append(new)
    if typed:
        forms = [{**form, **typed} if form["id"] == typed["id"] else form for form in forms]
    return render_template(
        "hooks.html", forms=forms, events=list(Event), wrong={typed["id"]: wrong} if typed else {},
        failure=failure, now=guard.now(), waiting=waiting, testing=testing, **told,
    )  # fmt: skip


def failure(code: str) -> str:
    """Why a hook was not told, in words."""
    if code in _KNOWN:
        return words.t(f"hooks.answer.{code}")
    if code.startswith("3"):
        return words.t("hooks.answer.redirect", status=code)
    return words.t("hooks.answer.status", status=code)


@blueprint.post("/<int(max=2147483647):number>")
def keep(number: int) -> Response | str | tuple[str, int]:
    """Change a hook; number 0 adds one, whose secret is shown this once."""
    form = request.form
    typed = {
        "label": " ".join(form.get("label", "").split())[:100],
        "url": form.get("url", "").strip()[:_LONGEST],
        "events": [event for event in Event if event in form.getlist("events")],
        "active": "active" in form,
    }
    if why := _wrong(typed):
        return _page({"id": number, **typed}, why), 422
    with transaction() as tx:
        secret = _keep(tx, number, typed)
    if secret:
        return _page(secret=secret, label=typed["label"])
    flash(words.t("settings.kept"))
    return redirect(url_for("hooks.board", _anchor=f"hook-{number}"), 303)


def _wrong(typed: dict[str, Any]) -> str:
    """What is wrong with the form, as the end of a text's key."""
    if why := fault(typed["url"], sandbox=settings().sandbox_on):
        return why
    missing = [name for name in ("label", "events") if not typed[name]]
    return missing[0] if missing else ""


def _keep(tx: Transaction, number: int, typed: dict[str, Any]) -> str:
    """Write it and remember the change; the secret of a new one."""
    now, secret = guard.now(), ""
    before = rows.get(tx, number) if number else None
    if before:
        rows.change(tx, number, now, **typed)
    elif number or len(rows.everyone(tx)) >= _MOST:
        abort(404)
    else:
        _, secret = rows.add(tx, now=now, **typed)
    was = _told(before._mapping) if before else ""
    if was != _told(typed):
        desk.changed(tx, guard.officer().id, f"hook {typed['label']}", was, _told(typed), now)
    return secret


def _told(one: Any) -> str:
    """A hook for the history, without what its address may hold of secrets."""
    host = urlsplit(one["url"]).hostname or ""
    events = ", ".join(event.partition(".")[2] for event in sorted(one["events"]))
    return "; ".join((one["label"], host, events, "on" if one["active"] else "off"))


@blueprint.post("/<int(max=2147483647):number>/secret")
def rotate(number: int) -> str:
    """A new secret, shown this once; the old one signs as well for a day."""
    with transaction() as tx:
        one = rows.get(tx, number) or abort(404)
        secret = rows.rotate(tx, number, guard.now())
        desk.changed(tx, guard.officer().id, f"hook {one.label}", "", "new secret", guard.now())
    return _page(secret=secret, label=one.label, rotated=True)


@blueprint.post("/<int(max=2147483647):number>/test")
def test(number: int) -> Response:
    """Send a test event; the page shows the answer as soon as it is there."""
    with transaction() as tx:
        if rows.get(tx, number) is None:
            abort(404)
        rows.test(tx, number, body(rows.TEST, guard.now(), {}), guard.now())
    return redirect(url_for("hooks.board", _anchor=f"hook-{number}"), 303)


@blueprint.post("/calls/<int(max=2147483647):number>/again")
def again(number: int) -> Response:
    """Tell once more what could not be told for days."""
    with transaction() as tx:
        if not rows.retry(tx, number, guard.now()):
            abort(404)
    flash(words.t("hooks.queued"))
    return redirect(url_for("state.board"), 303)
