"""What the project decides, edited by administrators: categories, times, who answers where."""

from __future__ import annotations

from itertools import product
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from pydantic import ValidationError
from werkzeug.wrappers import Response

from admin import guard, words
from admin.project_rows import (
    SECTIONS,
    WEEKDAYS,
    Row,
    Wrong,
    faults,
    filled,
    label_key,
    told,
    value,
)
from config import i18n
from config.profile import Profile, load, profile, with_own
from config.settings import settings
from store import corrections, desk, officers
from store.db import Transaction, reading, transaction
from workflow.states import Role

blueprint = Blueprint("project", __name__, url_prefix="/settings/profile")
_LONGEST = 200
_MOST = 200  # lines of a section


@blueprint.before_request
def _allowed() -> None:
    if Role.ADMINISTRATOR not in guard.officer().roles:
        abort(403)


@blueprint.get("/")
def board() -> str:
    """Every section as it is now."""
    return _page()


def _page(section: str = "", typed: list[Row] | None = None, wrong: str = "") -> str:
    """The sections; one that was refused stands as it was typed, with what is wrong."""
    with reading() as tx:
        corrections.load(tx)
        own = corrections.own(tx)
    project = profile()
    rows = {name: filled(name, project) for name in SECTIONS} | ({section: typed} if typed else {})
    return render_template(
        "project.html", sections=SECTIONS, rows=rows, own=own, wrong={section: wrong},
        weekdays=WEEKDAYS, units=[unit.code for unit in project.units],
    )  # fmt: skip


@blueprint.post("/<section>")
def keep(section: str) -> Response | tuple[str, int]:
    """Change one section as a whole, or let the profile's file count again."""
    if section not in SECTIONS:
        abort(404)
    typed = [] if "drop" in request.form else _typed(section)
    try:
        with transaction() as tx:
            _keep(tx, section, typed)
    except Wrong as wrong:
        return _page(section, typed, _said(wrong)), 422
    flash(words.t("settings.kept"))
    return redirect(url_for("project.board", _anchor=section), 303)


def _keep(tx: Transaction, section: str, typed: list[Row]) -> None:
    corrections.load(tx)
    before, own, base = filled(section, profile()), corrections.own(tx), load(settings().profile)
    if "drop" in request.form:
        own.pop(section, None)
    else:
        logins = {person.login for person in officers.everyone(tx, active_only=True)}
        faults(section, typed, with_own(base, own), logins)
        own[section] = value(section, typed)
    project = _sound(base, own, section)
    me, now = guard.officer().id, guard.now()
    if section in own:
        corrections.keep_own(tx, section, own[section], me, now)
    else:
        corrections.drop_own(tx, section)
    if section == "categories":
        _name(tx, typed, me)
    after = filled(section, project)
    if after != before:
        what = (told(section, before), told(section, after))
        desk.changed(tx, me, f"profile {section}", *what, now)
    corrections.load(tx)


def _name(tx: Transaction, typed: list[Row], me: int) -> None:
    """Names of categories are texts like others, and outlive a category for its grievances."""
    now, kept = guard.now(), corrections.texts(tx)
    for row, language in product(typed, i18n.LANGUAGES):
        key, name = label_key(row["code"]), row[language]
        shipped = i18n.catalogue(language).get(key)
        before = kept[key, language].text if (key, language) in kept else ""
        after = "" if shipped and name in shipped.forms else name
        if after == before:
            continue
        if after:
            corrections.keep_text(tx, key, language, after, "draft-high", me, now)
        else:
            corrections.drop_text(tx, key, language)
        desk.changed(tx, me, f"text {key} {language}", before, after, now)
    corrections.load(tx)


def _sound(base: Profile, own: dict[str, Any], section: str) -> Profile:
    """The profile as it would be; `Wrong` names the field it fails on."""
    try:
        return with_own(base, own)
    except ValidationError as error:
        where = error.errors(include_input=False)[0]["loc"]
    names = [str(part) for part in where if isinstance(part, str)]
    number = next((part + 1 for part in where if isinstance(part, int)), 0)
    known = [name for name in names if name in SECTIONS[section]]
    why = "value" if known else "used"  # the units of the file lack one that a category names
    raise Wrong(known[-1] if known else SECTIONS[section][0], number, why)


def _typed(section: str) -> list[Row]:
    """The lines of the form that say anything."""
    form, rows = request.form, list[Row]()
    columns = SECTIONS[section]
    for number in range(_MOST):
        row = {
            name: " ".join(" ".join(form.getlist(f"{name}-{number}")).split())[:_LONGEST]
            for name in columns
        }
        if row[columns[0]]:
            rows.append(row)
    return rows


def _said(wrong: Wrong) -> str:
    """The sentence that names the field."""
    field = words.t(f"profile.field.{wrong.field}")
    return words.t(f"profile.wrong.{wrong.why}", field=field, line=wrong.line)
