"""The rows behind the desk's routes that show or change one thing, made for one officer to find."""

from __future__ import annotations

import json
from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from admin import office
from config import clock, prompts
from store import api_keys, desk, files, hooks, inbox, links, officers, partners
from store.attachments import STORED
from store.case import Case
from store.db import Transaction, transaction
from store.inbox import Receipt
from store.messages import Inbound, InboundState, Kind
from store.schema import api_key, attachment, bulk_run, hook_call, setting_change
from store.schema import inbox as inbox_table
from tests.admin import town

Row = dict[str, object]


def made(case: Case, login: str) -> dict[str, Row]:
    """By endpoint: a run of their own, a machine's mail, files of ``case``, a partner, a change."""
    now, partner, machine = clock.now(), f"cso{login}", _machine(login)
    with transaction() as tx:
        person = officers.by_login(tx, login)
        run = {"officer_id": person.id if person else 1, "command": "classify", "at": now}
        (number,) = tx.insert_ids(bulk_run, [run | {"results": []}])
        file, change, key, hook = _file(tx, case), _change(tx), _key(tx, partner), _hook(tx)
        token = links.add(tx, links.Link(links.HAND_OFF, case.id, "Ус", now), now - timedelta(1))
        assert token
        link = links.of_grievance(tx, case.id, links.HAND_OFF)[-1]
        links.add_file(tx, link.id, "image/png", 5, files.put(b"photo"))
        back = links.files_of(tx, case.id)[-1].id
    return {
        "bulk.report": {"number": number}, "bulk.undo": {"number": number},
        "cases.file": {"number": file}, "recordings.save": {"number": file},
        "care.returned": {"number": back}, "state.take": {"number": machine},
        "partners.access": {"login": partner}, "partners.reset": {"login": partner},
        "prompts.sound": {"name": prompts.names()[0]},
        "prompts.keep": {"name": prompts.names()[0]}, "settings.undo_reply": {"change": change},
        "partners.revoke_key": {"login": partner, "number": key},
        "hooks.rotate": {"number": hook}, "hooks.test": {"number": hook},
        "hooks.again": {"number": _dead(hook)},
    }  # fmt: skip


def _machine(login: str) -> int:
    """A mail that a machine seems to have written."""
    text, account = "Ус алга", "desk@example.invalid"
    key = f"<{login}@example.invalid>"
    mail = Inbound("email", account, key, "a@example.invalid", Kind.OTHER, text, "automatic")
    inbox.accept(Receipt("email", account, b"raw", clock.now(), (mail,)))
    mine = inbox_table.c.external_id == key
    with transaction() as tx:
        tx.execute(inbox_table.update().where(mine).values(state=InboundState.DONE))
        return int(tx.execute(select(inbox_table.c.id).where(mine)).scalar_one())


def _file(tx: Transaction, case: Case) -> int:
    mine = select(inbox_table.c.id).where(inbox_table.c.grievance_id == case.id)
    row = {
        "inbox_id": tx.execute(mine).scalars().first(), "grievance_id": case.id,
        "channel": case.channel, "kind": "audio", "content_type": "audio/x-wav",
        "source": {"kind": "audio"}, "state": STORED, "sha256": files.put(b"RIFF"), "size": 4,
    }  # fmt: skip
    (number,) = tx.insert_ids(attachment, [row])
    return number


def _key(tx: Transaction, login: str) -> int:
    """A partner's account and a key of it."""
    partners.create(tx, login, "Жишээ", "Жишээ холбоо", clock.now())
    account = officers.by_login(tx, login)
    assert account
    api_keys.make(tx, account.id, "Жишээ", clock.now())
    mine = select(api_key.c.id).where(api_key.c.officer_id == account.id)
    return int(tx.execute(mine).scalar_one())


def _hook(tx: Transaction) -> int:
    url = "https://hook.example.invalid/"
    return hooks.add(tx, "Жишээ", url, [], clock.now(), active=False)[0]


def _dead(hook: int) -> int:
    """What that other system could not be told."""
    call = {"hook_id": hook, "grievance_id": None, "event": "test", "body": "{}"}
    with transaction() as tx:
        hooks.queue(tx, [call], clock.now())
        mine = hook_call.c.hook_id == hook
        tx.execute(hook_call.update().where(mine).values(state=hooks.DEAD))
        return int(tx.execute(select(hook_call.c.id).where(mine)).scalar_one())


def _change(tx: Transaction) -> int:
    """A change of a reply at hand that can be undone."""
    office.seed(tx)
    reply = desk.canned(tx)[0]
    was = {name: getattr(reply, name) for name in ("name", "category", "mn", "kk", "en", "active")}
    row = {"what": f"reply {reply.id}: а", "before": json.dumps(was), "after": "", "officer_id": 1}
    (number,) = tx.insert_ids(setting_change, [row | {"at": clock.now()}])
    return number


def slip(app: Flask, login: str) -> str:
    """The address of the slip of a grievance that this officer enters."""
    client = app.test_client()
    client.post("/sign-in", data={"login": login, "password": town.PASSWORD})
    form = {
        "token": "a" * 24, "channel": "visit", "received": clock.now().date().isoformat(),
        "language": "mn", "kind": "complaint", "behalf": "self", "text": "Ус алга",
    }  # fmt: skip
    answer = client.post("/intake", data=form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["Location"].rpartition("/")[2]
