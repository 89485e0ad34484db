"""CONTRIBUTING's "Add a channel in an hour", followed with a platform that does not exist.

One file (`toy/pigeon.py`), one payload folder (`payloads/pigeon`), one line of the registry; the
double that step 6 asks for is `toy/loft.py`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from channels import registry
from channels.base import Channel, Rejected, Request
from config.settings import settings
from store.db import reading
from store.messages import Outbound
from store.schema import grievance, outbox
from tests.channels.cases import SignedBodyCases, changed
from tests.channels.conftest import PUBLIC_URL
from tests.channels.everything import everything
from tests.channels.outages import Behave, OutageCases
from tests.channels.toy import pigeon
from tests.channels.toy.loft import SECRET, Loft, loft, signed
from tests.channels.toy.pigeon import Pigeon

WELL = "Манай сумын худаг ширгэсэн, ус алга"
ROOST = "roost-7"


@pytest.fixture
def town() -> Iterator[Loft]:
    with loft() as found:
        yield found


@pytest.mark.usefixtures("environment")
class TestWebhook(SignedBodyCases):
    code = "pigeon"

    @pytest.fixture
    def channel(self) -> Channel:
        return Pigeon("http://127.0.0.1:9", SECRET)

    def request(self, body: bytes, *, secret: str | None = None) -> Request:
        signature = signed(body, SECRET if secret is None else secret)
        headers = {"x-pigeon-signature": signature, "content-type": "application/json"}
        return Request("POST", f"{PUBLIC_URL}/in/pigeon", headers, body, path="/in/pigeon")

    def unsigned(self, request: Request) -> Request:
        return changed(request, headers={"content-type": "application/json"})

    def message(self, text: str) -> bytes:
        note = {"id": "n1", "from": ROOST, "text": text}
        return json.dumps({"note": note}, ensure_ascii=False).encode()

    def unknown_event(self) -> bytes:
        return b'{"hologram": {"id": 1}}'


@pytest.mark.usefixtures("environment")
class TestOutages(OutageCases):
    secrets = (SECRET, ROOST, "Сайн")

    @pytest.fixture
    def behave(self, environment: pytest.MonkeyPatch, town: Loft) -> Behave:
        environment.setenv("HARIU_PROVIDER_TIMEOUT", "1")
        settings.cache_clear()
        self.url = town.url
        return town.behave

    def sender(self) -> Channel:
        return Pigeon(self.url, SECRET)

    def letter(self) -> Outbound:
        return Outbound(1, "pigeon", "loft-1", ROOST, "Сайн байна уу", "key-1")

    def test_who_is_not_known_there(self, town: Loft) -> None:
        with pytest.raises(Rejected) as caught:
            Pigeon(town.url, SECRET).send(Outbound(1, "pigeon", "", "nobody", "x", "key-2"))
        assert caught.value.code == "no_such_roost"


def test_a_grievance_by_pigeon(tmp_path: Path, town: Loft, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the note on its leg to the number, on real wires; the ring reports that it landed."""
    line = (lambda _chosen: (Pigeon(town.url, SECRET),),)
    monkeypatch.setattr(registry, "CHANNELS", registry.CHANNELS + line)
    with everything(tmp_path) as house:
        note = {"note": {"id": "n1", "from": ROOST, "text": WELL}}
        for _ in range(3):  # it comes again, as everything does
            assert town.post(house.url, note).status_code == 200
        house.go()
        assert len([told for told in town.letters if "Нууц код" in told["text"]]) == 1
        assert "Дугаар" in town.letters[0]["text"]
        assert town.letters[0]["to"] == ROOST
        assert town.post(house.url, {"ring": {"id": "p1", "state": "landed"}}).status_code == 200
        house.go()
        with reading() as tx:
            (case,) = tx.execute(select(grievance)).all()
            (letter,) = tx.execute(select(outbox).where(outbox.c.provider_id == "p1")).all()
        assert (case.channel, case.status, case.text) == ("pigeon", "acknowledged", WELL)
        assert letter.state == "delivered"


def test_the_file_knows_no_database_nor_bot() -> None:
    """What `pyproject.toml`'s contracts hold the real ones to."""
    tree = ast.parse(Path(pigeon.__file__).read_text())
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    forbidden = ("sqlalchemy", "redis", "rq", "flask", "bot", "workflow", "store.db")
    assert [name for name in sorted(names) if name.startswith(forbidden)] == []
    assert len(Path(pigeon.__file__).read_text().splitlines()) < 100
