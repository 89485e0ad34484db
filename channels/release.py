"""``hariu release``: what must be true before the processes of a release start."""

from __future__ import annotations

from channels import registry
from config import clock, prompts
from config.profile import profile
from store import channels, migrate, officers
from store.db import reading, transaction
from workflow import keys


def release() -> tuple[str, str] | None:
    """Migrate, tell the store which channels there are, make the first officer.

    Returns the first officer's login and one-time password while it has not been used;
    `KeysLost` where the database was written with other keys.
    """
    profile()  # a broken profile stops the release, not the first message
    migrate.upgrade()
    with reading() as tx:
        keys.check(tx)
    if "voice" in registry.active():
        prompts.fill()  # tones, so that a call never meets silence
    with transaction() as tx:
        channels.sync(
            tx,
            {
                code: (channel.account, channel.capabilities)
                for code, channel in registry.active().items()
            },
        )
        return officers.ensure_first(tx, clock.now())
