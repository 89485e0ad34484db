"""Beside a grievance: the closure that waits, hand-offs, the Bank, the copy for disclosure.

And what only some may do: look at who looked, and erase a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from mimetypes import guess_extension
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from admin import dossier, guard, views, words
from admin.dossier import Dossier
from config.profile import profile
from config.settings import settings
from store import bank, files, links, officers, veil
from store.case import Case
from store.db import Transaction, reading, transaction
from store.officers import Officer
from store.schema import access_log, grievance
from workflow import approval, deadlines, erasing, redactions
from workflow.commands import SEVERITIES, Actor
from workflow.redactions import Redacted
from workflow.states import Role

blueprint = Blueprint("care", __name__)
_MOST = 200
# Whose work it is to watch over the others.
WATCHERS = {Role.AUDITOR, Role.ADMINISTRATOR}
_ACTIONS = {"view", "file", "reveal", "export", "prompt", "import", "demo.clear"}
_PAPERS = {"log": "log.title", "report": "view.reports"}


@dataclass(frozen=True, slots=True)
class Care:
    """What stands beside one grievance."""

    proposal: dict[str, Any] | None
    proposer: str
    approvers: Sequence[Officer]
    outside: str
    hand_offs: Sequence[Any]
    files: Sequence[Any]
    told: Sequence[Any]
    tell_bank_by: datetime | None
    copy: Redacted | None
    severities: tuple[str, ...] = SEVERITIES


def of(tx: Transaction, found: Dossier) -> Care:
    """Gather it."""
    case = found.case
    proposal = approval.proposal(case)
    told = bank.of_grievance(tx, case.id)
    asked = links.of_grievance(tx, case.id, links.APPROVAL)
    proposer = found.staff.get((proposal or {}).get("by") or 0)
    return Care(
        proposal=proposal,
        proposer=proposer.name if proposer else "",
        approvers=approval.second_persons(case, found.staff.values()) if proposal else (),
        outside=asked[-1].name if asked and not asked[-1].revoked_at else "",
        hand_offs=links.of_grievance(tx, case.id, links.HAND_OFF),
        files=links.files_of(tx, case.id),
        told=told,
        tell_bank_by=None if told else _bank_deadline(case),
        copy=redactions.text_for(tx, [case.id]).get(case.id),
    )


def _bank_deadline(case: Case) -> datetime | None:
    rule = profile().bank
    if not rule.wants(case.category, case.sensitive):
        return None
    return case.registered_at + timedelta(hours=rule.hours)


# -- what forms say -------------------------------------------------------------------------------


def until(found: Dossier, text: str) -> dict[str, Any]:
    """The end of a local day to come; nothing for any other text."""
    zone = profile().timezone
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return {}
    end = deadlines.end_of(day, zone)
    return {"until": end} if guard.now() < end < guard.now() + timedelta(days=730) else {}


def told_at(found: Dossier, text: str) -> dict[str, Any]:
    """A local moment that is past; nothing for any other text."""
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=profile().timezone)
    except ValueError:
        return {}
    return {"told_at": moment} if moment <= guard.now() + timedelta(minutes=5) else {}


def show_link(tx: Transaction, case: Case, token: str) -> Response:
    """The link of a hand-off, this once: of its token only the hash is kept."""
    made = links.of_grievance(tx, case.id, links.HAND_OFF)[-1]
    url = f"{settings().public_url}/partner/hand-off/{token}"
    page = render_template("link.html", case=case, url=url, name=made.name)
    return Response(page, mimetype="text/html")


# -- files that came back -------------------------------------------------------------------------


def _found(tx: Transaction, reference: str) -> Case:
    scope = views.Scope(guard.officer(), guard.now())
    return dossier.find(tx, scope, reference) or abort(404)


@blueprint.get("/cases/<reference>/returned/<int(max=2147483647):number>")
def returned(reference: str, number: int) -> Response:
    """A file that a contractor sent, always as a download."""
    with transaction() as tx:
        case = _found(tx, reference)
        rows = [row for row in links.files_of(tx, case.id) if row.id == number]
        if not rows:
            abort(404)
        if case.sensitive:
            dossier.log_access(tx, guard.officer(), "file", case, guard.now())
    try:
        content = files.get(rows[0].sha256)
    except FileNotFoundError:
        abort(404)
    kind = rows[0].content_type
    name = f"{case.reference}-r{number}{guess_extension(kind) or ''}"
    return send_file(BytesIO(content), kind, as_attachment=True, download_name=name)


# -- who looked -----------------------------------------------------------------------------------


@blueprint.get("/looks")
def looks() -> str:
    """Who looked at what: for auditors and administrators.

    A sealed matter is named to focal points alone; the others learn that somebody looked.
    """
    if not WATCHERS & set(guard.officer().roles):
        abort(403)
    query = (
        select(access_log, grievance.c.reference, grievance.c.sensitive)
        .outerjoin(grievance, grievance.c.id == access_log.c.grievance_id)
        .order_by(access_log.c.id.desc())
        .limit(_MOST)
    )
    with reading() as tx:
        rows = tx.execute(query).all()
        staff = {f"officer:{person.id}": person.name for person in officers.everyone(tx)}
        veiled = {row.grievance_id for row in rows if row.action == "reveal" and not row.reason}
        reasons = {
            int(look): reason
            for each in veiled
            for look, reason in veil.under(tx, each, veil.LOOKS).items()
        }
    return render_template(
        "looks.html", rows=rows, reasons=reasons, what=_what,
        who=lambda row: staff.get(row.actor, words.label("actor", row.actor)),
        named=views.may_see_sensitive(guard.officer()),
    )  # fmt: skip


def _what(action: str) -> str:
    """What was done, in words; ``dump log xlsx`` is the log taken away as XLSX."""
    if action in _ACTIONS:
        return words.t(f"looks.{action}")
    verb, *what = action.split()
    if verb != "dump" or not what:
        return action
    name = words.t(_PAPERS[what[0]]) if what[0] in _PAPERS else what[0]
    return words.t("looks.dump", what=" ".join([name, *(form.upper() for form in what[1:])]))


# -- erasing --------------------------------------------------------------------------------------


@blueprint.post("/cases/<reference>/erase")
def erase(reference: str) -> Response:
    """Erase the person behind a grievance, for a reason, after its number was typed again."""
    person = guard.officer()
    if Role.ADMINISTRATOR not in person.roles:
        abort(403)
    reason = request.form.get("reason", "").strip()[:500]
    with transaction() as tx:
        case = _found(tx, reference)
        if not reason or request.form.get("number", "").strip() != case.reference:
            flash(words.t("erase.wrong"))
            return redirect(url_for("cases.show", reference=reference), 303)
        actor = Actor(Role.ADMINISTRATOR, person.id)
        erasing.of_case(tx, case, actor, reason, guard.now())
    flash(words.t("done.erase"))
    return redirect(url_for("cases.show", reference=reference), 303)
