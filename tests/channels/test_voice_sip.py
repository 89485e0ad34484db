"""A real telephone call: baresip, over SIP and RTP, to the hotline."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from channels import media, registry
from store.schema import attachment, grievance, inbox
from tests.channels.hotline import CALLER, Hotline, hotline, voice
from tests.channels.sip import Bridge, from_ulaw, to_ulaw

BARESIP = shutil.which("baresip")
MODULES = "/usr/lib/baresip/modules"
pytestmark = [
    pytest.mark.tier2,
    pytest.mark.skipif(BARESIP is None, reason="NOT RUN: baresip is missing"),
    pytest.mark.parametrize("store", ["sqlite"], indirect=True),
]


class Phone:
    """baresip with a microphone that never stops speaking, told what to do over TCP."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        (folder / "talk.wav").write_bytes(voice(60.0))
        (folder / "config").write_text(
            f"module_path {MODULES}\nsip_listen 127.0.0.1:0\naudio_player aufile,{folder}/heard.wav\n"
            f"audio_source aufile,{folder}/talk.wav\naudio_alert aufile,{folder}/alert.wav\n"
            "module g711.so\nmodule aufile.so\nmodule_app account.so\nmodule_app menu.so\n"
            f"module ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:{self.port}\n"
        )
        (folder / "accounts").write_text(
            f"<sip:{CALLER}@127.0.0.1>;regint=0;audio_codecs=PCMU/8000/1\n"
        )
        (folder / "contacts").write_text("")
        self.process = subprocess.Popen(
            ["baresip", "-f", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.control = _connected(self.port)

    def do(self, command: str, params: str = "") -> None:
        """A command of baresip's, as a netstring."""
        body = json.dumps({"command": command, "params": params}).encode()
        self.control.sendall(str(len(body)).encode() + b":" + body + b",")

    def press(self, key: str) -> None:
        self.do("sndcode", key)

    def close(self) -> None:
        self.control.close()
        self.process.terminate()
        self.process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _connected(port: int) -> socket.socket:
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), 1)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("baresip did not start")


def until(condition: Callable[[], object], what: str, seconds: float = 25.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    folder = tmp_path / "baresip"
    folder.mkdir()
    made = Phone(folder)
    yield made
    made.close()


@pytest.fixture
def line(store: str) -> Iterator[Hotline]:
    with hotline(ring_seconds=0) as found:
        yield found


@pytest.fixture
def bridge(line: Hotline) -> Iterator[Bridge]:
    made = Bridge(line.sandbox.exchange)
    yield made
    made.close()


def steps(line: Hotline) -> list[str]:
    return [row.external_id.split(":")[1] for row in line.rows(inbox)]


def to_the_tone(phone: Phone, bridge: Bridge, line: Hotline) -> None:
    """Call, choose Mongolian, choose to leave a grievance, wait for the tone."""
    phone.do("dial", f"sip:hotline@127.0.0.1:{bridge.port}")
    until(lambda: bridge.sound and bridge.sound.sent > 25, "something is heard")
    phone.press("1")
    until(lambda: "language" in steps(line), "the language is chosen")
    phone.press("1")
    until(lambda: "chosen" in steps(line), "the menu is left")
    until(lambda: bridge.call and bridge.call.waiting == "voice", "the tone", 40)


def test_press_speak_and_hear_the_number(line: Hotline, bridge: Bridge, phone: Phone) -> None:
    to_the_tone(phone, bridge, line)
    time.sleep(18)  # notice and prompt are played to the end, then two seconds are spoken
    phone.press("#")
    until(lambda: line.rows(grievance), "a grievance")
    assert bridge.sound is not None
    before = bridge.sound.sent
    until(lambda: bridge.sound and bridge.sound.sent > before + 100, "the number is read")
    phone.do("hangup")
    until(bridge.over.is_set, "the end of the call")
    line.work()
    media.fetch_due(registry.active())
    (sound,) = line.rows(attachment)
    assert (sound.state, sound.content_type) == ("stored", "audio/x-wav")
    assert sound.size > 16_000
    assert len(line.texts(CALLER)) == 1


def test_hang_up_in_mid_sentence(line: Hotline, bridge: Bridge, phone: Phone) -> None:
    to_the_tone(phone, bridge, line)
    time.sleep(18)
    phone.do("hangup")
    until(bridge.over.is_set, "the end of the call")
    line.work()
    (case,) = line.rows(grievance)
    assert case.channel == "voice"
    assert [case.reference in text for text in line.texts(CALLER)] == [True]


def test_mu_law_is_what_g711_says(store: str) -> None:
    assert [to_ulaw(value) for value in (0, -1, 32635, -32635)] == [0xFF, 0x7F, 0x80, 0x00]
    assert all(to_ulaw(from_ulaw(code)) == code for code in range(256) if code != 0x7F)
