"""Commands of the workflow. Imports wait until a command runs."""

from __future__ import annotations

import sys

import click

commands = click.Group("workflow")


@commands.command()
@click.option("--sign", is_flag=True, help="Sign the present ends of all chains as well.")
def verify(sign: bool) -> None:
    """Check the trail: every event, every end, every signed root. Exit 1 when one is wrong."""
    from config import clock
    from store.db import reading, transaction
    from workflow.audit import audit, sign_root

    with reading() as tx:
        result = audit(tx)
    for finding in result.findings:
        row = f"row {finding.event_id}: " if finding.event_id else ""
        click.echo(f"{row}{finding.words}", err=True)
    click.echo(
        f"{result.grievances} grievances, {result.events} events, {result.roots} signed roots, "
        f"{len(result.findings)} wrong"
    )
    if result.findings:
        sys.exit(1)
    if sign:
        with transaction() as tx:
            click.echo(f"root {sign_root(tx, clock.now())}")


@commands.command()
@click.option("--lang", type=click.Choice(["mn", "en", "kk"]), default="mn", show_default=True)
@click.option("--dot", is_flag=True, help="The diagram in Graphviz' language.")
@click.option("--mermaid", is_flag=True, help="The diagram for the README.")
def procedure(lang: str, dot: bool, mermaid: bool) -> None:
    """Print the procedure as it is: the state table in words, or as a diagram."""
    from workflow import written

    if dot:
        click.echo(written.dot(lang))
    elif mermaid:
        click.echo(written.mermaid(lang))
    else:
        click.echo(written.as_text(lang))
