"""Sections of the profile as lines of a form, and lines of a form as sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot import gazetteer
from config import i18n
from config.profile import Profile, Span

Row = Mapping[str, str]
_SPAN = ("amount", "unit_of_time")
# The columns of each section; a line whose first column is empty is none.
SECTIONS: dict[str, tuple[str, ...]] = {
    "categories": ("code", *i18n.LANGUAGES, *_SPAN, "unit", "sensitive"),
    "kind_spans": ("kind", *_SPAN),
    "stage_spans": ("number", *_SPAN),
    "hours": ("days", "opens", "closes"),
    "duty_officers": ("officer",),
    "approver": ("name", "channel", "address", "valid"),
    "resolvers": ("place", "officer"),
    "units": ("code", "mn", "kk", "en", "officers", "places"),
}
WEEKDAYS = ("1", "2", "3", "4", "5", "6", "7")
_LONGEST_NAME = 60
_CODE = re.compile(r"[a-z0-9_]{1,32}")


class Wrong(Exception):
    """A line cannot be kept: ``field`` of ``line`` (1 is the first; 0: all), and why."""

    def __init__(self, field: str, line: int, why: str) -> None:
        super().__init__(field, line, why)
        self.field, self.line, self.why = field, line, why


# -- from the profile ---------------------------------------------------------------------------


def filled(section: str, project: Profile) -> list[Row]:
    """The lines of a section as the profile has it."""
    if section == "categories":
        return [
            {"code": item.code, **_names(item.code), **_of(item.span), "unit": item.unit or "",
             "sensitive": "1" if item.sensitive else ""}
            for item in project.categories
        ]  # fmt: skip
    if section == "kind_spans":
        return [{"kind": kind, **_of(project.kind_spans.get(kind))} for kind in project.kinds]
    if section == "stage_spans":
        return [{"number": str(stage.number), **_of(stage.span)} for stage in project.stages]
    if section == "duty_officers":
        return [{"officer": login} for login in project.duty_officers]
    if section == "resolvers":
        return [{"place": item.place, "officer": item.officer} for item in project.resolvers]
    return _others(section, project)


def _others(section: str, project: Profile) -> list[Row]:
    if section == "hours":
        hours = project.hours
        days = " ".join(str(day) for day in hours.days)
        return [{"days": days, "opens": f"{hours.opens:%H:%M}", "closes": f"{hours.closes:%H:%M}"}]
    if section == "units":
        return [
            {"code": unit.code, **unit.name.model_dump(), "officers": " ".join(unit.officers),
             "places": " ".join(unit.places)}
            for unit in project.units
        ]  # fmt: skip
    who = project.approver
    if who is None:
        return []
    return [
        {"name": who.name, "channel": who.channel, "address": who.address, "valid": str(who.days)}
    ]


def label_key(code: str) -> str:
    """The key of the text that names a category."""
    return f"category.{code}.label"


def _names(code: str) -> dict[str, str]:
    return {language: i18n.text(label_key(code), language) for language in i18n.LANGUAGES}


def _of(span: Span | None) -> dict[str, str]:
    amount, unit = (str(span.amount), span.unit) if span else ("", "days")
    return {"amount": amount, "unit_of_time": unit}


def told(section: str, rows: list[Row]) -> str:
    """The lines in words for the history, without an approver's address, and names apart."""
    apart: dict[str, tuple[str, ...]] = {"approver": ("address",), "categories": i18n.LANGUAGES}
    hidden = apart.get(section, ())
    return "; ".join(
        " ".join(words for name, words in row.items() if words and name not in hidden)
        for row in rows
    )


# -- from the form ------------------------------------------------------------------------------


def value(section: str, rows: list[Row]) -> Any:
    """The section as the profile's file would say it; not validated yet."""
    if section == "categories":
        return [
            {"code": row["code"], "span": _span(row), "unit": row["unit"] or None,
             "sensitive": bool(row["sensitive"])}
            for row in rows
        ]  # fmt: skip
    if section == "kind_spans":
        return {row["kind"]: span for row in rows if (span := _span(row))}
    if section == "stage_spans":
        return {row["number"]: _span(row) for row in rows}
    if section == "duty_officers":
        return [row["officer"] for row in rows]
    if section == "resolvers":
        return [dict(row) for row in rows]
    return _other_value(section, rows)


def _other_value(section: str, rows: list[Row]) -> Any:
    if section == "hours":
        return dict(rows[0]) | {"days": rows[0]["days"].split()} if rows else {}
    if section == "units":
        return [
            {"code": row["code"], "name": {name: row[name] for name in ("mn", "kk", "en")},
             "officers": row["officers"].split(), "places": row["places"].split()}
            for row in rows
        ]  # fmt: skip
    if not rows:
        return None
    names = ("name", "channel", "address")
    return {name: rows[0][name] for name in names} | {"days": rows[0]["valid"]}


def _span(row: Row) -> dict[str, str] | None:
    return {"amount": row["amount"], "unit": row["unit_of_time"]} if row["amount"] else None


# -- what pydantic cannot know ------------------------------------------------------------------


def faults(section: str, rows: list[Row], project: Profile, logins: set[str]) -> None:
    """Refuse (`Wrong`) what names nobody, no place, no unit, or the same thing twice."""
    first, seen = SECTIONS[section][0], set[str]()
    if not rows and section in {"categories", "hours"}:
        raise Wrong(first, 1, "empty")
    for line, row in enumerate(rows, 1):
        if row[first] in seen:
            raise Wrong(first, line, "twice")
        seen.add(row[first])
        for name, words in row.items():
            if why := _fault(section, name, words, row, project, logins):
                raise Wrong(name, line, why)
        if (
            section == "stage_spans"
            and row[first] == str(project.start_stage)
            and not row["amount"]
        ):
            raise Wrong("amount", line, "empty")
    used = {item.unit for item in project.categories if item.unit}
    if section == "units" and used - seen:
        raise Wrong("code", 0, "used")


def _fault(
    section: str, name: str, words: str, row: Row, project: Profile, logins: set[str]
) -> str:
    """Why the words of one field cannot be kept; "" where they can, or pydantic tells."""
    if name == "amount" and words and not (words.isdecimal() and 0 < int(words) < 1000):
        return "number"
    if name == "valid" and not (words.isdecimal() and 0 < int(words) < 100):
        return "number"
    if section == "categories" and name in i18n.LANGUAGES:
        return _misnamed(row["code"], name, words)
    if name in {"mn", "kk", "en", "address"} and not words:
        return "empty"
    if name in {"officer", "officers"} and set(words.split()) - logins:
        return "officer"
    if name in {"place", "places"} and not all(map(_is_place, words.split())):
        return "place"
    if name == "closes" and words <= row["opens"]:
        return "order"
    return _unknown(section, name, words, project)


def _unknown(section: str, name: str, words: str, project: Profile) -> str:
    """Codes that stand for nothing."""
    if name == "code":
        return "" if _CODE.fullmatch(words) else "value"
    known = {
        "unit_of_time": {"days", "working_days", "hours", ""},
        "unit": {"", *(unit.code for unit in project.units)},
        "kind": set(project.kinds),
        "number": {str(stage.number) for stage in project.stages},
    }
    return "value" if name in known and words not in known[name] else ""


def _misnamed(code: str, language: str, name: str) -> str:
    """Whatever the catalogue does not name, the office names; as an option it goes into an SMS."""
    if not name:
        return "" if label_key(code) in i18n.catalogue(language) else "nameless"
    wrong = len(name) > _LONGEST_NAME or i18n.override_problem(label_key(code), language, name)
    return "value" if wrong else ""


def _is_place(code: str) -> bool:
    try:
        gazetteer.place(code)
    except KeyError:
        return False
    return True
