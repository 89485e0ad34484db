"""The public website: a form, its receipt, a look at the progress, and how all of it works.

Readable on a 2G phone's browser: no script, no font, no picture. No address holds anything of a
person: the receipt is found by a short-lived signed cookie, the progress by what is posted.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from itsdangerous import BadSignature
from werkzeug.exceptions import HTTPException

from bot import filings
from bot.forms import PURPOSES
from channels import site_form, site_rows, site_words, transparency
from channels.site_form import Filled
from channels.site_words import keep, language, link
from channels.webform import ACCOUNT
from config import clock, log
from config.errors import HariuError
from config.profile import profile
from config.settings import settings
from store import attempts, uploads
from store.db import DatabaseAway, transaction

site = Blueprint(
    "site", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
)
RECEIPT_COOKIE, FORM_COOKIE = "receipt", "form"
RECEIPT_SECONDS = 30 * 60
# An operator may put a whole valley behind one internet address.
FORMS_PER_VISITOR, FORMS_IN_ALL = 60, 3000  # in an hour
# Pages of errors that have words of their own; any other gets those of "other".
_TOLD = {404, 405, 413, 503}

site.after_request(site_words.protect)
transparency.add_to(site)


@site.record_once
def _tighten(state: BlueprintSetupState) -> None:
    """On 2G every byte counts."""
    state.app.jinja_env.trim_blocks = state.app.jinja_env.lstrip_blocks = True


@site.app_context_processor
def _words() -> dict[str, Any]:
    """What the templates call."""
    names = (
        "t", "calling", "word", "link", "in_language", "date", "span", "grouped", "office",
        "routes", "aimags", "place_name", "qr_code", "stylesheet",
    )  # fmt: skip
    tools = {name: getattr(site_words, name) for name in names}
    return tools | {"lang": language(), "profile": profile()}


def page(template: str, status: int = 200, **values: Any) -> Response:
    """A page."""
    return make_response(render_template(template, **values), status)


# -- the form -------------------------------------------------------------------------------------


@site.get("/")
@site.get("/grievances", endpoint="grievances")
def home() -> Response:
    """The form."""
    return _form(site_form.blank())


def _form(filled: Filled, status: int = 200) -> Response:
    """The form as it was filled in. The cookie holds nothing: it tells whether cookies work."""
    answer = page(
        "site_form.html",
        status,
        filled=filled,
        token=request.form.get("token") if filled.token else site_form.new_token(),
        purposes=PURPOSES,
        accepted=uploads.ACCEPTED,
        most_files=uploads.MOST_FILES,
        megabytes=site_form.FILE_MEGABYTES,
        longest=site_form.LONGEST_TEXT,
        usual=profile().span(profile().start_stage, None, "complaint"),
    )
    keep(answer, FORM_COOKIE, "1", site_form.TOKEN_SECONDS)
    return answer


@site.post("/grievances")
def submit() -> Response:
    """Take a form in; it is on disk before anybody is told so."""
    request.max_content_length = site_form.LONGEST_BODY
    filled = site_form.read_form(request)
    if _flooded():
        filled.problems = {"form": "flood"}
        answer = _form(filled, 429)
        answer.headers["Retry-After"] = str(attempts.WINDOW_SECONDS)
        return answer
    if filled.problems:
        return _form(filled, 422)
    external_id = site_rows.accept(site_form.submission(filled, request, language()))
    _handle(external_id)
    if not request.cookies.get(FORM_COOKIE):  # without cookies the number is shown at once
        return _receipt(external_id)
    return _to_receipt(external_id)


def _flooded() -> bool:
    """Whether too many forms came; with the database away nobody counts, and nobody is refused."""
    now = clock.now()
    try:
        with transaction() as tx:
            mine = attempts.hit(tx, "form", site_form.visitor(request), now)
            everybody = attempts.hit(tx, "form", "all", now)
    except DatabaseAway:
        return False
    return mine > FORMS_PER_VISITOR or everybody > FORMS_IN_ALL


def _handle(external_id: str) -> None:
    """Register now what is kept already; where that fails a worker does it later."""
    try:
        filings.handle(ACCOUNT, external_id)
    except Exception as error:  # noqa: BLE001 - the web route is one of the four edges
        name = error.code if isinstance(error, HariuError) else type(error).__name__
        log.get().error("form not handled in its request", error=name)


# -- the receipt ----------------------------------------------------------------------------------


def _to_receipt(external_id: str) -> Response:
    answer = make_response(redirect(link("receipt"), 303))
    signed = str(site_form.signer("receipt").dumps(external_id))
    keep(answer, RECEIPT_COOKIE, signed, RECEIPT_SECONDS, path="/receipt")
    return answer


@site.get("/receipt")
def receipt() -> Response:
    """Number and code, for the browser that sent the form and for half an hour."""
    try:
        signed = request.cookies.get(RECEIPT_COOKIE, "")
        external_id = site_form.signer("receipt").loads(signed, max_age=RECEIPT_SECONDS)
    except BadSignature:
        return page("site_gone.html", 410)
    _handle(external_id)
    return _receipt(external_id)


def _receipt(external_id: str) -> Response:
    """The receipt; while the form waits for the database, that it does."""
    try:
        found = filings.receipt(ACCOUNT, external_id)
        if found is not None:
            filings.acknowledge(found.grievance_id)
    except DatabaseAway:
        found = None
    if found is None:
        return page("site_waiting.html", 202)
    public = settings().public_url
    return page(
        "site_receipt.html",
        receipt=found,
        status_page=f"{public}/status",
        usual=profile().extension,
        megabytes=site_form.FILE_MEGABYTES,
        most_files=uploads.MOST_FILES,
        reasons={
            uploads.TOO_LARGE: "large",
            uploads.WRONG_TYPE: "type",
            uploads.TOO_MANY: "many",
        },
    )


@site.post("/receipt")
def finished() -> Response:
    """Remove the receipt from a device that others use too."""
    answer = make_response(redirect(link("home"), 303))
    answer.delete_cookie(RECEIPT_COOKIE, path="/receipt")
    return answer


# -- the progress ---------------------------------------------------------------------------------


@site.get("/status")
def status() -> Response:
    """Ask for number and code."""
    return page("site_status.html", number="", problem="")


@site.post("/status")
def show() -> Response:
    """Show where a grievance stands; the same answer whether number or code is wrong."""
    number, code = _digits("number"), _digits("code")
    wish = request.form.get("wish") == "appeal"
    try:
        found = site_rows.progress(site_form.visitor(request), number, code, appeal=wish)
    except site_rows.Locked:
        return page("site_status.html", 429, number=number, problem="locked")
    if found is None:
        return page("site_status.html", 422, number=number, problem="unknown")
    case = found.case
    late = case.is_open and case.due_at is not None and case.due_at < clock.now()
    return page("site_progress.html", found=found, case=case, late=late, number=number, code=code)


def _digits(name: str) -> str:
    """What was typed, whatever stands between its digits."""
    return re.sub(r"[^0-9]", "", request.form.get(name, ""))[:12]


# -- pages to read --------------------------------------------------------------------------------


@site.get("/how")
def how() -> Response:
    """How a grievance is handled, how long it may take, what one's rights are."""
    return page("site_how.html", usual=profile().span(profile().start_stage, None, "complaint"))


@site.get("/privacy")
def privacy() -> Response:
    """What is kept of a person, why, and what they may ask for."""
    return page("site_privacy.html")


# -- errors in words ------------------------------------------------------------------------------


def wants_page() -> bool:
    """Whether a person's browser asks, and not a provider's machine."""
    return "text/html" in request.headers.get("Accept", "") and not request.path.startswith("/in/")


def error_page(status: int) -> Response:
    """A page that says what happened and what to do; needs no database."""
    answer = page("site_error.html", status, key=str(status) if status in _TOLD else "other")
    answer.headers["Cache-Control"] = "no-store"
    return site_words.protect(answer)


@site.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response:
    return error_page(error.code or 500)


@site.errorhandler(HariuError)
def _away(error: HariuError) -> Response:
    log.get().error("page failed", code=error.code)
    answer = error_page(503)
    answer.headers["Retry-After"] = "30"
    return answer
