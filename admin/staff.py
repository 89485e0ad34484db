"""Who works here: accounts added, roles changed, passwords reset, access ended. Administrators."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from admin import guard, words
from store import desk, officers
from store.db import Transaction, reading, transaction
from store.officers import Officer
from store.passwords import OfficerError
from workflow.states import Role

blueprint = Blueprint("staff", __name__, url_prefix="/settings/staff")


@blueprint.before_request
def _allowed() -> None:
    if Role.ADMINISTRATOR not in guard.officer().roles:
        abort(403)


@blueprint.get("/")
def board() -> str:
    """Every account of the desk."""
    return _page()


def _page(login: str = "", password: str = "") -> str:
    """The accounts; ``password`` is shown this once, and nowhere kept."""
    with reading() as tx:
        people = officers.everyone(tx)
    return render_template(
        "staff.html", people=people, roles=officers.ROLES, login=login, password=password,
        languages=officers.LANGUAGES,
    )  # fmt: skip


@blueprint.post("/")
def add() -> str | Response:
    """Add an account; its one-time password stands on the answer alone."""
    form, me = request.form, guard.officer().id
    asked = [role for role in form.getlist("role") if role in officers.ROLES]
    try:
        with transaction() as tx:
            password = officers.create(
                tx, form.get("login", ""), form.get("name", ""), asked,
                guard.now(), _language(form.get("language", "")),
            )  # fmt: skip
            login = officers.normal(form.get("login", ""))
            after = ", ".join(asked)
            desk.changed(tx, me, f"staff {login}", "", after, guard.now())
    except OfficerError as problem:
        flash(words.t(f"problem.{problem.code}"))
        return redirect(url_for("staff.board"), 303)
    return _page(login, password)


def _language(code: str) -> str:
    return code if code in officers.LANGUAGES else officers.LANGUAGES[0]


@blueprint.post("/<int(max=2147483647):number>")
def change(number: int) -> str | Response:
    """Change roles, end or open access, or give a new one-time password."""
    form = request.form
    if "reset" in form:
        return _reset(number)
    try:
        with transaction() as tx:
            _change(tx, _person(tx, number), form.getlist("role"), "active" in form)
    except OfficerError as problem:
        flash(words.t(f"problem.{problem.code}"))
    else:
        flash(words.t("settings.kept"))
    return redirect(url_for("staff.board"), 303)


def _reset(number: int) -> str:
    with transaction() as tx:
        person, me = _person(tx, number), guard.officer().id
        password = officers.reset(tx, number, guard.now())
        desk.changed(tx, me, f"staff {person.login}", "", "reset", guard.now())
    return _page(person.login, password)


def _person(tx: Transaction, number: int) -> Officer:
    found = [person for person in officers.everyone(tx) if person.id == number]
    return found[0] if found else abort(404)


def _change(tx: Transaction, person: Officer, asked: list[str], active: bool) -> None:
    """Nobody shuts themselves out: somebody else takes an administrator's access."""
    wanted = officers.known_roles(role for role in asked if role in officers.ROLES)
    if person.id == guard.officer().id and not (active and Role.ADMINISTRATOR in wanted):
        raise OfficerError("somebody else must do that", code="officer.own")
    officers.change(tx, person.id, roles=wanted, active=active)
    if not active:
        officers.end_sessions(tx, person.id, guard.now())
    before = ", ".join(person.roles) if person.active else "–"
    after = ", ".join(wanted) if active else "–"
    desk.changed(tx, guard.officer().id, f"staff {person.login}", before, after, guard.now())
