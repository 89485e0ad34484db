"""``hariu staff``: accounts of the desk, from the terminal. Imports wait until a command runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from admin import report_cli

if TYPE_CHECKING:
    from datetime import datetime

    from store.db import Transaction
    from store.officers import Officer

commands = click.Group("admin")
commands.add_command(report_cli.log)
commands.add_command(report_cli.report)


@commands.group()
def staff() -> None:
    """Accounts of the desk."""


def _officer(tx: Transaction, login: str) -> Officer:
    from store import officers
    from store.passwords import OfficerError

    found = officers.by_login(tx, login)
    if found is None:
        raise OfficerError("there is no such login; see hariu staff list", code="officer.unknown")
    return found


def _told(login: str, password: str) -> None:
    """The one place a one-time password is ever shown."""
    click.echo(f"login {login}, one-time password {password}")


@staff.command()
@click.argument("login")
@click.option("--name", required=True, help="Name shown to colleagues and complainants.")
@click.option(
    "--role", "roles", multiple=True, default=("officer",), show_default=True,
    help="May be given several times; see hariu staff roles --help.",
)  # fmt: skip
@click.option("--organisation", default="", help="With --role cso: whose partner account it is.")
@click.option("--language", type=click.Choice(["mn", "kk", "en"]), default="mn", show_default=True)
def add(login: str, name: str, roles: tuple[str, ...], organisation: str, language: str) -> None:
    """Add an account; prints its one-time password. A partner's has the role cso alone."""
    from config import clock
    from store import officers, partners
    from store.db import transaction

    now = clock.now()
    with transaction() as tx:
        if officers.PARTNER in roles:
            officers.known_roles(roles)
            password = partners.create(tx, login, name, organisation, now, language)
        else:
            tongue = language if language in officers.LANGUAGES else officers.LANGUAGES[0]
            password = officers.create(tx, login, name, roles, now, tongue)
    _told(officers.normal(login), password)


@staff.command("list")
def list_all() -> None:
    """Every account: login, state, second factor, roles, last sign-in, name."""
    from config import clock
    from store import officers, partners
    from store.db import reading

    now = clock.now()
    with reading() as tx:
        partner_accounts = [item.officer for item in partners.accounts(tx)]
        for person in (*officers.everyone(tx), *partner_accounts):
            click.echo(
                "\t".join(
                    (
                        person.login, _state(person, now), "totp" if person.has_totp else "-",
                        ",".join(person.roles),
                        f"{person.last_in_at:%Y-%m-%d %H:%M}Z" if person.last_in_at else "never",
                        person.name,
                    )
                )
            )  # fmt: skip


def _state(person: Officer, now: datetime) -> str:
    if not person.active:
        return "ended"
    if person.locked_until and person.locked_until > now:
        return "locked"
    return "one-time" if person.must_change else "active"


@staff.command()
@click.argument("login")
def reset(login: str) -> None:
    """New one-time password: lifts the lock-out, ends all sessions."""
    from config import clock
    from store import officers
    from store.db import transaction

    with transaction() as tx:
        password = officers.reset(tx, _officer(tx, login).id, clock.now())
    _told(officers.normal(login), password)


@staff.command()
@click.argument("login")
@click.argument("address", default="")
def email(login: str, address: str) -> None:
    """Where this person is mailed reminders and the daily digest; no ADDRESS: nowhere."""
    from store import officers
    from store.db import transaction

    if address and not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        raise click.BadParameter("that is no e-mail address")
    with transaction() as tx:
        officers.change(tx, _officer(tx, login).id, email=address or None)
    click.echo(f"{officers.normal(login)}: {'mailed' if address else 'not mailed'}")


@staff.command()
@click.argument("login")
@click.argument("roles", nargs=-1, required=True)
def roles(login: str, roles: tuple[str, ...]) -> None:
    """Set the ROLES of an account.

    officer, assignee (sees only what is assigned to them), coordinator, psc_secretary,
    focal_point (sees sensitive matters), auditor (only looks), administrator.
    """
    from store import officers
    from store.db import transaction

    with transaction() as tx:
        officers.change(tx, _officer(tx, login).id, roles=officers.known_roles(roles))
    click.echo(f"login {officers.normal(login)}: {', '.join(officers.known_roles(roles))}")


@staff.command()
@click.argument("login")
@click.option("--on/--off", default=False, help="Let the person in again, or no more (default).")
def access(login: str, on: bool) -> None:
    """End an account whose owner has left, or open it again; its history stays."""
    from config import clock
    from store import officers
    from store.db import transaction

    with transaction() as tx:
        person = _officer(tx, login)
        officers.change(tx, person.id, active=on)
        officers.end_sessions(tx, person.id, clock.now())
    click.echo(f"login {officers.normal(login)}: {'active' if on else 'ended'}")


@staff.command()
@click.argument("login")
@click.option("--off", is_flag=True, help="Only take the old one away: the phone is lost.")
def totp(login: str, off: bool) -> None:
    """New second factor: prints the QR code for the authenticator app."""
    import segno

    from store import officers, passwords
    from store.db import transaction

    secret = None if off else passwords.new_totp()
    with transaction() as tx:
        person = _officer(tx, login)
        officers.change(tx, person.id, totp=secret, totp_used=0)
    if secret is None:
        click.echo(f"login {person.login}: the second factor is off")
        return
    uri = passwords.totp_uri(person.login, secret, "Hariu")
    segno.make(uri, error="m").terminal(compact=True)
    click.echo(uri)


@commands.group()
def demo() -> None:
    """Invented grievances for learning the desk; no letter about them leaves the house."""


@demo.command("load")
@click.option("--beside-real", is_flag=True, help="Also where the desk serves the public already.")
def demo_load(beside_real: bool) -> None:
    """Load 400 grievances that tell a story."""
    from admin import demo as data
    from config import clock
    from config.settings import settings

    if not (settings().on_loopback or beside_real):
        raise data.DemoError("this instance serves the public: say --beside-real if you mean it")
    now = clock.now()
    with click.progressbar(length=len(list(data.told(now))), label="demonstration") as bar:
        count = data.load(now, bar.update)
    click.echo(f"{count} invented grievances loaded; hariu demo clear removes them")


@demo.command("clear")
def demo_clear() -> None:
    """Remove every one of them, and all that hangs on them."""
    from admin import demo as data
    from config import clock

    click.echo(f"{data.clear(clock.now())} invented grievances removed")
