"""How the doubles misbehave, as `POST /behave` says; see `Fault` and `Callbacks`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from secrets import SystemRandom
from threading import Event, Lock
from typing import Any

from flask import Blueprint, Response, jsonify, request

from channels.sandbox.calls import PROVIDERS, params_of

MODES = ("ok", "slow", "429", "500", "timeout", "garbage", "drop")
CALLBACKS = ("ordered", "late", "shuffled", "none", "failed")
# The provider's own code when a person has blocked us, and of an error that names none.
BLOCKED = {"telegram": 403, "graph": 551}
ERRORS = {"twilio": 21610, "graph": 551, "mail": 550, "gateway": 2}
WINDOW = 24 * 3600.0  # seconds a Messenger page may answer after a person's last message


@dataclass(frozen=True)
class Fault:
    """What befalls a share ``rate`` of a provider's calls.

    ``seconds`` is the wait of slow (then answered) and timeout (then dropped); ``accept`` says
    whether the provider did what it was asked to although its answer was lost or spoilt.
    """

    mode: str = "ok"
    rate: float = 1.0
    seconds: float = 0.0
    retry_after: int = 2
    accept: bool = True


@dataclass(frozen=True)
class Callbacks:
    """How Twilio reports what became of a message: order, seconds between reports, error code."""

    order: str = "ordered"
    delay: float = 0.3
    code: int = 30003


class BadSwitch(ValueError):
    """A `POST /behave` that means nothing here; the message says why."""


@dataclass
class Behaviour:
    """The present switches; safe to read and set from any thread."""

    faults: dict[str, Fault] = field(default_factory=dict)
    errors: dict[tuple[str, str], int] = field(default_factory=dict)
    callbacks: Callbacks = field(default_factory=Callbacks)
    window: float = WINDOW
    closing: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)
    _random: SystemRandom = field(default_factory=SystemRandom)

    def fault(self, provider: str) -> Fault | None:
        """What befalls this call, None if nothing."""
        fault = self.faults.get(provider)
        if fault is None or self._random.random() >= fault.rate:
            return None
        return fault

    def error(self, provider: str, address: str) -> int | None:
        """The provider's own error code that messages to ``address`` meet, None if none.

        A switch of address ``*`` meets everybody.
        """
        return self.errors.get((provider, address)) or self.errors.get((provider, "*"))

    def set(self, switch: dict[str, Any]) -> None:
        """Apply one switch as `POST /behave` takes it; raises `BadSwitch`."""
        provider = switch.get("provider")
        if provider not in PROVIDERS:
            raise BadSwitch(f"provider must be one of {', '.join(PROVIDERS)}")
        if "mode" not in switch and "callbacks" not in switch:
            raise BadSwitch("mode or callbacks is missing")
        with self._lock:
            if "callbacks" in switch:
                self._set_callbacks(provider, switch)
            if "mode" in switch:
                self._set_mode(provider, str(switch["mode"]), switch)

    def _set_callbacks(self, provider: str, switch: dict[str, Any]) -> None:
        order = switch["callbacks"]
        if provider != "twilio" or order not in CALLBACKS:
            raise BadSwitch(f"callbacks (of twilio) must be one of {', '.join(CALLBACKS)}")
        delay = _number(switch, "delay", 5.0 if order == "late" else 0.3)
        self.callbacks = Callbacks(order, delay, int(_number(switch, "code", 30003)))

    def _set_mode(self, provider: str, mode: str, switch: dict[str, Any]) -> None:
        if mode == "blocked" and provider in BLOCKED:
            self.errors[provider, _address(switch)] = BLOCKED[provider]
        elif mode == "error" and provider in ERRORS:
            self.errors[provider, _address(switch)] = int(_number(switch, "code", ERRORS[provider]))
        elif mode == "window" and provider == "graph":
            self.window = _number(switch, "seconds", WINDOW)
        elif mode == "ok" and "address" in switch:
            self.errors.pop((provider, _address(switch)), None)
        elif mode == "ok":
            self.faults.pop(provider, None)
            self.window = WINDOW if provider == "graph" else self.window
            self.errors = {key: code for key, code in self.errors.items() if key[0] != provider}
        elif mode in MODES:
            self.faults[provider] = _fault(mode, switch)
        else:
            raise BadSwitch(f"mode must be one of {', '.join(MODES)}")

    def shown(self) -> dict[str, Any]:
        """All switches as JSON."""
        return {
            "modes": {name: asdict(self.faults.get(name, Fault())) for name in PROVIDERS},
            "errors": [
                {"provider": provider, "address": address, "code": code}
                for (provider, address), code in self.errors.items()
            ],
            "callbacks": asdict(self.callbacks),
            "window": self.window,
        }


def _fault(mode: str, switch: dict[str, Any]) -> Fault:
    rate = _number(switch, "rate", 1.0)
    if not 0 <= rate <= 1:
        raise BadSwitch("rate must be from 0 to 1")
    accept = switch.get("accept", mode in ("slow", "drop", "timeout"))
    return Fault(
        mode,
        rate,
        _number(switch, "seconds", 60.0 if mode == "timeout" else 3.0),
        int(_number(switch, "retry_after", 2)),
        mode != "429" and str(accept).lower() in ("true", "1"),
    )


def _number(switch: dict[str, Any], name: str, default: float) -> float:
    try:
        return float(switch.get(name, default))
    except (TypeError, ValueError):
        raise BadSwitch(f"{name} must be a number") from None


def _address(switch: dict[str, Any]) -> str:
    if "address" not in switch:
        raise BadSwitch("address is missing")
    return str(switch["address"])


def blueprint(behaviour: Behaviour) -> Blueprint:
    """`GET /behave` and `POST /behave`."""
    routes = Blueprint("behave", __name__)

    @routes.get("/behave")
    def show() -> Response:
        return jsonify(behaviour.shown())

    @routes.post("/behave")
    def change() -> tuple[Response, int]:
        try:
            behaviour.set(params_of(request))
        except BadSwitch as error:
            return jsonify({"error": str(error)}), 400
        return jsonify(behaviour.shown()), 200

    return routes
