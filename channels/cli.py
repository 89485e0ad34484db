"""The commands of the channels. Their modules are imported when a command runs, not before."""

from __future__ import annotations

from pathlib import Path

import click

commands = click.Group("channels")


@commands.command()
@click.option("-v", "--verbose", is_flag=True, help="Print every log line, not only warnings.")
@click.option(
    "--procfile",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Which processes to run; default: the Procfile of Hariu.",
)
def up(verbose: bool, procfile: Path | None) -> None:
    """Start everything, print where to click, and run until Ctrl-C.

    Makes the folder HARIU_HOME with keys and database at the first start. What dies is started
    again; log lines go to HOME/log.
    """
    from channels.up import PROCFILE
    from channels.up import up as start

    start(procfile or PROCFILE, verbose=verbose)


@commands.command()
def release() -> None:
    """Bring the database to this release; done by `hariu up`, and once per release elsewhere."""
    from channels.release import release as run

    if officer := run():
        click.echo(f"one-time-password: {officer[0]} {officer[1]}")


@commands.command()
def doctor() -> None:
    """Check settings, disk, database, queue, channels and texts, and say what to do.

    Exit 1 when something does not work; "look" is worth a look, but works.
    """
    from channels.doctor import Grade, examine

    colours = {Grade.OK: "green", Grade.LOOK: "yellow", Grade.WRONG: "red"}
    wrong = 0
    for found in examine():
        wrong += found.grade is Grade.WRONG
        click.echo(
            f"{click.style(f'{found.grade:<5}', fg=colours[found.grade])}  "
            f"{found.about:<12}  {found.words}"
        )
    if wrong:
        raise SystemExit(1)


@commands.command()
@click.argument("id", type=int)
def replay(id: int) -> None:  # noqa: A002 - the argument's name in the help
    """Handle a dead letter again (ID as `hariu dump inbox` and the desk show it)."""
    from channels.replay import replay as run

    click.echo(run(id))


@commands.group()
def channel() -> None:
    """Tell the platforms about us."""


@channel.command("set-up")
@click.argument("name")
def set_up(name: str) -> None:
    """Register webhook, commands and menus of the channel NAME at its platform."""
    from channels import registry
    from channels.base import SetsUp
    from config.settings import settings

    found = registry.active().get(name)
    if found is None:
        listed = ", ".join(registry.active()) or "none"
        raise click.UsageError(f"channel {name} is not configured; configured: {listed}")
    if not isinstance(found, SetsUp):
        click.echo(f"{name} needs no set-up")
        return
    for line in found.set_up(settings().public_url):
        click.echo(line)
