"""The clips of the hotline: heard, uploaded, recorded in the browser; placeholders marked."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response

from admin import guard, words
from config import i18n, prompts
from config.prompts import PromptError
from store.db import transaction
from store.schema import access_log
from workflow.states import STAFF, Role

blueprint = Blueprint("prompts", __name__, url_prefix="/prompts")
_PAGE = 48


def _allowed() -> None:
    if not set(guard.officer().roles) & (STAFF | {Role.ADMINISTRATOR}):
        abort(403)


@blueprint.get("")
def listing() -> Response:
    """The clips of one language, a page of them, with their words."""
    _allowed()
    spoken = request.args.get("language", "mn")
    language = spoken if spoken in i18n.LANGUAGES else "mn"
    clips = [_clip(name, language) for name in prompts.names()]
    counts = {kind: sum(clip["source"] == kind for clip in clips) for kind in
              ("recorded", "placeholder", "missing")}  # fmt: skip
    given = request.args.get("first", "")
    first = int(given[:6]) if given.isdecimal() else 0
    page = render_template(
        "prompts.html", clips=clips[first : first + _PAGE], first=first, size=_PAGE,
        all=len(clips), spoken=language, languages=i18n.LANGUAGES, counts=counts,
    )  # fmt: skip
    answer = make_response(page)
    answer.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(self)"
    return answer


def _clip(name: str, language: str) -> dict[str, Any]:
    return {
        "name": name,
        "text": prompts.text(name, language),
        "source": prompts.source(name, language),
    }


@blueprint.get("/<language>/<name>.wav")
def sound(language: str, name: str) -> Response:
    """A clip as callers hear it."""
    _allowed()
    try:
        content = prompts.content(name, language)
    except PromptError:
        abort(404)
    answer = make_response(content)
    answer.headers["Content-Type"] = "audio/x-wav"
    return answer


@blueprint.post("/<language>/<name>")
def keep(language: str, name: str) -> Response:
    """Use a person's recording from now on, or go back to the placeholder."""
    _allowed()
    if language not in i18n.LANGUAGES or name not in prompts.names():
        abort(404)
    try:
        if request.form.get("forget"):
            prompts.forget(name, language)
        else:
            given = request.files.get("file")
            prompts.keep(name, language, given.read() if given else b"")
    except PromptError:
        flash(words.t("prompts.refused"))
    else:
        _log(f"{language}/{name}")
        flash(words.t("prompts.saved"))
    known = prompts.names()
    first = list(known).index(name) // _PAGE * _PAGE if name in known else 0
    where = url_for("prompts.listing", language=language, first=first or None, _anchor=name)
    return redirect(where, 303)


def _log(clip: str) -> None:
    """Who changed what callers hear."""
    row = {
        "at": guard.now(),
        "actor": f"officer:{guard.officer().id}",
        "action": "prompt",
        "grievance_id": None,
        "reason": clip,
    }
    with transaction() as tx:
        tx.execute(access_log.insert(), [row])
