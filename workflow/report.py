"""The GRM report: one data set, two languages, three formats.

`gather` reads what a period's report is made of, `compose` puts it into the blocks of a document
in one language; `workflow.report_pdf`, `_docx` and `_html` print the same blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config import i18n
from config.profile import Profile, Span, profile
from store import reports
from store.db import reading
from workflow import charts
from workflow.grievance_log import headings, label
from workflow.indicators import MEDIANS, TABLES, TOTALS
from workflow.period import Period
from workflow.report_annex import LONGEST, annex
from workflow.report_blocks import (
    Block,
    Box,
    Chart,
    Cover,
    Document,
    Grid,
    Heading,
    Para,
    Tiles,
    Turn,
)  # fmt: skip
from workflow.report_figures import Disclosure, Progress, disclose, nothing
from workflow.report_words import PlaceName, Words, share
from workflow.states import TRANSITIONS, Role

_RECEIVED = ("month", "kind", "category", "channel", "language", "place", "acknowledged")
_HANDLING = ("status", "stage", "outcome", "timeliness", "backlog")
_PEOPLE = ("gender", "group", "satisfaction")
_STEPS = (
    "register", "screen", "assign", "investigate", "propose_redress", "close", "appeal",
)  # fmt: skip
_FIGURES = (*TOTALS, *MEDIANS)


@dataclass(frozen=True, slots=True)
class Material:
    """What the report of a period is made of, in no language yet."""

    disclosure: Disclosure
    boxes: dict[tuple[str, str], str]
    examples: Sequence[Any]
    engagements: Sequence[Any]
    project: Profile


def gather(period: Period, now: datetime, told: Progress = nothing) -> Material:
    """Read everything but the annex, which is in words already."""
    disclosure = disclose(period, now, told)
    with reading() as tx:
        return Material(
            disclosure,
            reports.boxes(tx, period.start, period.end),
            reports.examples(tx, period.start, period.end),
            reports.engagements(tx, period.start, period.end),
            profile(),
        )


def compose(material: Material, language: str, place: PlaceName) -> Document:
    """The report in ``language``; ``place`` names places."""
    words = Words(language, place)
    cover = _cover(material, words)
    blocks: list[Block] = [
        cover, *_summary(material, words), *_box(material, words, "context"),
        *_procedure(material, words),
        Heading(words.t("desk.report.received")), *_tables(material, words, _RECEIVED),
        Heading(words.t("desk.report.handling")), *_handling(material, words),
        Heading(words.t("desk.report.people")), Para(words.t("desk.report.people_text")),
        *_tables(material, words, _PEOPLE), *_sensitive(material, words),
        *_examples(material, words), *_box(material, words, "challenges"),
        *_box(material, words, "lessons"), *_box(material, words, "next_steps"),
        *_engagements(material, words), *_definitions(words), *_annex(material, words),
    ]  # fmt: skip
    return Document(language, f"{cover.project}. {cover.title}, {cover.span}", blocks)


def span_words(period: Period, language: str) -> str:
    """From when to when, in words."""
    days = [i18n.format_date(day, language, "long") for day in (period.start, period.last)]
    return i18n.text("desk.report.span", language, start=days[0], last=days[1])


def _cover(material: Material, words: Words) -> Cover:
    disclosure, body = material.disclosure, material.project.organisation
    at = disclosure.at.astimezone(material.project.timezone).date()
    return Cover(
        organisation=body.name.of(words.language),
        project=body.project.of(words.language),
        title=words.t("desk.report.title"),
        kind=words.t(f"desk.report.{disclosure.period.preset or 'other'}"),
        span=span_words(disclosure.period, words.language),
        made=words.t("desk.report.made", date=i18n.format_date(at, words.language, "long")),
        warning="" if disclosure.final else words.t("desk.report.provisional"),
    )


def _summary(material: Material, words: Words) -> Iterator[Block]:
    shown = material.disclosure.shown
    project = material.project.organisation.project.of(words.language)
    yield Heading(words.t("desk.report.summary"))
    yield Para(words.t("desk.report.summary_text", project=project))
    shares = {"in_time": ("timeliness", "in_time"), "satisfied": ("satisfaction", "3")}
    tiles = [(name, words.figure(shown, name)) for name in ("received", "closed", "open")]
    for name, (table, cell) in shares.items():
        found = share(shown, table, cell)
        empty = shown.totals[TABLES[table]] == 0
        tiles.append(
            (name, "–" if empty else f"{found} %" if found is not None else words.number(None))
        )
    tiles.append(("days_to_close", words.figure(shown, "days_to_close")))
    yield Tiles([(words.t(f"figure.{name}.label"), value) for name, value in tiles])
    rows = [(words.t(f"figure.{name}.label"), words.figure(shown, name)) for name in _FIGURES]
    head = (words.t("desk.report.figure"), words.t("figure.number"))
    yield Grid("", head, rows, (5, 1), frozenset({1}))
    yield Para(words.t("figure.suppression"), note=True)


def _box(material: Material, words: Words, name: str) -> Iterator[Block]:
    if text := material.boxes.get((name, words.language)):
        yield Box(words.t(f"desk.report.box.{name}"), text)


def _procedure(material: Material, words: Words) -> Iterator[Block]:
    yield Heading(words.t("desk.report.procedure"))
    yield Para(words.t("desk.report.procedure_text"))
    language = words.language
    rows = [
        (f"{item.number}. {item.name.of(language)}", item.who.of(language),
         _span(item.span, language))
        for item in material.project.stages
    ]  # fmt: skip
    names = [words.t(f"desk.report.{name}") for name in ("stage", "who", "time")]
    yield Grid("", names, rows, (3, 3, 2))
    steps = [
        (words.t(f"procedure.command.{row.command}", name="…").removesuffix(" …").rstrip(":"),
         ", ".join(label("actor", role, language) for role in Role if role in row.who))
        for row in TRANSITIONS
        if row.command in _STEPS and row.to
    ]  # fmt: skip
    head = [words.t(f"desk.report.{name}") for name in ("step", "who")]
    yield Grid(words.t("desk.report.steps"), head, list(dict.fromkeys(steps)), (1, 2))
    if routes := material.project.routes.get(language):
        yield Para(f"{words.t('desk.report.routes')}: {routes}")


def _span(span: Span | None, language: str) -> str:
    return i18n.plural(f"count.{span.unit}", span.amount, language) if span else "–"


def _tables(material: Material, words: Words, names: Sequence[str]) -> Iterator[Block]:
    """Each table under its title: a chart, and the same numbers."""
    shown = material.disclosure.shown
    for name in names:
        title = words.title(name)
        rows = words.rows(shown, name)
        yield Heading(title, 2)
        if not rows:
            key = "figure.table_hidden" if rows is None else "figure.none"
            yield Para(words.t(key), note=True)
            continue
        hidden = words.t("figure.hidden")
        drawn = charts.columns(rows, title) if name == "month" else charts.bars(rows, title, hidden)
        yield Chart(title, drawn)
        yield _numbers(rows, shown.totals[TABLES[name]], title, words)


def _numbers(
    rows: Sequence[tuple[str, int | None]], total: int | None, title: str, words: Words
) -> Grid:
    def per_cent(value: int | None) -> str:
        return f"{100 * value / total:.0f} %" if total and value is not None else ""

    listed = [(name, words.number(value), per_cent(value)) for name, value in rows]
    listed.append((words.t("figure.cell.total"), words.number(total), per_cent(total)))
    head = (title, words.t("figure.number"), words.t("figure.share"))
    return Grid("", head, listed, (4, 1, 1), frozenset({1, 2}))


def _handling(material: Material, words: Words) -> Iterator[Block]:
    shown = material.disclosure.shown
    tiles = [(name, words.figure(shown, name)) for name in ("reopened", "appealed", *MEDIANS)]
    yield Tiles([(words.t(f"figure.{name}.label"), value) for name, value in tiles])
    yield from _tables(material, words, _HANDLING)


def _sensitive(material: Material, words: Words) -> Iterator[Block]:
    yield Heading(words.t("desk.report.sensitive"))
    yield Para(words.t("desk.report.sensitive_text"))
    value = words.figure(material.disclosure.shown, "sealed")
    yield Tiles([(words.t("figure.sealed.label"), value)])


def _examples(material: Material, words: Words) -> Iterator[Block]:
    texts = [getattr(item, f"text_{words.language}") for item in material.examples]
    texts = [text for text in texts if text]
    if not texts:
        return
    yield Heading(words.t("desk.report.examples"))
    yield Para(words.t("desk.report.examples_text"), note=True)
    for number, text in enumerate(texts, 1):
        yield Box(words.t("desk.report.example", n=number), text)


def _engagements(material: Material, words: Words) -> Iterator[Block]:
    yield Heading(words.t("desk.report.engagement"))
    counts = Counter(item.kind for item in material.engagements)
    numbers = {kind: counts[kind] for kind in reports.ENGAGEMENTS}
    yield Para(words.t("desk.report.engagement_text", **numbers))
    if not material.engagements:
        return
    parts = ("day", "type", "subject", "place", "participants", "women")
    head = [words.t(f"desk.report.{name}") for name in parts]
    rows = [_engagement(item, words) for item in material.engagements]
    yield Grid("", head, rows, (2, 2, 5, 3, 2, 2), frozenset({4, 5}))


def _engagement(item: Any, words: Words) -> tuple[str, ...]:
    titles = {"mn": item.title_mn or item.title_en, "en": item.title_en or item.title_mn}
    title = titles[words.language] + (f" ({item.link})" if item.link else "")
    people = ["–" if value is None else str(value) for value in (item.people, item.women)]
    day = i18n.format_date(item.day, words.language)
    return day, words.t(f"desk.report.kind.{item.kind}"), title, item.place, *people


def _definitions(words: Words) -> Iterator[Block]:
    yield Heading(words.t("desk.report.definitions"))
    names = (*_FIGURES, "in_time", "satisfied")
    rows = [(words.t(f"figure.{n}.label"), words.t(f"figure.{n}.means")) for n in names]
    head = [words.t(f"desk.report.{name}") for name in ("figure", "means")]
    yield Grid("", head, rows, (2, 5))
    yield Para(words.t("desk.report.method"))
    yield Para(words.t("figure.suppression"))


def _annex(material: Material, words: Words) -> Iterator[Block]:
    disclosure = material.disclosure
    received = disclosure.shown.totals["received"]
    if not disclosure.final or not received:
        return
    with reading() as tx:
        rows = annex(tx, disclosure.period, disclosure.shown, words, material.project)
    yield Turn()
    yield Heading(words.t("desk.report.annex"))
    yield Para(words.t("desk.report.annex_text"), note=True)
    if received > LONGEST:
        yield Para(words.t("desk.report.annex_long", n=LONGEST), note=True)
    widths = (1, 3, 3, 3, 5, 6, 6, 6, 3)
    yield Grid("", headings(words.language), rows, widths, wide=True)
