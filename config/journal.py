"""What the processes of ``hariu up`` print: all of it to files, what matters to the terminal."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from config.supervise import Printer

LARGEST = 10_000_000  # characters or so; then the file becomes ``….log.1``
LOUD = {"warning", "error", "critical"}


class Journal:
    """Writes ``folder/<process>.log``; prints warnings and errors, or with ``verbose`` all.

    A full disk loses log lines and nothing else. Lines that are no JSON (tracebacks) have not been
    masked by the process, so they are here.
    """

    def __init__(self, folder: Path, *, verbose: bool = False) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._verbose = verbose
        self._files: dict[str, TextIO] = {}
        self._printer = Printer()

    def line(self, name: str, text: str) -> None:
        """Keep a line of the process ``name``, and print it if somebody should see it now."""
        entry = _entry(text)
        kept = text if entry else _masked(text)
        self._write(name, kept)
        if self._verbose:
            self._printer.line(name, kept)
        elif entry.get("level") in LOUD:
            self._printer.line(name, _short(entry))

    def note(self, name: str, sentence: str) -> None:
        """Keep and print what the supervisor says, and where to read more."""
        self._write(name, _note(name, sentence))
        self._printer.note(name, f"{sentence}; see {self.path(name)}")

    def path(self, name: str) -> Path:
        """The file of the process ``name``."""
        return self._folder / f"{name}.log"

    def close(self) -> None:
        """Close all files."""
        while self._files:
            self._files.popitem()[1].close()

    def _write(self, name: str, text: str) -> None:
        with suppress(OSError):
            file = self._files.get(name) or self._open(name)
            if file.tell() > LARGEST:
                file.close()
                self.path(name).replace(self._folder / f"{name}.log.1")
                file = self._open(name)
            file.write(f"{text}\n")

    def _open(self, name: str) -> TextIO:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        number = os.open(self.path(name), flags, 0o600)
        self._files[name] = os.fdopen(number, "a", 1, "utf-8")
        return self._files[name]


def _entry(text: str) -> dict[str, Any]:
    """The log entry in a line, empty if it is none."""
    try:
        entry = json.loads(text)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _short(entry: dict[str, Any]) -> str:
    usual = ("process", "timestamp", "level", "event")
    rest = ", ".join(f"{key}={value}" for key, value in entry.items() if key not in usual)
    return f"{entry['level']}: {entry.get('event')}{f' ({rest})' if rest else ''}"


# Imported when first needed: both take long, and somebody waits for the start.


def _masked(text: str) -> str:
    from config.log import mask

    return mask(text)


def _note(name: str, sentence: str) -> str:
    from config.clock import now

    entry = {"process": name, "event": sentence, "level": "warning"}
    return json.dumps(entry | {"timestamp": now().isoformat()})
