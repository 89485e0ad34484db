"""The hotline on real servers: our web app, and opposite to it the sandbox that plays Twilio."""

from __future__ import annotations

import base64
import json
import math
import os
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from sqlalchemy import select

from bot.jobs import drain
from channels import jobs, registry
from channels.jobs import deliver
from channels.release import release
from channels.sandbox.server import SandboxServer
from config import clock
from config import profile as profiles
from config.settings import settings
from config.wav import RATE, wav
from store import inbox
from store.db import reading
from store.queue import DRAIN
from tests.channels.twiml import check
from tests.channels.website import served
from workflow.jobs import waiting

OURS = "+97675000000"
CALLER = "+97688110001"
LANDLINE = "+97670110001"


def voice(seconds: float = 6.0) -> bytes:
    """Somebody speaks: a sound that rises and falls."""
    samples = (
        int(6000 * math.sin(n / 9) * abs(math.sin(n / 4000))) for n in range(int(RATE * seconds))
    )
    return wav(array("h", samples))


@dataclass
class Caller:
    """Somebody at a telephone. ``heard`` are the clips of the whole call, in order."""

    line: Hotline
    number: str = CALLER
    call: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    def do(self, what: str, **more: Any) -> list[str]:
        """Do something; the clips heard until the call waits again."""
        since = self.state.get("count", 0)
        given = {"from": self.number} if what == "dial" else {}
        self.state = self.line.sandbox.call(what, self.call, since=since, **given, **more)
        self.call = self.state["call"]
        for said in self.state["answers"]:
            assert said["status"] == 200, said
            if said["body"].startswith("<"):
                check(ElementTree.fromstring(said["body"]))
        now = [item["clip"].removesuffix(".wav") for item in self.state["heard"]]
        self.heard += now
        return now

    def dial(self, **more: Any) -> list[str]:
        return self.do("dial", **more)

    def press(self, keys: str) -> list[str]:
        return self.do("press", keys=keys)

    def speak(self, seconds: float = 6.0, **more: Any) -> list[str]:
        return self.do("speak", base64=base64.b64encode(voice(seconds)).decode(), **more)

    @property
    def waiting(self) -> str:
        found: str = self.state["waiting"]
        return found


def digits(clips: list[str]) -> str:
    """The digits among ``clips``."""
    names = (clip.rpartition("/")[2] for clip in clips)
    return "".join(name[6:] for name in names if name.startswith("digit-"))


@dataclass
class Hotline:
    """The instance and its sandbox."""

    sandbox: SandboxServer
    url: str

    def caller(self, number: str = CALLER) -> Caller:
        return Caller(self, number)

    def work(self) -> None:
        """What workers do meanwhile."""
        with reading() as tx:
            bells = waiting(tx, clock.now())
        for bell in bells:
            if bell.queue == DRAIN:
                drain(bell.part)
        deliver()

    def rows(self, table: Any) -> list[Any]:
        with reading() as tx:
            return list(tx.execute(select(table).order_by(table.c.id)).all())

    def texts(self, number: str = CALLER) -> list[str]:
        """The SMS that reached a phone."""
        return [item["text"] for item in self.sandbox.messages(phone=number)]


@contextmanager
def hotline(**voice_settings: Any) -> Iterator[Hotline]:
    """An instance that can be called; ``voice_settings`` change the profile's table."""
    os.environ |= {
        "HARIU_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "HARIU_TWILIO_AUTH_TOKEN": "0" * 32,
        "HARIU_TWILIO_FROM": OURS,
        "HARIU_PROVIDER_TIMEOUT": "5",
    }
    inbox._drainer.cache_clear()
    settings.cache_clear()
    with SandboxServer(settings()) as server, served() as url:
        os.environ["HARIU_TWILIO_API"] = f"{server.url}/twilio"
        os.environ["HARIU_PUBLIC_URL"] = url
        _forget()
        server.world.settings = settings()
        _change_profile(voice_settings)
        release()
        server.behave("twilio", callbacks="none")
        yield Hotline(server, url)
    _forget()


def _change_profile(voice_settings: dict[str, Any]) -> None:
    """The profile from a file of its own, with another ``[voice]``."""
    code = profiles.profile().code
    path = settings().home / "profile.toml"
    path.write_text(_toml(code, voice_settings), "utf-8")
    os.environ["HARIU_PROFILE"] = str(path)
    _forget()


def _toml(code: str, voice_settings: dict[str, Any]) -> str:
    """The shipped profile with a table of ours."""
    shipped = (profiles.SHIPPED / f"{code}.toml").read_text("utf-8")
    lines = [f"{name} = {json.dumps(value)}" for name, value in voice_settings.items()]
    return shipped + "\n[voice]\n" + "\n".join(lines) + "\n"


def _forget() -> None:
    for cached in (settings, profiles.profile, registry.active, jobs.lanes):
        cached.cache_clear()
