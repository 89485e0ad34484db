"""Encryption and sign-in of the e-mail channel, against servers that offer more or less."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from channels.base import ChannelDown
from channels.mail import Email
from channels.sandbox import mail_imap, mail_smtp
from channels.sandbox.mail import Post
from channels.sandbox.world import World
from store.messages import Inbound
from tests.channels.mailbox import Town, certificate, outbound, settings_for, town


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """A mailbox without servers, and a certificate for ``localhost`` that is trusted."""
    certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    world = World(settings_for(tmp_path))
    yield Post(world)
    world.close()


def context(home: Path) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(home / "cert.pem", home / "key.pem")
    return found


class Encrypted(mail_imap.Server):
    """Speaks TLS from the first byte."""

    def get_request(self) -> Any:
        plain, address = super().get_request()
        return context(self.post.world.settings.home).wrap_socket(plain, server_side=True), address


class Upgrading(mail_smtp.Session):
    """Wants STARTTLS before anything else."""

    secured = False

    def _do(self, name: str, rest: str) -> bool:
        if self.secured or name == "QUIT":
            return super()._do(name, rest)
        if name == "EHLO":
            self.wfile.write(b"250-sandbox\r\n250 STARTTLS\r\n")
        elif name == "STARTTLS":
            self._say(220, "Go on")
            tls = context(self.post.world.settings.home)
            self.request = tls.wrap_socket(self.request, server_side=True)
            self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
            self.secured = True
        else:
            self._say(530, "5.7.0 Must issue a STARTTLS command first")
        return True


@pytest.mark.parametrize(
    ("scheme", "server", "session"),
    [
        ("smtps", Encrypted, mail_smtp.Session),
        ("smtp+starttls", mail_imap.Server, Upgrading),
    ],
)
def test_a_letter_by_tls(
    post: Post, tmp_path: Path, scheme: str, server: Any, session: Any
) -> None:
    made = server(post, 0, session)
    post.world.at_close.append(made.close)
    url = f"{scheme}://hariu:geheim@localhost:{made.port}"
    Email(settings_for(tmp_path, smtp=url)).send(outbound())
    assert [call["params"]["text"] for call in post.world.calls.list("mail")] == ["Бүртгэлээ."]


@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls", "smtps"])
def test_no_letter_by_a_server_that_offers_less(post: Post, tmp_path: Path, scheme: str) -> None:
    session = Upgrading if scheme == "smtp" else mail_smtp.Session
    made = mail_imap.Server(post, 0, session)
    post.world.at_close.append(made.close)
    with pytest.raises(ChannelDown):
        Email(settings_for(tmp_path, smtp=f"{scheme}://a:b@localhost:{made.port}")).send(outbound())
    assert post.world.calls.list("mail") == []


def test_a_mailbox_by_tls(post: Post, tmp_path: Path) -> None:
    made = Encrypted(post, 0, mail_imap.Session)
    post.world.at_close.append(made.close)
    post.send({"from": "dorj@example.com", "text": "Ус алга"})
    email = Email(settings_for(tmp_path, imap=f"imaps://a:b@localhost:{made.port}"))
    ((_, (item,)),) = list(email.poll(0.1))
    assert isinstance(item, Inbound)
    assert item.text == "Ус алга"


def test_a_name_that_the_certificate_does_not_have(post: Post, tmp_path: Path) -> None:
    made = Encrypted(post, 0, mail_imap.Session)
    post.world.at_close.append(made.close)
    with pytest.raises(ChannelDown):
        list(Email(settings_for(tmp_path, imap=f"imaps://a:b@127.0.0.1:{made.port}")).poll(0.1))


def test_a_mailbox_that_cannot_idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither IDLE nor AUTHENTICATE: it is asked every few seconds."""
    monkeypatch.setattr(mail_imap, "CAPABILITIES", "IMAP4rev1")
    with town(tmp_path) as found:
        url = f"imap://hariu:geheim@127.0.0.1:{found.email._in.port}"
        mail = Town(Email(settings_for(tmp_path, imap=url)), found.sandbox, found.settings)
        assert mail.poll(0.2) == []
        mail.sandbox.mail("dorj@example.com", "Ус алга")
        assert mail.texts() == ["Ус алга"]
