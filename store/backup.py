"""One file with everything but the keys, made while Hariu runs; portable between both databases.

A ZIP: ``manifest.json`` (written last), ``tables/<name>.jsonl`` (one consistent look at the
database, encrypted columns as they are stored), ``files/…`` (attachments, encrypted as they lie on
disk) and ``prompts/…`` (the hotline's clips). The keys stay apart, so that a lost backup tells
nobody anything of people's identity.
"""

from __future__ import annotations

import hmac
import json
import os
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, LargeBinary, MetaData, Table, func, select, text

from config.errors import HariuError
from config.settings import settings
from store import migrate
from store.columns import Encrypted, Moment
from store.crypto import seal, unseal
from store.db import Transaction, reading, transaction
from store.schema import metadata

FORMAT = 1
BATCH = 500
_APART = {"lease"}  # who works at this moment; nothing that a restored instance could use
_CHECK = "backup.check"
_KNOWN = "the keys of this backup"
_MANIFEST = "manifest.json"
_DEPTHS = {"files": 3, "prompts": 4}  # how deep below HOME a file of each folder lies
Step = Callable[[str], None]


class BackupError(HariuError):
    """The file, the keys or the database do not fit."""

    code = "backup"


def _raw(table: Table) -> Table:
    """The table as it is stored: what is encrypted stays so."""
    columns = (
        Column(
            column.name,
            LargeBinary() if isinstance(column.type, Encrypted) else column.type,
            primary_key=column.primary_key,
        )
        for column in table.columns
    )
    return Table(table.name, MetaData(), *columns)


def tables() -> list[Table]:
    """The tables of a backup, those that others refer to first."""
    return [_raw(table) for table in metadata.sorted_tables if table.name not in _APART]


def stored_files() -> list[Path]:
    """The attachments on disk."""
    return sorted(path for path in _files().glob("??/*") if not path.name.startswith("."))


def clips() -> list[Path]:
    """The hotline's clips, recorded ones and placeholders."""
    found = (settings().home / "prompts").glob("*/*/*.wav")
    return sorted(path for path in found if not path.name.startswith("."))


def _files() -> Path:
    return settings().home / "files"


def write(target: Path, made_at: datetime, step: Step = lambda name: None) -> dict[str, int]:
    """Write the backup; rows of each table. ``step`` hears of each table and of the files.

    The file appears under its name only when it is whole.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
                counts = _write_tables(archive, step)
                _write_files(archive, step)
                archive.writestr(_MANIFEST, json.dumps(_manifest(made_at, counts), indent=1))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return counts


def _manifest(made_at: datetime, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "made_at": made_at.isoformat(),
        "revision": migrate.newest(),
        "rows": counts,
        "check": b64encode(seal(_KNOWN.encode(), _CHECK)).decode(),
        "signed": _signature(made_at.isoformat()),
    }


def _signature(words: str) -> str:
    secret = settings().secret_key.get_secret_value().encode()
    return hmac.digest(secret, f"{_CHECK}\0{words}".encode(), "sha256").hex()


def _write_tables(archive: zipfile.ZipFile, step: Step) -> dict[str, int]:
    counts = {}
    with reading() as tx:
        for table in tables():
            step(table.name)
            with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as lines:
                lines.write(json.dumps(table.columns.keys()).encode() + b"\n")
                counts[table.name] = 0
                for row in _rows(tx, table):
                    lines.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                    counts[table.name] += 1
    return counts


def _rows(tx: Transaction, table: Table) -> Iterator[list[Any]]:
    found = tx.connection.execution_options(yield_per=BATCH).execute(
        select(table).order_by(*table.primary_key.columns)
    )
    for row in found:
        yield [_told(value) for value in row]


def _told(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return b64encode(value).decode() if isinstance(value, bytes | memoryview) else value


def _write_files(archive: zipfile.ZipFile, step: Step) -> None:
    step("files")
    for path in stored_files():
        archive.write(path, f"files/{path.parent.name}/{path.name}", zipfile.ZIP_STORED)
    for path in clips():
        archive.write(path, path.relative_to(settings().home).as_posix())


def restore(source: Path, step: Step = lambda name: None) -> dict[str, int]:
    """Fill this empty instance from a backup; rows of each table.

    Raises:
        BackupError: not a backup, other keys, a newer release's, or a database that is in use.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = json.loads(archive.read(_MANIFEST))
            _fits(manifest)
            migrate.upgrade()
            with transaction() as tx:
                _empty(tx)
                counts = {
                    table.name: _fill(tx, archive, table, step)
                    for table in tables()
                    if f"tables/{table.name}.jsonl" in archive.NameToInfo
                }
                if counts != {name: manifest["rows"][name] for name in counts}:
                    raise BackupError("the backup is damaged: rows are missing")
            _restore_files(archive, step)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BackupError(f"{source.name} is no whole backup of Hariu") from error
    return counts


def _fits(manifest: dict[str, Any]) -> None:
    if manifest["format"] != FORMAT or manifest["revision"] > (migrate.newest() or ""):
        raise BackupError("the backup was made by a newer release: install that one first")
    try:
        known = unseal(b64decode(manifest["check"]), _CHECK) == _KNOWN.encode()
        known &= hmac.compare_digest(manifest["signed"], _signature(manifest["made_at"]))
    except HariuError:
        known = False
    if not known:
        advice = "put the keys.env of the old instance into HARIU_HOME, then try again"
        raise BackupError(f"this instance has other keys than the backup: {advice}")


def _empty(tx: Transaction) -> None:
    """Clear what a fresh release wrote; refuse where people's words already are."""
    for name in ("grievance", "inbox", "outbox"):
        if tx.execute(select(metadata.tables[name]).limit(1)).first():
            raise BackupError("this instance is in use: restore into an empty one")
    for table in reversed(metadata.sorted_tables):
        tx.execute(table.delete())


def _fill(tx: Transaction, archive: zipfile.ZipFile, table: Table, step: Step) -> int:
    step(table.name)
    count = 0
    with archive.open(f"tables/{table.name}.jsonl") as lines:
        columns = [table.c[name] for name in json.loads(next(lines))]
        for batch in _batches(lines):
            tx.execute(table.insert(), [_row(columns, values) for values in batch])
            count += len(batch)
    if "id" in table.c and not tx.on_sqlite:
        last = select(func.coalesce(func.max(table.c.id), 0)).scalar_subquery()
        sequence = func.pg_get_serial_sequence(table.name, "id")
        tx.execute(select(func.setval(sequence, last + 1, text("false"))))
    return count


def _row(columns: list[Column[Any]], values: list[Any]) -> dict[str, Any]:
    return {each.name: _heard(each, value) for each, value in zip(columns, values, strict=True)}


def _batches(lines: Iterable[bytes]) -> Iterator[list[list[Any]]]:
    batch: list[list[Any]] = []
    for line in lines:
        batch.append(json.loads(line))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _heard(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, LargeBinary):
        return b64decode(value)
    return datetime.fromisoformat(value) if isinstance(column.type, Moment) else value


def _restore_files(archive: zipfile.ZipFile, step: Step) -> None:
    step("files")
    home = settings().home
    for name in archive.namelist():
        parts = name.split("/")
        if parts[0] not in _DEPTHS:
            continue
        path = home / name
        if len(parts) != _DEPTHS[parts[0]] or path.resolve() != home.resolve() / name:
            raise BackupError("the backup holds a file with a wrong name")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(archive.read(name))
        path.chmod(0o600)
