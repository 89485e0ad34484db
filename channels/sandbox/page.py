"""The page with the simulated phones; it works without JavaScript, and better with it."""

from __future__ import annotations

from flask import Blueprint

from channels.sandbox.phones import Phones
from channels.sandbox.world import World


def blueprint(world: World, phones: Phones) -> Blueprint:
    return Blueprint("page", __name__)
