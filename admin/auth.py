"""Signing in and out, one's own password, second factor, sessions and language."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import session as browser
from werkzeug.wrappers import Response

from admin import guard, words
from config import log
from config.profile import profile
from store import officers, passwords
from store.db import reading, transaction
from store.passwords import OfficerError

blueprint = Blueprint("auth", __name__)


@blueprint.get("/sign-in")
def sign_in() -> str:
    """The form."""
    return render_template("sign_in.html", failed=False, login="")


@blueprint.post("/sign-in")
def enter() -> tuple[str, int] | Response:
    """Open a session where login, password and code are right."""
    form, now = request.form, guard.now()
    login = form.get("login", "")[:64]
    found = officers.authenticate(login, form.get("password", ""), form.get("code", ""), now)
    if found is None:
        log.get().warning("sign-in failed")
        return render_template("sign_in.html", failed=True, login=login), 401
    browser.clear()  # nothing planted before the sign-in outlives it
    with transaction() as tx:
        token = officers.start_session(tx, found.id, _agent(), now)
    log.get().info("signed in", row=found.id)
    return guard.give_cookie(redirect(url_for("queue.board"), 303), token)


def _agent() -> str:
    """The browser in a few words, as its owner would name it."""
    agent = request.user_agent.string
    browsers = ("Edg", "OPR", "SamsungBrowser", "Firefox", "Chrome", "Safari")
    systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
    named = [next((name for name in names if name in agent), "") for names in (browsers, systems)]
    return ", ".join(filter(None, named)) or "?"


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End this session."""
    with transaction() as tx:
        officers.end_session(tx, guard.officer().id, guard.session().id, guard.now())
    browser.clear()
    response = redirect(url_for("auth.sign_in"), 303)
    response.delete_cookie(guard.COOKIE, secure=guard.secure(), httponly=True, samesite="Lax")
    return response


@blueprint.post("/language")
def language() -> Response:
    """Switch the language: an officer's is stored, a stranger's goes with the address."""
    asked = request.form.get("language", "")
    asked = asked if asked in officers.LANGUAGES else officers.LANGUAGES[0]
    token = request.cookies.get(guard.COOKIE, "")
    with reading() as tx:
        found = officers.find_session(tx, token, guard.now()) if token else None
    if found is None:
        return redirect(url_for("auth.sign_in", lang=asked), 303)
    with transaction() as tx:
        officers.change(tx, found[0].id, language=asked)
    return redirect(_local(request.form.get("back", "")), 303)


def _local(path: str) -> str:
    """``path`` where it is one of ours, else the queue: no open redirect."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if ours and path.isprintable() else url_for("queue.board")


# -- password -----------------------------------------------------------------------------------


@blueprint.get("/account/password")
def password() -> str:
    """The form; forced while the password is a one-time one."""
    return render_template("password.html", problem="")


@blueprint.post("/account/password")
def change_password() -> tuple[str, int] | Response:
    """Replace the password; all other sessions end."""
    form, person = request.form, guard.officer()
    new = form.get("new", "")
    if new != form.get("again", ""):
        return render_template("password.html", problem="officer.again"), 422
    try:
        officers.set_password(person, form.get("old", ""), new, guard.session().id, guard.now())
    except OfficerError as error:
        return render_template("password.html", problem=error.code), 422
    flash(words.t("password.changed"))
    return redirect(url_for("queue.board"), 303)


# -- account ------------------------------------------------------------------------------------


@blueprint.get("/account")
def account() -> str:
    """Who I am here, and where I am signed in."""
    person = guard.officer()
    with reading() as tx:
        live = officers.sessions(tx, person.id, guard.now())
    return render_template("account.html", sessions=live, present=guard.session().id)


@blueprint.post("/account/sessions/<int(max=2147483647):number>/end")
def end_session(number: int) -> Response:
    """End one of my sessions."""
    with transaction() as tx:
        officers.end_session(tx, guard.officer().id, number, guard.now())
    flash(words.t("account.ended"))
    return redirect(url_for("auth.account"), 303)


@blueprint.post("/account/sessions/end")
def end_others() -> Response:
    """End all of my sessions but this one."""
    with transaction() as tx:
        officers.end_sessions(tx, guard.officer().id, guard.now(), but=guard.session().id)
    flash(words.t("account.ended"))
    return redirect(url_for("auth.account"), 303)


@blueprint.get("/account/code")
def totp() -> str:
    """A fresh secret as QR code and letters; nothing is stored before a code proves it."""
    return _totp_page(passwords.new_totp(), wrong=False)


@blueprint.post("/account/code")
def set_totp() -> tuple[str, int] | Response:
    """Turn the second factor on."""
    secret, code = request.form.get("secret", "")[:64], request.form.get("code", "")
    with transaction() as tx:
        good = officers.set_totp(tx, guard.officer().id, secret, code, guard.now())
    if not good:
        return _totp_page(passwords.usable_totp(secret), wrong=True), 422
    flash(words.t("totp.on"))
    return redirect(url_for("auth.account"), 303)


def _totp_page(secret: str, *, wrong: bool) -> str:
    person = guard.officer()
    issuer = f"Hariu {profile().organisation.project.of(person.language)}"
    return render_template(
        "totp.html", secret=secret, wrong=wrong,
        picture=words.qr_code(passwords.totp_uri(person.login, secret, issuer)),
    )  # fmt: skip


@blueprint.post("/account/code/off")
def end_totp() -> Response:
    """Turn the second factor off: the password has to be given again."""
    person = guard.officer()
    if officers.knows_password(person.id, request.form.get("password", "")):
        with transaction() as tx:
            officers.change(tx, person.id, totp=None)
        flash(words.t("totp.off"))
    else:
        flash(words.t("problem.officer.old"))
    return redirect(url_for("auth.account"), 303)
