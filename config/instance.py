"""What an instance keeps in its HOME beside the database: keys, and secrets of the sandbox.

Everything is made once, at the first start, and never changed afterwards. Keys are not made anew
beside a database that already holds something: nothing in it would open any more.
"""

from __future__ import annotations

import os
import secrets
import socket
import string
import tempfile
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from config.errors import HariuError
from config.settings import KEYS_FILE, Settings

SANDBOX_FILE = "sandbox.env"

Maker = Callable[[], str]


def _telegram_token() -> str:
    # The form of https://core.telegram.org/bots/api#authorizing-your-bot
    letters = string.ascii_letters + string.digits
    return f"{_digits(10)}:{''.join(secrets.choice(letters) for _ in range(35))}"


def _digits(count: int) -> str:
    return str(secrets.randbelow(9) + 1) + "".join(
        secrets.choice(string.digits) for _ in range(count - 1)
    )


def _free_port() -> str:
    """A port nobody listens on, outside the range from which systems give out their own."""
    for _ in range(100):
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return str(port)
    raise OSError("no free port between 20000 and 32000")


_KEYS: Final[dict[str, Maker]] = {
    "HARIU_SECRET_KEY": lambda: secrets.token_urlsafe(32),
    "HARIU_DATA_KEY": lambda: f"k1:{b64encode(secrets.token_bytes(32)).decode()}",
    "HARIU_METRICS_TOKEN": lambda: secrets.token_urlsafe(32),
}

# A channel that has a double: how its credentials are made, its *_API setting, where the double is.
_DOUBLES: Final[dict[str, tuple[dict[str, Maker], str, str]]] = {
    "telegram": ({"TELEGRAM_TOKEN": _telegram_token}, "TELEGRAM_API", "telegram/bot"),
    "sms": (
        {
            "TWILIO_ACCOUNT_SID": lambda: f"AC{secrets.token_hex(16)}",
            "TWILIO_AUTH_TOKEN": lambda: secrets.token_hex(16),
            "TWILIO_FROM": lambda: f"+97675{_digits(6)}",
        },
        "TWILIO_API",
        "twilio",
    ),
    "messenger": (
        {
            "MESSENGER_APP_SECRET": lambda: secrets.token_hex(16),
            "MESSENGER_VERIFY_TOKEN": lambda: secrets.token_urlsafe(24),
            "MESSENGER_PAGE_TOKEN": lambda: f"EAA{secrets.token_hex(60)}",
        },
        "MESSENGER_API",
        "graph",
    ),
}

# Mail has two servers and no HTTP: ports of their own.
_MAILBOX: Final[dict[str, Maker]] = {
    "MAIL_SECRET": lambda: secrets.token_hex(16),
    "IMAP_PORT": _free_port,
    "SMTP_PORT": _free_port,
}


# Without these, rows that exist cannot be read or checked; the metrics token may always be new.
_IRREPLACEABLE: Final = ("HARIU_DATA_KEY", "HARIU_SECRET_KEY")


class KeysLost(HariuError):
    """The database holds rows, and the keys that they were written with are gone."""

    code = "keys.lost"


def prepare(home: Path, given: Collection[str] = (), database_url: str = "") -> None:
    """Make the folder ``home`` and what is missing in its files of keys and sandbox secrets.

    Keys whose variables are in ``given`` come from elsewhere and are not made; `KeysLost` where
    one would be made for the database at ``database_url`` ("": none yet) that is already in use.
    """
    kept = {*given, *_read(home / KEYS_FILE)}
    lost = [name for name in _IRREPLACEABLE if name not in kept]
    if lost and database_url and _in_use(database_url):
        raise KeysLost(
            f"the database holds data, but {' and '.join(lost)} cannot be found: put"
            f" {home / KEYS_FILE} back from your backup (new keys would open nothing)"
        )
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.stat().st_uid == os.getuid():
        home.chmod(0o700)  # a folder made beforehand is open to everybody as a rule
    _complete(home / KEYS_FILE, {name: make for name, make in _KEYS.items() if name not in given})
    # Names that are no settings: the file must never configure a channel by itself.
    doubles = (*(makers for makers, _, _ in _DOUBLES.values()), _MAILBOX)
    makers = {f"SANDBOX_{name}": make for double in doubles for name, make in double.items()}
    _complete(home / SANDBOX_FILE, makers)


def _in_use(database_url: str) -> bool:
    """Whether that database has an officer: every release makes one before anything else."""
    from sqlalchemy import NullPool, create_engine, inspect, make_url, text
    from sqlalchemy.exc import SQLAlchemyError

    url = make_url(database_url)
    patience = {"connect_timeout": 5}
    if url.get_backend_name() == "sqlite":
        if not Path(url.database or "").exists():
            return False  # to look would be to make it
        patience = {"timeout": 5}
    try:
        engine = create_engine(url, poolclass=NullPool, connect_args=patience)
        with engine.connect() as connection:
            known = "officer" in inspect(connection).get_table_names()
            return known and connection.scalar(text("SELECT 1 FROM officer LIMIT 1")) is not None
    except SQLAlchemyError as error:
        name = type(error).__name__
        raise KeysLost(
            f"{KEYS_FILE} is not complete, and the database cannot be asked ({name}) whether it"
            " needs the old keys: start the database first, or put the file back"
        ) from None


def sandbox_wiring(settings: Settings) -> dict[str, str]:
    """Variables that point every channel without settings at its double; none without sandbox.

    A channel with settings is left alone: without ``*_API`` it talks to the real provider.
    """
    if not settings.sandbox_on:
        return {}
    kept = _read(settings.home / SANDBOX_FILE)
    variables: dict[str, str] = {}
    for channel, (makers, api, path) in _DOUBLES.items():
        if not settings.configured(channel):
            variables |= {f"HARIU_{name}": kept[f"SANDBOX_{name}"] for name in makers}
            variables[f"HARIU_{api}"] = f"http://127.0.0.1:{settings.sandbox_port}/{path}"
    if not settings.configured("mail"):
        variables |= _mail_wiring(kept)
    return variables


def _mail_wiring(kept: Mapping[str, str]) -> dict[str, str]:
    server = f"hariu:{kept['SANDBOX_MAIL_SECRET']}@127.0.0.1"
    return {
        "HARIU_IMAP_URL": f"imap://{server}:{kept['SANDBOX_IMAP_PORT']}/INBOX",
        "HARIU_SMTP_URL": f"smtp://{server}:{kept['SANDBOX_SMTP_PORT']}",
        "HARIU_MAIL_ADDRESS": "hariu@sandbox.example",
    }


def _complete(file: Path, makers: Mapping[str, Maker]) -> None:
    missing = {name: make for name, make in makers.items() if name not in _read(file)}
    if missing:
        before = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        lines = [*before, *(f"{name}={make()}" for name, make in missing.items())]
        _replace(file, "".join(f"{line}\n" for line in lines))


def _read(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {
        name: value for name, equals, value in (line.partition("=") for line in lines) if equals
    }


def _replace(file: Path, text: str) -> None:
    """Write the whole file or none of it, readable by its owner alone."""
    number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}")  # mode 0600
    with os.fdopen(number, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(number)
    Path(name).replace(file)
