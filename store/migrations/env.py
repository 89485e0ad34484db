"""Alembic's entry: migrations run on the engine of this instance, in one transaction each."""

from typing import Literal

from alembic import context

from store.columns import Encrypted, Moment
from store.db import engine, write_lock
from store.schema import metadata


def plain(kind: str, thing: object, _: object) -> str | Literal[False]:
    """Write our own types as what they are underneath: a migration must not follow the code."""
    if kind == "type" and isinstance(thing, Moment):
        return "sa.DateTime(timezone=True)"
    return "sa.LargeBinary()" if kind == "type" and isinstance(thing, Encrypted) else False


def run() -> None:
    """Bring the database up; on SQLite under the write lock, so that two starts do not race."""
    target = context.config.attributes.get("engine") or engine()
    options = {"hariu_write": True}
    with write_lock(), target.connect().execution_options(**options) as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=True,
            compare_type=False,
            render_item=plain,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
