"""What the clock told this officer: deadlines near and past, the daily digest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from admin import guard, views
from config import i18n
from config.profile import profile
from store import notices
from store.db import reading, transaction
from workflow import digest

blueprint = Blueprint("notices", __name__, url_prefix="/notices")


@blueprint.get("/")
def board() -> str:
    """What has not been read, the latest first."""
    officer = guard.officer()
    with reading() as tx:
        rows = notices.of_officer(tx, officer.id, sensitive=views.may_see_sensitive(officer))
    return render_template("notices.html", rows=rows, words_of=in_words)


def in_words(row: Any) -> str:
    """A notice as this officer reads it."""
    language = guard.language()
    if row.kind == "digest":
        return digest.in_words(row.facts, language, profile())
    day = "-"
    if when := row.facts.get("date"):
        moment = datetime.fromisoformat(when).astimezone(profile().zone_at(row.place))
        day = i18n.format_date(moment.date(), language)
    label = row.facts.get("label", "-")
    values = {"reference": row.reference or "-", "date": day, "label": label}
    return i18n.text(f"desk.notice.{row.kind}", language, **values)


@blueprint.post("/seen")
def seen() -> Response:
    """Everything shown has been read; what came meanwhile stays."""
    upto = request.form.get("upto", "")
    if upto.isdecimal() and len(upto) < 10:
        with transaction() as tx:
            notices.seen(tx, guard.officer().id, int(upto), guard.now())
    return redirect(url_for("notices.board"), 303)
