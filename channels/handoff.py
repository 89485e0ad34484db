"""``/partner/hand-off/…`` and ``/partner/approval/…``: pages that a link opens, without an account.

The link is all that is asked for, so the page holds nothing of the complainant: what the officer
wrote, where, and by when. A second person from outside the office sees what is proposed, and
decides once.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from channels import site, site_words
from config import clock, log
from config.errors import HariuError
from store import grievances, links, uploads
from store.db import Transaction, reading, transaction
from store.inbox import clean
from store.messages import Attachment
from workflow import approval
from workflow.commands import Act, Actor, Refused
from workflow.handlers import Casework
from workflow.states import Role

blueprint = Blueprint("handoff", __name__, url_prefix="/partner", template_folder="templates")
LONGEST_TEXT = 4000
MEGABYTES = uploads.LARGEST // 2**20
LONGEST_BODY = uploads.MOST_FILES * uploads.LARGEST + 2**20


@blueprint.after_request
def _protect(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return site_words.protect(response)


def _page(template: str, status: int = 200, **values: Any) -> Response:
    return make_response(render_template(template, **values), status)


def _gone() -> Response:
    """The same words whether a link is wrong, used up, expired or taken back."""
    return _page("handoff_told.html", 410, told="partner.gone", title="partner.gone_title")


@blueprint.errorhandler(Exception)
def _failed(error: Exception) -> Response:
    """The edge of the process; the framework would log the address, and the address is the key."""
    if isinstance(error, HTTPException):
        return site.error_page(error.code or 500)
    name = error.code if isinstance(error, HariuError) else type(error).__name__
    log.get().error("page failed", error=name, endpoint=request.endpoint or "")
    return site.error_page(503 if isinstance(error, HariuError) else 500)


# -- hand-off -------------------------------------------------------------------------------------


@blueprint.get("/hand-off/<token>")
def hand_off(token: str) -> Response:
    """What is to be done."""
    now = clock.now()
    with transaction() as tx:
        link = links.find(tx, links.HAND_OFF, token, now)
        if link is not None:
            links.opened(tx, link.id, now)
    return _gone() if link is None else _work(link)


def _work(link: Any, problem: str = "", text: str = "", status: int = 200) -> Response:
    if link.answered_at:
        return _page("handoff_told.html", told="hand_off.answered", title="hand_off.title")
    return _page(
        "handoff.html", status, work=link, problem=problem, text=text, megabytes=MEGABYTES,
        accepted=uploads.ACCEPTED, longest=LONGEST_TEXT,
    )  # fmt: skip


@blueprint.post("/hand-off/<token>")
def answer(token: str) -> Response:
    """The outcome goes back to the case, once, with its files."""
    now = clock.now()
    with reading() as tx:  # before anything is read of what a stranger sends
        link = links.find(tx, links.HAND_OFF, token, now)
    if link is None or link.answered_at:
        return _gone() if link is None else _work(link)
    request.max_content_length = LONGEST_BODY
    text = clean(request.form.get("text", "")).strip()[:LONGEST_TEXT]
    if not text:
        return _work(link, "hand_off.empty", status=422)
    kept = _files()
    if kept is None:
        return _work(link, "hand_off.bad_file", text, 422)
    with transaction() as tx:
        if not _returned(tx, token, text, kept):
            return _gone()
    return _page("handoff_told.html", told="hand_off.done", title="hand_off.title")


def _files() -> list[Attachment] | None:
    """The files, kept; None where one of them is too large or of a kind we do not take."""
    sent = [item for item in request.files.getlist("files") if item.filename]
    if len(sent) > uploads.MOST_FILES:
        return None
    read = [item.stream.read(uploads.LARGEST + 1) for item in sent]
    if any(len(part) > uploads.LARGEST or not uploads.content_type(part) for part in read):
        return None
    return [uploads.keep("", "", part) for part in read]


def _returned(tx: Transaction, token: str, text: str, kept: list[Attachment]) -> bool:
    """Event, note, task and files together; False where somebody else was faster."""
    now = clock.now()
    link = links.find(tx, links.HAND_OFF, token, now)
    if link is None or not links.answer(tx, link.id, text, now):
        return False
    for item in kept:
        links.add_file(tx, link.id, item.content_type, item.size or 0, item.handle)
    values = {"link_id": link.id, "organisation": link.name, "text": text}
    work = Casework(tx, now)
    work.act(Act("hand_back", link.grievance_id, Actor(Role.CONTRACTOR), values))
    work.flush()
    return True


# -- approval -------------------------------------------------------------------------------------


@blueprint.get("/approval/<token>")
def proposed(token: str) -> Response:
    """What is proposed, before anybody is told."""
    now = clock.now()
    with transaction() as tx:
        link = links.find(tx, links.APPROVAL, token, now)
        if link is not None:
            links.opened(tx, link.id, now)
        return _proposal(tx, link)


def _proposal(tx: Transaction, link: Any, problem: str = "", status: int = 200) -> Response:
    case = grievances.get(tx, link.grievance_id) if link is not None else None
    found = approval.proposal(case) if case else None
    if found is None or link.answered_at:
        return _gone()
    return _page("approval.html", status, found=found, problem=problem)


@blueprint.post("/approval/<token>")
def decide(token: str) -> Response:
    """Approved, or sent back with a reason; the link opens nothing afterwards."""
    approved = request.form.get("decision") == "approve"
    reason = clean(request.form.get("reason", "")).strip()[:500]
    now = clock.now()
    with transaction() as tx:
        link = links.find(tx, links.APPROVAL, token, now)
        if link is None:
            return _gone()
        if not approved and not reason:
            return _proposal(tx, link, "approval.need_reason", 422)
        if not _decided(tx, link, reason, approved=approved):
            return _gone()
    return _page("handoff_told.html", told="approval.done", title="approval.title")


def _decided(tx: Transaction, link: Any, reason: str, *, approved: bool) -> bool:
    now = clock.now()
    work = Casework(tx, now)
    work.load([link.grievance_id])  # locked before the link, as an officer's act locks it
    if not links.answer(tx, link.id, "approve" if approved else reason, now):
        return False
    # The trail names who it was: the profile does, and outside the office nobody has an account.
    values = {"name": link.name} | ({} if approved else {"reason": reason})
    try:
        command = "approve" if approved else "return"
        work.act(Act(command, link.grievance_id, Actor(Role.APPROVER), values))
    except Refused:
        return False
    work.flush()
    return True
