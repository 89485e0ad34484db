"""Commands of the workflow. Imports wait until a command runs."""

from __future__ import annotations

import sys
from pathlib import Path

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


@commands.command()
@click.argument("person")
@click.option("--reason", default="on request", show_default=True, help="Why; without names.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def erase(person: str, reason: str, yes: bool) -> None:
    """Erase a person for good: their words, addresses and files. Numbers and trail stay.

    PERSON is a person's id, or the reference of one of their grievances.
    """
    from config import clock
    from store import erasure, inbox
    from store.db import reading, transaction
    from workflow import erasing
    from workflow.commands import SYSTEM

    if not reason.strip():
        raise click.UsageError("--reason needs words")
    inbox.drain_spool()  # what waits there may be theirs
    with reading() as tx:
        person_id = erasure.person_of(tx, person)
        if person_id is None:
            raise click.ClickException("there is no such person, nor a grievance of that number")
        count = len(erasure.grievances_of(tx, person_id))
    if not yes:
        click.confirm(f"Erase person {person_id} with {count} grievances for good?", abort=True)
    with transaction() as tx:
        done = erasing.person(tx, person_id, SYSTEM, reason.strip(), clock.now())
    erasing.settle()
    click.echo(f"person {person_id}: {done.grievances} grievances, {done.addresses} addresses")


@commands.command()
@click.option("--lang", type=click.Choice(["mn", "kk", "en"]), default="mn", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def leaflet(lang: str, output: Path) -> None:
    """Write the citizens' leaflet (A5, PDF) with this project's numbers and QR codes."""
    from store.db import reading
    from workflow import leaflet as made

    with reading() as tx:
        texting = made.texting_number(tx)
    output.write_bytes(made.leaflet(lang, texting))
    click.echo(f"{output}: {output.stat().st_size} bytes")
