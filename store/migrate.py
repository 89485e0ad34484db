"""Bring the database to this release, from any release before it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from store.db import reading

HERE = Path(__file__).parent / "migrations"


def config() -> Config:
    """Alembic's configuration, without a file."""
    made = Config()
    made.set_main_option("script_location", str(HERE))
    made.set_main_option("path_separator", "os")
    return made


def upgrade() -> None:
    """Run what is missing; nothing when the database is up to date."""
    if current() != newest():
        command.upgrade(config(), "head")


@cache
def newest() -> str | None:
    """The revision this release wants."""
    return ScriptDirectory.from_config(config()).get_current_head()


def current() -> str | None:
    """The revision the database is at; None when it is empty."""
    with reading() as tx:
        return MigrationContext.configure(tx.connection).get_current_revision()
