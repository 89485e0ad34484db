"""The server itself: kept-alive connections, the list of calls, who may start it."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from channels.sandbox.calls import CallLog
from channels.sandbox.server import SandboxServer
from tests.channels.sandbox.conftest import ACCOUNT, AUTH, TOKEN, Endpoint, wait_for

ROOT = Path(__file__).parents[3]


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Start the sandbox as a process; it must end by itself."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HARIU_")}
    return subprocess.run(
        [sys.executable, "-m", "channels.sandbox"],
        env=clean | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_it_starts_as_a_process_and_logs_no_number(tmp_path: Path, endpoint: Endpoint) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HARIU_")}
    variables = {
        "HARIU_HOME": str(tmp_path),
        "HARIU_PUBLIC_URL": endpoint.url,
        "HARIU_SANDBOX_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "channels.sandbox"],
        env=clean | variables,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 30)
        body = {"from": "+97688110001", "text": "Сайн уу"}
        assert httpx.post(f"http://127.0.0.1:{port}/phone/sms", json=body).json()["status"] == 200
    finally:
        process.terminate()
        output = process.communicate(timeout=10)[0]
    assert "88110001" not in output


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def test_settings_may_come_later(sandbox: SandboxServer) -> None:
    changed = {"telegram_token": SecretStr("5:later")}
    sandbox.world.settings = sandbox.world.settings.model_copy(update=changed)
    assert sandbox.http.get("/telegram/bot5:later/getMe").json()["result"]["id"] == 5
    assert sandbox.http.get(f"/telegram/bot{TOKEN}/getMe").status_code == 401


def test_one_connection_serves_many_requests(sandbox: SandboxServer) -> None:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=5)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        form = f"To=%2B97688110011&Body={'x' * 5000}"  # refused, and still read to its end
        connection.request("POST", f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json", form)
        answer = connection.getresponse()
        answer.read()
        assert (answer.version, answer.status) == (11, 401)
        assert connection.sock is first
    connection.close()


def test_health(sandbox: SandboxServer) -> None:
    assert sandbox.http.get("/healthz").status_code == 200


def test_calls_are_listed_in_order_without_the_token(sandbox: SandboxServer) -> None:
    sandbox.http.get(f"/telegram/bot{TOKEN}/getMe", params={"x": "1"})
    sandbox.http.get(f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json", auth=(ACCOUNT, AUTH))
    sandbox.http.get(f"/telegram/file/bot{TOKEN}/photos/none.jpg")
    answer = sandbox.http.get("/calls")
    assert TOKEN not in answer.text
    assert AUTH not in answer.text
    found = [(c["provider"], c["method"], c["path"], c["answer"]) for c in sandbox.calls()]
    assert found == [
        ("telegram", "GET", "/telegram/getMe", 400),
        ("twilio", "GET", f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json", 200),
        ("telegram", "GET", "/telegram/file/photos/none.jpg", 404),
    ]
    assert sandbox.calls()[0]["params"] == {"x": "1"}
    assert set(sandbox.calls()[0]) == {"provider", "method", "path", "params", "answer", "at"}


def test_calls_can_be_narrowed(sandbox: SandboxServer) -> None:
    for method in ("getMe", "getWebhookInfo", "getMyCommands"):
        sandbox.http.get(f"/telegram/bot{TOKEN}/{method}")
    assert [call["path"] for call in sandbox.calls("telegram", since=2)] == [
        "/telegram/getMyCommands"
    ]
    assert sandbox.calls("twilio") == []


def test_no_call_is_missed_under_load(sandbox: SandboxServer) -> None:
    def ask(number: int) -> int:
        url = f"/telegram/bot{TOKEN}/sendMessage"
        return sandbox.http.post(url, json={"chat_id": 8001, "text": str(number)}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(200))) == {200}
    assert {call["params"]["text"] for call in sandbox.calls()} == {str(n) for n in range(200)}
    assert len({m["message_id"] for m in sandbox.messages(chat=8001)}) == 200


def test_the_list_of_calls_is_bounded() -> None:
    log = CallLog()
    for number in range(200_003):
        log.receive("mail", "GET", str(number), {})
    found = log.list()
    assert (len(found), found[0]["path"], found[-1]["path"]) == (200_000, "3", "200002")


def test_another_site_may_not_use_it(sandbox: SandboxServer) -> None:
    headers = {"Origin": "https://example.org"}
    switch = {"provider": "twilio", "mode": "500"}
    answer = sandbox.http.post("/behave", json=switch, headers=headers)
    assert answer.status_code == 403
    own = sandbox.http.post("/behave", json=switch, headers={"Origin": sandbox.url})
    assert own.status_code == 200


@pytest.mark.parametrize(
    "variables", [{"HARIU_SANDBOX": "off"}, {"HARIU_PUBLIC_URL": "https://hariu.example.org"}]
)
def test_it_does_not_start_where_the_world_can_reach(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    ended = start(HARIU_HOME=str(tmp_path), **variables)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "HARIU_PUBLIC_URL" in ended.stderr


def test_wrong_settings_are_one_sentence(tmp_path: Path) -> None:
    ended = start(HARIU_HOME=str(tmp_path), HARIU_TWILIO_FROM="+97677000001")
    assert ended.returncode == 1
    assert "HARIU_TWILIO_ACCOUNT_SID" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_knows_nothing_of_the_adapters() -> None:
    code = (
        "import sys, channels.sandbox.__main__; "
        "print([n for n in sys.modules if n.split('.')[0] in "
        "('bot', 'workflow', 'admin', 'twilio', 'telegram', 'sqlalchemy', 'redis', 'rq')"
        " or n.startswith('channels.') and not n.startswith('channels.sandbox')"
        " or n.startswith('store.') and n not in ('store.text', 'store.messages')])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
