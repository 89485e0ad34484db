"""Commands of the bot. Imports wait until a command runs."""

from __future__ import annotations

import sys

import click

commands = click.Group("bot")


@commands.command()
def lang() -> None:
    """Texts on stdin, one a line; print mn, kk, ru, en or und for each."""
    from bot.language import identify

    for line in sys.stdin:
        click.echo(identify(line.rstrip("\n")).language)
