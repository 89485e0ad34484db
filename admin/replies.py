"""Around an answer: drafts, replies at hand, a moment to take it back, another try, who is here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from admin import acts, dossier, guard, views, words
from admin.acts import Form
from admin.dossier import Dossier
from config.profile import profile
from store import desk
from store.case import Case
from store.db import Transaction, transaction
from store.officers import Officer
from workflow import letters, winding
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import HANDLERS, Role

blueprint = Blueprint("replies", __name__, url_prefix="/cases")
UNDO = timedelta(seconds=20)
LONGEST = 4000
_DRAFTED = ("reply", "note")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class AtHand:
    """A reply ready for this person; ``gloss`` is the same in the officer's language."""

    id: int
    name: str
    text: str
    gloss: str


def tongue(found: Dossier) -> str:
    """The language the person is answered in."""
    return (found.address and found.address.language) or found.case.language or "mn"


def at_hand(tx: Transaction, found: Dossier) -> list[AtHand]:
    """The replies that fit this grievance, in the person's language with their values filled in."""
    case, language, own = found.case, tongue(found), guard.language()
    values = letters.case_values(case, profile(), winding.zone(case, profile()), {})

    def filled(row: Any, code: str) -> str:
        known = values[code]
        return _SLOT.sub(lambda slot: str(known.get(slot[1], slot[0])), getattr(row, code))

    return [
        AtHand(row.id, row.name, filled(row, language), filled(row, own) if own != language else "")
        for row in desk.canned(tx, case.category or "")
    ]


def beside(tx: Transaction, found: Dossier, forms: dict[str, Form]) -> dict[str, Any]:
    """What the page shows around its reply and note: drafts in the forms, replies at hand."""
    person, case = guard.officer(), found.case
    kept = desk.drafts(tx, person.id, case.id)
    reply = forms.get("reply")
    hand = at_hand(tx, found) if reply else []
    chosen = next((item for item in hand if str(item.id) == request.args.get("canned")), None)
    if chosen:
        kept["reply"] = chosen.text
    return {
        "reply": _prefilled(reply, kept), "note": _prefilled(forms.get("note"), kept),
        "canned": hand, "chosen": chosen, "undo": desk.waiting_reply(tx, case.id, guard.now()),
        "here": desk.others_looking(tx, person.id, case.id, guard.now()),
        "take": _takes(found, person, forms), "undo_seconds": int(UNDO.total_seconds()),
    }  # fmt: skip


def _takes(found: Dossier, person: Officer, forms: dict[str, Form]) -> bool:
    """Whether one press makes it the officer's own."""
    mine = found.case.assignee_id == person.id
    return "assign" in forms and not mine and person in acts.assignees(found)


def _prefilled(form: Form | None, kept: dict[str, str]) -> Form | None:
    """The form with the officer's draft; what was just sent in goes before it."""
    if form is None or form.is_open or form.command not in kept:
        return form
    return replace(form, values={"text": kept[form.command]})


def _found(tx: Transaction, reference: str) -> Case:
    scope = views.Scope(guard.officer(), guard.now())
    return dossier.find(tx, scope, reference) or abort(404)


def done(tx: Transaction, case: Case, officer: Officer, command: str, typed: str) -> None:
    """After an act: its draft is used up, a reply's words wait in case it is taken back."""
    if command in _DRAFTED:
        desk.drop_draft(tx, officer.id, case.id, command)
    if command == "reply":
        desk.keep_draft(tx, officer.id, case.id, desk.SENT, typed, guard.now())
    if command == "seal":
        desk.forget_drafts(tx, case.id)


@blueprint.post("/<reference>/draft/<command>")
def keep(reference: str, command: str) -> Response:
    """Keep what is being typed."""
    if command not in _DRAFTED:
        abort(404)
    with transaction() as tx:
        case = _found(tx, reference)
        typed = request.form.get("text", "")[:LONGEST]
        desk.keep_draft(tx, guard.officer().id, case.id, command, typed, guard.now())
        desk.look(tx, guard.officer().id, case.id, guard.now())
    return Response("", 204)


@blueprint.get("/<reference>/here")
def here(reference: str) -> str:
    """Who else has it open; asked again and again by an open page."""
    with transaction() as tx:
        case = _found(tx, reference)
        me = guard.officer().id
        desk.look(tx, me, case.id, guard.now())
        names = desk.others_looking(tx, me, case.id, guard.now())
    version = request.args.get("version", "")
    newer = version.isdecimal() and version != str(case.version)
    return render_template("here.html", case=case, here=names, newer=newer, version=version)


@blueprint.post("/<reference>/unsend")
def unsend(reference: str) -> Response:
    """Take the last reply back while there is time; its words are in the form again."""
    person, now = guard.officer(), guard.now()
    with transaction() as tx:
        case = _found(tx, reference)
        _handler(case, person)
        row = desk.waiting_reply(tx, case.id, now)
        back = row is not None and desk.take_back(tx, row.id, now)
        if back:
            work = Casework(tx, now)
            work.act(Act("unsend", case.id, _handler(case, person)))
            work.flush()
            typed = desk.drafts(tx, person.id, case.id).get(desk.SENT, "")
            desk.keep_draft(tx, person.id, case.id, "reply", typed, now)
    flash(words.t("undo.done") if back else words.t("undo.late"))
    return redirect(url_for("cases.show", reference=reference, _anchor="reply-title"), 303)


@blueprint.post("/<reference>/letters/<int(max=2147483647):number>/again")
def again(reference: str, number: int) -> Response:
    """Try a letter that did not arrive once more."""
    now = guard.now()
    with transaction() as tx:
        case = _found(tx, reference)
        _handler(case, guard.officer())
        queued = desk.send_again(tx, number, case.id, now)
    flash(words.t("again.done") if queued else words.t("again.not"))
    return redirect(url_for("cases.show", reference=reference), 303)


def _handler(case: Case, person: Officer) -> Actor:
    """The officer in a role that may answer; 403 for those who only look."""
    able = dossier.held(person, case) & HANDLERS
    if not able:
        abort(403)
    order = [role for role in Role if role in able]
    return Actor(order[0], person.id)
