"""The rooms of the desk around its queue and its grievances."""

from __future__ import annotations

from flask import Blueprint

from admin import (
    bulk,
    casefile,
    dashboard,
    forum,
    guide,
    hooks,
    links,
    office,
    project,
    replies,
    reports,
    staff,
)

ROOMS: tuple[Blueprint, ...] = (
    bulk.blueprint,
    casefile.blueprint,
    dashboard.blueprint,
    forum.blueprint,
    links.blueprint,
    guide.blueprint,
    hooks.blueprint,
    office.blueprint,
    project.blueprint,
    replies.blueprint,
    reports.blueprint,
    staff.blueprint,
)
