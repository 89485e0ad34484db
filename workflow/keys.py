"""Whether this instance holds the keys its database was written with.

Other keys show late and one by one: a letter that does not open, a trail that does not verify,
and meanwhile new rows that the old keys do not open either. So a release looks first.
"""

from __future__ import annotations

from collections.abc import Iterator
from hmac import compare_digest

from sqlalchemy import Select, select

from config.instance import KeysLost
from config.settings import KEYS_FILE, settings
from store.crypto import CryptoError
from store.db import Transaction
from store.schema import grievance, officer, raw_event
from workflow import trail

_SOME = 20  # one head may have been tampered with; the key is the other where none fits
# The first and the newest of what every instance writes under its data key.
_SEALED: tuple[Select[tuple[object]], ...] = (
    select(grievance.c.code).order_by(grievance.c.id).limit(1),
    select(grievance.c.code).order_by(grievance.c.id.desc()).limit(1),
    select(raw_event.c.body).order_by(raw_event.c.id.desc()).limit(1),
    select(officer.c.totp).where(officer.c.totp.is_not(None)).limit(1),
)


def check(tx: Transaction) -> None:
    """Nothing where the keys fit, or nothing was written yet; `KeysLost` says what to do."""
    chosen = settings()
    given = {"HARIU_DATA_KEY": chosen.data_key, "HARIU_SECRET_KEY": chosen.secret_key}
    if unset := " and ".join(name for name, key in given.items() if not key.get_secret_value()):
        raise KeysLost(
            f"{unset} cannot be found: put {KEYS_FILE} back into {chosen.home} from your backup,"
            " or, in a new instance, set it"
        )
    if wrong := " and ".join(_wrong(tx)):
        raise KeysLost(
            f"the database was written with another {wrong}: put the {KEYS_FILE} of its own"
            f" backup into {chosen.home} (with these keys it cannot be read)"
        )


def _wrong(tx: Transaction) -> Iterator[str]:
    try:
        for query in _SEALED:
            tx.execute(query).all()
    except CryptoError:
        yield "HARIU_DATA_KEY"
    heads = tx.execute(
        select(grievance.c.id, grievance.c.head_seq, grievance.c.head_hash, grievance.c.head_mac)
        .where(grievance.c.head_seq > 0)
        .order_by(grievance.c.id.desc())
        .limit(_SOME)
    ).all()
    if heads and not any(
        compare_digest(bytes(row.head_mac), trail.head_mac(row.id, row.head_seq, row.head_hash))
        for row in heads
    ):
        yield "HARIU_SECRET_KEY"
