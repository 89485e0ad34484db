"""Commands of the bot. Imports wait until a command runs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

commands = click.Group("bot")


@commands.command()
def lang() -> None:
    """Texts on stdin, one a line; print mn, kk, ru, en or und for each."""
    from bot.language import identify

    for line in sys.stdin:
        click.echo(identify(line.rstrip("\n")).language)


@commands.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what is wrong; change nothing.")
@click.option(
    "--duplicates", type=click.Choice(["stop", "skip", "keep"]), default="stop", show_default=True,
    help="What to do with rows that seem to be known already.",
)  # fmt: skip
@click.option("--lang", type=click.Choice(["mn", "en"]), default="mn", show_default=True)
def take_over(file: Path, dry_run: bool, duplicates: str, lang: str) -> None:
    """Take over FILE: the field form or a Grievance Log, XLSX or CSV; all rows or none."""
    from typing import cast

    from bot import taking_over
    from config import i18n
    from workflow.commands import Actor
    from workflow.states import Role

    content = file.read_bytes()
    found = taking_over.look(content)
    for finding in (*found.faults, *found.duplicates):
        click.echo(finding.words(lang), err=True)
    for name in ("records", "faults", "duplicates"):
        key = "rows" if name == "records" else name
        click.echo(i18n.plural(f"desk.import.{key}", len(getattr(found, name)), lang))
    if found.faults or (found.duplicates and duplicates == "stop" and not dry_run):
        click.echo(i18n.text("desk.import.nothing", lang), err=True)
        sys.exit(1)
    if not dry_run:
        chosen = cast("taking_over.Duplicates", duplicates)
        with click.progressbar(length=len(found.records), file=sys.stderr) as shown:
            taken = taking_over.take_over(content, Actor(Role.OFFICER), chosen, shown.update)
        click.echo(i18n.plural("desk.import.done", len(taken.made), lang))
