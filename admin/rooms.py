"""The rooms of the desk around its queue and its grievances."""

from __future__ import annotations

from flask import Blueprint

from admin import guide, office, replies, reports

ROOMS: tuple[Blueprint, ...] = (
    guide.blueprint,
    office.blueprint,
    replies.blueprint,
    reports.blueprint,
)
