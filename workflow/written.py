"""The procedure in words and as a diagram, drawn from the table, the clocks and the profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from config import i18n
from config.profile import Profile, Span, Stage, profile
from workflow.states import OPEN, TRANSITIONS, Clock, Status, Transition


def _command(row: Transition, language: str) -> str:
    return i18n.text(f"procedure.command.{row.command}", language, name="…")


def _statuses(statuses: Iterable[Status], language: str) -> str:
    found = set(statuses)
    if found == set(OPEN):
        return i18n.text("procedure.any_open", language)
    ordered = [status for status in Status if status in found]
    return ", ".join(i18n.text(f"status.{status}.label", language) for status in ordered)


def _span(span: Span | None, language: str) -> str:
    if span is None:
        return "-"
    key = {"days": "count.days", "working_days": "count.working_days", "hours": "count.hours"}
    return i18n.plural(key[span.unit], span.amount, language)


def _stage(stage: Stage, language: str) -> str:
    return (
        f"{stage.number}. {stage.name.of(language)}: {stage.who.of(language)}"
        f" ({_span(stage.span, language)})"
    )


def as_text(language: str, project: Profile | None = None) -> str:
    """The whole procedure, a paragraph for each row of the table."""
    chosen = project or profile()
    lines = [i18n.text("procedure.title", language), chosen.organisation.project.of(language), ""]
    lines += [_stage(stage, language) for stage in chosen.stages]
    for row in TRANSITIONS:
        lines += ["", *_paragraph(row, language)]
    return "\n".join(lines)


def _paragraph(row: Transition, language: str) -> Iterator[str]:
    def label(part: str) -> str:
        return i18n.text(f"procedure.{part}", language)

    yield f"{_command(row, language)} ({row.command})"
    if row.sources:
        yield f"  {label('from')}: {_statuses(row.sources, language)}"
    if row.to is not None:
        yield f"  {label('to')}: {_statuses([row.to], language)}"
    who = sorted(i18n.text(f"actor.{role}.label", language) for role in row.who)
    yield f"  {label('who')}: {', '.join(who)}"
    if row.clock is not Clock.KEEP:
        yield f"  {label('deadline')}: {i18n.text(f'procedure.clock.{row.clock}', language)}"
    if row.letter:
        yield f"  {label('letter')}: {row.letter}"


_ANY_OPEN = "any_open"


def _arrows(language: str) -> Iterator[tuple[str, str, str]]:
    """(from, to, words) of rows that lead on, drawn once each.

    What is possible in several statuses is drawn from the last of them, the ordinary way; what is
    possible in all open ones from a node of its own.
    """
    for row in TRANSITIONS:
        if row.to is None:
            continue
        words = _command(row, language).removesuffix(" …").strip()
        if row.sources == OPEN:
            yield _ANY_OPEN, str(row.to), words
        elif Status.CLOSED in row.sources:
            for source in sorted(row.sources):
                yield str(source), str(row.to), words
        else:
            ordered = [str(status) for status in Status if status in row.sources]
            yield ordered[-1] if ordered else "start", str(row.to), words


def _nodes(language: str) -> Iterator[tuple[str, str]]:
    yield _ANY_OPEN, i18n.text("procedure.any_open", language)
    for status in Status:
        yield str(status), i18n.text(f"status.{status}.label", language)


def dot(language: str) -> str:
    """The diagram in Graphviz' language."""
    nodes = [
        f'  {status} [label="{i18n.text(f"status.{status}.label", language)}"];'
        for status in Status
    ]
    arrows = [f'  {a} -> {b} [label="{words}"];' for a, b, words in _arrows(language)]
    head = ["digraph procedure {", "  rankdir=LR;", '  start [shape=point, label=""];']
    return "\n".join([*head, *nodes, *arrows, "}"])


def mermaid(language: str) -> str:
    """The ordinary way through, as a Mermaid diagram."""
    nodes = [f"    {name}: {label}" for name, label in _nodes(language)]
    arrows = [
        f"    {'[*]' if source == 'start' else source} --> {to}: {words}"
        for source, to, words in _arrows(language)
    ]
    return "\n".join(["stateDiagram-v2", *nodes, *arrows])
