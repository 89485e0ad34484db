"""Accounts of partner organisations, made and shut by an administrator."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from admin import guard, words
from config import log
from config.profile import profile
from store import api_keys, officers, partners
from store.db import reading, transaction
from store.passwords import OfficerError
from workflow.states import Role

blueprint = Blueprint("partners", __name__, url_prefix="/partners")


def _administrator_only() -> None:
    if Role.ADMINISTRATOR not in guard.officer().roles:
        abort(403)


@blueprint.get("")
def board() -> str:
    """Every account, and a form for a new one."""
    _administrator_only()
    return _page()


def _page(problem: str = "", **told: str) -> str:
    with reading() as tx:
        found, keys = partners.accounts(tx), api_keys.listed(tx)
    return render_template(
        "partners.html", accounts=found, keys=keys, problem=problem, languages=partners.LANGUAGES,
        now=guard.now(), programs=profile().open311 is not None, **told,
    )  # fmt: skip


@blueprint.post("")
def add() -> str | tuple[str, int]:
    """Make an account; its one-time password is shown this once."""
    _administrator_only()
    form = request.form
    language = form.get("language", "")
    language = language if language in partners.LANGUAGES else partners.LANGUAGES[0]
    try:
        with transaction() as tx:
            password = partners.create(
                tx, form.get("login", ""), form.get("name", ""), form.get("organisation", ""),
                guard.now(), language,
            )  # fmt: skip
    except OfficerError as error:
        return _page(error.code), 422
    log.get().info("partner added", row=guard.officer().id)
    return _page(login=officers.normal(form.get("login", "")), password=password)


@blueprint.post("/<login>/reset")
def reset(login: str) -> str:
    """A new one-time password and no second factor: the phone or the password was lost."""
    account = _account(login)
    with transaction() as tx:
        password = officers.reset(tx, account.officer.id, guard.now())
        officers.change(tx, account.officer.id, totp=None, totp_used=0)
    return _page(login=account.officer.login, password=password)


@blueprint.post("/<login>/access")
def access(login: str) -> Response:
    """Shut an account, or open it again; what it filed stays."""
    account = _account(login)
    with transaction() as tx:
        active = not account.officer.active
        partners.set_active(tx, account.officer.id, guard.now(), active=active)
    flash(words.t("partners.changed"))
    return redirect(url_for("partners.board"), 303)


@blueprint.post("/<login>/keys")
def make_key(login: str) -> str | tuple[str, int]:
    """A key for a program of theirs; it is shown this once."""
    account, now = _account(login), guard.now()
    try:
        with transaction() as tx:
            key = api_keys.make(tx, account.officer.id, request.form.get("label", ""), now)
    except OfficerError as error:
        return _page(error.code), 422
    log.get().info("key made", row=guard.officer().id)
    return _page(login=account.officer.login, key=key)


@blueprint.post("/<login>/keys/<int:number>/revoke")
def revoke_key(login: str, number: int) -> Response:
    """End a key at once; what was filed with it stays."""
    account = _account(login)
    with transaction() as tx:
        ended = api_keys.revoke(tx, account.officer.id, number, guard.now())
    if not ended:
        abort(404)
    log.get().info("key revoked", row=guard.officer().id)
    flash(words.t("partners.changed"))
    return redirect(url_for("partners.board"), 303)


def _account(login: str) -> partners.Account:
    """The partner of that login; officers of the desk are not found here."""
    _administrator_only()
    with reading() as tx:
        found = {item.officer.login: item for item in partners.accounts(tx)}
    return found.get(login) or abort(404)
