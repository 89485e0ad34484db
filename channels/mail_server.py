"""Where mail comes from and goes to: ``imaps://user:password@host:port/INBOX`` in parts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from config.settings import LOOPBACK, SettingsError

# Scheme to (port, encrypted from the first byte, encrypted by STARTTLS).
_SCHEMES = {
    "imap": (143, False, False), "imaps": (993, True, False), "imap+starttls": (143, False, True),
    "smtp": (25, False, False), "smtps": (465, True, False), "smtp+starttls": (587, False, True),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Server:
    """One server and how to sign in; ``user`` is empty where it asks for nothing."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str
    password: str = field(repr=False)
    mailbox: str = "INBOX"

    @classmethod
    def of(cls, variable: str, url: str) -> Server:
        """The server of a setting. Raises `SettingsError`, without the value: it is a secret."""
        protocol = variable.removeprefix("HARIU_")[:4].lower()
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise SettingsError(
                f"{variable} is no URL: write special letters of user and password as %XX"
            ) from None
        if not parts.scheme.startswith(protocol) or parts.scheme not in _SCHEMES:
            raise SettingsError(
                f"{variable} must begin with {protocol}://, {protocol}s:// or {protocol}+starttls://"
            )
        if not parts.hostname:
            raise SettingsError(f"{variable} names no host")
        standard, tls, starttls = _SCHEMES[parts.scheme]
        return cls(
            parts.hostname, standard if port is None else port, tls, starttls,
            unquote(parts.username or ""), unquote(parts.password or ""),
            unquote(parts.path.strip("/")) or "INBOX",
        )  # fmt: skip

    @property
    def digest(self) -> str:
        """A name for this account that tells nothing about it."""
        return hashlib.sha256(f"{self.user}\n{self.host}\n{self.mailbox}".encode()).hexdigest()[:12]

    @property
    def exposed(self) -> bool:
        """Whether the password crosses a network in the clear."""
        return bool(self.user) and not (self.tls or self.starttls or self.host in LOOPBACK)
