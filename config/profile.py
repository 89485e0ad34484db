"""Profiles: one TOML file holds all that differs between projects that Hariu serves."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from config.care import Approver, Bank, Retention
from config.errors import HariuError
from config.gateway import Gateway
from config.settings import settings
from config.voice import Voice

SHIPPED = Path(__file__).parent / "profiles"
# What an office may change in the desk; units go before the categories that name them.
OWN = (
    "units", "categories", "kind_spans", "stage_spans", "hours", "duty_officers", "approver",
    "resolvers",
)  # fmt: skip
_own: Mapping[str, Any] = {}
# The three western aimags keep a time of their own, one hour behind the capital.
WESTERN = {"bayan-ulgii": "Asia/Hovd", "khovd": "Asia/Hovd", "uvs": "Asia/Hovd"}


class ProfileError(HariuError):
    """The profile is missing or wrong; the message names file, field and problem."""

    code = "profile"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Model):
    """One name in the three languages."""

    mn: str
    kk: str
    en: str

    def of(self, language: str | None) -> str:
        return {"kk": self.kk, "en": self.en}.get(language or "mn", self.mn)


class Span(_Model):
    """A length of time: calendar ``days``, ``working_days`` or ``hours``."""

    amount: int = Field(gt=0)
    unit: Literal["days", "working_days", "hours"] = "days"


class Stage(_Model):
    """One stage of the procedure, who handles it and how long it may take."""

    number: int = Field(ge=1, le=4)
    name: Words
    who: Words
    span: Span | None = None


class Category(_Model):
    """What a grievance is about; ``span`` where it differs from the stage's."""

    code: str
    span: Span | None = None
    unit: str | None = None
    sensitive: bool = False


class Hours(_Model):
    """When a person answers: ISO weekdays 1 to 7, local times."""

    days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(min_length=1)
    opens: time
    closes: time


class Quiet(_Model):
    """Local times between which nobody is written to unasked; may pass midnight."""

    begins: time = time(21)
    ends: time = time(8)


class Resolver(_Model):
    """Who answers at stage 1 for a place (a code of the places list, or its aimag's)."""

    place: str
    officer: str


class Unit(_Model):
    """A unit of the organisation: which officers (logins) it has, for which places ("" = all)."""

    code: str
    name: Words
    officers: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


class Reminders(_Model):
    """When the clock speaks up by itself, in days unless said otherwise."""

    before: Span = Span(amount=3)
    before_hours: Span = Span(amount=3, unit="hours")
    late_before: Span = Span(amount=1)
    late_before_hours: Span = Span(amount=1, unit="hours")
    late_extension: Span = Span(amount=10)
    late_extension_hours: Span = Span(amount=24, unit="hours")
    question: int = Field(default=7, gt=0)
    rating: int = Field(default=3, gt=0)
    solved: tuple[int, ...] = (7, 30)
    digest: time = time(8, 30)


class Open311(_Model):
    """The pages for programs of others; ``jurisdiction`` is the id by which they know this one."""

    jurisdiction: str = Field(min_length=1, max_length=100)


class Organisation(_Model):
    """Who runs the mechanism and how people reach them by other ways."""

    name: Words
    project: Words
    phone: str
    email: str = ""
    address: Words
    website: str = ""


class Profile(_Model):
    """All that a project decides. Texts are in the catalogues, under ``config/locale``."""

    code: str
    zone: str
    languages: tuple[Literal["mn", "kk", "en"], ...]
    organisation: Organisation
    start_stage: int = 2
    stages: tuple[Stage, ...]
    kinds: tuple[str, ...]
    kind_spans: dict[str, Span] = {}
    categories: tuple[Category, ...]
    sensitive_span: Span | None = None
    extension: Span
    extensions: int = Field(default=1, ge=0)
    meeting_within: int = Field(default=10, gt=0)
    reminders: Reminders = Reminders()
    quiet: Quiet = Quiet()
    duty_officers: tuple[str, ...] = ()
    resolvers: tuple[Resolver, ...] = ()
    units: tuple[Unit, ...] = ()
    speakers: dict[str, tuple[str, ...]] = {}
    tracks: tuple[str, ...] = ("project", "petition")
    hours: Hours
    zones: dict[str, str] = WESTERN
    extra_holidays: dict[date, str] = {}
    routes: dict[str, str] = {}
    # Whose figures the public page shows; none: there is no such page.
    open_figures: tuple[Literal["year", "half_year", "quarter"], ...] = ("half_year", "year")
    voice: Voice = Voice()
    routes_short: str = ""
    approver: Approver | None = None
    bank: Bank = Bank()
    # None: there are no such pages.
    open311: Open311 | None = None
    referrals: dict[str, str] = {}
    retention: Retention = Retention()
    gateways: dict[Annotated[str, StringConstraints(pattern="^[a-z0-9]{1,24}$")], Gateway] = {}

    @model_validator(mode="after")
    def _sound(self) -> Profile:
        for name in (self.zone, *self.zones.values()):
            ZoneInfo(name)
        numbers = [stage.number for stage in self.stages]
        if sorted(numbers) != numbers or self.start_stage not in numbers:
            raise ValueError("stages must be in order and hold start_stage")
        if self.stage(self.start_stage).span is None:
            raise ValueError("the first stage needs a span")
        units = {unit.code for unit in self.units}
        if unknown := {item.unit for item in self.categories if item.unit} - units:
            raise ValueError(f"categories name units that are not there: {sorted(unknown)}")
        return self

    def stage(self, number: int) -> Stage:
        """The stage of that number; `ProfileError` where the procedure has none."""
        for stage in self.stages:
            if stage.number == number:
                return stage
        raise ProfileError(f"profile {self.code} has no stage {number}")

    def next_stage(self, number: int) -> Stage | None:
        """The stage after ``number``, or None after the last."""
        later = [stage for stage in self.stages if stage.number > number]
        return later[0] if later else None

    def category(self, code: str | None) -> Category | None:
        return next((item for item in self.categories if item.code == code), None)

    def span(
        self, stage: int, category: str | None, kind: str, *, sensitive: bool = False
    ) -> Span | None:
        """How long an answer may take.

        Until an appeal the sensitive lane's, the kind's or the category's own time goes before the
        stage's; after it the stage's alone counts.
        """
        if stage <= self.start_stage:
            found = self.category(category)
            own = self.kind_spans.get(kind) or (found.span if found else None)
            if sensitive:
                own = self.sensitive_span
            if own:
                return own
        return self.stage(stage).span

    def resolver(self, place: str | None) -> str | None:
        """The login of who answers at stage 1 for ``place``, the most exact entry first."""
        fitting = [item for item in self.resolvers if within(place, item.place)]
        return max(fitting, key=lambda item: len(item.place)).officer if fitting else None

    def first_stage(self, place: str | None) -> int:
        """Stage 1 where somebody local resolves, else the stage of the project itself."""
        has_local = any(stage.number == 1 for stage in self.stages)
        return 1 if has_local and self.resolver(place) else self.start_stage

    def zone_of(self, place: str | None) -> str:
        """The name of the time zone at ``place`` (``bayan-ulgii/tsengel``)."""
        return self.zones.get((place or "").split("/")[0], self.zone)

    def zone_at(self, place: str | None) -> ZoneInfo:
        """The local time people at ``place`` read dates in."""
        return ZoneInfo(self.zone_of(place))

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def within(place: str | None, area: str) -> bool:
    """Whether ``place`` is ``area`` or lies in it; "" is everywhere."""
    return not area or place == area or bool(place and place.startswith(f"{area}/"))


def load(name: str) -> Profile:
    """Read the shipped profile ``name`` or the TOML file at that path."""
    path = Path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    try:
        return Profile.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        shipped = ", ".join(sorted(item.stem for item in SHIPPED.glob("*.toml")))
        raise ProfileError(f"no profile {name}: use one of {shipped}, or a TOML file") from None
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ProfileError(f"profile {path.name}: {error}") from None


@cache
def profile() -> Profile:
    """The profile of this process, with what the office changed in the desk."""
    return with_own(load(settings().profile), _own)


def with_own(base: Profile, own: Mapping[str, Any]) -> Profile:
    """``base`` with sections of `OWN` in the place of its own.

    ``stage_spans`` maps the number of a stage, as text, to its span or None; names of stages stay.

    Raises:
        ValidationError: the whole would not be a sound profile.
    """
    spans = own.get("stage_spans", {})
    stages = [
        dict(stage) | {"span": spans.get(str(stage.number), stage.span)} for stage in base.stages
    ]
    rest = {name: value for name, value in own.items() if name != "stage_spans"}
    return Profile.model_validate(dict(base) | {"stages": stages} | rest)


def set_own(own: Mapping[str, Any]) -> list[str]:
    """Replace what the office changed in the desk, for this process.

    Returns the sections left out because they do not go with the file as it is now.
    """
    global _own
    if own == _own:
        return []
    base, good = load(settings().profile), dict[str, Any]()
    for section in sorted(own, key=OWN.index):
        try:
            with_own(base, good | {section: own[section]})
        except ValidationError:
            continue
        good[section] = own[section]
    _own = good
    profile.cache_clear()
    return sorted(own.keys() - good.keys())
