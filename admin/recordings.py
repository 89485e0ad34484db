"""What an officer writes down of a recording: its words, its gist in three fields, "heard".

The words join the grievance, so that search and reports find them; those of a sealed matter go to
the one place where its words are.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Flask, abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from admin import dossier, guard, prompts, views, words
from store import attachments, officers, recordings
from store.case import Case
from store.db import Transaction, reading, transaction
from store.recordings import GIST, Note
from workflow.commands import SYSTEM, Act, Actor
from workflow.handlers import Casework
from workflow.states import HANDLERS, STAFF

blueprint = Blueprint("recordings", __name__, url_prefix="/cases")
SPEEDS = (0.75, 1, 1.25, 1.5, 2)
LONGEST = 20_000
_LONGEST_GIST = 300


def set_up(app: Flask) -> None:
    """The notes of recordings and the clips of the hotline, and what templates show of them."""
    for module in (blueprint, prompts.blueprint):
        app.register_blueprint(module)
    app.jinja_env.globals.update(
        recording_note=note_of, heard_by=heard_by, recording_speeds=SPEEDS, gist_fields=GIST
    )


def note_of(attachment_id: int) -> Note:
    """The note of a recording on the page."""
    with reading() as tx:
        return recordings.read(tx, attachment_id)


def heard_by(note: Note) -> str:
    """Who listened to it, and when."""
    with reading() as tx:
        staff = {person.id: person.name for person in officers.everyone(tx)}
    name = staff.get(note.officer_id or 0, "–")
    return words.t("recording.heard_by", name=name, date=words.date(note.heard_at))


@blueprint.post("/<reference>/recordings/<int(max=2147483647):number>")
def save(reference: str, number: int) -> Response:
    """Keep the note; what was already said of the grievance stays as it is."""
    person = guard.officer()
    with transaction() as tx:
        scope = views.Scope(person, guard.now())
        case = dossier.find(tx, scope, reference) or abort(404)
        if not dossier.held(person, case) & HANDLERS:
            abort(403)
        if number not in {row.id for row in attachments.of_grievance(tx, case.id)}:
            abort(404)
        before, note = recordings.read(tx, number), _typed()
        _tell_the_grievance(tx, case, before, note)
        if case.sensitive:
            note = replace(note, transcript="", gist={})
        recordings.write(tx, number, case.id, note, guard.now())
    flash(words.t("recording.saved"))
    return redirect(url_for("cases.show", reference=reference) + f"#recording-{number}", 303)


def _typed() -> Note:
    heard = guard.now() if request.form.get("heard") else None
    gist = {name: request.form.get(name, "").strip()[:_LONGEST_GIST] for name in GIST}
    transcript = request.form.get("transcript", "").replace("\r\n", "\n").strip()[:LONGEST]
    return Note(transcript, gist, heard, guard.officer().id)


def _tell_the_grievance(tx: Transaction, case: Case, before: Note, note: Note) -> None:
    """Words that are new join it, and the gist becomes its own."""
    gist = ". ".join(filter(None, note.gist.values()))
    added = "\n".join(filter(None, [note.transcript, gist if case.sensitive else ""]))
    work = Casework(tx, guard.now())
    if added and note.transcript != before.transcript:
        work.act(Act("append", case.id, SYSTEM, {"text": added, "joins": True}))
    if gist and not case.sensitive and dict(note.gist) != dict(before.gist):
        work.act(Act("classify", case.id, _actor(case), {"gist": gist}))
    work.flush()
    if added or gist:
        dossier.mark_read(tx, case)  # who wrote it down has read it


def _actor(case: Case) -> Actor:
    person = guard.officer()
    roles = sorted(dossier.held(person, case) & STAFF)
    return Actor(roles[0], person.id) if roles else SYSTEM
