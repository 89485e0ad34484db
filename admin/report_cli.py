"""``hariu log export`` and ``hariu report``: files that can be sent as they are.

They stand here and not lower because they name places, whose list the conversation owns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from workflow.period import Period

_DAY = click.DateTime(["%Y-%m-%d"])
_language = click.option(
    "--lang", type=click.Choice(["mn", "en"]), default="mn", show_default=True
)  # fmt: skip
_from = click.option("--from", "start", type=_DAY, help="First day, 2026-01-01.")
_to = click.option("--to", "last", type=_DAY, help="Last day, included.")
_out = click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)  # fmt: skip


@click.group()
def log() -> None:
    """The Grievance Log (Table 5 of the stakeholder engagement plan)."""


@log.command()
@click.option("--format", "form", type=click.Choice(["xlsx", "csv", "html"]), default="xlsx")
@_language
@_from
@_to
@click.option("--names", metavar="REASON", default="", help="Say who named people are, and why.")
@_out
def export(
    form: str, lang: str, start: datetime | None, last: datetime | None, names: str, output: Path
) -> None:
    """Write the log: everything, or what was received from one day to another.

    Sealed matters are not in it. With --names the reason is logged.
    """
    from store import corrections
    from store.db import reading, transaction
    from workflow import log_files
    from workflow.grievance_log import Wishes, count, rows

    corrections.refresh()
    period = _period(start, last)
    if names:
        from config import clock
        from store.dump import access

        with transaction() as tx:
            access(tx, "log with names", names, clock.now())
    with reading() as tx, _bar(count(tx, period), "log") as told:
        found = rows(tx, Wishes(lang, period, bool(names)))
        if form == "html":
            from config.profile import profile

            about = profile().organisation.project.of(lang)
            with output.open("w", encoding="utf-8") as file:
                file.writelines(log_files.page(found, lang, about))
        else:
            write = log_files.xlsx if form == "xlsx" else log_files.csv_file
            write(found, lang, output, told)


@click.command()
@_language
@click.option("--format", "form", type=click.Choice(["docx", "pdf", "html"]), default="docx")
@_from
@_to
@click.option(
    "--preset", type=click.Choice(["half_year", "year", "quarter", "month"]),
    default="half_year", show_default=True, help="Without --from: the last one that is over.",
)  # fmt: skip
@_out
def report(
    lang: str, form: str, start: datetime | None, last: datetime | None, preset: str, output: Path
) -> None:
    """Write the GRM report of a period, ready to disclose.

    Figures of a period that is over are remembered when they are first given out. Of one that
    still runs the report is a draft, and says so.
    """
    from bot import gazetteer
    from config import clock
    from config.profile import profile
    from store import corrections
    from store.db import reading
    from workflow import indicators, period, report_files
    from workflow import report as reports

    corrections.refresh()
    now = clock.now()
    today = now.astimezone(profile().timezone).date()
    chosen = _period(start, last) or period.before(preset, today)
    with reading() as tx:
        length = indicators.concerned(tx, chosen)
    with _bar(length, "report") as told:
        material = reports.gather(chosen, now, told)
    document = reports.compose(material, lang, gazetteer.names)
    output.write_bytes(report_files.write(document, form))


def _period(start: datetime | None, last: datetime | None) -> Period | None:
    """The period asked for; None where neither day was given."""
    from config import clock
    from config.profile import profile
    from workflow.period import Period

    if start is None and last is None:
        return None
    if start is None:
        raise click.UsageError("--to needs --from")
    today = clock.now().astimezone(profile().timezone).date()
    return Period(start.date(), last.date() if last else max(today, start.date()))


@contextmanager
def _bar(length: int, words: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; nothing in a pipe."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(
        length=max(length, 1), label=words, file=sys.stderr, hidden=hidden
    ) as bar:
        yield lambda count: bar.update(count)
