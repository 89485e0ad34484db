"""The whole house watched: every process tells its steps and errors, and nothing personal arrives."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import request
from sqlalchemy import text

from channels.web import create_app
from config import log, observe
from store.db import transaction
from tests import instance
from tests.config.test_observe import CODE, NAME, PHONE, REFERENCE, WORDS, leaked
from tests.house import House, until
from tests.observers import Observer, facts, logging_kept, observer
from tests.served import served


@pytest.fixture
def sentry() -> Iterator[Observer]:
    with observer() as found:
        yield found


@pytest.fixture
def collector() -> Iterator[Observer]:
    with observer() as found:
        yield found


def watched(sentry: Observer, collector: Observer) -> dict[str, Any]:
    return {
        "HARIU_SENTRY_DSN": sentry.dsn,
        "HARIU_OTLP_ENDPOINT": collector.url,
        "HARIU_TRACE_SHARE": "1",
    }


@pytest.fixture
def site(tmp_path: Path, sentry: Observer, collector: Observer) -> Iterator[str]:
    """The public app with a page that fails, and with a table missing."""
    before = dict(os.environ)
    instance.enter(instance.environment(tmp_path) | watched(sentry, collector))
    observe.set_up("web")
    app = create_app()

    @app.post("/broken/<word>")
    def broken(word: str) -> str:
        held = (word, request.form.to_dict(), request.headers.get("Cookie"))
        raise ValueError(f"could not read {held}")

    with transaction() as tx:
        tx.execute(text("DROP TABLE case_event"))
        tx.execute(text("ALTER TABLE grievance RENAME TO elsewhere"))
    with logging_kept(), served(observe.traced(app)) as url:
        yield url
    observe.close()
    instance.forget()
    os.environ.clear()
    os.environ.update(before)


def test_requests_leave_neither_path_nor_body_nor_headers(
    site: str, sentry: Observer, collector: Observer, capsys: pytest.CaptureFixture[str]
) -> None:
    log.set_up("web")
    form = {"number": REFERENCE, "code": CODE, "name": NAME, "text": WORDS, "phone": PHONE}
    browser = {"cookies": {"seen": REFERENCE}, "headers": {"X-Name": PHONE, "Accept": "text/html"}}
    with httpx.Client(base_url=site, **browser) as person:  # type: ignore[arg-type]
        query = {"number": REFERENCE, "from": PHONE}
        assert person.get("/status", params=query).status_code == 200
        assert person.post("/status", data=form, params=query).status_code == 503
        assert person.post(f"/broken/{REFERENCE}", data=form).status_code == 500
        assert person.get(f"/nothing/{PHONE}").status_code == 404
    observe.close()
    kinds = [event["exception"]["values"][-1]["type"] for event in sentry.events]
    assert kinds == ["DatabaseAway", "ValueError"]
    steps = [facts(span) for _, span in collector.spans if span.name == "request"]
    assert [(each["http.route"], each["http.response.status_code"]) for each in steps] == [
        ("/status", 200), ("/status", 503), ("/broken/<word>", 500), ("none", 404),
    ]  # fmt: skip
    assert leaked(sentry.everything + collector.everything) == []
    assert b"X-Name" not in sentry.everything
    assert leaked(capsys.readouterr().out.encode()) == []


@pytest.mark.slow
def test_every_process_tells_its_steps(
    tmp_path: Path, sentry: Observer, collector: Observer
) -> None:
    with House(tmp_path / "home", **watched(sentry, collector)) as house:
        house.sms(PHONE, WORDS)
        house.told(PHONE, "Дугаар", 40)
        reference = until(lambda: house.dump("grievances"), 20, "a grievance")[0]["reference"]
        house.http.get(f"{house.url('desk')}/cases/{reference}")
    told = {(service, span.name) for service, span in collector.spans}
    assert told >= {
        ("hariu-web", "request"), ("hariu-web", "accept"), ("hariu-worker", "drain"),
        ("hariu-deliver", "deliver"), ("hariu-clock", "tick"), ("hariu-desk", "request"),
    }  # fmt: skip
    routes = {facts(span).get("http.route") for _, span in collector.spans}
    assert {"/in/<code>", "/cases/<reference>"} <= routes
    assert sentry.events == []
    received = sentry.everything + collector.everything
    assert [word for word in (*leaked(received), reference) if word.encode() in received] == []
