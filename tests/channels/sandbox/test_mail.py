"""The simulated mailbox: what people send, what they get, and how its servers misbehave."""

from __future__ import annotations

import base64
import imaplib
import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from channels.sandbox.server import SandboxServer
from config.settings import Settings
from tests.house import free_port

DORJ = "dorj@example.com"
OURS = "hariu@sandbox.example"


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        public_url="http://127.0.0.1:9",
        imap_url=SecretStr(f"imap://hariu:x@127.0.0.1:{free_port()}/INBOX"),
        smtp_url=SecretStr(f"smtp://hariu:x@127.0.0.1:{free_port()}"),
        mail_address=OURS,
    )


@pytest.fixture
def sandbox(chosen: Settings) -> Iterator[SandboxServer]:
    with SandboxServer(chosen) as server:
        yield server


def port(url: SecretStr) -> int:
    return int(url.get_secret_value().rpartition(":")[2].removesuffix("/INBOX"))


def inbox(chosen: Settings) -> imaplib.IMAP4:
    found = imaplib.IMAP4("127.0.0.1", port(chosen.imap_url), timeout=5)
    found.login("hariu", "x")
    found.select("INBOX")
    return found


def letter(chosen: Settings, text: str = "Hello", to: str = DORJ) -> None:
    with smtplib.SMTP("127.0.0.1", port(chosen.smtp_url), timeout=5) as server:
        raw = f"From: {OURS}\r\nSubject: No. 1\r\nMessage-ID: <1@x>\r\n\r\n{text}\r\n"
        server.sendmail(OURS, [to], raw)


def test_a_mail_lies_in_the_inbox(sandbox: SandboxServer, chosen: Settings) -> None:
    sent = sandbox.mail(DORJ, "Ус алга", subject="Худаг", name="Жишээ")
    mailbox = inbox(chosen)
    assert mailbox.uid("SEARCH", "UNSEEN")[1] == [b"1"]
    _, ((_, raw), _) = mailbox.uid("FETCH", "1", "(BODY.PEEK[])")
    assert b"From: =?utf-8?" in raw
    assert sent["message_id"].encode() in raw
    assert mailbox.uid("SEARCH", f'HEADER Message-ID "{sent["message_id"]}"')[1] == [b"1"]
    assert sandbox.messages(mail=DORJ)[0]["status"] == "queued"
    mailbox.uid("STORE", "1", "+FLAGS.SILENT", "(\\Seen)")
    assert mailbox.uid("SEARCH", "UNSEEN")[1] == [b""]
    assert sandbox.messages(mail=DORJ)[0]["status"] == "delivered"
    mailbox.logout()


def test_a_whole_mail_is_kept_to_the_byte(sandbox: SandboxServer, chosen: Settings) -> None:
    raw = b"From: a@example.com\n\n\xff\x00)\r\n"
    sandbox.mail("", raw=base64.b64encode(raw).decode())
    _, ((_, found), _) = inbox(chosen).uid("FETCH", "1", "(BODY.PEEK[])")
    assert found == raw


def test_a_letter_is_on_the_screen(sandbox: SandboxServer, chosen: Settings) -> None:
    letter(chosen, "Hello\r\n.dot")
    (shown,) = sandbox.messages(mail=DORJ)
    assert shown["direction"] == "out"
    assert shown["text"] == "No. 1\nHello\n.dot"
    (call,) = sandbox.calls("mail")
    assert (call["answer"], call["params"]["to"]) == (250, DORJ)


def test_a_reply_quotes_and_names_the_letter(sandbox: SandboxServer, chosen: Settings) -> None:
    letter(chosen)
    sandbox.mail(DORJ, "Thanks", reply=True)
    _, ((_, raw), _) = inbox(chosen).uid("FETCH", "1", "(BODY.PEEK[])")
    assert b"In-Reply-To: <1@x>" in raw
    assert b"Subject: Re: No. 1" in raw
    assert b"\r\n> Hello" in raw


def test_refusals(sandbox: SandboxServer, chosen: Settings) -> None:
    sandbox.behave("mail", "error", address=DORJ)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        letter(chosen)
    assert caught.value.recipients[DORJ][0] == 550
    assert [call["answer"] for call in sandbox.calls("mail")] == [550]
    letter(chosen, to="bat@example.com")


@pytest.mark.parametrize(
    "body", [{}, {"from": "nobody"}, {"from": DORJ, "attachments": [{"base64": "!"}]}, {"raw": "!"}]
)
def test_what_is_no_mail(sandbox: SandboxServer, body: dict[str, object]) -> None:
    assert sandbox.http.post("/phone/mail", json=body).status_code == 400


def test_writing_without_javascript(sandbox: SandboxServer) -> None:
    form = {"mail": DORJ, "subject": "Худаг", "text": "Ус алга", "do": "photo"}
    answer = sandbox.http.post("/page/email", data=form)
    assert answer.status_code == 303
    page = sandbox.http.get(answer.headers["Location"]).text
    assert '<p lang="mn">Худаг\nУс алга</p>' in page
    assert "Waits until Hariu fetches it" in page
    assert sandbox.http.post("/page/email", data={"mail": DORJ}).status_code == 400


def test_a_port_that_is_taken_stops_nothing_else(chosen: Settings) -> None:
    with socket.create_server(("127.0.0.1", port(chosen.imap_url))), SandboxServer(chosen) as found:
        assert found.http.get("/healthz").is_success
        letter(chosen)


def test_no_server_beside_a_real_mailbox(chosen: Settings) -> None:
    real = chosen.model_copy(update={"imap_url": SecretStr("imaps://a:b@mail.example.org")})
    with SandboxServer(real) as found:
        assert httpx.get(f"{found.url}/healthz").is_success
        assert len(found.world.at_close) == 1
