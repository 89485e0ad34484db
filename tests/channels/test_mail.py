"""The e-mail channel against the simulated mailbox: real sockets, IMAP and SMTP."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from channels import registry
from channels.base import (
    AddressBlocked,
    BadSignature,
    Channel,
    ChannelDown,
    Fetches,
    Polls,
    Rejected,
    Request,
    SendError,
    Throttled,
    Unanswered,
)
from channels.mail import HEAD, LARGEST, Email
from channels.mail_server import Server
from channels.mail_smtp import refusal
from config.settings import SettingsError
from store.messages import Attachment, Inbound, Kind, Outbound
from tests.channels.cases import payloads
from tests.channels.mailbox import PASSWORD, Town, outbound, settings_for, town
from tests.channels.outages import Behave, OutageCases
from tests.house import free_port

MAILS = payloads("email")
SIMPLE = b"From: dorj@example.com\r\nMessage-ID: <%d@example.com>\r\n\r\nText %d\r\n"


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as found:
        yield found


class TestOutages(OutageCases):
    secrets = (PASSWORD, "dorj@example.com", "Бүртгэлээ")

    @pytest.fixture
    def behave(self, mail: Town) -> Behave:
        self.town = mail
        return partial(mail.sandbox.behave, "mail")

    def sender(self) -> Channel:
        return self.town.again()

    def letter(self) -> Outbound:
        return outbound()


# In


def test_a_mail_comes_in_and_is_seen(mail: Town) -> None:
    mail.sandbox.mail("dorj@example.com", "Ус алга", subject="Худаг", name="Жишээ Дорж")
    (item,) = mail.poll()
    assert isinstance(item, Inbound)
    assert (item.address, item.text) == ("dorj@example.com", "Худаг\nУс алга")
    assert item.profile_name == "Жишээ Дорж"
    (shown,) = mail.sandbox.messages(mail="dorj@example.com")
    assert shown["status"] == "delivered"
    assert mail.texts() == []


def test_the_raw_mail_is_handed_over_as_it_came(mail: Town) -> None:
    for path in MAILS:
        mail.put(path.read_bytes())
    came = [raw for raw, _ in mail.email.poll(0.05)]
    assert came == [path.read_bytes() for path in MAILS]


def test_a_mail_is_marked_only_when_the_next_is_asked_for(mail: Town) -> None:
    uid = mail.put(SIMPLE % (1, 1))
    mails = mail.email.poll(0.05)
    next(iter(mails))
    stored = mail.sandbox.world.mailbox.find(uid)
    assert stored is not None
    assert stored.flags == set()
    assert list(mails) == []
    assert stored.flags == {"\\Seen"}


def test_what_could_not_be_stored_comes_again(mail: Town) -> None:
    mail.put(SIMPLE % (1, 1))
    mail.put(SIMPLE % (2, 2))
    for _ in mail.email.poll(0.05):
        break  # the database is away: nobody asks for the next one
    assert mail.texts() == ["Text 1", "Text 2"]


def test_waiting_ends_when_a_mail_comes(mail: Town) -> None:
    mail.poll()
    threading.Timer(0.4, mail.put, [SIMPLE % (1, 1)]).start()
    start = time.monotonic()
    assert mail.texts(timeout=10) == ["Text 1"]
    assert 0.3 < time.monotonic() - start < 3


def test_waiting_ends_when_nothing_comes(mail: Town) -> None:
    start = time.monotonic()
    assert mail.poll(timeout=0.5) == []
    assert 0.4 < time.monotonic() - start < 2


def test_one_connection_serves_many_rounds(mail: Town) -> None:
    before = threading.active_count()
    for number in range(5):
        mail.put(SIMPLE % (number, number))
        assert mail.texts() == [f"Text {number}"]
    assert threading.active_count() < before + 5


def read_elsewhere(mail: Town, uid: int) -> None:
    """Somebody opens a mail in another client."""
    stored = mail.sandbox.world.mailbox.find(uid)
    assert stored is not None
    stored.flags.add("\\Seen")


def test_read_in_another_client_before_us(mail: Town) -> None:
    """Not the first mail ever, so its UID tells that we do not have it."""
    mail.put(SIMPLE % (1, 1))
    mail.poll()
    uid = mail.put(SIMPLE % (2, 2))
    read_elsewhere(mail, uid)
    mail.email = mail.again()
    assert mail.texts() == ["Text 2"]
    assert mail.texts() == []


def test_old_mails_stay_where_they_are(mail: Town) -> None:
    """A mailbox that was in use before Hariu: what has been read is not a grievance of today."""
    uid = mail.put(SIMPLE % (1, 1))
    read_elsewhere(mail, uid)
    assert mail.texts() == []


def test_another_mailbox_under_the_same_name(mail: Town) -> None:
    """UIDVALIDITY changed: UIDs known from before mean nothing."""
    for number in range(3):
        mail.put(SIMPLE % (number, number))
    mail.poll()
    mailbox = mail.sandbox.world.mailbox
    mailbox.validity += 1
    mailbox.mails.clear()
    mailbox.next_uid = 1
    mail.put(SIMPLE % (9, 9))
    mail.email = mail.again()
    assert mail.texts() == ["Text 9"]


@pytest.mark.parametrize("mode", ["drop", "garbage", "500"])
def test_trouble_is_over_when_it_is_over(mail: Town, mode: str) -> None:
    mail.poll()
    mail.put(SIMPLE % (1, 1))
    mail.sandbox.behave("mail", mode)
    for _ in range(2):
        with pytest.raises(ChannelDown):
            mail.poll()
    mail.sandbox.behave("mail", "ok")
    assert mail.texts() == ["Text 1"]


def test_every_mail_comes_through_a_bad_line(mail: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.mail.POSTPONED_SECONDS", 0.0)
    for number in range(20):
        mail.put(SIMPLE % (number, number))
    mail.sandbox.behave("mail", "drop", rate=0.05)
    found: set[str] = set()
    for _ in range(200):
        try:
            for _, items in mail.email.poll(0.01):
                found |= {item.text for item in items if isinstance(item, Inbound)}
        except ChannelDown:
            continue
    assert found == {f"Text {number}" for number in range(20)}


def test_nobody_answers(tmp_path: Path) -> None:
    chosen = settings_for(tmp_path, f"imap://a:b@127.0.0.1:{free_port()}")
    with pytest.raises(ChannelDown) as caught:
        list(Email(chosen).poll(0.1))
    assert caught.value.code == "imap.lost"
    assert caught.value.retryable


def test_a_mail_beyond_all_measure(mail: Town) -> None:
    """Its words arrive; its files stay where they are, with their size as the reason."""
    head = (
        b"From: dorj@example.com\r\nSubject: Bridge\r\nMessage-ID: <big@example.com>\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
        b"See the video.\r\n--b\r\nContent-Type: video/mp4; name=v.mp4\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    raw = head + (b"A" * 76 + b"\r\n") * (LARGEST // 78 + 1)
    mailbox = mail.sandbox.world.mailbox
    mailbox.add(raw)
    ((kept, items),) = list(mail.email.poll(0.05))
    assert kept == raw[:HEAD]
    (item,) = items
    assert isinstance(item, Inbound)
    assert item.text == "Bridge\nSee the video."
    assert [(file.content_type, file.size) for file in item.attachments] == [
        ("message/rfc822", len(raw))
    ]
    assert mailbox.mails[0].flags == {"\\Seen"}


# Files


def test_files_are_fetched_out_of_the_mailbox(mail: Town) -> None:
    path = next(path for path in MAILS if "rfc2047_file_names" in path.stem)
    mail.put(path.read_bytes())
    (item,) = mail.poll()
    assert isinstance(item, Inbound)
    found = [mail.again().fetch(file) for file in item.attachments]
    assert [file.name for file in found] == ["Гэрээ.doc", "Зураг.png"]
    assert found[0].content.startswith(b"\xd0\xcf\x11\xe0")
    assert [len(file.content) for file in found] == [file.size for file in item.attachments]


@pytest.mark.parametrize("handle", ["1.1:0", "{validity}.99:0", "{validity}.1:7", "{validity}.1"])
def test_files_that_are_gone(mail: Town, handle: str) -> None:
    mail.put(SIMPLE % (1, 1))
    validity = mail.sandbox.world.mailbox.validity
    with pytest.raises(Rejected) as caught:
        mail.email.fetch(Attachment("document", handle=handle.format(validity=validity)))
    assert caught.value.code == "gone"


# Out


def test_a_letter(mail: Town) -> None:
    text = "Таны хүсэлтийг бүртгэлээ.\nДугаар: 26000018\n.\n..эцэс"
    first = mail.email.send(outbound(text))
    assert mail.email.send(outbound(text)) == first
    headers = mail.sent()[0]["headers"]
    assert first.provider_id == headers["message-id"]
    assert mail.sent()[0]["text"] == text
    assert headers["from"] == headers["reply-to"] == headers["x-loop"] == mail.email.account
    assert headers["to"] == "dorj@example.com"
    assert headers["subject"] == "Таны хүсэлтийг бүртгэлээ."
    assert headers["auto-submitted"] == "auto-replied"
    assert headers["content-type"] == 'text/plain; charset="utf-8"'
    assert "in-reply-to" not in headers


def test_another_key_is_another_letter(mail: Town) -> None:
    one, other = (mail.email.send(outbound(key=key)) for key in ("a", "b"))
    assert one.provider_id != other.provider_id
    assert one.provider_id.endswith("@hariu.example.mn>")


def test_a_letter_in_a_thread(mail: Town) -> None:
    extra = {"in_reply_to": "<2@example.com>", "references": "<1@example.com> <2@example.com>"}
    mail.email.send(outbound(extra=extra))
    headers = mail.sent()[0]["headers"]
    assert headers["in-reply-to"] == "<2@example.com>"
    assert headers["references"] == "<1@example.com> <2@example.com>"


@pytest.mark.parametrize(
    ("extra", "subject"),
    [
        ({"subject": "Өөр\r\nBcc: evil@example.net"}, "Өөр Bcc: evil@example.net"),
        (
            {"subject": "Нөмірі 26000018. Жоба"},
            "Нөмірі 26000018. Жоба",
        ),
        ({"in_reply_to": "no id\r\nBcc: x@example.net"}, "Бүртгэлээ."),
    ],
)
def test_subject(mail: Town, extra: dict[str, str], subject: str) -> None:
    mail.email.send(outbound(extra=extra))
    headers = mail.sent()[0]["headers"]
    assert headers["subject"] == subject
    assert "bcc" not in headers


@pytest.mark.parametrize(
    ("address", "arrives_at"),
    [("дорж@example.com", "дорж@example.com"), ("dorj@пример.example", None)],
)
def test_addresses_in_other_letters(mail: Town, address: str, arrives_at: str | None) -> None:
    mail.email.send(outbound(address=address))
    assert mail.sent()[0]["to"] == (arrives_at or "dorj@xn--e1afmkfd.example")


@pytest.mark.parametrize("address", ["", "a", "a@b, c@d", "a@b>\r\nRCPT TO:<c@d", "<a@b>"])
def test_what_is_no_address(mail: Town, address: str) -> None:
    with pytest.raises(Rejected):
        mail.email.send(outbound(address=address))
    assert mail.sent() == []


def test_an_empty_letter(mail: Town) -> None:
    with pytest.raises(Rejected):
        mail.email.send(outbound(" \n"))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (550, AddressBlocked),
        (552, Rejected),
        (554, Rejected),
        (421, Throttled),
        (450, ChannelDown),
        (452, ChannelDown),
    ],
)
def test_refused_recipient(mail: Town, code: int, error: type[SendError]) -> None:
    mail.sandbox.behave("mail", "error", address="dorj@example.com", code=code)
    with pytest.raises(error) as caught:
        mail.email.send(outbound())
    assert type(caught.value) is error
    assert caught.value.code.startswith(str(code))
    assert "dorj" not in str(caught.value)
    assert mail.sandbox.messages(mail="dorj@example.com") == []
    mail.email.send(outbound(address="bat@example.com"))


@pytest.mark.parametrize(
    ("code", "said", "at", "error"),
    [
        (550, "5.1.1 unknown", "rcpt", AddressBlocked),
        (550, "No such user", "rcpt", AddressBlocked),
        (550, "5.7.1 blocked by policy", "rcpt", Rejected),
        (550, "relaying denied", "rcpt", Rejected),
        (553, "5.1.8 sender has no domain", "mail", Rejected),
        (550, "5.1.0 sender rejected", "mail", Rejected),
        (550, "5.1.1 unknown", "data", AddressBlocked),
        (550, "High probability of spam", "data", Rejected),
        (552, "5.3.4 too big", "data", Rejected),
        (530, "5.7.0 authentication required", "mail", ChannelDown),
        (535, "5.7.8 bad password", "mail", ChannelDown),
        (451, "4.7.1 greylisted", "rcpt", ChannelDown),
        (450, "4.7.28 unusual rate of mail", "rcpt", Throttled),
        (421, "closing", "data", Throttled),
        (354, "odd", "mail", ChannelDown),
    ],
)
def test_refusal(code: int, said: str, at: str, error: type[SendError]) -> None:
    assert type(refusal(code, said, at)) is error


@pytest.mark.parametrize(
    ("mode", "error", "taken"),
    [
        ("drop", Unanswered, 1),
        ("timeout", Unanswered, 1),
        ("garbage", Unanswered, 0),
        ("429", Throttled, 0),
        ("500", ChannelDown, 0),
    ],
)
def test_trouble_after_the_letter_was_handed_over(
    mail: Town, mode: str, error: type[SendError], taken: int
) -> None:
    mail.sandbox.behave("mail", mode, seconds=4)
    with pytest.raises(error) as caught:
        mail.email.send(outbound())
    assert type(caught.value) is error
    assert len(mail.sandbox.messages(mail="dorj@example.com")) == taken


def test_slow_is_no_trouble(mail: Town) -> None:
    mail.sandbox.behave("mail", "slow", seconds=0.5)
    assert mail.email.send(outbound()).provider_id


def test_nobody_takes_letters(tmp_path: Path) -> None:
    with pytest.raises(ChannelDown) as caught:
        Email(settings_for(tmp_path)).send(outbound())
    assert type(caught.value) is ChannelDown


# Settings


def test_server_of_a_url() -> None:
    found = Server.of(
        "HARIU_IMAP_URL", "imaps://a%40b:%D0%BD%D1%83%D1%83%D1%86@mail.example/%D0%A5"
    )
    assert (found.host, found.port, found.tls, found.starttls) == ("mail.example", 993, True, False)
    assert (found.user, found.password, found.mailbox) == ("a@b", "нууц", "Х")
    assert "нууц" not in repr(found)
    assert Server.of("HARIU_SMTP_URL", "smtp+starttls://mail.example").port == 587
    assert Server.of("HARIU_SMTP_URL", "smtp://mail.example").user == ""
    assert Server.of("HARIU_SMTP_URL", "smtps://[2001:db8::1]").host == "2001:db8::1"


@pytest.mark.parametrize(
    "url",
    [
        "smtp://a:geheim@mail.example", "https://a:geheim@mail.example", "imap://", "geheim",
        "imap://a:geheim@mail.example:port", "imap://a:[geheim@mail.example",
        "imap://a:geheim@mail.example:99999",
    ],
)  # fmt: skip
def test_a_wrong_url_is_named_without_its_secret(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Server.of("HARIU_IMAP_URL", url)
    assert "HARIU_IMAP_URL" in str(caught.value)
    assert "geheim" not in "".join(traceback.format_exception(caught.value))


def test_a_wrong_address_of_our_own(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        Email(settings_for(tmp_path, address="nobody"))


def test_check(mail: Town, tmp_path: Path) -> None:
    assert list(mail.email.check()) == []
    dark = Email(settings_for(tmp_path))
    assert [problem.code for problem in dark.check()] == ["email.imap", "email.smtp"]
    assert "geheim" not in " ".join(problem.advice for problem in dark.check())
    plain = Email(settings_for(tmp_path, imap="imap://a:b@192.0.2.1"))
    assert "email.plain" in [problem.code for problem in plain.check()]


def test_credentials_are_decoded(mail: Town) -> None:
    assert mail.email._in.password == PASSWORD
    assert PASSWORD not in repr(mail.email._in)


def test_the_channel_and_its_protocols(mail: Town) -> None:
    assert isinstance(mail.email, Channel)
    assert isinstance(mail.email, Polls)
    assert isinstance(mail.email, Fetches)
    assert mail.email.polled
    with pytest.raises(BadSignature):
        mail.email.verify(Request("POST", "https://hariu.example/in/email", {}, b"x"))


def test_it_is_registered(mail: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [channel.code for make in registry.CHANNELS for channel in make(mail.settings)]
    assert "email" in made


def test_the_file_of_the_instance_tells_nothing(mail: Town, tmp_path: Path) -> None:
    mail.put(SIMPLE % (1, 1))
    mail.poll()
    (kept,) = tmp_path.glob("mail-*.json")
    assert json.loads(kept.read_text()).keys() == {"validity", "uid"}


# Loops


def test_two_hariu_stop_after_one_round(tmp_path: Path) -> None:
    """Each answers every mail of a person at once; neither takes the other for one."""
    with town(tmp_path / "a", "a@one.example") as one, town(tmp_path / "b", "b@two.example") as two:
        for side in (one, two):
            side.settings.home.mkdir()
        two.sandbox.mail("a@one.example", "Somebody writes in the name of the other")
        answered = 0
        for _ in range(5):
            answered += exchange(two, one) + exchange(one, two)
    assert answered == 1


def exchange(side: Town, other: Town) -> int:
    """Answer what a person wrote, carry the answers to the other's mailbox; how many."""
    answers = 0
    for item in side.poll():
        if isinstance(item, Inbound) and item.kind is not Kind.OTHER:
            side.email.send(outbound(address=item.address, key=f"ack:{item.external_id}"))
            answers += 1
    for letter in side.sent()[-answers:] if answers else []:
        lines = "".join(f"{name}: {value}\r\n" for name, value in letter["headers"].items())
        plain = lines.replace("base64", "8bit")
        other.put(f"{plain}\r\n{letter['text']}".encode())
    return answers
