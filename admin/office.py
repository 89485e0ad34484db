"""Settings edited in the desk: texts, replies at hand, free days, staff; each change remembered."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from admin import acts, guard, words
from config import i18n
from store import corrections, desk, officers
from store.db import Transaction, reading, transaction
from workflow.states import Role

blueprint = Blueprint("settings", __name__, url_prefix="/settings")
_SEED = Path(__file__).with_name("canned.toml")
_PAGE = 30
_LONGEST = 2000
_HISTORY = 500  # changes of replies that can be gone back to
_REPLY = ("name", "category", "mn", "kk", "en", "active")
# Who may change how the house speaks; the others may read it.
_MAY = {Role.ADMINISTRATOR, Role.COORDINATOR}


@dataclass(frozen=True, slots=True)
class Text:
    """One text as it stands in one language; ``own`` is the office's correction, if any.

    ``form`` says of a text with a plural for which numbers this one is: one, many.
    """

    key: str
    language: str
    shipped: str
    own: str
    review: str
    form: str = ""


def may_change() -> bool:
    """Whether the officer may change settings."""
    return bool(_MAY & {Role(role) for role in guard.officer().roles})


def _changing() -> int:
    """The officer's id, or 403."""
    return guard.officer().id if may_change() else abort(403)


@blueprint.get("/")
def board() -> str:
    """What can be set, and what was changed lately."""
    with reading() as tx:
        return render_template(
            "settings.html", changes=desk.changes(tx), in_words=_in_words,
            staff=officers.everyone(tx),
            holidays=corrections.holidays(tx), may=may_change(),
        )  # fmt: skip


# -- texts --------------------------------------------------------------------------------------


@blueprint.get("/texts")
def texts() -> str:
    """Texts people read, searched by key or words, with how far native readers have come."""
    asked = " ".join(request.args.get("find", "").split())[:100]
    language = request.args.get("language", "mn")
    language = language if language in i18n.LANGUAGES else "mn"
    review = request.args.get("review", "")
    with reading() as tx:
        own = corrections.texts(tx)
    found = [
        item
        for key in sorted(i18n.keys())
        if not key.startswith("desk.")
        for item in _forms(key, language, own)
        if _fits(item, asked, review)
    ]
    number = request.args.get("first", "")
    first = int(number[:9]) if number.isdecimal() else 0
    shown = found[first : first + _PAGE]
    return render_template(
        "texts.html", texts=shown, first=first, size=_PAGE, count=len(found), find=asked,
        language=language,
        review=review, reviews=i18n.REVIEWS, languages=i18n.LANGUAGES, may=may_change(),
    )  # fmt: skip


def _forms(key: str, language: str, own: dict[tuple[str, str], Any]) -> Iterator[Text]:
    """A text, or each form of one with a plural."""
    found = i18n.catalogue(language).get(key)
    if found is None:
        return
    for number, shipped in enumerate(found.forms):
        name = i18n.form_key(key, number)
        row = own.get((name, language))
        review = row.review if row else found.review or ""
        form = ("one", "many")[number] if len(found.forms) > 1 else ""
        yield Text(name, language, shipped, row.text if row else "", review, form)


def _fits(item: Text, asked: str, review: str) -> bool:
    said = f"{item.key} {item.shipped} {item.own}".casefold()
    return asked.casefold() in said and review in {"", item.review}


@blueprint.post("/texts")
def keep_text() -> tuple[str, int] | Response:
    """Correct one text, or take the correction back where nothing is left of it."""
    me, form = _changing(), request.form
    key, language = form.get("key", ""), form.get("language", "")
    words_, review = form.get("text", "").strip()[:_LONGEST], form.get("review", "")
    if review not in i18n.REVIEWS or key.startswith("desk."):
        abort(400)
    shipped = i18n.parted(key)[0] in i18n.keys()  # noqa: SIM118 - a function, no dict
    problem = i18n.override_problem(key, language, words_) if words_ or not shipped else None
    if problem:
        flash(words.t(f"texts.{problem}"))
        return redirect(url_for("settings.texts", find=key, language=language), 303)
    with transaction() as tx:
        before = corrections.texts(tx).get((key, language))
        if words_:
            corrections.keep_text(tx, key, language, words_, review, me, guard.now())
        else:
            corrections.drop_text(tx, key, language)
        was = before.text if before else ""
        desk.changed(tx, me, f"text {key} {language}", was, words_, guard.now())
        corrections.load(tx)
    flash(words.t("settings.kept"))
    return redirect(url_for("settings.texts", find=key, language=language), 303)


# -- replies at hand ----------------------------------------------------------------------------


def seed(tx: Transaction) -> int:
    """Replies to begin with, where the office has none; how many were added."""
    if desk.canned(tx):
        return 0
    rows = tomllib.loads(_SEED.read_text("utf-8"))["replies"]
    for row in rows:
        desk.keep_canned(tx, 0, {"category": "", **row})
    return len(rows)


@blueprint.get("/replies")
def replies() -> str:
    """The replies at hand, each in three languages."""
    with transaction() as tx:
        seed(tx)
        rows = desk.canned(tx)
        earlier = _earlier(tx)
    return render_template(
        "replies.html", replies=rows, earlier=earlier, categories=acts.categories(),
        may=may_change(),
    )  # fmt: skip


def _earlier(tx: Transaction) -> dict[int, list[Any]]:
    """What each reply said before, the latest first: change, and the values it replaced."""
    found: dict[int, list[Any]] = {}
    for row in desk.changes(tx, _HISTORY, "reply "):
        number = row.what.removeprefix("reply ").partition(":")[0]
        if (values := _whole(row.before)) and number.isdecimal():
            found.setdefault(int(number), []).append((row, values))
    return found


def _whole(kept: str) -> dict[str, Any]:
    """A reply as the history keeps it; {} for none, or a line older than whole replies."""
    try:
        found = json.loads(kept)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.keys() == set(_REPLY) else {}


def _in_words(kept: str) -> str:
    """What the history shows of a value: of a reply its name and words."""
    whole = _whole(kept)
    return " · ".join(str(whole[name]) for name in ("name", "mn", "kk", "en")) if whole else kept


@blueprint.post("/replies/<int(max=2147483647):number>")
def keep_reply(number: int) -> Response:
    """Change a reply at hand; number 0 adds one."""
    me = _changing()
    values: dict[str, Any] = {
        name: request.form.get(name, "").strip()[:_LONGEST]
        for name in ("name", "category", "mn", "kk", "en")
    }
    values |= {"active": "active" in request.form, "name": values["name"][:100]}
    if not all(values[name] for name in ("name", "mn", "kk", "en")):
        flash(words.t("replies.all_three"))
        return redirect(url_for("settings.replies"), 303)
    if values["category"] not in {"", *acts.categories()}:
        abort(400)
    with transaction() as tx:
        _keep_reply(tx, number, values, me)
    flash(words.t("settings.kept"))
    return redirect(url_for("settings.replies"), 303)


def _keep_reply(tx: Transaction, number: int, values: dict[str, Any], me: int) -> None:
    """Keep it, and in the history all of what it was, so that it can be restored."""
    rows = {row.id: row._mapping for row in desk.canned(tx)}
    if number and number not in rows:
        abort(404)
    before = {name: rows[number][name] for name in _REPLY} if number else None
    if values == before:
        return
    was = json.dumps(before, ensure_ascii=False) if before else ""
    what = f"reply {desk.keep_canned(tx, number, values)}: {values['name']}"
    desk.changed(tx, me, what, was, json.dumps(values, ensure_ascii=False), guard.now())


@blueprint.post("/replies/changes/<int(max=2147483647):change>/undo")
def undo_reply(change: int) -> Response:
    """Let a reply say again what it said before a change; that is a change like any other."""
    me = _changing()
    with transaction() as tx:
        known = {
            row.id: (number, was) for number, kept in _earlier(tx).items() for row, was in kept
        }
        number, values = known.get(change) or abort(404)
        if values["category"] not in acts.categories():
            values["category"] = ""  # it is gone meanwhile
        _keep_reply(tx, number, values, me)
    flash(words.t("replies.restored"))
    return redirect(url_for("settings.replies"), 303)


# -- free days ----------------------------------------------------------------------------------


@blueprint.post("/holidays")
def holiday() -> Response:
    """Name a free day, or drop one."""
    me, form = _changing(), request.form
    try:
        day = date.fromisoformat(form.get("day", ""))
    except ValueError:
        abort(400)
    name = " ".join(form.get("name", "").split())[:100]
    with transaction() as tx:
        if "drop" in form:
            corrections.drop_holiday(tx, day)
        else:
            corrections.keep_holiday(tx, day, name or day.isoformat())
        after = "" if "drop" in form else name
        desk.changed(tx, me, f"holiday {day}", "", after, guard.now())
        corrections.load(tx)
    flash(words.t("settings.kept"))
    return redirect(url_for("settings.board"), 303)
