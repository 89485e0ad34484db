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
