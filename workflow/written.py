"""The procedure in words and as a diagram, drawn from the table, the clocks and the profile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from config import i18n
from config.profile import Profile, Span, Stage, profile
from workflow.letters import FOLLOW_UPS
from workflow.states import ANY, OPEN, TRANSITIONS, Clock, Outcome, Status, Transition

# What the clock does by itself, in this order: see `workflow.attention`.
_BY_ITSELF = ("due", "delay", "overdue", "remind", "rate", "solved")


def _command(row: Transition, language: str) -> str:
    return i18n.text(f"procedure.command.{row.command}", language, name="…")


def _statuses(statuses: Iterable[Status], language: str) -> str:
    found = set(statuses)
    if found in (set(OPEN), set(ANY)):
        return i18n.text("procedure.any_open" if found == set(OPEN) else "procedure.any", language)
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
    """The whole procedure: stages, times, what the clock does, a paragraph for each row."""
    chosen = project or profile()
    lines = [i18n.text("procedure.title", language), chosen.organisation.project.of(language), ""]
    lines += [_stage(stage, language) for stage in chosen.stages]
    lines += ["", *_times(chosen, language), "", *_by_itself(chosen, language)]
    if routes := chosen.routes.get(language):
        lines += ["", i18n.text("routes.any_time", language, routes=routes)]
    for row in TRANSITIONS:
        lines += ["", *_paragraph(row, language)]
    return "\n".join(lines)


def _times(project: Profile, language: str) -> Iterator[str]:
    """Kinds and categories with a time of their own, the sensitive lane, extensions."""
    yield i18n.text("procedure.times", language)
    spans = {f"kind.{code}.label": span for code, span in project.kind_spans.items()}
    spans |= {f"category.{c.code}.label": c.span for c in project.categories if c.span}
    if project.sensitive_span:
        spans["procedure.sensitive_time"] = project.sensitive_span
    spans["procedure.extension"] = project.extension
    for key, span in spans.items():
        yield f"  {i18n.text(key, language)}: {_span(span, language)}"


def _by_itself(project: Profile, language: str) -> Iterator[str]:
    """What happens though nobody acts, and after how long."""
    told = project.reminders
    spans = {
        "due": (told.before, told.before_hours),
        "delay": (told.late_before, told.late_extension, told.late_extension_hours),
        "overdue": (),
        "remind": (Span(amount=told.question),),
        "rate": (Span(amount=told.rating),),
        "solved": tuple(Span(amount=days) for days in told.solved),
    }
    yield i18n.text("procedure.by_itself", language)
    for name in _BY_ITSELF:
        after = ", ".join(_span(span, language) for span in spans[name])
        words = i18n.text(f"procedure.auto.{name}", language)
        yield f"  {words} ({after})" if after else f"  {words}"


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
    if row.guards:
        yield f"  {label('guards')}: {'; '.join(label(f'guard.{name}') for name in row.guards)}"
    if row.clock is not Clock.KEEP:
        yield f"  {label('deadline')}: {i18n.text(f'procedure.clock.{row.clock}', language)}"
    for key in _letters(row.letter):
        yield f"  {label('letter')}: {_letter(key, language)}"


def _letters(letter: str) -> list[str]:
    """The keys of the texts a row sends."""
    if letter == "closed":
        return [f"letter.closed.{outcome}" for outcome in Outcome]
    if letter in FOLLOW_UPS:
        return [f"{letter}.ask"]
    return [letter if letter == "ack" else f"letter.{letter}"] if letter else []


def _letter(key: str, language: str) -> str:
    """A letter in its short form, with dots where its values stand."""
    short = f"{key}.sms"
    (form, *_) = i18n.entry(short if short in i18n.catalogue("mn") else key, language).forms
    return re.sub(r"\{\w+\}", "…", " ".join(form.split()))


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
