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


@commands.group()
def prompts() -> None:
    """The clips of the hotline: what to record, placeholders, recordings."""


@prompts.command("list")
@click.option("--lang", type=click.Choice(["mn", "kk", "en"]), help="One language alone.")
def list_prompts(lang: str | None) -> None:
    """Print the script: language, clip, seconds, who made it, and what is said in it."""
    from config import i18n
    from config import prompts as clips

    for language in (lang,) if lang else i18n.LANGUAGES:
        for name in clips.names():
            row = (f"{clips.seconds(name, language):.1f}", clips.source(name, language))
            click.echo("\t".join((language, name, *row, clips.text(name, language))))


@prompts.command()
@click.option("--data", default="", help="Folder with data of espeak-ng, where its own lacks mn.")
@click.option("--tones", is_flag=True, help="Do not speak, even where espeak-ng is installed.")
@click.option("--anew", is_flag=True, help="Make those again that are there.")
def fill(data: str, tones: bool, anew: bool) -> None:
    """Make placeholders for clips nobody recorded: spoken by espeak-ng, else tones."""
    from config import prompts as clips

    made = clips.fill(speak=not tones, data=data, anew=anew)
    click.echo(f"{made['spoken']} spoken by espeak-ng, {made['tone']} as tones")


@prompts.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_prompts(folder: Path) -> None:
    """Take recordings from FOLDER/<language>/<clip>.wav; names as `prompts list` prints them."""
    from config import prompts as clips

    count, problems = clips.import_folder(folder)
    click.echo(f"{count} clips taken")
    if problems:
        raise click.ClickException("; ".join(problems))
