"""Files taken over in the desk, the field form to give out, and the citizens' leaflet."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, make_response, render_template, request
from werkzeug.wrappers import Response

from admin import guard
from bot import taking_over
from bot.taking_over import Duplicates
from config import log
from store import imported
from store.db import reading, transaction
from workflow import fieldform, leaflet
from workflow.commands import Actor
from workflow.imports import LARGEST_FILE, Plan, UnreadableFile
from workflow.states import Role

blueprint = Blueprint("imports", __name__, url_prefix="/import")
LONGEST_BODY = LARGEST_FILE + (1 << 20)
_MOST_SHOWN = 200
_CHOICES: tuple[Duplicates, ...] = ("stop", "skip", "keep")


def _officer_only() -> None:
    if Role.OFFICER not in guard.officer().roles:
        abort(403)


@blueprint.get("")
def board() -> str:
    """Choose a file."""
    _officer_only()
    return _page()


def _page(plan: Plan | None = None, **more: Any) -> str:
    return render_template("import.html", plan=plan, most=_MOST_SHOWN, **more)


@blueprint.post("")
def take() -> str | tuple[str, int]:
    """Check a file, or take it over: every row, or none."""
    _officer_only()
    sent = request.files.get("file")
    content = sent.stream.read(LARGEST_FILE + 1) if sent and sent.filename else b""
    if not content:
        return _page(broken="import.none"), 422
    try:
        if request.form.get("wish") != "do":
            return _page(taking_over.look(content), looked=True)
        return _taken(content)
    except UnreadableFile as error:
        return _page(broken=error.code), 422


def _taken(content: bytes) -> str | tuple[str, int]:
    chosen = request.form.get("duplicates", "stop")
    duplicates = next((known for known in _CHOICES if known == chosen), _CHOICES[0])
    me = guard.officer()
    taken = taking_over.take_over(content, Actor(Role.OFFICER, me.id), duplicates)
    if not taken.made:
        return _page(taken.plan, refused=True), 422
    with transaction() as tx:
        words = f"{len(taken.made)} rows of {taken.plan.digest.hex()[:12]}"
        imported.note(tx, f"officer:{me.id}", words, guard.now())
    log.get().info("file taken over", count=len(taken.made))
    return _page(taken.plan, made=taken.made)


@blueprint.get("/form-<language>.xlsx")
def form(language: str) -> Response:
    """The field form as a workbook."""
    _officer_only()
    tongue = language if language in leaflet.LANGUAGES else abort(404)
    return _download(fieldform.workbook(tongue), fieldform.XLSX, f"field-form-{tongue}.xlsx")


@blueprint.get("/leaflet-<language>.pdf")
def citizens_leaflet(language: str) -> Response:
    """The leaflet as PDF."""
    tongue = language if language in leaflet.LANGUAGES else abort(404)
    with reading() as tx:
        texting = leaflet.texting_number(tx)
    return _download(leaflet.leaflet(tongue, texting), "application/pdf", f"leaflet-{tongue}.pdf")


def _download(content: bytes, kind: str, name: str) -> Response:
    response = make_response(content)
    response.headers["Content-Type"] = kind
    response.headers["Content-Disposition"] = f'attachment; filename="hariu-{name}"'
    return response
