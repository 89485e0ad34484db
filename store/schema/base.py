"""What every table is built from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows itself only where the key is INTEGER; PostgreSQL gets 64 bits.
Id = BigInteger().with_variant(Integer, "sqlite")


def id_() -> Column[int]:
    """The table's own number."""
    return Column("id", Id, primary_key=True, autoincrement=True)


def ref(name: str, target: str, *, nullable: bool = True, index: bool = False) -> Column[Any]:
    """A reference to a row of ``target``."""
    return Column(name, Id, ForeignKey(f"{target}.id"), nullable=nullable, index=index)
