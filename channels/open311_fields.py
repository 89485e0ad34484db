"""The parameters of the Open311 pages: named once, for reading and for the description.

https://wiki.open311.org/GeoReport_v2/ - everything is UTF-8; an empty parameter is none; what we
do not know is not looked at, but for attributes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from channels.partner_form import CHOICES
from config.errors import HariuError
from config.profile import profile
from store.open311 import CLOSED, MOST_ROWS, OPEN

LONGEST_BODY = 100_000  # bytes; 4,000 Cyrillic letters are 24,000 of them
LONGEST_TEXT = 4_000  # characters, as the specification says
SPAN = timedelta(days=90)
_MOST_FIELDS = 200
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")
# https://www.w3.org/TR/NOTE-datetime with its time zone; a + that nobody escaped comes as a space.
_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)T(?P<time>\d\d:\d\d(:\d\d)?)(\.\d+)?(?P<zone>Z|[+ -]\d\d:\d\d)",
    re.ASCII | re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


Problem = tuple[str, Mapping[str, object]]


class Refusal(HariuError):
    """What a program is told instead of an answer: HTTP status, and (text key, values) each."""

    code = "open311.refused"

    def __init__(self, status: int, *problems: Problem) -> None:
        super().__init__(f"refused with {status}")
        self.status, self.problems = status, problems


def refusal(status: int, key: str, **values: object) -> Refusal:
    """One problem; the text is ``open311.error.<key>``."""
    return Refusal(status, (key, values))


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: what it is for, and its JSON schema, by which it is also checked.

    ``many``: a list between commas, which may also be given in several pieces.
    """

    name: str
    about: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string", "maxLength": 200})
    required: bool = False
    many: bool = False


def _text(longest: int, **more: Any) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest, **more}


def _moment() -> dict[str, Any]:
    return {"type": "string", "format": "date-time", "maxLength": 40}


_CODE = _text(32, pattern="^[a-z0-9_]+$")
_REFERENCE = _text(12, pattern="^[0-9]+$")
_PHONE = r"^(\+|00)?[1-9]([ ()-]?[0-9]){7,14}$"  # what `store.phones.normalise` understands
_ATTRIBUTE = "attribute["
KEY = Parameter("api_key", "The key; rather send it in the header X-Api-Key.", {"type": "string"})


def common() -> tuple[Parameter, ...]:
    """What every page takes."""
    return (
        Parameter("jurisdiction_id", "May be left out: there is one jurisdiction here."),
        Parameter(
            "lang",
            "Language of names and notices; else Accept-Language decides.",
            {"type": "string", "enum": list(profile().languages)},
        ),
    )


def listing() -> tuple[Parameter, ...]:
    """What the list of requests takes."""
    return (
        *common(),
        Parameter("service_request_id", "These requests; all else is ignored then.", _REFERENCE,
                  many=True),
        Parameter("service_code", "Requests of these services.", _CODE, many=True),
        Parameter("start_date", "Earliest; with end_date 90 days at most.", _moment()),
        Parameter("end_date", "Latest; without both, the last 90 days.", _moment()),
        Parameter("status", "Requests of this state.",
                  {"type": "string", "enum": [OPEN, CLOSED]}, many=True),
    )  # fmt: skip


def attributes() -> tuple[Parameter, ...]:
    """The questions of every service; none has to be answered."""
    choices = {
        "kind": ("What it is; a complaint, where nothing is said.", profile().kinds),
        "language": ("The language we write to the person in.", profile().languages),
        "contact_consent": (
            "How the person agreed that details are kept and used; else they are thrown away.",
            CHOICES["consent_by"],
        ),
    }
    return tuple(
        Parameter(f"{_ATTRIBUTE}{name}]", about, {"type": "string", "enum": list(values)})
        for name, (about, values) in choices.items()
    )


def filing() -> tuple[Parameter, ...]:
    """What a new request takes."""
    degrees = {"type": "number"}
    return (
        *common(),
        KEY,
        Parameter("service_code", "Of the list of services.", _CODE, required=True),
        Parameter("description", "What happened.", _text(LONGEST_TEXT, minLength=1), required=True),
        Parameter("lat", "WGS84; with long.", degrees | {"minimum": -90, "maximum": 90}),
        Parameter("long", "WGS84; with lat.", degrees | {"minimum": -180, "maximum": 180}),
        Parameter("address_string", "Where, in words.", _text(300)),
        Parameter("address_id", "A code of our list of places: darkhan-uul/darkhan.",
                  _text(64, pattern="^[a-z0-9/-]+$")),
        *attributes(),
        Parameter("first_name", "Given name of the person concerned.", _text(100)),
        Parameter("last_name", "Family name of the person concerned.", _text(100)),
        Parameter("email", "Of the person concerned.",
                  _text(200, pattern=r"^[^\s@#]+@[^\s@#]+\.[^\s@#]+$")),
        Parameter("phone", "Of the person concerned.", _text(40, pattern=_PHONE)),
        Parameter("media_url", "Not fetched; the notice says so.",
                  _text(2000, pattern=r"^https?://\S+$")),
        Parameter("device_id", "Not kept."),
        Parameter("account_id", "Not kept."),
    )  # fmt: skip


# -- reading ----------------------------------------------------------------------------------


def read(given: Mapping[str, Sequence[str]], known: Sequence[Parameter]) -> dict[str, str]:
    """The parameters among what was `sent`; `Refusal` names all that is wrong."""
    names = {item.name: item for item in known}
    problems: list[Problem] = [
        ("attribute", {"name": name})
        for name in given
        if name.startswith(_ATTRIBUTE) and name not in names
    ]
    found = {}
    for name, item in names.items():
        values = [value for piece in given.get(name, ()) for value in _split(piece, item)]
        problems += _problems(item, values)
        if values:
            found[name] = ",".join(values) if item.many else values[0]
    if problems:
        raise Refusal(400, *problems)
    return found


def sent(raw: bytes) -> dict[str, list[str]]:
    """What stands in ``raw``, a query or a form's body, by name; `Refusal` if it is not UTF-8."""
    try:
        pairs = parse_qsl(
            raw.decode("utf-8"), encoding="utf-8", errors="strict", max_num_fields=_MOST_FIELDS
        )
    except UnicodeDecodeError:
        raise refusal(400, "charset") from None
    except ValueError:
        raise refusal(400, "many") from None
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        bare = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
        if bare:  # "optional means that the response should be the same" for an empty one
            given.setdefault(name.removesuffix("[]"), []).append(bare)
    return given


def _split(piece: str, item: Parameter) -> Iterable[str]:
    return filter(None, map(str.strip, piece.split(","))) if item.many else (piece,)


def _problems(item: Parameter, values: Sequence[str]) -> Iterator[Problem]:
    name = item.name
    if not values and item.required:
        yield "missing", {"name": name}
    if len(values) > 1 and not item.many:
        yield "twice", {"name": name}
    if len(values) > MOST_ROWS:
        yield "many", {}
    for value in values:
        if len(value) > (longest := item.schema.get("maxLength", LONGEST_BODY)):
            yield "long", {"name": name, "n": longest}
        elif not _fits(value, item.schema):
            yield "wrong", {"name": name}


def _fits(value: str, schema: Mapping[str, Any]) -> bool:
    if schema["type"] == "number":
        number = float(value) if _NUMBER.fullmatch(value) else math.nan
        return bool(schema["minimum"] <= number <= schema["maximum"])
    if schema.get("format") == "date-time":
        return _parsed(value) is not None
    within = "enum" not in schema or value in schema["enum"]
    return within and ("pattern" not in schema or bool(re.fullmatch(schema["pattern"], value)))


def _parsed(value: str) -> datetime | None:
    """The moment; None where it is none. Years of no use are cut, so that zones can be added."""
    match = _MOMENT.fullmatch(value)
    if match is None:
        return None
    try:
        zone = match["zone"].upper().replace(" ", "+").replace("Z", "+00:00")
        found = datetime.fromisoformat(f"{match['day']}T{match['time']}{zone}")
    except ValueError:
        return None
    return found.replace(year=min(max(found.year, 1904), 2196))  # leap years, for 29 February


def moments(given: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """Start and end of the time asked for; `Refusal` where it is longer than 90 days."""
    start = _parsed(given.get("start_date", ""))
    end = _parsed(given.get("end_date", ""))
    if start is None:
        end = end or now
        return end - SPAN, end
    end = end or start + SPAN
    if not timedelta(0) <= end - start <= SPAN:
        raise refusal(400, "range", n=SPAN.days)
    return start, end
