"""The citizens' leaflet: one sheet of A5, this project's numbers, every letter there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from config import i18n
from config.cli import hariu
from config.profile import profile
from config.settings import settings
from store import channels
from store.db import reading, transaction
from store.messages import Capabilities
from workflow import leaflet

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@pytest.mark.parametrize("language", leaflet.LANGUAGES)
def test_it_is_one_sheet_of_a5(store: str, language: str) -> None:
    pdf = leaflet.leaflet(language, "+97675000000")
    assert pdf.startswith(b"%PDF-")
    assert len(pdf) < 100_000
    pages = leaflet.pictures(language, "+97675000000")
    assert len(pages) == 2
    for page in pages:
        assert page.startswith(b"\x89PNG")
        width, height = (int.from_bytes(page[at : at + 4], "big") for at in (16, 20))
        assert (round(width / 150 * 25.4), round(height / 150 * 25.4)) == (148, 210)


@pytest.mark.parametrize("language", leaflet.LANGUAGES)
def test_its_numbers_are_the_profiles(store: str, language: str) -> None:
    said = leaflet.data(language, "+97675000000")
    assert [way["value"] for way in said["numbers"]] == [
        profile().organisation.phone, "+97675000000",
    ]  # fmt: skip
    assert len(leaflet.data(language)["numbers"]) == 1  # no texts, no number for them
    host = settings().public_url.partition("://")[2]
    assert [way["value"] for way in said["codes"]] == [host, f"{host}/status"]
    assert said["organisation"] == profile().organisation.name.of(language)
    assert i18n.text("public.foot.urgent", language) == said["urgent"]
    assert all(re.match(r"<svg .*xmlns=", way["svg"]) for way in said["codes"])


def test_the_command_writes_it_with_the_number_for_texts(store: str, tmp_path: Path) -> None:
    sms = Capabilities(form="sms", longest=1600, units=134)
    with transaction() as tx:
        channels.sync(tx, {"web": ("site", Capabilities()), "sms": ("+97675000000", sms)})
    with reading() as tx:
        assert leaflet.texting_number(tx) == "+97675000000"
    path = tmp_path / "leaflet.pdf"
    done = CliRunner().invoke(hariu, ["leaflet", "--lang", "kk", "-o", str(path)])
    assert done.exit_code == 0, done.output
    assert path.read_bytes().startswith(b"%PDF-")
    refused = CliRunner().invoke(hariu, ["leaflet", "--lang", "de", "-o", str(path)])
    assert refused.exit_code == 2
