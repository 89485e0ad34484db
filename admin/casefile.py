"""On paper: one grievance as a file of its own, and answers for the notice board."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, render_template
from sqlalchemy import select

from admin import cases, dossier, guard, views, words
from admin.dossier import Dossier, Entry
from config.profile import profile
from store.db import reading, transaction
from store.schema import grievance

blueprint = Blueprint("paper", __name__)
_TEMPLATE = Path(__file__).with_name("casefile.typ")
_FACTS = ("kind", "category", "status", "channel", "language")
_BOARD = timedelta(days=60)


@blueprint.get("/cases/<reference>/file.pdf")
def case_file(reference: str) -> Response:
    """All that is known of a grievance, notes included, as one PDF; who asked is on record."""
    scope = views.Scope(guard.officer(), guard.now())
    with transaction() as tx:
        case = dossier.find(tx, scope, reference) or abort(404)
        dossier.log_access(tx, guard.officer(), "export", case, guard.now())
    with reading() as tx:
        pdf = rendered(_content(dossier.load(tx, scope, case)))
    name = f'attachment; filename="{case.reference}.pdf"'
    return Response(pdf, 200, {"Content-Type": "application/pdf", "Content-Disposition": name})


def rendered(content: dict[str, Any]) -> bytes:
    """Set by typst with its own fonts, tagged; everything said goes in as data, never as code."""
    import typst  # takes a moment to load, and most pages need none

    made: bytes = typst.compile(
        _TEMPLATE.read_bytes(), format="pdf", ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(content, ensure_ascii=False)},
    )  # fmt: skip
    return made


def _content(found: Dossier) -> dict[str, Any]:
    case = found.case
    named = {name: words.label(name, getattr(case, name)) for name in _FACTS}
    facts = [(words.t(f"fact.{name}"), value) for name, value in named.items() if name != "status"]
    facts += [
        (words.t("paper.status"), named["status"]),
        (words.t("fact.place"), cases.place_name(case) or "–"),
        (words.t("fact.received"), words.moment(case.received_at)),
        (words.t("fact.acknowledged"), words.moment(case.acknowledged_at)),
        (words.t("fact.due"), words.date(case.due_at)),
        (words.t("fact.stage"), profile().stage(case.stage).name.of(guard.language())),
        (words.t("fact.assignee"), found.assignee.name if found.assignee else "–"),
    ]
    return {
        "lang": guard.language(), "title": words.t("paper.title", reference=case.reference),
        "project": words.project(), "facts": [list(pair) for pair in facts],
        "by": words.t("paper.by", name=guard.officer().name, date=words.moment(guard.now())),
        "talk": words.t("case.talk"), "entries": [_entry(item) for item in found.entries],
        "trail": words.t("case.timeline"), "steps": _steps(found),
        "gist_title": words.t("case.gist"), "gist": case.gist,
        "resolution_title": words.t("fact.resolution"), "resolution": case.resolution,
    }  # fmt: skip


def _entry(item: Entry) -> dict[str, str]:
    who = {"in": words.t("case.person"), "out": words.t("case.we"), "note": words.t("note.title")}
    parts = [who[item.side], item.who or words.label("channel", item.channel)]
    if item.side == "out":
        parts.append(words.t(f"delivery.{item.state}"))
    return {"side": item.side, "who": " · ".join(parts), "at": words.moment(item.at),
            "text": item.text, "reading": item.reading}  # fmt: skip


def _steps(found: Dossier) -> list[list[str]]:
    return [
        [words.moment(step.at), step.text, f"{step.who} {step.detail}".strip()]
        for step in reversed(cases.timeline(found))
    ]


@blueprint.get("/notice-board")
def notice_board() -> str:
    """Answers to people without an address, to be printed and put up; number and answer alone."""
    scope = views.Scope(guard.officer(), guard.now())
    columns = ("reference", "received_at", "closed_at", "outcome", "resolution", "place")
    query = select(*(grievance.c[name] for name in columns)).where(
        views.visible(scope),
        grievance.c.sensitive == "",
        grievance.c.address_id.is_(None),
        grievance.c.closed_at >= scope.now - _BOARD,
    )
    with reading() as tx:
        rows = tx.execute(query.order_by(grievance.c.closed_at.desc()).limit(60)).all()
    return render_template("notice_board.html", rows=rows, organisation=profile().organisation)
