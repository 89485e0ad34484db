"""An e-mail channel opposite to the simulated mailbox, for tests."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from channels.mail import Email
from channels.sandbox.server import SandboxServer
from config.settings import Settings
from store.messages import DeliveryReport, Inbound, Outbound
from tests.house import free_port

ADDRESS = "gomdol@hariu.example.mn"
PASSWORD = "p@ss wörd/mail"


def outbound(text: str = "Бүртгэлээ.", address: str = "dorj@example.com", **rest: Any) -> Outbound:
    """A letter to somebody."""
    known: dict[str, Any] = {"key": f"ack:{address}", **rest}
    return Outbound(1, "email", ADDRESS, address, text, **known)


@dataclass
class Town:
    """Our channel, and the servers and people it deals with."""

    email: Email
    sandbox: SandboxServer
    settings: Settings

    def again(self) -> Email:
        """The channel as another process, or a later one, has it."""
        return Email(self.settings)

    def put(self, raw: bytes) -> int:
        """Deliver a whole mail; its UID."""
        found = self.sandbox.mail("", raw=base64.b64encode(raw).decode())
        return int(found["uid"])

    def poll(self, timeout: float = 0.05) -> list[Inbound | DeliveryReport]:
        """Everything one round of polling brings, each acknowledged."""
        return [item for _, items in self.email.poll(timeout) for item in items]

    def texts(self, timeout: float = 0.05) -> list[str]:
        """The words of that."""
        return [item.text for item in self.poll(timeout) if isinstance(item, Inbound)]

    def sent(self) -> list[dict[str, Any]]:
        """What reached the outgoing server: to, text, headers."""
        return [call["params"] for call in self.sandbox.calls("mail")]


@contextmanager
def town(home: Path, address: str = ADDRESS, **rest: Any) -> Iterator[Town]:
    """Both ends of one mailbox."""
    ports = [free_port(), free_port()]
    secret = "hariu:p%40ss%20w%C3%B6rd%2Fmail@127.0.0.1"
    chosen = Settings(
        home=home,
        imap_url=SecretStr(f"imap://{secret}:{ports[0]}/INBOX"),
        smtp_url=SecretStr(f"smtp://{secret}:{ports[1]}"),
        mail_address=address,
        provider_timeout=rest.get("timeout", 2.0),
    )
    with SandboxServer(chosen) as sandbox:
        yield Town(Email(chosen), sandbox, chosen)


def certificate(home: Path) -> None:
    """A key and a certificate for localhost that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (home / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (home / "key.pem").write_bytes(pem)


def settings_for(home: Path, imap: str = "", smtp: str = "", address: str = ADDRESS) -> Settings:
    """Settings of a channel opposite to which nobody listens, unless told otherwise."""
    nobody = f"127.0.0.1:{free_port()}"
    return Settings(
        home=home,
        imap_url=SecretStr(imap or f"imap://hariu:geheim@{nobody}"),
        smtp_url=SecretStr(smtp or f"smtp://hariu:geheim@{nobody}"),
        mail_address=address,
        provider_timeout=1,
    )
