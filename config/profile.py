"""Profiles: one TOML file holds all that differs between projects that Hariu serves."""

from __future__ import annotations

import tomllib
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from config.errors import HariuError
from config.gateway import Gateway
from config.settings import settings
from config.voice import Voice

SHIPPED = Path(__file__).parent / "profiles"


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

    days: tuple[int, ...]
    opens: time
    closes: time


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
    extension: Span
    hours: Hours
    extra_holidays: dict[date, str] = {}
    routes: dict[str, str] = {}
    voice: Voice = Voice()
    gateways: dict[Annotated[str, StringConstraints(pattern="^[a-z0-9]{1,24}$")], Gateway] = {}

    @model_validator(mode="after")
    def _sound(self) -> Profile:
        ZoneInfo(self.zone)
        numbers = [stage.number for stage in self.stages]
        if sorted(numbers) != numbers or self.start_stage not in numbers:
            raise ValueError("stages must be in order and hold start_stage")
        if self.stage(self.start_stage).span is None:
            raise ValueError("the first stage needs a span")
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

    def span(self, stage: int, category: str | None, kind: str) -> Span | None:
        """How long an answer may take: the kind's own time, else category's, else stage's."""
        found = self.category(category)
        first = stage == self.start_stage
        if first and kind in self.kind_spans:
            return self.kind_spans[kind]
        return (found.span if first and found else None) or self.stage(stage).span

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


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
    """The profile of this process."""
    return load(settings().profile)
