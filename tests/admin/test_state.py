"""How Hariu fares: dead letters with their reason and a retry, calls to make."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from admin.app import create_app
from bot.jobs import drain
from config import clock
from store import channels, inbox, officers, tasks
from store.db import reading, transaction
from store.inbox import Receipt
from store.messages import Capabilities, Inbound
from store.queue import PARTITIONS
from store.schema import grievance
from tests import instance


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    before = dict(os.environ)
    instance.enter(instance.environment(tmp_path))
    message = Inbound("sms", "+97675000000", "SM1", "+97688110001", text="нууц үг")
    inbox.accept(Receipt("sms", "+97675000000", b"raw", clock.now(), (message,)))
    inbox.accept(Receipt("telegram", "700", b"{", clock.now(), error="unparseable: broken"))
    with transaction() as tx:
        channels.sync(tx, {"sms": ("+97675000000", Capabilities())})
        inbox.set_aside(tx, 1, "could not be handled: ValueError", clock.now())
        tasks.add(tx, "call:1", "call", clock.now())
        login, password = officers.ensure_first(tx, clock.now()) or ("", "")
    app = create_app()
    app.config["WTF_CSRF_ENABLED"] = False
    with app.test_client() as found:
        found.post("/sign-in", data={"login": login, "password": password})
        new = {"old": password, "new": "urt nuuts ug 2026", "again": "urt nuuts ug 2026"}
        found.post("/account/password", data=new)
        yield found
    instance.forget()
    os.environ.clear()
    os.environ.update(before)


def test_dead_letters_are_told_in_words_without_what_was_written(client: FlaskClient) -> None:
    page = client.get("/health?lang=mn").get_data(as_text=True)
    assert "боловсруулах үед алдаа гарсан" in page
    assert "сувгаас ирсэн үйл явдлыг уншиж чадсангүй" in page
    assert "нууц үг" not in page
    assert "88110001" not in page


def test_what_waits_and_which_channel_is_silent(client: FlaskClient) -> None:
    now = clock.now()
    message = Inbound("sms", "+97675000000", "SM2", "+97688110001", text="нууц үг")
    inbox.accept(Receipt("sms", "+97675000000", b"raw", now - timedelta(minutes=7.5), (message,)))
    with transaction() as tx:
        channels.note_in(tx, {"sms": now - timedelta(days=2)})
    page = client.get("/health").get_data(as_text=True)
    assert "Боловсруулаагүй: 1. Хамгийн удаан хүлээсэн нь: 7 мин." in page
    assert "Илгээгээгүй: 0. Хамгийн их хоцорсон нь: 0 мин." in page
    assert "хоногоос удаан" not in page
    with transaction() as tx:
        channels.note_in(tx, {"sms": now - timedelta(days=4)})
    assert "3 хоногоос удаан" in client.get("/health").get_data(as_text=True)


def test_a_dead_letter_is_tried_again_and_a_call_ticked_off(client: FlaskClient) -> None:
    assert client.post("/health/messages/1/again").status_code == 303
    assert client.post("/health/calls/1/done").status_code == 303
    assert client.post("/health/calls/99/done").status_code == 404
    with reading() as tx:
        assert [item.id for item in inbox.load(tx, [1])] == [1]
        assert tasks.undone(tx) == []


def test_a_mail_taken_for_automatic_is_registered_by_an_officer(client: FlaskClient) -> None:
    from store.messages import Kind

    for number, text in enumerate(("Ус алга, хариу өгнө үү", "Дарга намайг хүчирхийлсэн")):
        mail = Inbound(
            "email", "a@example.mn", f"<{number}@x>#1", "d@example.com", Kind.OTHER, text,
            "automatic",
        )  # fmt: skip
        inbox.accept(Receipt("email", "a@example.mn", b"raw", clock.now(), (mail,)))
    for part in range(PARTITIONS):
        drain(part)
    page = client.get("/health?lang=mn").get_data(as_text=True)
    assert "Ус алга, хариу өгнө үү" in page
    found = re.findall(r"/health/machines/(\d+)/take", page)
    assert len(found) == 2
    for number in found:
        assert client.post(f"/health/machines/{number}/take").status_code == 303
        assert client.post(f"/health/machines/{number}/take").status_code == 404
    for part in range(PARTITIONS):
        drain(part)
    with reading() as tx:
        assert len(tx.execute(select(grievance)).all()) == 2
    assert "/health/machines/" not in client.get("/health").get_data(as_text=True)


def test_gateways_have_names_and_icons(client: FlaskClient) -> None:
    with transaction() as tx:
        channels.sync(tx, {"gateway-kannel": ("1414", Capabilities(form="sms"))})
    page = client.get("/health").get_data(as_text=True)
    assert "SMS (оператор): kannel" in page
    assert "#chat-left-text" in page


def test_strangers_see_nothing(client: FlaskClient) -> None:
    client.post("/sign-out")
    assert client.get("/health").status_code in {302, 303, 401}


def test_a_person_is_found_by_a_word_of_their_name(client: FlaskClient) -> None:
    from store import people
    from workflow.commands import Register
    from workflow.handlers import Casework

    with transaction() as tx:
        work = Casework(tx, clock.now())
        case = work.register(Register("visit", "Ус алга", clock.now()))
        work.flush()
        people.name_person(tx, case.complainant_id or 0, "Жишээ Болд")
    found = client.post("/search", data={"words": "болд"}, follow_redirects=True)
    assert case.reference in found.get_data(as_text=True)
    missed = client.post("/search", data={"words": "бат"}, follow_redirects=True)
    listed = missed.get_data(as_text=True).partition('class="list"')[2]
    assert case.reference not in listed
