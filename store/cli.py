"""Commands of the store: look at rows, count SMS units. Imports wait until a command runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

commands = click.Group("store")


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        advice = "give a date or time such as 2026-12-21 or 2026-12-21T10:00Z"
        raise click.BadParameter(advice) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@commands.command()
@click.argument("what", type=click.Choice(["inbox", "outbox", "grievances", "events"]))
@click.option("--since", callback=_moment, help="Only rows from this ISO date or time on (UTC).")
@click.option("--sensitive", is_flag=True, help="Sealed matters too; needs --reason.")
@click.option("--reason", default="", help="Why sealed matters are needed; it is logged.")
def dump(what: str, since: datetime | None, sensitive: bool, reason: str) -> None:
    """Print rows as JSON lines."""
    from config import clock
    from store.db import reading, transaction
    from store.dump import access, rows

    if sensitive:
        if not reason.strip():
            raise click.UsageError("--sensitive needs --reason")
        with transaction() as tx:
            access(tx, what, reason, clock.now())
    with reading() as tx:
        for row in rows(tx, what, since, sensitive=sensitive):
            click.echo(json.dumps(row, ensure_ascii=False))


@commands.command()
def segments() -> None:
    """Texts on stdin, one a line; print encoding, units and SMS parts of each."""
    from store.text import measure

    for line in sys.stdin:
        found = measure(line.rstrip("\n"))
        click.echo(f"{found.encoding}\t{found.units}\t{found.parts}")


@commands.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write everything but the keys to FILE (a ZIP), while Hariu runs.

    Keep HOME/keys.env in another place: without it nobody can read the backup, nor can you.
    """
    from config import clock
    from store.backup import tables, write

    if file.exists():
        raise click.UsageError(f"{file.name} is there already: give another name")
    with _progress("Writing", len(tables()) + 1) as step:
        counts = write(file, clock.now(), step)
    click.echo(f"{file}: {sum(counts.values())} rows, {counts['grievance']} grievances")


@commands.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """Fill this empty instance from FILE, on either kind of database; needs the same keys.

    Stop Hariu first. Afterwards run `hariu verify`.
    """
    from store.backup import restore as run
    from store.backup import tables

    with _progress("Restoring", len(tables()) + 1) as step:
        counts = run(file, step)
    click.echo(f"{sum(counts.values())} rows, {counts['grievance']} grievances; now `hariu verify`")


@contextmanager
def _progress(label: str, steps: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on a terminal, silence elsewhere."""
    with click.progressbar(length=steps, label=label, file=sys.stderr) as bar:
        yield lambda name: bar.update(1)
