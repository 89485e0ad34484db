"""What leaves for Sentry and OpenTelemetry: where and how long; never who or what; never waiting."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from config import log, observe
from config.errors import HariuError
from config.settings import SettingsError, settings
from tests import instance
from tests.house import ROOT
from tests.observers import Observer, facts, logging_kept, observer

# Invented, and planted wherever an error or a request could carry it away.
PHONE, NAME, WORDS = "+97688112233", "Туршилт Жишээ", "манай худаг ширгэсэн"
REFERENCE, CODE = "26431907", "508213"
PLANTED = (PHONE, PHONE[4:], NAME, WORDS, REFERENCE, CODE)


def leaked(received: bytes) -> list[str]:
    """What of the planted arrived, as UTF-8 or escaped as JSON does."""
    return [
        word
        for word in PLANTED
        if word.encode() in received or json.dumps(word)[1:-1].encode() in received
    ]


class Broken(HariuError):
    code = "broken.on.purpose"


@pytest.fixture
def sentry() -> Iterator[Observer]:
    with observer() as found:
        yield found


@pytest.fixture
def collector() -> Iterator[Observer]:
    with observer() as found:
        yield found


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An instance without observers; whatever is set up in the test ends with it."""
    for name, value in instance.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    with logging_kept():
        yield monkeypatch
        observe.close()
    settings.cache_clear()


def set_up(
    environment: pytest.MonkeyPatch, sentry: Observer | None = None,
    collector: Observer | None = None, process: str = "worker",
) -> None:  # fmt: skip
    if sentry:
        environment.setenv("HARIU_SENTRY_DSN", sentry.dsn)
    if collector:
        environment.setenv("HARIU_OTLP_ENDPOINT", collector.url)
        environment.setenv("HARIU_TRACE_SHARE", "1")
    settings.cache_clear()
    log.set_up(process)
    observe.set_up(process)


def handle(phone: str, words: str) -> None:
    """Fails with all of it in its variables, its message and the statement it wanted."""
    name, code = NAME, CODE
    with create_engine("sqlite://").connect() as connection:
        try:
            connection.execute(
                text(f"INSERT INTO grievance VALUES (:phone, :words, '{REFERENCE}')"),
                {"phone": phone, "words": words},
            )
        except Exception as error:
            raise Broken(f"{name} {phone} wrote {words} about {REFERENCE} {code}") from error


# -- Sentry -------------------------------------------------------------------------------------


def test_an_error_that_is_logged_is_told_without_its_words(
    environment: pytest.MonkeyPatch, sentry: Observer, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(environment, sentry)
    try:
        handle(PHONE, WORDS)
    except Broken as error:
        log.get().error("message failed", row=7, code=error.code)
    observe.close()
    (event,) = sentry.events
    assert set(event) == {
        "event_id", "timestamp", "platform", "level", "release", "tags", "exception",
    }  # fmt: skip
    assert event["tags"] == {"process": "worker"}
    assert re.fullmatch(r"hariu@[\d.]+", event["release"])
    chain = event["exception"]["values"]
    assert [each["type"] for each in chain] == ["OperationalError", "OperationalError", "Broken"]
    assert [each.get("value") for each in chain] == [None, None, "broken.on.purpose"]
    told = chain[-1]["stacktrace"]["frames"]
    assert [frame["function"] for frame in told] == [
        "test_an_error_that_is_logged_is_told_without_its_words", "handle",
    ]  # fmt: skip
    assert {frozenset(each) for each in told} == {
        frozenset({"module", "function", "lineno", "in_app"})
    }
    assert told[-1]["module"] == __name__
    assert leaked(sentry.everything) == []
    assert str(ROOT).encode() not in sentry.everything
    assert leaked(capsys.readouterr().out.encode()) == []


def test_the_search_would_find_what_was_planted(sentry: Observer) -> None:
    import httpx

    httpx.post(
        f"{sentry.url}/api/1/envelope/", json={"words": [PHONE, NAME, WORDS, REFERENCE, CODE]}
    )
    assert leaked(sentry.everything) == list(PLANTED)


def test_a_code_that_could_be_somebodys_number_is_not_told(
    environment: pytest.MonkeyPatch, sentry: Observer
) -> None:
    set_up(environment, sentry)
    for code in (REFERENCE, CODE, PHONE, NAME, "21211"):
        observe._sentry._told.clear()  # type: ignore[union-attr]
        observe.report(HariuError("words", code=code))
    observe.close()
    values = [event["exception"]["values"][0]["value"] for event in sentry.events]
    assert values == ["other"] * 4 + ["21211"]
    assert leaked(sentry.everything) == []


def test_the_same_error_is_told_once_a_minute(
    environment: pytest.MonkeyPatch, sentry: Observer
) -> None:
    set_up(environment, sentry)
    for _ in range(50):
        try:
            handle(PHONE, WORDS)
        except Broken as error:
            observe.report(error)
    observe.close()
    assert len(sentry.events) == 1


def test_only_errors_are_told(environment: pytest.MonkeyPatch, sentry: Observer) -> None:
    set_up(environment, sentry)
    log.get().error("no error at hand")
    try:
        handle(PHONE, WORDS)
    except Broken:
        log.get().warning("expected")
        logging.getLogger("urllib3").exception("no way to %s", PHONE)  # carries reports
    observe.close()
    assert sentry.received == []


def test_what_a_library_logs_is_told_and_its_arguments_are_not(
    environment: pytest.MonkeyPatch, sentry: Observer, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(environment, sentry)
    try:
        handle(PHONE, WORDS)
    except Broken as error:
        rq = "Worker %s: job %s: exception raised while executing (%s)\n%s"
        logging.getLogger("rq.worker").error(rq, "w", "j", "drain", f"Traceback: {error}")  # noqa: TRY400
    observe.close()
    assert [each["exception"]["values"][-1]["type"] for each in sentry.events] == ["Broken"]
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert line["event"] == "Worker %s: job %s: exception raised while executing (%s)"
    assert (line["logger"], line["error"], line["level"]) == ("rq.worker", "Broken", "error")
    assert leaked(sentry.everything) == []


# -- OpenTelemetry ------------------------------------------------------------------------------


def test_spans_hold_names_durations_and_allowed_facts(
    environment: pytest.MonkeyPatch, collector: Observer
) -> None:
    set_up(environment, collector=collector, process="deliver")
    with observe.span("drain", part=3, count=2) as note, observe.span("deliver", channel="sms"):
        note(outcome=f"{NAME} {WORDS}", error=PHONE)
        time.sleep(0.02)
    with pytest.raises(Broken), observe.span("accept", count=1, channel=REFERENCE):
        handle(PHONE, WORDS)
    observe.close()
    found = {span.name: (service, span) for service, span in collector.spans}
    assert set(found) == {"drain", "deliver", "accept"}
    assert {service for service, _ in found.values()} == {"hariu-deliver"}
    drain, deliver, accept = (found[name][1] for name in ("drain", "deliver", "accept"))
    assert deliver.parent_span_id == drain.span_id
    assert drain.end_time_unix_nano - drain.start_time_unix_nano >= 20_000_000
    assert facts(drain) == {
        "hariu.part": 3, "hariu.count": 2, "hariu.outcome": "other", "error.type": "other",
    }  # fmt: skip
    assert facts(deliver) == {"hariu.channel": "sms"}
    assert facts(accept) == {"hariu.count": 1, "hariu.channel": "other", "error.type": "Broken"}
    for _, span in found.values():
        assert (list(span.events), list(span.links), span.status.message) == ([], [], "")
    assert leaked(collector.everything) == []


def test_a_fact_nobody_allowed_is_refused(
    environment: pytest.MonkeyPatch, collector: Observer
) -> None:
    set_up(environment, collector=collector)
    with pytest.raises(KeyError), observe.span("accept", words=WORDS):
        pass
    observe.close()
    assert leaked(collector.everything) == []


def test_a_share_of_zero_tells_nothing(
    environment: pytest.MonkeyPatch, collector: Observer
) -> None:
    set_up(environment, collector=collector)
    environment.setenv("HARIU_TRACE_SHARE", "0")
    settings.cache_clear()
    observe.set_up("worker")
    with observe.span("tick"):
        pass
    observe.close()
    assert collector.received == []


# -- trouble at the other end -------------------------------------------------------------------

_PROGRAM = """
import sys, time
from config import log, observe
log.set_up("worker")
observe.set_up("worker")
slowest = 0.0
for number in range(2000):
    began = time.perf_counter()
    with observe.span("drain", count=number):
        try:
            raise ValueError
        except ValueError as error:
            if observe._sentry: observe._sentry._told.clear()
            observe.report(error)
    slowest = max(slowest, time.perf_counter() - began)
began = time.perf_counter()
observe.close()
print(f"slowest {slowest}\\nclosing {time.perf_counter() - began}", file=sys.stderr, flush=True)
"""


def run(program: str, home: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, which ends."""
    environment = {name: value for name, value in os.environ.items() if name[:5] != "HARIU"}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60,
        env=environment | instance.environment(home) | given,
    )  # fmt: skip


@pytest.mark.parametrize("mood", ["ok", "hang", "garbage", "500", "drop", "away"])
def test_nobody_waits_for_an_observer_in_trouble(tmp_path: Path, mood: Any) -> None:
    """2,000 errors and spans; then the flush of two seconds at most, and a bit on a busy machine."""
    with observer("ok" if mood == "away" else mood) as found:
        url = "http://127.0.0.1:9" if mood == "away" else found.url
        done = run(
            _PROGRAM, tmp_path, HARIU_SENTRY_DSN=f"{url.replace('//', '//key@')}/1",
            HARIU_OTLP_ENDPOINT=url, HARIU_TRACE_SHARE="1",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = dict(re.findall(r"^(slowest|closing) ([\d.]+)$", done.stderr, re.M))
    assert float(said["slowest"]) < observe.SEND_SECONDS / 2
    assert float(said["closing"]) < observe.FLUSH_SECONDS + 2
    assert "Traceback" not in done.stderr
    assert found.received or mood == "away"


# -- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "module", "extra"),
    [
        ("HARIU_SENTRY_DSN", "https://key@sentry.example.org/1", "sentry_sdk", "hariu[sentry]"),
        ("HARIU_OTLP_ENDPOINT", "https://otlp.example.org", "opentelemetry", "hariu[otel]"),
    ],
)
def test_a_setting_without_its_extra_names_what_to_install(
    environment: pytest.MonkeyPatch, name: str, value: str, module: str, extra: str
) -> None:
    environment.setenv(name, value)
    for known in [known for known in sys.modules if known.partition(".")[0] == module]:
        environment.delitem(sys.modules, known)
    # None: Python's own way to say that a module is not there.
    environment.setitem(sys.modules, module, None)
    settings.cache_clear()
    with pytest.raises(SettingsError, match=re.escape(f"{name} needs the extra {extra}")):
        settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HARIU_SENTRY_DSN", "https://sentry.example.org/1"),
        ("HARIU_SENTRY_DSN", "https://key@sentry.example.org/"),
        ("HARIU_OTLP_ENDPOINT", "collector:4318"),
        ("HARIU_TRACE_SHARE", "1.5"),
    ],
)
def test_an_address_that_is_none_is_told_at_the_start(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    settings.cache_clear()
    with pytest.raises(SettingsError, match=name) as caught:
        settings()
    assert value not in str(caught.value)


def test_neither_address_shows(environment: pytest.MonkeyPatch, sentry: Observer) -> None:
    set_up(environment, sentry)
    environment.setenv("HARIU_OTLP_ENDPOINT", "https://user:otlp-password@collector.example.org")
    settings.cache_clear()
    assert "0123abcd" not in repr(settings())
    assert "otlp-password" not in repr(settings())


def test_a_collectors_password_goes_to_it_and_nowhere_else(
    environment: pytest.MonkeyPatch, collector: Observer, capsys: pytest.CaptureFixture[str]
) -> None:
    collector.mood = "500"
    environment.setenv("HARIU_OTLP_ENDPOINT", collector.url.replace("//", "//user:otlp-password@"))
    environment.setenv("HARIU_TRACE_SHARE", "1")
    settings.cache_clear()
    log.set_up("clock")
    observe.set_up("clock")
    with observe.span("tick"):
        pass
    observe.close()
    said = capsys.readouterr().out
    assert "opentelemetry" in said
    assert "otlp-password" not in said
    assert f"Basic {b64encode(b'user:otlp-password').decode()}".encode() in collector.everything


def test_without_the_extras_every_process_starts(tmp_path: Path) -> None:
    program = """
import sys
for name in ("sentry_sdk", "opentelemetry", "google.protobuf"): sys.modules[name] = None
import channels.wsgi, admin.wsgi, workflow.worker, workflow.jobs, channels.poll, bot.jobs
from config import observe
observe.set_up("web")
with observe.span("accept", count=1) as note: note(count=2)
observe.report(ValueError("words"))
app = object()
assert observe.traced(app) is app
"""
    done = run(program, tmp_path)
    assert done.returncode == 0, done.stderr


# -- logs ---------------------------------------------------------------------------------------


def test_what_ends_a_process_or_a_thread_is_logged_without_its_words(tmp_path: Path) -> None:
    program = f"""
import threading
from config import log
log.set_up("poll")
def work(): raise ValueError({WORDS!r})
thread = threading.Thread(target=work); thread.start(); thread.join()
work()
"""
    done = run(program, tmp_path)
    assert done.returncode == 1
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["event"], line["error"], line["where"]) for line in lines] == [
        ("ended by an error", "ValueError", "<string>:5")
    ] * 2
    assert leaked(done.stdout.encode()) == []
