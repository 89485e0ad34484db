"""Services and requests as the Open311 pages tell of them, in the caller's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot import places
from bot.filings import COMPLAINANT, Receipt
from channels import site_words
from channels.open311_fields import attributes
from config import i18n
from config.profile import Category, profile
from config.settings import settings
from store.open311 import CLOSED, OPEN

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
# When these pages were last made otherwise; what the office changes since counts as well.
MADE = "2026-11-22 00:00"
_DECIDED = ("closed", "redress_proposed")


def t(key: str, /, **values: object) -> str:
    """The text ``open311.<key>``."""
    return i18n.text(f"open311.{key}", site_words.language(), **values)


def when(moment: datetime | None) -> str | None:
    """A moment as W3C writes it, in the project's zone, to the second."""
    if moment is None:
        return None
    return moment.astimezone(profile().timezone).replace(microsecond=0).isoformat()


def changed(moment: datetime | None) -> str:
    """A moment that can be sorted as a word."""
    return max(MADE, f"{moment.astimezone(profile().timezone):%Y-%m-%d %H:%M}" if moment else "")


# -- services ---------------------------------------------------------------------------------


def discovery(services_changed: datetime | None) -> dict[str, Any]:
    """Where these pages are, whom to ask, how one gets a key."""
    body = profile().organisation
    reached = (body.name.of(site_words.language()), body.phone, body.email, body.website)
    return {
        "changeset": changed(services_changed),
        "contact": ", ".join(filter(None, reached)),
        "key_service": t("key_service", phone=body.phone),
        "endpoints": [
            {
                "specification": SPECIFICATION,
                "url": f"{settings().public_url}/open311/v2",
                "changeset": changed(services_changed),
                "type": "test" if settings().on_loopback else "production",
                "formats": ["text/xml", "application/json"],
            }
        ],
    }


def services() -> list[dict[str, Any]]:
    """The project's categories."""
    return [_service(item) for item in profile().categories]


def _service(item: Category) -> dict[str, Any]:
    project = profile()
    span = project.span(project.start_stage, item.code, "complaint", sensitive=item.sensitive)
    key = "service.sensitive" if item.sensitive else "service"
    named = [_name(item.code, language) for language in project.languages]
    return {
        "service_code": item.code,
        "service_name": _name(item.code, site_words.language()),
        "description": t(key, span=site_words.span(span)),
        "metadata": True,
        "type": "realtime",
        "keywords": ", ".join(dict.fromkeys(named)),
        "group": agency(item.code),
    }


def _name(code: str, language: str) -> str:
    return i18n.text(f"category.{code}.label", language)


def agency(code: str | None) -> str:
    """Who answers for a category: its unit, or else the organisation."""
    project, language = profile(), site_words.language()
    found = project.category(code)
    named = next((unit.name for unit in project.units if found and unit.code == found.unit), None)
    return (named or project.organisation.name).of(language)


def definition(code: str) -> dict[str, Any]:
    """The questions of a service: the same few for each."""
    return {
        "service_code": code,
        "attributes": [
            _attribute(order, item.name[10:-1], item.schema["enum"])
            for order, item in enumerate(attributes(), 1)
        ],
    }


def _attribute(order: int, name: str, values: list[str]) -> dict[str, Any]:
    labels = {"contact_consent": "partner.consent_by.{}"}.get(name, f"{name}.{{}}.label")
    return {
        "variable": True,
        "code": name,
        "datatype": "singlevaluelist",
        "required": False,
        "datatype_description": None,
        "order": order,
        "description": t(f"attribute.{name}"),
        "values": [
            {"key": value, "name": site_words.word(labels.format(value))} for value in values
        ],
    }


# -- requests ---------------------------------------------------------------------------------


def notice(receipt: Receipt, given: Mapping[str, str]) -> str:
    """What the person is to be told: number, code, date; and what of the request was not used."""
    tongue = site_words.language()
    values = {"reference": receipt.reference, "code": receipt.code}
    if receipt.sensitive or receipt.due_at is None:
        told = [t("notice.sensitive", **values)]
    else:
        day = receipt.due_at.astimezone(profile().zone_at(receipt.place)).date()
        told = [t("notice", **values, date=i18n.format_date(day, tongue))]
    return " ".join([*told, *unused(given)])


def unused(given: Mapping[str, str]) -> list[str]:
    """What was sent and is not kept."""
    told = [t("notice.media")] if "media_url" in given else []
    personal = {"first_name", "last_name", "email", "phone"} & given.keys()
    if personal and "attribute[contact_consent]" not in given:
        told.append(t("notice.anonymous"))
    return told


def request(row: Any, moved: datetime | None, filed: str, answer: str) -> dict[str, Any]:
    """One grievance as its submitter may see it: as the partners' own pages show it.

    ``moved`` is when it last took a step, ``filed`` the words with which it was filed, ``answer``
    what the office last wrote.
    """
    if row.sensitive:
        return _sealed(row)
    ended = row.status == "closed"
    return {
        "service_request_id": row.reference,
        "status": CLOSED if ended else OPEN,
        "status_notes": _notes(row, answer),
        "service_name": _name(row.category, site_words.language()) if row.category else None,
        "service_code": row.category,
        "description": filed.rpartition("\n\n")[0] or None,
        "agency_responsible": agency(row.category),
        "service_notice": None if ended else _due(row),
        "requested_datetime": when(row.received_at),
        "updated_datetime": when(row.closed_at or moved or row.received_at),
        "expected_datetime": None if ended else when(row.due_at),
        "address": row.facts.get("place") or site_words.place_name(row.place) or None,
        "address_id": row.place,
        "zipcode": None,
        "lat": _degrees(row.facts.get("lat")),
        "long": _degrees(row.facts.get("long")),
        "media_url": None,
    }


def _sealed(row: Any) -> dict[str, Any]:
    """That it is there, and nothing else: not even whether it is closed."""
    names = (
        "service_request_id", "status", "status_notes", "service_name", "service_code",
        "description", "agency_responsible", "service_notice", "requested_datetime",
        "updated_datetime", "expected_datetime", "address", "address_id", "zipcode", "lat", "long",
        "media_url",
    )  # fmt: skip
    at = when(row.received_at)
    return dict.fromkeys(names) | {
        "service_request_id": row.reference,
        "status": OPEN,
        "status_notes": t("sealed", phone=profile().organisation.phone),
        "requested_datetime": at,
        "updated_datetime": at,
    }


def _notes(row: Any, answer: str) -> str:
    """Where it stands in the public words; decision or answer, where the submitter is told."""
    told = [site_words.word(f"status.{row.status}.citizen")]
    if row.outcome and row.status == "closed":
        told.append(site_words.word(f"outcome.{row.outcome}.label"))
    if row.facts.get("told") != COMPLAINANT:
        decided = row.resolution if row.status in _DECIDED else ""
        told.append(decided or answer.removeprefix(f"{row.reference}: "))
    return ". ".join(filter(None, told))


def _due(row: Any) -> str | None:
    """By when the answer is due, in words."""
    day = site_words.date(row.due_at, row.place)
    return f"{site_words.t('due')}: {day}" if day else None


def _degrees(text: str | None) -> float | None:
    return float(text) if text else None


def where(given: Mapping[str, str]) -> str:
    """The place of a request in one line: the address, the place of the list, the degrees."""
    found = [" ".join(given.get("address_string", "").split())]
    if code := given.get("address_id"):
        found.append(places.path(code, "mn"))
    if "lat" in given:
        found.append(f"{given['lat']}, {given['long']}")
    return "; ".join(filter(None, found))
