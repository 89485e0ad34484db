"""Every route of the desk, asked for by every role, against a table of who is let in."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from config import clock
from store.case import Case
from store.db import reading, transaction
from store.officers import ROLES
from store.schema import forum_issue, officer, outbox, task
from tests.admin import rows, town

SIGNED_IN = set(ROLES)
STAFF = {"officer", "coordinator", "psc_secretary", "focal_point"}
# An assignee sees what is theirs alone; this grievance is nobody's.
SEEING = SIGNED_IN - {"assignee"}
WRITING = STAFF | {"administrator"}
# Who is let in; a route that is not here is not decided yet, and fails.
TABLE: tuple[tuple[set[str], str], ...] = (
    (SIGNED_IN | {"", "cso"}, """
        POST auth.enter, POST auth.language, GET auth.sign_in, GET health.alive,
        GET health.metrics, GET health.ready, GET static"""),
    (SIGNED_IN, """
        GET auth.account, POST auth.change_password, POST auth.end_others, POST auth.end_session,
        POST auth.end_totp, GET auth.password, POST auth.set_totp, GET auth.totp,
        GET bulk.report, GET dashboard.board, GET forum.board, GET forum.issue, GET guide.board,
        GET guide.keys,
        GET imports.citizens_leaflet, GET notices.board, POST notices.seen, GET paper.notice_board,
        GET queue.board, POST queue.keep_view, POST queue.search, GET settings.board,
        GET settings.replies, GET settings.texts, GET state.board"""),
    (STAFF | {"administrator"}, "POST state.again, POST state.done, POST state.take"),
    (SEEING, """
        GET care.returned, POST cases.contact, POST cases.do, GET cases.file, POST cases.preview, GET cases.show,
        GET links.suggestions, GET paper.case_file, GET replies.here, POST replies.keep,
        GET reports.board, GET reports.file, GET reports.log"""),
    (STAFF, """
        GET bulk.board, POST bulk.do, POST bulk.preview, POST bulk.undo, POST forum.add, POST forum.decide,
        POST forum.put, POST links.join, POST links.part, POST links.split, POST replies.again,
        POST recordings.save, POST replies.unsend, POST cases.task_done"""),
    (WRITING, """
        POST prompts.keep, GET prompts.listing, GET prompts.sound, POST reports.add_engagement,
        POST reports.add_example, POST reports.drop_engagement, POST reports.drop_example,
        POST reports.write_boxes"""),
    ({"officer"}, """
        GET imports.board, GET imports.form, POST imports.take, POST intake.enter,
        GET intake.form, GET intake.slip"""),
    ({"administrator"}, """
        POST care.erase, POST hooks.again, GET hooks.board, POST hooks.keep, POST hooks.rotate,
        POST hooks.test, POST partners.access, POST partners.make_key, POST partners.revoke_key, POST partners.add, GET partners.board,
        POST partners.reset, GET project.board,
        POST project.keep, POST staff.add, GET staff.board, POST staff.change"""),
    ({"administrator", "auditor"}, "GET care.looks"),
    ({"administrator", "coordinator"}, """
        POST settings.holiday, POST settings.keep_reply, POST settings.keep_text,
        POST settings.undo_reply"""),
    (set(), "POST auth.sign_out"),  # leads everybody back to the sign-in
)  # fmt: skip


def _login(role: str) -> str:
    return "partner" if role == "cso" else f"x{role.replace('_', '')}"


def _values(case: Case, role: str, slip: str) -> dict[str, dict[str, object]]:
    """What stands in the place of a rule's parameters, for all rules and for one endpoint."""
    with reading() as tx:
        letter = outbox.c.grievance_id == case.id
        first = tx.execute(outbox.select().where(letter)).first()
        call = tx.execute(task.select()).first()
        victim = tx.execute(officer.select().where(officer.c.login == "victim")).first()
    assert first
    assert call
    assert victim
    return {
        "": {
            "reference": case.reference, "number": 1, "command": "reply", "language": "mn",
            "section": "hours", "signed": slip, "login": f"cso{_login(role)}",
            "filename": "desk.css",
        },
        "auth.end_session": {"number": 999},  # one's own would end the walk
        "replies.again": {"number": first.id},
        "state.done": {"number": call.id},
        "cases.task_done": {"number": call.id},
        "staff.change": {"number": victim.id},
        **rows.made(case, _login(role)),
    }  # fmt: skip


def _outcome(client: FlaskClient, path: str, method: str, *, made: bool) -> str:
    """What a role meets; a route whose row was ``made`` for it is refused or answers in full."""
    answer = client.open(path, method=method)
    assert not made or answer.status_code in {200, 302, 303, 403, 404}, (path, answer.status_code)
    assert answer.status_code < 500, (method, path, answer.status_code)
    if answer.headers.get("Location", "").endswith("/sign-in"):
        return "sign-in"
    return "refused" if answer.status_code in {403, 404} else "allowed"


def _rules(app: Flask) -> list[Rule]:
    """Every rule; the one that ends the session comes last."""
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint)
    return sorted(rules, key=lambda rule: rule.endpoint == "auth.sign_out")


def _path(rule: Rule, given: dict[str, object]) -> str:
    return re.sub(r"<(?:[^>]*:)?(\w+)>", lambda slot: str(given[slot[1]]), rule.rule)


def _walk(app: Flask, case: Case, role: str, slip: str) -> dict[str, str]:
    """The outcome of each "METHOD endpoint" for one role; "" is nobody."""
    client = app.test_client()
    if role:
        client.post("/sign-in", data={"login": _login(role), "password": town.PASSWORD})
    values, found = _values(case, role, slip), dict[str, str]()
    for rule in _rules(app):
        path = _path(rule, values[""] | values.get(rule.endpoint, {}))
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            found[f"{method} {rule.endpoint}"] = _outcome(
                client, path, method, made=rule.endpoint in values
            )
    return found


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_who_is_let_in_where(app: Flask, cases: list[Case]) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    town.join("victim", "Жишээ", "officer")
    with transaction() as tx:
        tx.insert_ids(forum_issue, [{"title": "Жишээ", "at": clock.now()}])
    who = ("", "cso", *ROLES)
    for role in who[1:]:
        town.join(_login(role), "Жишээ", role)
    slip = rows.slip(app, _login("officer"))
    found = {role: _walk(app, cases[3], role, slip) for role in who}
    let_in = {
        route: {role for role in who if found[role][route] == "allowed"} for route in found[""]
    }
    table = {route.strip(): who for who, routes in TABLE for route in routes.split(",")}
    assert let_in.keys() == table.keys()
    assert {route: who for route, who in let_in.items() if who != table[route]} == {}
    for stranger in ("", "cso"):
        shut = {route for route in table if "" not in table[route]}
        assert {found[stranger][route] for route in shut} == {"sign-in"}
    for role in ROLES:
        led = {route for route, outcome in found[role].items() if outcome == "sign-in"}
        assert led == {"POST auth.sign_out"}, role
