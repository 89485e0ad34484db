"""What PostgreSQL's planner knows of our tables, kept fresh while they grow fast.

Autovacuum looks once a minute (https://www.postgresql.org/docs/current/routine-vacuuming.html):
in the minute before, a new project's tables have no statistics and every look for a hundred
addresses reads all of them. SQLite plans by its indexes alone and needs none of this.
"""

from __future__ import annotations

from sqlalchemy import text

from store.db import reading, transaction

# Grown or changed by half since they were last counted, and large enough for it to matter; ours
# to count, in this database's own schemas.
_GROWN = text(
    "SELECT s.relid::regclass::text AS name FROM pg_stat_user_tables s"
    " JOIN pg_class c ON c.oid = s.relid"
    " WHERE s.n_mod_since_analyze > 500 + 0.5 * greatest(c.reltuples, 0)"
    " AND pg_has_role(c.relowner, 'USAGE') ORDER BY name"
)
_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtext('hariu.statistics'))")


def refresh() -> list[str]:
    """Have tables that grew by half counted anew; their names. One process at a time does it."""
    with reading() as tx:
        grown = [] if tx.on_sqlite else list(tx.execute(_GROWN).scalars())
    if not grown:
        return []
    with transaction() as tx:
        if not tx.scalar(_LOCK):
            return []
        for name in grown:
            tx.execute(text(f"ANALYZE {name}"))
    return grown
