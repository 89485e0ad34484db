"""The page of one grievance: what was said, what is known, what can be done next."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from io import BytesIO
from mimetypes import guess_extension
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from admin import acts, care, committee, dossier, guard, links, replies, side, views, words
from admin.acts import Form
from admin.dossier import Dossier
from bot import gazetteer
from config import i18n
from config.profile import profile
from store import attachments, files, tasks
from store.case import Case
from store.db import Transaction, reading, transaction
from workflow.commands import Act, Refused
from workflow.handlers import EVENT, Casework
from workflow.states import HANDLERS, Outcome

blueprint = Blueprint("cases", __name__, url_prefix="/cases")
_INLINE = re.compile(r"(image/(jpeg|png|gif|webp)|audio/[\w.-]+|video/[\w.-]+)$")
_COMMANDS = {event: command for command, event in EVENT.items()}


@dataclass(frozen=True, slots=True)
class _Step:
    """One line of the timeline."""

    at: Any
    text: str
    who: str
    detail: str


def _scope() -> views.Scope:
    return views.Scope(guard.officer(), guard.now())


def _found(tx: Transaction, reference: str) -> Case:
    """The grievance, or 404: a sensitive one does not exist for those who may not see it."""
    return dossier.find(tx, _scope(), reference) or abort(404)


@blueprint.get("/<reference>")
def show(reference: str) -> str:
    """Open a grievance; it counts as read, and a sensitive one remembers who looked."""
    with reading() as tx:
        case = _found(tx, reference)
    if case.unread:
        with transaction() as tx:
            dossier.mark_read(tx, case)
    _log_look(case)
    with reading() as tx:
        return _page(tx, _found(tx, reference))


def _log_look(case: Case, action: str = "view") -> None:
    """Before a sensitive matter is shown, who looks is on record."""
    if case.sensitive:
        with transaction() as tx:
            dossier.log_access(tx, guard.officer(), action, case, guard.now())


def _page(tx: Transaction, case: Case, at_work: Form | None = None, **more: Any) -> str:
    """The whole page; ``at_work`` is the form the officer is in the middle of."""
    found = dossier.load(tx, _scope(), case)
    person, now = guard.officer(), guard.now()
    forms = acts.with_previews(tx, found, person, acts.forms(found, person), now)
    if at_work:
        forms = [at_work if form.row == at_work.row else form for form in forms]
    named = {form.command: form for form in forms}
    return render_template(
        "case.html", d=found, case=case, steps=[f for f in forms if f.row.step],
        more=[f for f in forms if not f.row.step and f.command not in {"note", "reply"}],
        timeline=timeline(found), **replies.beside(tx, found, named), **side.of(tx, _scope()),
        **links.of(tx, case),
        place=place_name(case), stage=profile().stage(case.stage).name.of(guard.language()),
        care=care.of(tx, found), may_handle=acts.may_handle(found, person),
        may_redact=acts.may("redact", found, person),
        escalated_to=dossier.escalated_to(found),
        meetings=committee.of(tx, case), suggested=committee.suggested(tx, case),
        **_options(found), **more,
    )  # fmt: skip


def _options(found: Dossier) -> dict[str, Any]:
    """What the fields of forms offer."""
    return {
        "assignees": acts.assignees(found),
        "kinds": acts.kinds(),
        "categories": acts.categories(),
        "languages": acts.languages(),
        "tracks": profile().tracks,
        "outcomes": list(Outcome),
        "sensitives": acts.SENSITIVE,
        "longest_extension": profile().extension.amount,
    }


def place_name(case: Case) -> str:
    """The place in words, where intake found one."""
    return _named(case.place or "")


def _named(code: str) -> str:
    try:
        return gazetteer.path(code, guard.language()) if code else ""
    except KeyError:
        return code


# -- timeline -----------------------------------------------------------------------------------


def timeline(found: Dossier, since: int = 0) -> list[_Step]:
    """The trail in words, the latest first."""
    return [_step(event, found) for event in reversed(found.events) if event.seq > since]


def _step(event: Any, found: Dossier) -> _Step:
    command, payload = _COMMANDS.get(event.kind, event.kind), event.payload or {}
    name = payload.get("name", "–")
    text = i18n.text(f"procedure.command.{command}", guard.language(), name=name)
    return _Step(event.at, text, _actor(event.actor, found), _detail(payload))


def _actor(actor: str, found: Dossier) -> str:
    role, _, number = actor.partition(":")
    person = found.staff.get(int(number)) if number.isdecimal() else None
    return person.name if person else words.label("actor", role)


def _detail(payload: Any) -> str:
    """Outcome, what was classified, reason and new date, where an event has them."""
    coded = [words.label(name, payload[name]) for name in ("kind", "category") if payload.get(name)]
    outcome = words.label("outcome", payload["outcome"]) if payload.get("outcome") else ""
    days = words.counted("event.days", payload["days"]) if payload.get("days") else ""
    return ". ".join(
        filter(
            None,
            (outcome, *coded, _named(payload.get("place", "")), days, payload.get("reason", "")),
        )
    )


# -- acts ---------------------------------------------------------------------------------------


@blueprint.post("/<reference>/do/<command>")
def do(reference: str, command: str) -> Response | tuple[str, int]:
    """Do what a form asks for; refused ones come back with the reason and what was typed."""
    try:
        with transaction() as tx:
            found = dossier.load(tx, _scope(), _found(tx, reference))
            work = Casework(tx, guard.now())
            work.undo = replies.UNDO
            done = work.act(acts.read(found, guard.officer(), command, request.form))
            work.flush()
            replies.done(tx, done, guard.officer(), command, request.form.get("text", ""))
            if token := work.tokens.get(done.id):
                return care.show_link(tx, done, token)
    except Refused as refusal:
        return _refused(reference, command, refusal)
    flash(words.t(f"done.{acts.done_as(command, done)}"))
    if dossier.may_see(guard.officer(), done):
        return redirect(url_for("cases.show", reference=reference), 303)
    return redirect(url_for("queue.board"), 303)


def _refused(reference: str, command: str, refusal: Refused) -> tuple[str, int]:
    with reading() as tx:
        case = _found(tx, reference)
    _log_look(case)
    with reading() as tx:
        if refusal.code == "refused.stale":
            return _changed(tx, case, command)
        found = dossier.load(tx, _scope(), case)
        form = _typed(found, command, refusal.code)
        return _page(tx, case, form, refusal=refusal.code), 422


def _changed(tx: Transaction, case: Case, command: str) -> tuple[str, int]:
    """Somebody else was faster: what they did, and what was typed here, to be used again."""
    found = dossier.load(tx, _scope(), case)
    version = request.form.get("version", "")
    # An event adds one to the version, and the first version has no event.
    since = int(version) - 1 if version.isdecimal() else 0
    typed = [request.form.get(name, "") for name in ("text", "summary", "reason")]
    page = render_template(
        "changed.html", case=case, command=command, timeline=timeline(found, since),
        typed="\n".join(filter(None, typed)),
    )  # fmt: skip
    return page, 409


def _typed(found: Dossier, command: str, problem: str = "") -> Form | None:
    """The form of ``command`` as it was sent in."""
    offered = [form for form in acts.forms(found, guard.officer()) if form.command == command]
    if not offered:
        return None
    values = {name: request.form.get(name, "") for name in offered[0].fields}
    return replace(offered[0], values=values or {"sent": True}, problem=problem)


@blueprint.post("/<reference>/preview/<command>")
def preview(reference: str, command: str) -> str | tuple[str, int]:
    """What would be sent: the foot of the form for htmx, else the page with the form as typed."""
    with reading() as tx:
        case = _found(tx, reference)
        found = dossier.load(tx, _scope(), case)
        form = _typed(found, command) or abort(409)
        form = _previewed(tx, found, form, acts.read(found, guard.officer(), command, request.form))
        if guard.is_partial():
            return render_template("foot.html", form=form, d=found, case=case)
    _log_look(case)
    with reading() as tx:
        return _page(tx, case, form)


def _previewed(tx: Transaction, found: Dossier, form: Form, act: Act) -> Form:
    try:
        return replace(form, preview=acts.preview(tx, found, act, guard.now()))
    except Refused as refusal:
        return form if guard.is_partial() else replace(form, problem=refusal.code)


# -- files --------------------------------------------------------------------------------------


@blueprint.get("/<reference>/files/<int(max=2147483647):number>")
def file(reference: str, number: int) -> Response:
    """A photo, recording or document of this grievance, for those who may see the grievance."""
    with reading() as tx:
        case = _found(tx, reference)
        rows = [row for row in attachments.of_grievance(tx, case.id) if row.id == number]
    if not rows or rows[0].state != attachments.STORED:
        abort(404)
    _log_look(case, "file")
    try:
        content = files.get(rows[0].sha256)
    except FileNotFoundError:
        abort(404)
    kind = rows[0].content_type
    response = send_file(
        BytesIO(content), kind, conditional=True, as_attachment=not _INLINE.match(kind),
        download_name=f"{case.reference}-{number}{guess_extension(kind) or ''}",
    )  # fmt: skip
    # Whatever is in it runs nowhere, even when it is opened by itself.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


# -- by hand ------------------------------------------------------------------------------------


@blueprint.post("/<reference>/tasks/<int:number>")
def task_done(reference: str, number: int) -> Response:
    """The person was told by hand."""
    with transaction() as tx:
        case = _found(tx, reference)
        if not HANDLERS & dossier.held(guard.officer(), case):
            abort(403)
        if number in {row.id for row in dossier.open_tasks(tx, case)} and tasks.by_hand(tx, number):
            tasks.done(tx, number, guard.officer().id, guard.now())
    flash(words.t("task.done"))
    return redirect(url_for("cases.show", reference=reference), 303)


@blueprint.post("/<reference>/contact")
def contact(reference: str) -> str | tuple[str, int]:
    """Show who it is and how to reach them, for a reason that is kept."""
    reason = request.form.get("reason", "").strip()
    with transaction() as tx:
        case = _found(tx, reference)
        if reason:
            dossier.log_access(tx, guard.officer(), "reveal", case, guard.now(), reason)
    _log_look(case)
    with reading() as tx:
        if not reason:
            return _page(tx, case, contact_problem=True), 422
        name, value = dossier.contact(tx, case)
        return _page(tx, case, contact_name=name, contact_value=value or words.t("case.nobody"))
