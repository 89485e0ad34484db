"""What takes more than one message, through every layer: real HTTP, doubles, worker, deliverer."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from channels import registry
from channels.mail import LARGEST
from channels.media import fetch_due
from channels.messenger import Messenger
from config import clock, i18n
from config.settings import settings
from store import attachments, automatic
from store.db import reading, transaction
from store.messages import Outbound
from store.schema import address, grievance, inbox, outbox, task
from tests.channels.everything import MAIL, Everything, everything
from tests.house import until
from workflow.commands import Act, Actor
from workflow.handlers import Casework
from workflow.states import Role

WELL = "Манай сумын худаг ширгэсэн, ус алга"
MORE = "Хоёр долоо хонож байна, малчид холоос ус зөөж байна"
OFFICER = Actor(Role.OFFICER, 1)
PERSON = "9900000000000001"
DORJ = "dorj@example.com"
PHONE = "+97688110001"


@pytest.fixture
def all_of(tmp_path: Path) -> Iterator[Everything]:
    with everything(tmp_path) as found:
        yield found


def references() -> list[str]:
    with reading() as tx:
        return list(tx.execute(select(grievance.c.reference).order_by(grievance.c.id)).scalars())


def headers(all_of: Everything) -> list[dict[str, str]]:
    return [call["params"]["headers"] for call in all_of.sandbox.calls("mail")]


# E-mail: subject and thread


def test_a_mail_is_answered_under_its_number_and_in_its_thread(all_of: Everything) -> None:
    first = all_of.sandbox.mail(DORJ, WELL, subject="Худаг")["message_id"]
    all_of.fetch()
    all_of.until_said("Дугаар", mail=DORJ)
    (reference,) = references()
    answer = headers(all_of)[0]
    assert answer["subject"] == f"Дугаар {reference}. «Ухаалаг засаг-2» төсөл"
    assert answer["in-reply-to"] == answer["references"] == first
    second = all_of.sandbox.mail(DORJ, MORE, reply=True)["message_id"]
    all_of.fetch()
    all_of.until_said("", mail=DORJ)
    _close(reference)
    all_of.until_said("зөвшөөрөхгүй", mail=DORJ)
    later = headers(all_of)[-1]
    assert later["subject"] == answer["subject"]
    assert later["in-reply-to"] == second
    assert later["references"].split()[0] == answer["message-id"]
    assert later["references"].split()[-1] == second
    assert references() == [reference]


def _close(reference: str) -> None:
    """As an officer does it with one click."""
    with transaction() as tx:
        number = tx.scalar(select(grievance.c.id).where(grievance.c.reference == reference))
        casework = Casework(tx, clock.now())
        casework.load([number])
        casework.act(Act("close", number, OFFICER, {"outcome": "resolved", "summary": "Насос"}))
        casework.flush()


def test_a_mail_about_no_grievance_has_a_subject_of_the_catalogue(all_of: Everything) -> None:
    asked = all_of.sandbox.mail(DORJ, "тусламж")["message_id"]
    all_of.fetch()
    all_of.until_said("", mail=DORJ)
    assert references() == []
    (answer,) = headers(all_of)
    assert answer["subject"] == i18n.text(
        "mail.subject.other", "mn", service="«Ухаалаг засаг-2» төсөл"
    )
    assert answer["in-reply-to"] == asked


def test_no_word_of_the_matter_is_in_a_subject(all_of: Everything) -> None:
    all_of.sandbox.mail(DORJ, "Дарга намайг хүчирхийлсэн", subject="Хүчирхийлэл")
    all_of.fetch()
    all_of.until_said("", mail=DORJ)
    assert all("үчирхий" not in answer["subject"] for answer in headers(all_of))


# E-mail: what is too large, and what a machine seems to have written


def test_a_mail_over_the_limit_is_registered_and_its_sender_told(all_of: Everything) -> None:
    head = (
        f"From: {DORJ}\r\nSubject: Khudag\r\nMessage-ID: <big@example.com>\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"{WELL}\r\n--b\r\nContent-Type: video/mp4; name=v.mp4\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode()
    raw = head + (b"A" * 76 + b"\r\n") * (LARGEST // 78 + 1)
    all_of.sandbox.world.mailbox.add(raw)
    all_of.fetch()
    all_of.until_said("Дугаар", mail=DORJ)
    assert fetch_due(registry.active()) == 1
    told = all_of.until_said("хэт том", mail=DORJ)
    assert "20" in told
    with reading() as tx:
        (case,) = tx.execute(select(grievance)).all()
        (file,) = attachments.of_grievance(tx, case.id)
    assert WELL in case.text
    assert (file.state, file.error, file.size) == ("refused", "too large", len(raw))
    assert fetch_due(registry.active()) == 0
    assert len([text for text in all_of.said(mail=DORJ) if "хэт том" in text]) == 1


def test_files_of_a_kind_we_do_not_take_are_told_of_once(all_of: Everything) -> None:
    junk = base64.b64encode(b"MZ" + bytes(200)).decode()
    parts = [
        {"name": f"{name}.exe", "content_type": "application/x-msdownload", "base64": junk}
        for name in "abc"
    ]
    all_of.sandbox.mail(DORJ, WELL, subject="Худаг", attachments=parts)
    all_of.fetch()
    all_of.go()
    assert fetch_due(registry.active()) == 3
    all_of.go()
    assert len([text for text in all_of.said(mail=DORJ) if "төрлийн файл" in text]) == 1


def test_nothing_is_told_to_machines_about_their_files(all_of: Everything) -> None:
    junk = base64.b64encode(b"MZ" + bytes(200)).decode()
    part = {"name": "a.exe", "content_type": "application/x-msdownload", "base64": junk}
    headers_ = {"Auto-Submitted": "auto-replied"}
    all_of.sandbox.mail(DORJ, WELL, attachments=[part], headers=headers_)
    all_of.fetch()
    all_of.go()
    fetch_due(registry.active())
    all_of.go()
    assert all_of.said(mail=DORJ) == []


def test_the_letters_of_another_hariu_end_in_the_list_of_machines(all_of: Everything) -> None:
    all_of.sandbox.mail(DORJ, WELL, subject="Худаг")
    all_of.fetch()
    all_of.settle()
    ours = all_of.sandbox.calls("mail")
    for call in ours:  # the same letters, as another office's instance writes them to us
        lines = "".join(f"{name}: {value}\r\n" for name, value in call["params"]["headers"].items())
        foreign = lines.replace(MAIL, "gomdol@two.example").replace("base64", "8bit")
        foreign = foreign.replace(MAIL.partition("@")[2], "two.example")
        all_of.sandbox.world.mailbox.add(f"{foreign}\r\n{call['params']['text']}".encode())
    all_of.fetch()
    all_of.settle()
    assert len(ours) >= 2
    assert len(all_of.sandbox.calls("mail")) == len(ours)
    assert len(references()) == 1
    with reading() as tx:
        assert len(automatic.newest(tx, 10)) == len(ours)


def test_an_automatic_mail_becomes_a_grievance_once_an_officer_says_so(all_of: Everything) -> None:
    all_of.sandbox.mail(DORJ, WELL, subject="Худаг", headers={"Precedence": "bulk"})
    all_of.sandbox.mail(DORJ, MORE, subject="Худаг 2")
    all_of.fetch()
    all_of.go()
    with reading() as tx:
        (machine,) = automatic.newest(tx, 10)
    assert WELL in machine.text
    assert len(references()) == 1  # the other mail's
    with transaction() as tx:
        assert automatic.take_in(tx, machine.id)
        assert not automatic.take_in(tx, machine.id + 1)  # a person's: handled already
    all_of.go()
    with transaction() as tx:
        assert automatic.newest(tx, 10) == []
        assert not automatic.take_in(tx, machine.id)
        assert tx.scalar(select(inbox.c.grievance_id).where(inbox.c.id == machine.id))


# Messenger: from a comment to the chat


def test_a_comment_goes_on_in_the_chat(all_of: Everything) -> None:
    all_of.sandbox.messenger(PERSON, comment=WELL)
    all_of.until_said("Дугаар", psid=PERSON)
    (reference,) = references()
    all_of.sandbox.messenger(PERSON, text="ЯВЦ")
    assert reference in all_of.until_said("хүлээн авсан", psid=PERSON)
    all_of.sandbox.messenger(PERSON, text=MORE)
    all_of.go()
    assert references() == [reference]
    with reading() as tx:
        rows = tx.execute(select(address.c.value, address.c.person_id).order_by(address.c.id)).all()
    (comment, chat) = rows
    assert comment.value.startswith("comment:")
    assert chat.value == PERSON
    assert chat.person_id == comment.person_id is not None


def test_nothing_is_pushed_to_who_only_commented(all_of: Everything) -> None:
    """The answer in private opens no window; the officer calls, or waits for a word."""
    all_of.sandbox.messenger(PERSON, comment=WELL)
    all_of.until_said("Дугаар", psid=PERSON)
    (reference,) = references()
    before = len(all_of.sandbox.calls("graph"))
    _close(reference)
    all_of.go()
    all_of.go()
    calls = all_of.sandbox.calls("graph")[before:]
    assert [call for call in calls if call["params"].get("recipient") == {"id": PERSON}] == []


def test_another_person_does_not_get_into_a_commenter_s_matter(all_of: Everything) -> None:
    all_of.sandbox.messenger(PERSON, comment=WELL)
    all_of.until_said("Дугаар", psid=PERSON)
    (reference,) = references()
    other = "9900000000000002"
    all_of.sandbox.messenger(other, text=f"ЯВЦ {reference}")
    all_of.until_said("", psid=other)
    assert not any("хүлээн авсан" in text for text in all_of.said(psid=other))


def test_only_an_answer_in_public_names_the_person(all_of: Everything) -> None:
    all_of.sandbox.messenger(PERSON, text="тусламж")
    sent = Messenger(settings()).send(Outbound(1, "messenger", "me", PERSON, "Сайн уу", "k"))
    assert sent.address == ""


# Twilio: who wants no messages, and reports in any order


def outgoing() -> list[tuple[str, str]]:
    with reading() as tx:
        rows = tx.execute(select(outbox.c.state, outbox.c.error).order_by(outbox.c.id))
        return [tuple(row) for row in rows]


def test_who_opted_out_at_twilio_gets_nothing_more_until_they_return(all_of: Everything) -> None:
    """Twilio has told them itself, and refuses ours with 21610."""
    all_of.sandbox.sms(PHONE, WELL)
    all_of.until_said("Дугаар", phone=PHONE)
    all_of.settle()
    (reference,) = references()
    all_of.sandbox.behave("twilio", "error", address=PHONE, code=21610)
    all_of.sandbox.sms(PHONE, "STOP", params={"OptOutType": "STOP"})
    all_of.settle()
    told = len(all_of.said(phone=PHONE))
    _close(reference)
    all_of.settle()
    assert len(all_of.said(phone=PHONE)) == told
    all_of.sandbox.behave("twilio", "ok", address=PHONE)
    all_of.sandbox.sms(PHONE, "START", params={"OptOutType": "START"})
    all_of.settle()
    all_of.sandbox.sms(PHONE, f"ЯВЦ {reference}")
    all_of.settle()
    assert any(reference in text for text in all_of.said(phone=PHONE)[told:])


@pytest.mark.parametrize("order", ["ordered", "shuffled", "late"])
def test_reports_in_any_order_end_the_same(all_of: Everything, order: str) -> None:
    all_of.sandbox.behave("twilio", callbacks=order, delay=0.05)
    all_of.sandbox.sms(PHONE, "тусламж")
    all_of.until_said("", phone=PHONE)

    def delivered() -> bool:
        all_of.go()
        return [state for state, _ in outgoing()] == ["delivered"]

    until(delivered, 8, "delivered")
    all_of.settle()
    assert delivered()


@pytest.mark.parametrize("code", [30003, 30005, 30006, 30007, 30008])
def test_what_a_network_did_not_deliver_is_a_call_to_make(all_of: Everything, code: int) -> None:
    all_of.sandbox.behave("twilio", callbacks="failed", delay=0.01, code=code)
    all_of.sandbox.sms(PHONE, WELL)
    all_of.go()

    def failed() -> bool:
        all_of.go()
        return outgoing()[:1] == [("failed", str(code))]

    until(failed, 8, "failed")
    with reading() as tx:
        kinds = list(tx.execute(select(task.c.kind, task.c.detail)).all())
    assert ("undelivered", str(code)) in [tuple(row) for row in kinds]
