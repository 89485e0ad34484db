"""The ``hariu`` command: a group whose commands come from the layers above by entry point."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import click

from config.errors import HariuError


class _Commands(click.Group):
    """Loads every click group of the entry points ``hariu.commands`` at first use."""

    def _load(self) -> None:
        for point in sorted(entry_points(group="hariu.commands"), key=lambda entry: entry.name):
            group: click.Group = point.load()
            for name, command in group.commands.items():
                self.add_command(command, name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load()
        return sorted(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._load()
        return self.commands.get(cmd_name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hariu")
def hariu() -> None:
    """Hariu: takes grievances on every channel, answers each one, carries each to closure."""


def main() -> None:
    """Run ``hariu``; an error of ours is one sentence on stderr and exit code 1."""
    try:
        hariu(standalone_mode=True)
    except HariuError as error:
        click.echo(f"hariu: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
