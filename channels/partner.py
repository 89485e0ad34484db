"""``/partner/``: organisations that file for others, and see what they filed and nothing else.

The accounts are officers' rows with the role cso, signed in by password and one-time code at this
door alone; the desk's door is shut for them and theirs for the desk. The cookie is strict, every
form carries a token of its session.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import segno
from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from itsdangerous import BadSignature
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, abort

from channels import partner_form, partner_rows, site_form, site_words
from channels.site import error_page
from channels.site_words import language
from config import clock, log
from config.errors import HariuError
from config.profile import profile
from config.settings import settings
from store import officers, partners, passwords, uploads
from store.db import reading, transaction
from store.officers import Officer, Session
from store.partners import Partner
from store.passwords import OfficerError
from workflow import fieldform

COOKIE, PATH = "hariu_partner", "/partner"
SIGN_IN_SECONDS = 3600
blueprint = Blueprint("partner", __name__, url_prefix=PATH, template_folder="templates")
Page = Callable[..., Response]

# What an account may reach before it has a password and a code of its own.
_FIRST_STEPS = {"password", "change_password", "code", "set_code", "sign_out"}


@blueprint.after_request
def _protect(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return site_words.protect(response)


def page(template: str, status: int = 200, **values: Any) -> Response:
    """A page of the partners."""
    values |= {"account": g.get("account"), "csrf": _csrf() if "session" in g else ""}
    return make_response(render_template(template, here=_here, **values), status)


def _here(endpoint: str, **more: Any) -> str:
    return url_for(f"partner.{endpoint}", lang=language(), **more)


def _to(endpoint: str, **more: Any) -> Response:
    return make_response(redirect(_here(endpoint, **more), 303))


# -- who is there ---------------------------------------------------------------------------------


def signed_in(view: Page) -> Page:
    """A page for partners alone; every form of it carries the token of its session."""

    @wraps(view)
    def guarded(*args: Any, **named: Any) -> Response:
        found = _session()
        if found is None:
            return _to("sign_in")
        g.account, g.session = found
        if request.method == "POST" and not _ours():
            abort(400)
        if view.__name__ not in _FIRST_STEPS and (step := _first_step(g.account)):
            return _to(step)
        return view(*args, **named)

    return guarded


def _session() -> tuple[Officer, Session] | None:
    token, now = request.cookies.get(COOKIE, ""), clock.now()
    with reading() as tx:
        found = officers.find_session(tx, token, now, partner=True) if token else None
    if found and officers.wants_touch(found[1], now):
        with transaction() as tx:
            officers.touch(tx, found[1].id, now)
    return found


def _first_step(account: Officer) -> str:
    """A one-time password is replaced first, then a code is set up: other people's names follow."""
    if account.must_change:
        return "password"
    return "" if account.has_totp else "code"


def _csrf() -> str:
    return str(site_form.signer("partner form").dumps(g.session.id))


def _ours() -> bool:
    """Whether the form was drawn for this very session."""
    try:
        number = site_form.signer("partner form").loads(request.form.get("csrf", ""))
    except BadSignature:
        return False
    return bool(number == g.session.id)


def _me() -> Partner:
    with reading() as tx:
        found = partners.of_officer(tx, g.account.id)
    return found if found else abort(403)


# -- the door -------------------------------------------------------------------------------------


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """The form."""
    return _door()


def _door(status: int = 200, *, failed: bool = False, login: str = "") -> Response:
    token = site_form.signer("partner door").dumps("in")
    return page("partner_sign_in.html", status, failed=failed, login=login, token=token)


@blueprint.post("/sign-in")
def enter() -> Response:
    """Open a session where login, password and code are right; which was wrong is not said."""
    form, now = request.form, clock.now()
    try:
        site_form.signer("partner door").loads(form.get("token", ""), max_age=SIGN_IN_SECONDS)
    except BadSignature:
        return _door(400)
    login = form.get("login", "")[:64]
    found = officers.authenticate(
        login, form.get("password", ""), form.get("code", ""), now, partner=True
    )
    if found is None:
        log.get().warning("partner sign-in failed")
        return _door(401, failed=True, login=login)
    with transaction() as tx:
        agent = request.user_agent.string[:100]
        token = officers.start_session(tx, found.id, agent, now)
    log.get().info("partner signed in", row=found.id)
    answer = _to("home")
    answer.set_cookie(
        COOKIE, token, max_age=int(officers.ABSOLUTE.total_seconds()), path=PATH, httponly=True,
        secure=site_words.secure(), samesite="Strict",
    )  # fmt: skip
    return answer


@blueprint.post("/sign-out")
@signed_in
def sign_out() -> Response:
    """End this session."""
    with transaction() as tx:
        officers.end_session(tx, g.account.id, g.session.id, clock.now())
    answer = _to("sign_in")
    answer.delete_cookie(COOKIE, path=PATH)
    return answer


@blueprint.get("/password")
@signed_in
def password() -> Response:
    """The form; forced while the password is a one-time one."""
    return page("partner_password.html", problem="")


@blueprint.post("/password")
@signed_in
def change_password() -> Response:
    """Replace the password; every other session ends."""
    form = request.form
    new = form.get("new", "")
    if new != form.get("again", ""):
        return page("partner_password.html", 422, problem="officer.again")
    try:
        officers.set_password(g.account, form.get("old", ""), new, g.session.id, clock.now())
    except OfficerError as error:
        return page("partner_password.html", 422, problem=error.code)
    return _to("home")


@blueprint.get("/code")
@signed_in
def code() -> Response:
    """A fresh secret as QR code and letters; nothing is stored before a code proves it."""
    return _code_page(passwords.new_totp())


@blueprint.post("/code")
@signed_in
def set_code() -> Response:
    """Turn the second factor on; once on, the office alone can take it away."""
    secret = request.form.get("secret", "")[:64]
    if g.account.has_totp:
        return _to("home")
    with transaction() as tx:
        good = officers.set_totp(
            tx, g.account.id, secret, request.form.get("code", ""), clock.now()
        )
    return _to("home") if good else _code_page(passwords.usable_totp(secret), 422)


def _code_page(secret: str, status: int = 200) -> Response:
    if g.account.has_totp:
        return _to("home")
    uri = passwords.totp_uri(g.account.login, secret, "Hariu")
    made = segno.make(uri, error="m", micro=False)
    picture = made.svg_inline(scale=4, border=2, omitsize=True, svgclass="qr", lineclass=None)
    return page(
        "partner_code.html", status, secret=secret, wrong=status != 200,
        picture=Markup(picture),  # noqa: S704 - squares drawn by segno
    )  # fmt: skip


# -- what it filed --------------------------------------------------------------------------------


@blueprint.get("/")
@signed_in
def home() -> Response:
    """What this partner filed, and figures of its own."""
    me, after = _me(), request.args.get("after", "")[:12]
    with reading() as tx:
        rows = partners.filed(tx, me, after)
        figures = partners.figures(tx, me)
    return page(
        "partner_home.html", me=me, rows=rows, figures=figures,
        more=rows[-1].reference if len(rows) == partners.PAGE else "",
    )  # fmt: skip


@blueprint.get("/cases/<reference>")
@signed_in
def case(reference: str) -> Response:
    """Where one of them stands; the answer too, where this partner is told."""
    found = partner_rows.progress(_me(), reference)
    if found is None:
        abort(404)
    return page("partner_case.html", found=found, case=found.case)


@blueprint.get("/cases/<reference>/slip")
@signed_in
def slip(reference: str) -> Response:
    """Number, code and date for the person, shortly after it was filed."""
    found = partner_rows.slip(_me(), reference)
    if found is None:
        abort(404)
    return page(
        "partner_slip.html", receipt=found, status_page=f"{settings().public_url}/status",
        reasons={uploads.TOO_LARGE: "large", uploads.TOO_MANY: "many"},
        megabytes=site_form.FILE_MEGABYTES, most_files=uploads.MOST_FILES,
    )  # fmt: skip


# -- filing ---------------------------------------------------------------------------------------


@blueprint.get("/new")
@signed_in
def new() -> Response:
    """An empty form."""
    return _form(partner_form.blank())


def _form(filled: partner_form.Filled, status: int = 200) -> Response:
    known = request.form.get("token", "")
    return page(
        "partner_form.html", status, filled=filled, choices=partner_form.CHOICES,
        token=known if partner_form.is_token(known) else partner_form.new_token(),
        accepted=uploads.ACCEPTED, longest=site_form.LONGEST_TEXT,
        today=partner_form.today().isoformat(),
    )  # fmt: skip


@blueprint.post("/new")
def file_new() -> Response:
    """Register what was filed; sent twice it is one grievance."""
    request.max_content_length = site_form.LONGEST_BODY
    return _filed()


@signed_in
def _filed() -> Response:
    filled = partner_form.read_form(request)
    if filled.problems:
        return _form(filled, 422)
    reference = partner_rows.register(partner_form.filing(filled, request, g.account.id, _me()))
    return _to("slip", reference=reference)


# -- without internet -----------------------------------------------------------------------------


@blueprint.get("/sheet")
@signed_in
def sheet() -> Response:
    """The field form on paper."""
    return page(
        "partner_sheet.html", columns=fieldform.COLUMNS, lines=range(1, 7),
        sheet_labels=lambda column: fieldform.labels(column, language()),
    )  # fmt: skip


@blueprint.get("/sheet.xlsx")
@signed_in
def sheet_xlsx() -> Response:
    """The field form as a workbook with lists to choose from."""
    answer = make_response(fieldform.workbook(language()))
    answer.headers["Content-Type"] = fieldform.XLSX
    name = f"hariu-field-form-{profile().code}-{language()}.xlsx"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


# -- errors in words ------------------------------------------------------------------------------


@blueprint.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response:
    return error_page(error.code or 500)


@blueprint.errorhandler(HariuError)
def _away(error: HariuError) -> Response:
    log.get().error("page failed", code=error.code)
    return error_page(503)
