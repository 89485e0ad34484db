"""Where messages wait while the database is away: encrypted files in ``HOME/spool``, fsynced.

Each process appends to a file of its own. Whoever finds the database back drains the whole
host's files in order of acceptance; while they hold anything, newer messages queue behind, so
that nobody's second message overtakes their first. Draining twice is harmless: the inbox knows
each message by its id.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from config import log
from config.errors import HariuError
from config.settings import settings
from store.crypto import seal, unseal

CHUNK = 500
_CONTEXT = "spool"
_LENGTH = struct.Struct(">I")

Record = dict[str, Any]
_thread_lock = threading.Lock()


class SpoolFailed(HariuError):
    """Neither database nor disk took the message: the provider has to call again."""

    code = "spool.failed"
    retryable = True


def folder() -> Path:
    """Where this host's spool lies."""
    return settings().home / "spool"


@contextmanager
def _locked(name: str, *, wait: bool) -> Iterator[bool]:
    """A lock among the processes of this host; False when it is taken and not waited for."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(folder() / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(file)
        yield False
        return
    try:
        yield True
    finally:
        os.close(file)


def holds() -> bool:
    """Whether this host's spool holds anything."""
    try:
        return any(entry.name.endswith((".spool", ".draining")) for entry in os.scandir(folder()))
    except FileNotFoundError:
        return False


def size() -> int:
    """Bytes that wait in this host's spool."""
    try:
        files = [entry for entry in os.scandir(folder()) if not entry.name.endswith(".lock")]
        return sum(entry.stat().st_size for entry in files)
    except FileNotFoundError:  # no folder yet, or drained at this moment
        return 0


def append(records: Sequence[Record]) -> None:
    """Add records; returns when they are on disk. `SpoolFailed` when the disk takes nothing."""
    data = b"".join(_pack(record) for record in records)
    try:
        with _thread_lock, _locked("append.lock", wait=True):
            path = folder() / f"{os.getpid()}.spool"
            new = not path.exists()
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
            if new:
                _sync_folder()
    except OSError as error:
        raise SpoolFailed(f"the spool cannot be written ({type(error).__name__})") from error


def _sync_folder() -> None:
    handle = os.open(folder(), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def drain(write: Callable[[list[Record]], None]) -> int:
    """Give every record to ``write``, oldest first, in chunks; the number given.

    What ``write`` raises stops the drain; the files stay until all of them are written.
    """
    if not holds():
        return 0
    with _locked("drain.lock", wait=False) as ours:
        if not ours:
            return 0
        return sum(_drain_round(write) for _ in _rounds())


def _rounds() -> Iterator[None]:
    while holds():
        yield None


def _drain_round(write: Callable[[list[Record]], None]) -> int:
    with _thread_lock, _locked("append.lock", wait=True):
        for path in folder().glob("*.spool"):
            path.rename(_free(path))
    files = sorted(folder().glob("*.draining"))
    records = [record for path in files for record in _read(path)]
    records.sort(key=lambda record: record["raw"]["received_at"])
    for start in range(0, len(records), CHUNK):
        write(records[start : start + CHUNK])
    for path in files:
        path.unlink()
    return len(records)


def _free(path: Path) -> Path:
    """A name no earlier drain left behind."""
    number = 0
    while (found := path.with_suffix(f".{number}.draining")).exists():
        number += 1
    return found


def _read(path: Path) -> Iterator[Record]:
    """The records of one file; a torn last one was never accepted, so it is left out."""
    data, at = path.read_bytes(), 0
    while at + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        sealed = data[at + _LENGTH.size : at + _LENGTH.size + length]
        if len(sealed) < length:
            log.get().warning("torn spool record left out", bytes=len(sealed))
            return
        yield json.loads(unseal(sealed, _CONTEXT), object_hook=_unpack_value)
        at += _LENGTH.size + length


def _pack(record: Record) -> bytes:
    plain = json.dumps(record, ensure_ascii=False, default=_pack_value)
    sealed = seal(plain.encode("utf-8", "surrogatepass"), _CONTEXT)
    return _LENGTH.pack(len(sealed)) + sealed


def _pack_value(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"$moment": value.isoformat()}
    raise TypeError(type(value).__name__)


def _unpack_value(value: dict[str, Any]) -> Any:
    if "$bytes" in value:
        return base64.b64decode(value["$bytes"])
    return datetime.fromisoformat(value["$moment"]) if "$moment" in value else value
