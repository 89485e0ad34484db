"""The e-mail channel against a real Dovecot: a private instance on ports of its own.

Mail is delivered over LMTP, as a mail server would, and read by IMAP, plain and over TLS.
"""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from smtplib import LMTP

import pytest
from pydantic import SecretStr

from channels.base import ChannelDown
from channels.mail import Email
from channels.mail_read import read
from channels.mail_rules import Own
from config import clock
from config.settings import Settings
from store.messages import DeliveryReport, Inbound, OutboundState
from tests.channels.cases import payloads
from tests.channels.mailbox import certificate
from tests.house import free_port, until

DOVECOT = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
# SMTP carries no NUL: that one Dovecot refuses.
MAILS = [path for path in payloads("email") if "nul_and_escape" not in path.stem]
SENDER = "dorj@example.com"  # of the envelope; Dovecot makes a Return-Path of it
ADDRESS = "gomdol@hariu.example.mn"
pytestmark = [
    pytest.mark.tier2,
    pytest.mark.skipif(DOVECOT is None, reason="NOT RUN: needs Dovecot"),
]

CONFIGURATION = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {internal}
first_valid_uid = 1
first_valid_gid = 0
mail_location = maildir:{home}/mail/%u
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
auth_username_format = %Lu
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service anvil {{
  chroot =
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
passdb {{
  driver = static
  args = password=нууц-{secret}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
"""


class Dovecot:
    """One private server; `start` and `kill` it as often as needed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ports = {name: free_port() for name in ("imap", "imaps", "lmtp")}
        self.process: subprocess.Popen[bytes] | None = None
        certificate(home)
        root = os.getuid() == 0
        # Dovecot gives no mail to root, and its own processes want somebody unprivileged.
        person = pwd.getpwnam("nobody" if root else getpass.getuser())
        (home / "mail").mkdir()
        home.chmod(0o755)  # others than root pass through
        if root:
            os.chown(home / "mail", person.pw_uid, person.pw_gid)
        values = {
            "internal": person.pw_name, "group": grp.getgrgid(person.pw_gid).gr_name,
            "uid": person.pw_uid, "gid": person.pw_gid, "secret": "x", "home": home, **self.ports,
        }  # fmt: skip
        (home / "dovecot.conf").write_text(CONFIGURATION.format(**values))

    def start(self) -> None:
        """Start, and wait until mail can be delivered."""
        command = [str(DOVECOT), "-F", "-c", str(self.home / "dovecot.conf")]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        until(self._ready, 15, "Dovecot")

    def _ready(self) -> bool:
        try:
            with LMTP("127.0.0.1", self.ports["lmtp"], timeout=5):
                return True
        except OSError:
            assert self.process is not None
            assert self.process.poll() is None, (self.home / "dovecot.log").read_text()
            return False

    def kill(self) -> None:
        """End it at once, connections and all."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        # Whoever reaps it may take its time, and a zombie counts as running.
        (self.home / "run" / "master.pid").unlink(missing_ok=True)

    def deliver(self, raw: bytes) -> None:
        """Put one mail into the inbox."""
        with LMTP("127.0.0.1", self.ports["lmtp"], timeout=10) as server:
            server.sendmail(SENDER, [ADDRESS], raw)

    def settings(self, scheme: str) -> Settings:
        """Settings of the channel; ``scheme`` is imap, imaps or imap+starttls."""
        port = self.ports["imaps" if scheme == "imaps" else "imap"]
        user = f"{ADDRESS.replace('@', '%40')}:%D0%BD%D1%83%D1%83%D1%86-x"
        return Settings(
            home=self.home,
            imap_url=SecretStr(f"{scheme}://{user}@localhost:{port}/INBOX"),
            smtp_url=SecretStr("smtp://127.0.0.1:9"),
            mail_address=ADDRESS,
            provider_timeout=5,
        )


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    # Not in pytest's own folder, which is closed to everybody but the user who runs the tests.
    with tempfile.TemporaryDirectory() as home:
        found = Dovecot(Path(home))
        found.start()
        yield found
        found.kill()


@pytest.fixture(params=["imap", "imaps", "imap+starttls"])
def email(
    dovecot: Dovecot, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Email:
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.home / "cert.pem"))
    return Email(dovecot.settings(request.param))


def letter(number: int, text: str = "Ус алга") -> bytes:
    mail = EmailMessage()
    mail["From"] = "Жишээ Дорж <dorj@example.com>"
    mail["To"] = ADDRESS
    mail["Subject"] = "Худаг ширгэсэн"
    mail["Message-ID"] = f"<{number}@example.com>"
    mail.set_content(f"{text} {number}")
    mail.add_attachment(b"%PDF-1.4", "application", "pdf", filename="Өргөдөл дүүргээс.pdf")
    return mail.as_bytes()


def poll(email: Email, seconds: float = 0.1) -> list[Inbound | DeliveryReport]:
    return [item for _, items in email.poll(seconds) for item in items]


def test_idle_headers_files_and_flags(dovecot: Dovecot, email: Email) -> None:
    assert poll(email) == []
    threading.Timer(0.5, dovecot.deliver, [letter(1)]).start()
    start = time.monotonic()
    (item,) = poll(email, 15)
    waited = time.monotonic() - start
    assert waited < 5, "IDLE did not tell"
    assert isinstance(item, Inbound)
    assert (item.address, item.profile_name) == ("dorj@example.com", "Жишээ Дорж")
    assert item.text == "Худаг ширгэсэн\nУс алга 1"
    (file,) = item.attachments
    assert file.name == "Өргөдөл дүүргээс.pdf"
    assert email.fetch(file).content == b"%PDF-1.4"
    assert poll(email) == []
    folder = dovecot.home / "mail" / ADDRESS / "cur"
    assert [path.name.endswith(":2,S") for path in folder.iterdir()] == [True]
    assert [problem.code for problem in email.check()] == ["email.smtp"]


@pytest.mark.parametrize("email", ["imap"], indirect=True)
def test_every_kept_mail_comes_as_it_was_delivered(dovecot: Dovecot, email: Email) -> None:
    for path in MAILS:
        dovecot.deliver(path.read_bytes())
    came = list(email.poll(1))
    assert len(came) == len(MAILS)
    own = Own(ADDRESS)
    for (_, (item,)), path in zip(came, MAILS, strict=True):
        (alone,) = read(path.read_bytes(), own, clock.now())
        if isinstance(item, Inbound) and isinstance(alone, Inbound):
            assert (item.text, item.address) == (alone.text, alone.address or SENDER)
            names = [file.name for file in item.attachments]
            assert names == [file.name for file in alone.attachments]
        else:
            assert item == alone


@pytest.mark.parametrize("email", ["imap", "imaps"], indirect=True)
def test_it_connects_again_after_a_kill(dovecot: Dovecot, email: Email) -> None:
    dovecot.deliver(letter(1))
    assert len(poll(email)) == 1
    threading.Timer(0.5, dovecot.kill).start()
    with pytest.raises(ChannelDown):
        poll(email, 10)
    with pytest.raises(ChannelDown):
        poll(email)
    dovecot.start()
    dovecot.deliver(letter(2))
    (item,) = poll(email, 5)
    assert isinstance(item, Inbound)
    assert item.text.endswith("2")


@pytest.mark.parametrize("email", ["imap"], indirect=True)
def test_a_bounce_that_came_by_lmtp(dovecot: Dovecot, email: Email) -> None:
    bounce = next(path for path in MAILS if path.stem == "bounce__postfix")
    dovecot.deliver(bounce.read_bytes())
    (report,) = poll(email, 5)
    assert isinstance(report, DeliveryReport)
    assert (report.state, report.error) == (OutboundState.FAILED, "5.1.1")


def test_a_wrong_password(dovecot: Dovecot) -> None:
    chosen = dovecot.settings("imap")
    url = chosen.imap_url.get_secret_value().replace("-x@", "-wrong@")
    wrong = Email(chosen.model_copy(update={"imap_url": SecretStr(url)}))
    with pytest.raises(ChannelDown) as caught:
        poll(wrong)
    assert caught.value.code == "imap.login"
    assert "wrong" not in str(caught.value)


def test_a_certificate_that_nobody_vouches_for(dovecot: Dovecot) -> None:
    with pytest.raises(ChannelDown) as caught:
        poll(Email(dovecot.settings("imaps")))
    assert caught.value.code == "imap.lost"
