"""The shell: every route guarded, every form protected, every error in words."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from admin import guard
from config import i18n
from config.settings import settings
from store.case import Case
from tests import instance
from tests.admin.conftest import Desk
from tests.house import free_port, until

TEMPLATES = Path(guard.__file__).parent / "templates"


def path_of(rule: Rule) -> str:
    return re.sub(r"<[^>]+>", "1", rule.rule)


def test_every_route_is_shut_to_strangers_unless_named(app: Flask, stranger: Desk) -> None:
    rules = list(app.url_map.iter_rules())
    assert len(rules) > 20
    names = {rule.endpoint for rule in rules}
    assert names >= guard.OPEN_TO_ALL, "an exception for a route that is no more"
    shut = [rule for rule in rules if rule.endpoint not in guard.OPEN_TO_ALL]
    for rule in shut:
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            answer = stranger.client.open(path_of(rule), method=method)
            assert answer.status_code == 303, (method, rule.rule)
            assert answer.headers["Location"] == "/sign-in"


def test_nothing_changes_by_a_request_that_is_not_our_form(app: Flask, desk: Desk) -> None:
    unsafe = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or set())]
    assert len(unsafe) > 8
    for rule in unsafe:
        for form in ({}, {"csrf_token": "forged"}):
            answer = desk.client.post(path_of(rule), data=form)
            assert answer.status_code == 400, rule.rule
            assert "Хуудас хуучирсан" in answer.get_data(as_text=True)


def test_every_form_of_the_templates_carries_its_token() -> None:
    for template in TEMPLATES.glob("*.html"):
        for form in re.findall(r'<form method="post".*?</form>', template.read_text("utf-8"), re.S):
            assert re.search(r'name="csrf_token"|(?:guarded|hidden)\(\)', form), template.name


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(desk: Desk, cases: list[Case]) -> None:
    pages = ["/", "/account", "/account/code", "/account/password", "/nowhere"]
    pages += [f"/cases/{case.reference}" for case in cases]
    for path in pages:
        answer = desk.get(path)
        text = answer.get_data(as_text=True)
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text), path
        assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)", text), path
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text), path
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"


def test_static_files_are_kept_for_a_year_under_an_address_of_their_content(desk: Desk) -> None:
    addresses = re.findall(r'(?:href|src)="(/static/[^"#]+)', desk.page("/"))
    assert addresses
    for address in set(addresses):
        assert "v=" in address
        answer = desk.get(address)
        assert answer.status_code == 200
        assert "max-age=31536000" in answer.headers["Cache-Control"]


def test_vendored_files_bring_their_licences() -> None:
    static = Path(guard.__file__).parent / "static"
    assert "MIT" in (static / "bootstrap.LICENSE").read_text()
    assert "BSD" in (static / "htmx.LICENSE").read_text()
    assert "MIT" in (static / "icons.LICENSE").read_text()
    assert "SIL Open Font License" in (static / "fonts/OFL.txt").read_text()
    assert sum(file.stat().st_size for file in (static / "fonts").glob("*.woff2")) < 100_000


def test_every_icon_the_desk_names_is_in_the_sprite(desk: Desk, cases: list[Case]) -> None:
    static = Path(guard.__file__).parent / "static"
    known = set(re.findall(r'id="([\w-]+)"', (static / "icons.svg").read_text()))
    pages = ["/", "/account", *(f"/cases/{case.reference}" for case in cases)]
    used = {
        name for path in pages for name in re.findall(r"icons\.svg[^#]*#([\w-]+)", desk.page(path))
    }
    assert len(used) > 20
    templates = (Path(guard.__file__).parent / "templates").glob("*.html")
    named = {
        name for each in templates for name in re.findall(r'icon\("([\w-]+)"\)', each.read_text())
    }
    assert len(named) > 20
    assert used | named <= known


def test_secure_cookies_and_tls_where_the_world_can_reach_us(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARIU_PUBLIC_URL", "https://grievance.example.invalid")
    settings.cache_clear()
    from admin.app import create_app

    app = create_app()
    answer = app.test_client().get("/sign-in", base_url="https://desk.example.invalid")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 418, 429, 500])
def test_errors_are_pages_in_words(app: Flask, stranger: Desk, status: int) -> None:
    with app.test_request_context("/"):
        answer = app.make_response(app.handle_http_exception(_error(status)))
    assert answer.status_code == status
    text = answer.get_data(as_text=True)
    key = f"desk.error.{status if status != 418 else 'other'}"
    assert i18n.text(f"{key}.title", "mn") in text
    assert i18n.text(f"{key}.advice", "mn") in text
    assert "Traceback" not in text


def _error(status: int) -> HTTPException:
    error = HTTPException()
    error.code = status
    return error


def test_a_fault_of_ours_shows_nothing_of_its_inside(app: Flask, desk: Desk) -> None:
    def broken() -> str:
        raise ValueError("99112233 is a phone")

    app.view_functions["auth.account"] = broken
    answer = desk.get("/account")
    assert answer.status_code == 500
    assert "99112233" not in answer.get_data(as_text=True)
    assert "ValueError" not in answer.get_data(as_text=True)


def test_a_form_that_is_too_large_is_refused(desk: Desk) -> None:
    answer = desk.client.post("/search", data={"words": "a" * (1 << 20)})
    assert answer.status_code == 413
    assert "Хэтэрхий том" in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/search", "/sign-in", "/cases/26000000/do/note"])
def test_what_no_database_stores_is_refused(desk: Desk, path: str) -> None:
    answer = desk.post(path, words="a\0b", login="a\0b", password="x", text="a\0b")
    assert answer.status_code == 400
    assert desk.get("/cases/26%00").status_code == 400


def test_a_method_nobody_offers(desk: Desk) -> None:
    assert desk.client.put("/").status_code == 405
    assert desk.client.get("/sign-out").status_code == 405


def test_without_a_database_the_desk_says_what_to_do(
    app: Flask, stranger: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger.client.set_cookie("hariu_desk", "x" * 43)
    monkeypatch.setenv("HARIU_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    instance.forget()
    answer = stranger.get("/")
    assert answer.status_code == 503
    assert "Өгөгдлийн сан" in answer.get_data(as_text=True)
    assert stranger.get("/readyz").status_code == 503
    assert stranger.get("/healthz").status_code == 200
    assert stranger.get("/sign-in").status_code == 200


def test_every_text_the_desk_names_is_there_and_the_other_way_round() -> None:
    known = {key for key in i18n.catalogue("en") if key.startswith("desk.")}
    code = "\n".join(
        file.read_text("utf-8")
        for file in TEMPLATES.parent.rglob("*")
        if file.suffix in {".py", ".html"}
    )
    named = {
        f"desk.{key}"
        for key in re.findall(r"(?<!spoken\.)\b(?:t|n|counted)\([\"']([\w.]+)[\"'][,)]", code)
    }
    assert len(named) > 90
    assert named <= known
    # Those made from a code, here or by the rooms below: t("status." ~ code), f"report.box.{code}".
    below = "\n".join(
        file.read_text("utf-8")
        for room in ("admin", "bot", "channels", "store", "workflow")
        for file in (TEMPLATES.parents[1] / room).rglob("*")
        if file.suffix in {".py", ".html"}
    )
    stems = re.findall(r"\"([\w.]+\.)\" ~|f\"(?:desk\.)?(\w[\w.]*\.)\{", below)
    families = tuple(f"desk.{stem}" for pair in stems for stem in pair if stem)
    literal = {f"desk.{key}" for key in re.findall(r"[\"'](?:desk\.)?(\w[\w.]*\w)[\"']", below)}
    unused = {key for key in known - named - literal if not key.startswith(families)}
    assert not unused


def test_the_real_server_serves_and_stops_when_told(tmp_path: Path) -> None:
    port = free_port()
    home = tmp_path / "home"
    home.mkdir()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, **instance.environment(home), "HARIU_DESK_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-m", "admin.wsgi"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            until(lambda: _alive(url), 20, "the desk")
            answer = httpx.get(f"{url}/sign-in")
            assert answer.status_code == 200
            assert "server" not in answer.headers
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            big = httpx.post(f"{url}/sign-in", content=b"x" * (3 << 20))
            assert big.status_code == 413
        finally:
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            output, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert time.monotonic() - began < 10
    assert '"process": "desk"' in output
    assert "Traceback" not in output


def _alive(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_settings_that_are_wrong_are_one_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, **instance.environment(tmp_path), "HARIU_DESK_PORT": "never"}
    done = subprocess.run(
        [sys.executable, "-m", "admin.wsgi"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "HARIU_DESK_PORT" in done.stderr
    assert "Traceback" not in done.stderr
