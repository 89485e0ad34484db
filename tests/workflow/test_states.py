"""The procedure's table: checked when defined, every letter written, every step in words."""

from __future__ import annotations

import pytest

from config import i18n
from config.profile import load
from workflow import written
from workflow.commands import GUARDS
from workflow.handlers import EVENT
from workflow.letters import FOLLOW_UPS
from workflow.states import (
    COMMANDS,
    TRANSITIONS,
    Outcome,
    ProcedureError,
    Role,
    Status,
    Transition,
    check,
    find,
    legal,
)


def test_every_command_has_an_event_and_words_in_each_language() -> None:
    assert set(COMMANDS) == set(EVENT)
    for command in COMMANDS:
        for language in i18n.LANGUAGES:
            assert f"procedure.command.{command}" in i18n.catalogue(language)


def test_every_guard_exists_and_every_letter_is_written() -> None:
    keys = i18n.keys()
    for row in TRANSITIONS:
        assert set(row.guards) <= set(GUARDS)
        if row.letter == "closed":
            assert all(f"letter.closed.{outcome}.sms" in keys for outcome in Outcome)
        elif row.letter == "ack":
            assert {"ack.sms", "ack.chat", "ack.joint.sms", "ack.joint.chat"} <= keys
        elif row.letter:
            name = f"{row.letter}.ask" if row.letter in FOLLOW_UPS else f"letter.{row.letter}"
            assert name in keys or {f"{name}.sms", f"{name}.chat"} <= keys


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[1:], "exactly one start"),
        (lambda rows: tuple(r for r in rows if r.to != Status.SCREENED), "cannot be reached"),
        (lambda rows: tuple(r for r in rows if r.to != Status.CLOSED), "cannot be reached|closed"),
        (
            lambda rows: (*rows, Transition("idle", frozenset(Status), None, frozenset())),
            "nobody may",
        ),
    ],
)
def test_a_broken_table_is_refused(change, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ProcedureError, match=words):
        check(change(TRANSITIONS))


def test_a_trap_is_found() -> None:
    rows = tuple(
        Transition(r.command, r.sources - {Status.SCREENED}, r.to, r.who)
        if r.command
        in {"close", "withdraw", "assign", "investigate", "propose_redress", "escalate"}
        else r
        for r in TRANSITIONS
    )
    with pytest.raises(ProcedureError, match="cannot be closed: screened"):
        check(rows)


def test_what_is_legal_depends_on_status_and_role() -> None:
    officer = {row.command for row in legal(Status.ACKNOWLEDGED, [Role.OFFICER])}
    assert {"screen", "assign", "close", "extend", "reply", "note"} <= officer
    assert {row.command for row in legal(Status.CLOSED, [Role.AUDITOR])} == {"note"}
    assert find("close", Status.CLOSED) is None


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_procedure_is_written_in_each_language(store: str, language: str) -> None:
    text = written.as_text(language)
    for command in COMMANDS:
        assert f"({command})" in text
    assert written.dot(language).count("->") == written.mermaid(language).count("-->")


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("name", ["smart-government-2", "darkhan"])
def test_the_written_procedure_has_times_conditions_letters_and_routes(
    name: str, language: str
) -> None:
    project = load(name)
    text = written.as_text(language, project)
    spans = [stage.span for stage in project.stages] + [c.span for c in project.categories]
    spans += [*project.kind_spans.values(), project.sensitive_span, project.extension]
    for span in filter(None, spans):
        key = "count.days" if span.unit == "days" else f"count.{span.unit}"
        assert i18n.plural(key, span.amount, language) in text
    for guard in {guard for row in TRANSITIONS for guard in row.guards}:
        assert i18n.text(f"procedure.guard.{guard}", language) in text
    assert ("worldbank.org/GRS" in text) == bool(project.routes)
    assert text.count(i18n.text("procedure.letter", language) + ": ") >= 20
    assert "{" not in text
