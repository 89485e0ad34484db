"""``python -m config`` prints the settings table of the README."""

import click

from config.settings import table


def lines() -> list[str]:
    """The table in Markdown, a line each."""
    rows = [
        f"| `{name}` | {f'`{default}`' if default else ''} | {meaning} |"
        for name, default, meaning in table()
    ]
    return ["| setting | default | meaning |", "| --- | --- | --- |", *rows]


if __name__ == "__main__":
    click.echo("\n".join(lines()))
