"""Attachments as files: by content hash under ``HOME/files``, encrypted, written once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from config.settings import settings
from store.crypto import seal, unseal

_CONTEXT = "file"


def _path(digest: str) -> Path:
    return settings().home / "files" / digest[:2] / digest[2:]


def put(content: bytes) -> str:
    """Keep ``content``; its SHA-256 in hex. The same content twice is one file."""
    digest = hashlib.sha256(content).hexdigest()
    path = _path(digest)
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(seal(content, _CONTEXT))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    else:
        path.touch()  # in use again: see `stray`
    return digest


def get(digest: str) -> bytes:
    """The content of a kept file; FileNotFoundError where there is none."""
    return unseal(_path(digest).read_bytes(), _CONTEXT)


def remove(digests: Iterable[str]) -> None:
    """Delete kept files that no row refers to any more; one that is gone already is no matter."""
    for digest in digests:
        _path(digest).unlink(missing_ok=True)


def stray(before: float) -> Iterator[str]:
    """The hashes of kept files that nobody kept anew since ``before`` (seconds since 1970)."""
    for path in (settings().home / "files").glob("??/*"):
        if path.stat().st_mtime < before:
            yield path.parent.name + path.name
