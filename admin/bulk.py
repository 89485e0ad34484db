"""One act on many grievances: looked at before, done one by one, reported, undone where it can be.

An answer goes to each person in their language and by their channel; one to all grievances of a
matter of the City Forum writes its decision back in the same step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select, update
from werkzeug.wrappers import Response

from admin import acts, dossier, forum, guard, replies, views, words
from admin.acts import Preview
from admin.dossier import Dossier
from store import desk, officers
from store.case import Case
from store.db import Transaction, reading, transaction
from store.schema import bulk_run
from workflow.commands import Act, Actor, Refused
from workflow.handlers import Casework
from workflow.states import STAFF, Outcome, Role

blueprint = Blueprint("bulk", __name__, url_prefix="/bulk")
MOST = 100
UNDO = timedelta(minutes=2)
# What each act asks for; ``words`` stands for a text in each language.
ACTIONS: dict[str, tuple[str, ...]] = {
    "assign": ("assignee",),
    "classify": ("category",),
    "reply": ("words",),
    "close": ("outcome", "words"),
    "note": ("text",),
    "forum": ("held_on", "decision", "words"),
}
_REPLIES = {"reply", "forum"}
_UNDOES = {"assign", "classify"} | _REPLIES


@dataclass(frozen=True, slots=True)
class Row:
    """One grievance of the selection, what it will be told, and what stands against it."""

    case: Case
    language: str
    preview: Preview | None = None
    problem: str = ""


def _scope() -> views.Scope:
    return views.Scope(guard.officer(), guard.now())


def _actor() -> Actor:
    """In which role the officer acts on many; 403 where in none."""
    roles = STAFF & {Role(role) for role in guard.officer().roles}
    if not roles:
        abort(403)
    return Actor(next(role for role in Role if role in roles), guard.officer().id)


def _selected(tx: Transaction, action: str) -> list[Dossier]:
    """The grievances asked for; for the forum those of its matter, however many they are."""
    if action == "forum":
        return dossier.briefly(tx, _scope(), _of_matter(tx))
    asked = list(dict.fromkeys(request.values.getlist("ref")))
    return dossier.briefly(tx, _scope(), asked[:MOST])


def _matter() -> int:
    number = request.values.get("issue", "")
    return int(number) if number.isdecimal() and len(number) < 10 else abort(404)


def _of_matter(tx: Transaction) -> list[str]:
    return [row.reference for row in forum.cases_of(tx, _matter())]


@blueprint.get("/")
def board() -> str:
    """The selection, and what can be done with it."""
    _actor()
    action = request.args.get("do", "")
    with reading() as tx:
        rows = [Row(item.case, replies.tongue(item)) for item in _selected(tx, action)]
        return _page(tx, rows, action if action in ACTIONS else "", _begun(tx, action))


def _begun(tx: Transaction, action: str) -> dict[str, str]:
    """What the form holds before anything is typed."""
    if action != "forum":
        return {}
    issue = forum.found(tx, _matter())
    held_on = issue.held_on.isoformat() if issue.held_on else ""
    return {"issue": str(issue.id), "held_on": held_on, "decision": issue.decision}


def _page(
    tx: Transaction,
    rows: Sequence[Row],
    action: str,
    given: Mapping[str, str],
    *,
    ready: bool = False,
) -> str:
    handlers = officers.everyone(tx, active_only=True)
    able = [person for person in handlers if STAFF & set(person.roles)]
    return render_template(
        "bulk.html", rows=rows, action=action, actions=_offered(action),
        fields=ACTIONS.get(action, ()), given=given, ready=ready, people=able,
        categories=acts.categories(),
        outcomes=[item for item in Outcome if item is not Outcome.NOT_ELIGIBLE],
        tongues=sorted({row.language for row in rows}, key=["mn", "kk", "en"].index),
        refs=[row.case.reference for row in rows],
    )  # fmt: skip


def _offered(action: str) -> list[str]:
    """The acts to choose from; the forum's has a way of its own."""
    return [name for name in ACTIONS if name != "forum" or action == "forum"]


def _given() -> tuple[str, dict[str, str]]:
    action = request.form.get("do", "")
    if action not in ACTIONS:
        abort(400)
    names = ["assignee", "category", "outcome", "text", "mn", "kk", "en"]
    if action == "forum":
        _matter(), forum.typed(request.form)
        names += ["issue", "held_on", "decision"]
    given = {name: request.form.get(name, "").strip()[:4000] for name in names}
    return action, given | ({"name": _name(given["assignee"])} if action == "assign" else {})


def _values(action: str, given: Mapping[str, str], language: str) -> dict[str, Any]:
    """What the act says to or about one person."""
    own = given[language]
    if action == "assign":
        return {"assignee_id": int(given["assignee"]), "name": given["name"]}
    if action == "close":
        return {"outcome": given["outcome"], "summary": own}
    return {
        "classify": {"category": given["category"]},
        "reply": {"text": own},
        "forum": {"text": own},
        "note": {"text": given["text"]},
    }[action]


def _name(number: str) -> str:
    with reading() as tx:
        known = officers.everyone(tx, active_only=True)
    people = {str(person.id): person.name for person in known if STAFF & set(person.roles)}
    return people.get(number) or abort(400)


@blueprint.post("/preview")
def preview() -> str:
    """What would become of each, by doing it on copies."""
    actor, (action, given) = _actor(), _given()
    with reading() as tx:
        found = _selected(tx, action)
        rows = [_row(tx, item, actor, action, given) for item in found]
        return _page(tx, rows, action, given, ready=True)


def _row(
    tx: Transaction, found: Dossier, actor: Actor, action: str, given: Mapping[str, str]
) -> Row:
    language = replies.tongue(found)
    act = Act(_command(action), found.case.id, actor, _values(action, given, language))
    try:
        return Row(found.case, language, acts.preview(tx, found, act, guard.now()))
    except Refused as refusal:
        return Row(found.case, language, None, refusal.code)


def _command(action: str) -> str:
    """What is done to each grievance."""
    return "reply" if action in _REPLIES else action


@blueprint.post("/do")
def do() -> Response:
    """Do it, each in a transaction of its own: what one refuses stops no other."""
    actor, (action, given) = _actor(), _given()
    results = []
    if action == "forum":
        with transaction() as tx:
            forum.record(tx, forum.found(tx, _matter()).id, forum.typed(given))
    for pair in _picked(action):
        reference, _, version = pair.partition(":")
        whole = int(version) if version.isdecimal() and len(version) < 10 else 0
        results.append(_one(reference, whole, actor, action, given))
    with transaction() as tx:
        row = {"officer_id": guard.officer().id, "command": action, "results": results}
        (number,) = tx.insert_ids(bulk_run, [row | {"at": guard.now()}])
    return redirect(url_for("bulk.report", number=number), 303)


def _picked(action: str) -> list[str]:
    """Reference and version of those the preview offered; for the forum no others than its own."""
    pairs = request.form.getlist("case")
    if action != "forum":
        return pairs[:MOST]
    with reading() as tx:
        own = set(_of_matter(tx))
    return [pair for pair in pairs if pair.partition(":")[0] in own]


def _one(
    reference: str, version: int, actor: Actor, action: str, given: Mapping[str, str]
) -> dict[str, Any]:
    """What became of one: ``problem`` is "" where it was done."""
    try:
        with transaction() as tx:
            found = dossier.briefly(tx, _scope(), [reference])
            if not found:
                return {"reference": reference, "problem": "refused.unknown"}
            case = found[0].case
            before = {"assignee": case.assignee_id, "category": case.category}
            values = _values(action, given, replies.tongue(found[0]))
            work = Casework(tx, guard.now())
            work.undo = UNDO
            if action == "forum":
                note = {"text": forum.noted(forum.typed(given))}
                version = work.act(Act("note", case.id, actor, note, version)).version
            done = work.act(Act(_command(action), case.id, actor, values, version))
            work.flush()
            return {
                "reference": reference, "problem": "", "before": before, "version": done.version,
            }  # fmt: skip
    except Refused as refusal:
        return {"reference": reference, "problem": refusal.code}


def _run(tx: Transaction, number: int) -> Any:
    mine = (bulk_run.c.id == number, bulk_run.c.officer_id == guard.officer().id)
    return tx.execute(select(bulk_run).where(*mine)).first() or abort(404)


@blueprint.get("/runs/<int(max=2147483647):number>")
def report(number: int) -> str:
    """What became of each."""
    with reading() as tx:
        run = _run(tx, number)
    undoes = run.command in _UNDOES and run.undone_at is None
    if run.command in _REPLIES:
        undoes = undoes and guard.now() < run.at + UNDO
    return render_template("bulk_report.html", run=run, undoes=undoes)


@blueprint.post("/runs/<int(max=2147483647):number>/undo")
def undo(number: int) -> Response:
    """Take it back where nobody has changed the grievance since; count the others."""
    actor, left = _actor(), 0
    with transaction() as tx:
        run = _run(tx, number)
        one = update(bulk_run).where(bulk_run.c.id == number, bulk_run.c.undone_at.is_(None))
        if tx.execute(one.values(undone_at=guard.now()).returning(bulk_run.c.id)).first() is None:
            abort(409)
    for item in run.results:
        if not item["problem"]:
            left += not _undone(run.command, item, actor)
    flash(words.counted("bulk.undone_but", left) if left else words.t("bulk.undone"))
    return redirect(url_for("bulk.report", number=number), 303)


def _undone(action: str, item: Mapping[str, Any], actor: Actor) -> bool:
    """Whether one was taken back."""
    try:
        with transaction() as tx:
            (found,) = dossier.briefly(tx, _scope(), [item["reference"]])
            act = _back(tx, action, item, actor, found.case)
            if act is None:
                return False
            work = Casework(tx, guard.now())
            work.act(act)
            work.flush()
            return True
    except (Refused, ValueError):
        return False


def _back(
    tx: Transaction, action: str, item: Mapping[str, Any], actor: Actor, case: Case
) -> Act | None:
    before, version = item["before"], item["version"]
    if action in _REPLIES:
        row = desk.waiting_reply(tx, case.id, guard.now())
        if row is None or not desk.take_back(tx, row.id, guard.now()):
            return None
        return Act("unsend", case.id, actor)
    if action == "classify":
        return Act("classify", case.id, actor, {"category": before["category"]}, version)
    person = next((p for p in officers.everyone(tx) if p.id == before["assignee"]), None)
    if person is None:
        return Act("unassign", case.id, actor, {}, version)
    values = {"assignee_id": person.id, "name": person.name}
    return Act("assign", case.id, actor, values, version)
