"""The citizens' leaflet: A5, in one language, numbers and QR codes of this very project, as PDF.

Set by Typst with the font it brings along, which has every letter of Mongolian and Kazakh, so
that the leaflet looks the same on every machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import segno
import typst

from config import clock, i18n
from config.profile import Profile, profile
from config.settings import settings
from store import channels
from store.db import Transaction

_SOURCE = Path(__file__).with_name("leaflet.typ")
LANGUAGES = ("mn", "kk", "en")
Format = Literal["pdf", "png"]


def leaflet(language: str, texting: str = "") -> bytes:
    """The leaflet in ``language`` as PDF; ``texting`` is the number for SMS, "" for none."""
    (pdf,) = _set(language, texting, "pdf")
    return pdf


def pictures(language: str, texting: str = "") -> list[bytes]:
    """Its pages as PNG, for looking at."""
    return _set(language, texting, "png")


def _set(language: str, texting: str, kind: Format) -> list[bytes]:
    said = json.dumps(data(language, texting), ensure_ascii=False)
    made = typst.compile(
        _SOURCE.read_bytes(), format=kind, ppi=150, sys_inputs={"data": said},
        ignore_system_fonts=True,
    )  # fmt: skip
    return list(made) if isinstance(made, list) else [bytes(made or b"")]


def texting_number(tx: Transaction) -> str:
    """The number that takes texts, where an active channel has one."""
    texts = channels.of_form(tx, "sms")
    numbers = [end for code, end in sorted(channels.accounts(tx).items()) if code in texts]
    return next((end for end in numbers if any(map(str.isdigit, end))), "")


def data(language: str, texting: str = "") -> dict[str, Any]:
    """All that the leaflet says."""
    project = profile()

    def word(key: str, **values: object) -> str:
        return i18n.text(key, language, **values)

    usual = project.span(project.start_stage, None, "complaint")
    span = i18n.plural(f"count.{usual.unit}", usual.amount, language) if usual else ""
    body = project.organisation
    return {
        "lang": language,
        "project": body.project.of(language),
        "organisation": body.name.of(language),
        "title": word("leaflet.title"),
        "lead": word("leaflet.lead"),
        "promises": [word(f"public.form.promise.{n}", span=span) for n in _PROMISES],
        "ways": word("leaflet.ways"),
        "numbers": list(_numbers(project, language, texting)),
        "codes": list(_codes(language)),
        "visit": word("leaflet.visit", address=body.address.of(language)),
        "next": word("public.how.steps"),
        "steps": [
            {"name": word(key), "text": word(f"{key}.text", span=span)}
            for key in (f"public.how.step.{n}" for n in range(1, 6))
        ],
        "rights_title": word("public.how.rights"),
        "rights": [word(f"public.how.right.{n}") for n in range(1, 7)],
        "routes_title": word("public.how.routes"),
        "routes": project.routes.get(language, ""),
        "urgent": word("public.foot.urgent"),
    }  # fmt: skip


_PROMISES = ("free", "name", "answer", "safe")


def _numbers(project: Profile, language: str, texting: str) -> Iterator[dict[str, str]]:
    hours = i18n.text("leaflet.call.hint", language, hours=clock.hours_text(project))
    yield {
        "name": i18n.text("leaflet.call", language),
        "hint": hours,
        "value": project.organisation.phone,
    }
    if texting:
        yield {
            "name": i18n.text("leaflet.text", language),
            "hint": i18n.text("leaflet.text.hint", language),
            "value": texting,
        }


def _codes(language: str) -> Iterator[dict[str, str]]:
    for name, path in (("form", "/"), ("status", "/status")):
        url = f"{settings().public_url}{path}?lang={language}"
        yield {
            "name": i18n.text(f"leaflet.{name}", language),
            "value": url.partition("://")[2].partition("?")[0].rstrip("/"),
            "svg": _drawn(url),
        }


def _drawn(url: str) -> str:
    drawn = BytesIO()
    segno.make(url, error="m", micro=False).save(drawn, kind="svg", border=1, xmldecl=False)
    return drawn.getvalue().decode()
